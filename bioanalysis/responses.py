"""Responses: what the curve is fitted to, one row per worklist row and analyte, for either platform.

Up to here LC-MS/MS and ELISA differ; from here on there is one road.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bioanalysis.instruments.plates import SATURATED
from bioanalysis.method import Analyte, Transition
from bioanalysis.study import Run

NO_PEAK = "no peak"
SHAPE = ("retention_time_min", "signal_to_noise", "asymmetry", "points")
SATURATED_FLAG = "saturated"
COLUMNS = [
    "analyte", "analyte_area", "internal_standard_area", "response", "no_value_reason", "no_peak", "peak_flags",
    "peak_flag_details",
    *SHAPE, "qualifier_ratio", "by_hand", "by_hand_only",
]  # fmt: skip


def responses_from_peaks(run: Run, peaks: pd.DataFrame) -> pd.DataFrame:
    """Return the area ratio to the internal standard (or the area, without one) of each injection and analyte.

    Parameters
    ----------
    peaks : DataFrame
        peaks.tsv of the run: position, transition, area (NaN where there is no peak), flags.

    Returns
    -------
    DataFrame
        Indexed like the worklist, once per analyte: `COLUMNS`. Shape is that of the quantifier's peak; flags of the
        internal standard's peak begin with 'is_'; qualifier_ratio is the first qualifier's area over the quantifier's;
        by_hand names the transitions of the analyte and its internal standard integrated by hand, by_hand_only those of
        them without an automatic area beside.
    """
    areas = peaks.assign(position=peaks.position.astype(str)).pivot(index="position", columns="transition")
    return pd.concat([_analyte_response(run, analyte, areas) for analyte in run.method.analytes])


def _analyte_response(run: Run, analyte: Analyte, areas: pd.DataFrame) -> pd.DataFrame:
    worklist = run.worklist
    here = areas.reindex(worklist.position.astype(str))
    name = run.method.quantifier(analyte.name).name
    rows = pd.DataFrame(index=worklist.index)
    rows["analyte"] = analyte.name
    rows["analyte_area"] = here[("area", name)].to_numpy(float)
    rows["internal_standard_area"] = np.nan
    rows["peak_flags"], rows["peak_flag_details"] = _texts(here, "flags", name), _texts(here, "flag_details", name)
    for column in SHAPE:
        rows[column] = _cells(here, column, name).where(rows.analyte_area.notna())
    rows["qualifier_ratio"] = _qualifier_area(run, analyte, here) / rows.analyte_area
    rows["by_hand"], rows["by_hand_only"] = _by_hand(run, analyte, here)
    divisor: np.ndarray | float = 1.0
    leader = run.method.internal_standard_quantifier(analyte.name)
    if leader is not None:
        standard = leader.name
        rows["internal_standard_area"] = areas_of_standard = here[("area", standard)].to_numpy(float)
        divisor = np.where(areas_of_standard > 0, areas_of_standard, np.nan)  # by hand an area may be 0 or less
    rows["response"] = rows.analyte_area / divisor
    acquired = (worklist.not_acquired_reason == "").to_numpy()
    no_standard = acquired & bool(analyte.internal_standard) & ~(rows.internal_standard_area > 0)
    rows["no_value_reason"] = np.where(no_standard, "no internal standard peak", "")
    rows.loc[~acquired, "no_value_reason"] = "not acquired: " + worklist.not_acquired_reason[~acquired]
    rows["no_peak"] = acquired & rows.analyte_area.isna()
    rows["peak_flags"] = np.where(rows.no_peak, "", rows.peak_flags)
    return _with_standard_flags(rows, here, leader)[COLUMNS]


def _with_standard_flags(rows: pd.DataFrame, areas: pd.DataFrame, standard: Transition | None) -> pd.DataFrame:
    """Add the flags of the internal standard's peak, each with 'is_' before it: the response is no better than both."""
    if standard is None:
        return rows
    marked = {"peak_flags": (";", "flags"), "peak_flag_details": ("; ", "flag_details")}
    for column, (separator, source) in marked.items():
        texts = _texts(areas, source, standard.name)
        ours = [separator.join(f"is_{word}" for word in text.split(separator) if word) for text in texts]
        rows[column] = [separator.join(filter(None, pair)) for pair in zip(rows[column], ours, strict=True)]
    return rows


def _texts(areas: pd.DataFrame, column: str, transition: str) -> np.ndarray:
    """Return one column of text of one transition; empty where the peaks do not hold it."""
    held = (column, transition) in areas
    return areas[(column, transition)].fillna("").to_numpy(str) if held else np.full(len(areas), "")


def _cells(areas: pd.DataFrame, column: str, transition: str) -> pd.Series:
    """Return one column of one transition, indexed like the worklist; NaN where the peaks do not hold it."""
    cells = areas[(column, transition)] if (column, transition) in areas else np.full(len(areas), np.nan)
    return pd.Series(np.asarray(cells, float), index=range(len(areas)))


def _qualifier_area(run: Run, analyte: Analyte, areas: pd.DataFrame) -> pd.Series:
    qualifiers = [t.name for t in run.method.transitions if t.analyte == analyte.name and t.role == "qualifier"]
    return _cells(areas, "area", qualifiers[0] if qualifiers else "")


def _by_hand(run: Run, analyte: Analyte, areas: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the names of the transitions integrated by hand, and of those that have no automatic area beside."""
    substances = {analyte.name, analyte.internal_standard} - {None}
    names = [t.name for t in run.method.transitions if (t.analyte or t.internal_standard) in substances]
    manual = pd.DataFrame({name: _cells(areas, "manual", name) == 1 for name in names})
    alone = manual & pd.DataFrame({name: _cells(areas, "automatic_area", name).isna() for name in names})
    return _named(manual), _named(alone)


def _named(marks: pd.DataFrame) -> list[str]:
    """Return the names of the marked columns of each row, joined by ';'."""
    names = [""] * len(marks)
    for row in np.flatnonzero(marks.to_numpy().any(axis=1)):
        names[row] = ";".join(marks.columns[marks.to_numpy()[row]])
    return names


def responses_from_wells(run: Run, wells: pd.DataFrame) -> pd.DataFrame:
    """Return the signal of each well as response; wells without a number keep the reader's word as reason.

    Parameters
    ----------
    wells : DataFrame
        One row per analyte and worklist row, analyte by analyte: analyte, signal (NaN where there is none), word (what
        stood instead; ``SATURATED`` beside a number at the reader's limit, which becomes the flag `saturated`).
    """
    return pd.concat([_well_response(run, name, wells[wells.analyte == name]) for name in run.method.analyte_names])


def _well_response(run: Run, analyte: str, wells: pd.DataFrame) -> pd.DataFrame:
    worklist = run.worklist
    wells = wells.set_axis(worklist.index)
    acquired = worklist.not_acquired_reason == ""
    missing = wells.signal.isna() & acquired
    reason = np.where(missing, "well without a number: " + wells.word.replace("", "empty"), "")
    reason = np.where(acquired, reason, "not acquired: " + worklist.not_acquired_reason)
    saturated = acquired & wells.signal.notna() & (wells.word == SATURATED)
    rows = pd.DataFrame(
        {
            "analyte_area": np.nan, "internal_standard_area": np.nan, "response": wells.signal.where(acquired),
            "no_value_reason": reason, "no_peak": False, "peak_flags": np.where(saturated, SATURATED_FLAG, ""),
            **dict.fromkeys(SHAPE, np.nan),
            "qualifier_ratio": np.nan, "by_hand": "", "by_hand_only": "", "peak_flag_details": "",
        },
        index=worklist.index,
    )  # fmt: skip
    return rows.assign(analyte=analyte)[COLUMNS]
