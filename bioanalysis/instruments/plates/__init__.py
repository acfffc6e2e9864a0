"""Plate-reader exports: wells with their signals, whatever the software that wrote them."""

from bioanalysis.instruments.plates.match import match_wells
from bioanalysis.instruments.plates.read import READERS, read_plates
from bioanalysis.instruments.plates.reading import SATURATED, PlateReading, signal_of

__all__ = ["READERS", "SATURATED", "PlateReading", "match_wells", "read_plates", "signal_of"]
