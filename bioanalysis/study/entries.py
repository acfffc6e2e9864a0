"""Masses and volumes of samples entered by hand: by whom, and whether a second person checked them."""

from __future__ import annotations

import pandas as pd

from bioanalysis.errors import Fault
from bioanalysis.persons import is_nobody, person
from bioanalysis.study.reading import Rows
from bioanalysis.study.schema import BY_HAND, FROM_INSTRUMENT

A_NAME = "a name or initials, or nothing where there is nobody"
MEASURED = ("tissue_mass_mg", "buffer_volume_ul", "homogenate_volume_ul", "buffer_mass_mg", "organ_weight_g")


def entry_faults(samples: Rows) -> list[Fault]:
    """Who checks is a second person, and what an instrument wrote nobody entered."""
    entries, entered, checked = (samples.cells(name) for name in ("entry", "entered_by", "checked_by"))
    people = list(zip(entered, checked, strict=True))
    alone = [bool(one) and person(one) == person(other) for one, other in people]
    instrument = [entry == FROM_INSTRUMENT for entry in entries]
    unnamed = [
        bool(other) and not one and not machine for (one, other), machine in zip(people, instrument, strict=True)
    ]
    written = [machine and bool(one) for machine, one in zip(instrument, entered, strict=True)]
    return [
        *(fault for name in ("entered_by", "checked_by") for fault in _no_names(samples, name)),
        *samples.faults(alone, "checked_by", "a second person, not the one who entered it"),
        *samples.faults(unnamed, "entered_by", "who entered what was checked"),
        *samples.faults(written, "entered_by", f"nobody, or the entry {BY_HAND}: '{FROM_INSTRUMENT}' is written down"),
    ]


def _no_names(table: Rows, column: str, expected: str = A_NAME) -> list[Fault]:
    names = table.cells(column)
    return table.faults([bool(name) and is_nobody(name) for name in names], column, expected)


def people_faults(runs: Rows) -> list[Fault]:
    """Who analysed, extracted and reviewed are persons: nobody else could be told from the one who signs."""
    others = [fault for name in ("extracted_by", "reviewed_by") for fault in _no_names(runs, name)]
    return [*_no_names(runs, "analyst", "a name or initials"), *others]


def by_hand(samples: pd.DataFrame) -> pd.DataFrame:
    """Return the samples whose mass or volume is said to be entered by hand, with `checked` (bool)."""
    said = (samples.entry == BY_HAND) | (samples.entered_by != "")
    rows = samples[said & samples[list(MEASURED)].notna().any(axis=1)]
    return rows.assign(checked=rows.checked_by != "")
