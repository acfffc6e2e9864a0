"""What a plate-reader export holds, and the signal a method wants of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.plates.softmax import REDUCED
from bioanalysis.words import count_of

SATURATED = "SATURATED"


@dataclass(frozen=True)
class PlateReading:
    """Everything read from one export.

    Parameters
    ----------
    wells : DataFrame
        Columns plate, well (`A1`), wavelength_nm (NaN where the file tells none), channel (the assay or spot of a
        multiplex plate, `reduced` for values the reader software calculated from several wavelengths, else empty),
        signal (NaN where none) and word (what stood instead of a number, `empty` for an empty cell; else empty).
    layout : DataFrame
        Columns plate, well, name, kind (standard, control, unknown, blank or empty) and nominal, as the file itself
        says; empty where it says nothing.
    unread : tuple of str
        Parts of the file that were not understood, with their line.
    notes : tuple of str
        What a reader of the report should know of the file.
    reader : str
        The format that was recognised.
    name : str
        The file as the user knows it.
    """

    wells: pd.DataFrame
    layout: pd.DataFrame
    unread: tuple[str, ...] = ()
    reader: str = ""
    notes: tuple[str, ...] = field(default=())
    name: str = ""

    @property
    def plates(self) -> tuple[str, ...]:
        """Plate labels in the order of the file."""
        return tuple(self.wells["plate"].drop_duplicates())


def signal_of(
    wells: pd.DataFrame,
    wavelength_nm: float | None = None,
    reference_wavelength_nm: float | None = None,
    *,
    channel: str | None = None,
    saturation_signal: float | None = None,
    name: str = "plate file",
) -> pd.DataFrame:
    """Return the one signal of each well that a method asks for: a reading, or a reading minus its reference.

    Parameters
    ----------
    wells : DataFrame
        `PlateReading.wells`.
    wavelength_nm, reference_wavelength_nm : float, optional
        Without a wavelength the file must hold one reading per well, or values its software reduced to one.
        A file that holds nothing but reduced values is taken as it is: the reference was subtracted there.
    channel : str, optional
        Assay or spot of a multiplex plate.
    saturation_signal : float, optional
        The reader's limit: a reading at or above it (before a reference is subtracted) gets the word ``SATURATED``
        beside its number.
    name : str, default="plate file"
        Name of the file in messages.

    Returns
    -------
    DataFrame
        Columns plate, well, signal, word, in the order of the file.

    Raises
    ------
    BatchError
        Where the file lacks the wavelength or channel, or holds several and none was asked for.
    """
    chosen = _channel(wells, channel, wavelength_nm, name)
    if (chosen["channel"] == REDUCED).all():
        return _marked(chosen[["plate", "well", "signal", "word"]].reset_index(drop=True), saturation_signal)
    reading = _marked(_at(chosen, wavelength_nm, name), saturation_signal)
    if reference_wavelength_nm is None:
        return reading
    both = reading.merge(
        _at(chosen, reference_wavelength_nm, name), on=["plate", "well"], how="left", suffixes=("", "_r")
    )
    word = both["word"].where(both["word"] != "", both["word_r"].fillna("no reference reading"))
    return pd.DataFrame(
        {"plate": both["plate"], "well": both["well"], "signal": both["signal"] - both["signal_r"], "word": word}
    )


def _marked(wells: pd.DataFrame, saturation_signal: float | None) -> pd.DataFrame:
    """Return the readings with the word of those at or above the reader's limit."""
    if saturation_signal is None:
        return wells
    return wells.assign(word=wells["word"].where(~(wells["signal"] >= saturation_signal), SATURATED))


def _channel(wells: pd.DataFrame, channel: str | None, wavelength_nm: float | None, name: str) -> pd.DataFrame:
    """Return the rows of one channel; among raw and reduced values, raw where a wavelength is asked for."""
    channels = list(wells["channel"].drop_duplicates())
    if channel is None and set(channels) == {"", REDUCED}:
        channel = "" if wavelength_nm is not None else REDUCED
    if channel is None and len(channels) == 1:
        return wells
    if channel not in channels:
        found = "several readings of each well" if channel is None else f"no reading '{channel}'"
        raise BatchError([Fault(name, found, f"a choice of one of {_listed(channels)}")])
    return wells[wells["channel"] == channel]


def _at(wells: pd.DataFrame, wavelength_nm: float | None, name: str) -> pd.DataFrame:
    """Return the readings at one wavelength."""
    present = list(wells["wavelength_nm"].drop_duplicates())
    if wavelength_nm is None:
        rows = np.ones(len(wells), dtype=bool)
        if len(present) > 1:
            raise BatchError([_several(wells, present, name)])
    else:
        rows = np.isclose(wells["wavelength_nm"], wavelength_nm, rtol=0, atol=0.5)
        if not rows.any():
            found = "no wavelength given" if pd.isna(present).all() else f"readings at {_listed(present)} nm"
            raise BatchError([Fault(name, found, f"readings at {wavelength_nm:g} nm, as the method asks")])
    return wells.loc[rows, ["plate", "well", "signal", "word"]].reset_index(drop=True)


def _several(wells: pd.DataFrame, present: list[float], name: str) -> Fault:
    """Return the fault of readings at several wavelengths, or of some that tell theirs beside others that do not."""
    told = [value for value in present if not np.isnan(value)]
    if len(told) == len(present):
        return Fault(name, f"readings at {_listed(told)} nm", "a method that names the wavelength")
    bare = wells[wells["wavelength_nm"].isna()]
    first = f"{bare['plate'].iloc[0]} {bare['well'].iloc[0]}".strip()
    found = f"{count_of(len(bare), 'reading')} without a wavelength ({first} first), beside those at {_listed(told)} nm"
    return Fault(name, found, "the whole file as exported, or a method that names the wavelength")


def _listed(values: Sequence[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float) else f"'{value}'" for value in values)
