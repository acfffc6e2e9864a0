"""Tables that the document of a study and that of a method validation share, and the chromatograms of both."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioanalysis.instruments.traces import RunTraces
from bioanalysis.report.figures import stand_alone
from bioanalysis.report.heads import head
from bioanalysis.report.plots import trace
from bioanalysis.report.said import said
from bioanalysis.report.sections import NAMES, NUMBER, shown_cell
from bioanalysis.study import Run, Study
from bioanalysis.tables import read_columns_of
from bioanalysis.words import STUDY_SAMPLES

LONG = 36
OF_CONTROLS = ("sample_type", "analyte", "level", "tissue", "bias_percent", "status")
OF_PEAKS = ("position", "transition", "left_min", "right_min")
LABELS = {head(name) for name in NAMES}


@dataclass
class _Seen:
    """What is known of the cells of a column once all have been seen."""

    long: bool = False
    numbers: bool = False
    other_digits: bool = False

    def take(self, cell: str) -> None:
        """Take one cell into account."""
        self.long = self.long or len(cell) > LONG
        if NUMBER.fullmatch(cell):
            self.numbers = True
        elif not self.other_digits:
            self.other_digits = any(sign.isdigit() for sign in cell)

    @property
    def holds_numbers(self) -> bool:
        """Whether the column is one of numbers, as `sections.holds_numbers` says."""
        return self.numbers and not self.other_digits


def section(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, note: str = "", footnotes: Sequence[str] = (),
    wide: Sequence[str] = (), landscape: bool = False, size: float = 8.5,
) -> dict[str, Any]:  # fmt: skip
    """Return one table; `wide` columns, and those with a long cell, share the room that the others leave.

    `rows` are gone through once here and once when they are set: an iterable that makes them anew each time need not
    hold them.
    """
    count, seen = 0, [_Seen() for _ in columns]
    for row in rows:
        count += 1
        for column, cell in zip(seen, row, strict=True):
            column.take(cell)
    return {
        "title": title, "columns": list(columns), "rows": rows, "count": count, "note": note if count else "none",
        "footnotes": list(footnotes) if count else [], "landscape": landscape, "size": size,
        "widths": [int(name in wide or column.long) for name, column in zip(columns, seen, strict=True)],
        "align": ["right" if name not in LABELS and column.holds_numbers else "left"
                  for name, column in zip(columns, seen, strict=True)],
    }  # fmt: skip


def listed(title: str, table: pd.DataFrame, names: Sequence[str] | None = None, **settings: Any) -> dict[str, Any]:
    """Return a result table as the pages show it, in words; columns with nothing in them are left out.

    Parameters
    ----------
    names : list of str, optional
        Columns in order; all where not given.
    settings
        As for `section`.
    """
    there = [name for name in (names or table.columns) if name in table]
    filled = [name for name in there if any(shown_cell(cell, name).text for cell in table[name])]
    return section(title, [head(name) for name in filled], _InWords(table[filled]), **settings)


@dataclass(frozen=True)
class _InWords:
    """The rows of a table as the pages show them, made anew each time."""

    table: pd.DataFrame

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        names = list(self.table)
        for row in zip(*(self.table[name] for name in names), strict=True):
            yield tuple(shown_cell(cell, name).text for cell, name in zip(row, names, strict=True))


def columns_of(path: Path, *names: str) -> pd.DataFrame:
    """Return these columns of a result table as text; those it lacks, or all where there is none, are empty."""
    table = read_columns_of(path, names) if path.is_file() else pd.DataFrame(columns=list(names), dtype="str")
    return table.assign(**{name: "" for name in names if name not in table})


def runs_table(study: Study) -> dict[str, Any]:
    rows = [
        (run.run_id, run.method.method_id, run.run_date[:10], run.analyst, run.instrument or "not given",
         str(run.worklist.sample_id[run.worklist.sample_type.isin(STUDY_SAMPLES)].nunique()))  # wells are no samples
        for run in study.runs
    ]  # fmt: skip
    return section("Runs", ["run", "method", "date", "analyst", "instrument", "samples"], rows)


def methods_table(study: Study) -> dict[str, Any]:
    rows = []
    for method in study.methods.values():
        spans = "; ".join(
            f"{a.name} {a.lloq_ng_ml:g} to {a.uloq_ng_ml:g} {method.unit}, "
            f"{a.calibration.model} {a.calibration.weighting}"
            for a in method.analytes
        )
        report = method.validation.report if method.validation else "not given"
        basis = method.concentration_basis.replace("_", " ")
        correction = method.extraction.recovery_correction.replace("_", " ")
        rows.append((method.method_id, method.version, spans, basis, correction, report, method.digest[:16]))
    columns = ["method", "version", "range and curve", "basis", "recovery correction", "validation", "digest"]
    return section("Methods", columns, rows, wide=["range and curve", "recovery correction"])


def controls_table(study: Study, results: Path) -> dict[str, Any]:
    """QCs per run and level, those outside their limits included."""
    rows = []
    for run in study.runs:
        table = read_columns_of(results / "runs" / run.run_id / "measurements.tsv", OF_CONTROLS)
        table = table[table.sample_type.isin(["qc", "dilution_qc"])]
        for (analyte, level, tissue), here in table.groupby(["analyte", "level", "tissue"], sort=False):
            bias = pd.to_numeric(here.bias_percent, errors="coerce")  # a QC without a value has none
            rows.append((run.run_id, analyte, level, tissue, str(len(here)), str(int((here.status == "pass").sum())),
                         "" if bias.isna().all() else f"{bias.mean():+.1f}"))  # fmt: skip
    columns = ["run", "analyte", "level", "tissue", "n", "inside", "mean bias %"]
    return section("Quality controls", columns, rows, footnotes=["Bias = 100 (found - nominal) / nominal."])


def flags_table(table: pd.DataFrame) -> dict[str, Any]:
    here = table[table.state == "open"]
    counted = here.groupby(["flag", "run_id", "tissue", "meaning"], sort=False).size().reset_index(name="flags")
    rows = [(said(word), *map(str, row)) for word, *row in counted.itertuples(index=False)]
    return section("Open flags", ["flag", "run", "tissue", "meaning", "flags"], rows, wide=["meaning"])


def decisions_table(study: Study) -> dict[str, Any]:
    names = [
        "decision_id",
        "action",
        "run_id",
        "position",
        "sample_id",
        "reason_code",
        "reason",
        "author",
        "decided_at",
    ]
    return listed("Decisions", study.decisions, names, wide=["reason"], size=7.5)


def chromatogram_note(study: Study, results: Path) -> str:
    """Return how many injections are shown of how many, and how they were chosen."""
    share, seed = study.config.report.chromatogram_percent, study.config.report.chromatogram_seed
    totals = [len(_positions(results, run.run_id)) for run in _with_traces(study)]
    chosen = sum(_number(share, total) for total in totals)
    return (
        f"{chosen} of {sum(totals)} injections ({share:g} % of each run, rounded up), drawn by seed {seed}. "
        "Dashed: boundaries of the peak. All chromatograms stand in the reports of the runs."
    )


def chromatograms(study: Study, results: Path) -> Iterator[dict[str, str]]:
    """Yield the traces of a share of the injections of each run, drawn by a seed."""
    share, seed = study.config.report.chromatogram_percent, study.config.report.chromatogram_seed
    for run in _with_traces(study):
        traces = RunTraces.load(_traces_of(results, run.run_id))
        total = len(traces.positions)
        picked = sorted(random.Random(f"{seed} {run.run_id}").sample(range(total), _number(share, total)))
        peaks = read_columns_of(results / "runs" / run.run_id / "peaks.tsv", OF_PEAKS)
        yield from _pictures(run.run_id, traces, picked, peaks)


def _with_traces(study: Study) -> list[Run]:
    return [run for run in study.runs if run.platform == "lcms"]


def _traces_of(results: Path, run_id: str) -> Path:
    return results.parent / "work" / run_id / "traces.npz"


def _positions(results: Path, run_id: str) -> NDArray[np.str_]:
    """Return the injections of a run without its traces."""
    with np.load(_traces_of(results, run_id), allow_pickle=False) as stored:
        return stored["positions"]


def _number(share_percent: float, total: int) -> int:
    return math.ceil(share_percent / 100 * total)


def _pictures(run_id: str, traces: RunTraces, picked: list[int], peaks: pd.DataFrame) -> Iterator[dict[str, str]]:
    bounds = {(p.position, p.transition): (p.left_min, p.right_min) for p in peaks.itertuples()}
    for i in picked:
        for k, name in enumerate(traces.transitions):
            left, right = (float(b or "nan") for b in bounds.get((str(traces.positions[i]), str(name)), ("", "")))
            time, counts = traces.trace(i, k)
            title = f"{run_id} {traces.positions[i]} {name}"
            svg = trace(time.tolist(), counts.tolist(), left, right, title)
            if svg:
                yield {"svg": stand_alone(svg, title), "caption": title}
