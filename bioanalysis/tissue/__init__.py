"""From homogenate to tissue: recovery, dilution, concentration in the organ and its uncertainty."""

from bioanalysis.recovery.estimates import extraction_recovery, extraction_scatter, shrink_recovery
from bioanalysis.tissue.concentration import tissue_concentration

__all__ = ["extraction_recovery", "extraction_scatter", "shrink_recovery", "tissue_concentration"]
