"""From traces to peak areas."""

from bioanalysis.chromatography.integration import Peak, integrate
from bioanalysis.chromatography.run import check_manual, integrate_run
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.oligonucleotides import oligonucleotide_mass

__all__ = ["IntegrationSettings", "Peak", "check_manual", "integrate", "integrate_run", "oligonucleotide_mass"]
