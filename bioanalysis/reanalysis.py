"""Which samples are analysed again: a seeded selection over tissues, groups and days, written as part of a worklist."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.acceptance.incurred import required_number
from bioanalysis.errors import BatchError, Fault
from bioanalysis.limits import limits_for
from bioanalysis.results import read_table
from bioanalysis.study import Study
from bioanalysis.tables import write_table
from bioanalysis.words import NOT_ANALYSED, QUANTIFIED

RESULTS = "results/study/tissue_concentrations.tsv"
FOLDER = "incurred"
CELLS = ["tissue", "group", "collection_day"]
PART = ["position", "sample_type", "sample_id", "dilution_factor", "tissue"]


def write_selections(folder: Path, seed: int, share: Fraction | None = None) -> list[str]:
    """Draw the incurred samples of each method, write one part of a worklist per method, return what was done.

    Parameters
    ----------
    seed : int
        The same seed and results give the same selection.
    share : Fraction, optional
        Share of the analysed samples to be drawn, where it is more than ISR-01 asks for.

    Raises
    ------
    BatchError
        Where there are no results, nothing is quantified, or a file to be written exists: nothing is written then.
    """
    study = Study.load(folder)
    reported = _reported(folder)
    parts = {
        f"{FOLDER}/{name}_seed-{seed}.tsv": (name, reported[reported.method_id == name])
        for name in {run.method.method_id: None for run in study.runs}
    }
    faults = [
        Fault(path, "exists already", "no such file: a selection is never overwritten (another --seed)")
        for path in parts
        if (folder / path).exists()
    ]
    if faults:
        raise BatchError(faults)
    said = []
    for path, (name, rows) in parts.items():
        dosed = rows[(rows.status == QUANTIFIED) & (rows.treatment != "vehicle")]
        quantified = dosed.drop_duplicates("sample_id")
        n_analysed = rows[rows.status != NOT_ANALYSED].sample_id.nunique()
        if quantified.empty:
            said.append(f"{name}: nothing quantified, nothing drawn")
            continue
        rule = limits_for(study.methods[name])["ISR-01"]
        asked = max(required_number(n_analysed, rule), math.ceil((share or 0) * n_analysed))
        chosen = select_incurred(quantified, asked, seed)
        write_table(worklist_part(chosen), folder / path)
        said.append(f"{name}: {len(chosen)} of {n_analysed} analysed samples ({asked} asked for) in {folder / path}")
    return said


def _reported(folder: Path) -> pd.DataFrame:
    """Return the reported results, one row per sample and method; BatchError where there are none to choose from."""
    path = folder / RESULTS
    if not path.is_file():
        raise BatchError([Fault(RESULTS, "missing", "results to choose from: run `bioanalysis run` first")])
    table = read_table(path)
    if not (table.status == QUANTIFIED).any():
        expected = "a quantified sample: only a reported value can be analysed again"
        raise BatchError([Fault(RESULTS, "nothing is quantified yet", expected)])
    return table


def select_incurred(quantified: pd.DataFrame, number: int, seed: int) -> pd.DataFrame:
    """Return `number` of the quantified samples, or one of each cell where there are more cells.

    Parameters
    ----------
    quantified : DataFrame
        One row per sample: sample_id, tissue, group, collection_day, value.

    Notes
    -----
    Samples are put in an order that hangs on the seed and their own name alone (SHA-256 of both). Each cell (tissue,
    group, day) is split at its median into a high half (near Cmax) and a low one; cells take turns to give one sample,
    from either half in turn, neighbouring cells beginning with different halves (which with which, by the seed).
    """
    cells = [here for _, here in quantified.sort_values("sample_id").groupby(CELLS, sort=True)]
    queues = [_queue(here, seed, high_first=(place + seed) % 2 == 0) for place, here in enumerate(cells)]
    wanted = min(max(number, len(cells)), len(quantified))
    turns = [queue[turn] for turn in range(max(map(len, queues))) for queue in queues if turn < len(queue)]
    return quantified.loc[turns[:wanted]]


def _queue(cell: pd.DataFrame, seed: int, *, high_first: bool) -> list[int]:
    """Return the rows of one cell in the order in which they are drawn: its halves in turn."""
    order = [hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest() for name in cell.sample_id]
    drawn = cell.assign(order=order).sort_values("order")
    is_high = drawn.value >= drawn.value.median()
    halves = [list(drawn.index[is_high == half]) for half in (high_first, not high_first)]
    longest = max(map(len, halves))
    return [half[turn] for turn in range(longest) for half in halves if turn < len(half)]


def worklist_part(chosen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a worklist for the chosen samples; position (and file or plate) are left to the laboratory."""
    part = chosen.assign(position="", sample_type="incurred", dilution_factor=chosen.dilution_factor.astype(float))
    part["dilution_factor"] = [f"{factor:g}" if np.isfinite(factor) else "" for factor in part.dilution_factor]
    return part[PART]


def share_of(text: str) -> Fraction:
    """Return a share such as 0.2, 1/5 or 20% as an exact fraction; BatchError where it is none between 0 and 1."""
    try:
        share = Fraction(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        share = Fraction(-1)
    if not 0 < share <= 1:
        raise BatchError([Fault("--share", f"'{text}'", "a share of the samples such as 0.2 or 20%")])
    return share
