"""Notes on what worklists say that is no fault and more often than not a slip of the hand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bioanalysis.text_files import listed
from bioanalysis.words import count_of

if TYPE_CHECKING:
    from bioanalysis.study.load import Study
    from bioanalysis.study.run import Run

PREPARED = ("calibrator", "anchor", "qc")  # dilution QCs of one name may be prepared for several factors
NOMINAL = "nominal_ng_ml"


def level_notes(study: Study) -> list[str]:
    """Levels of one run that were prepared at two concentrations, as where a digit was mistyped."""
    return [note for run in study.runs for note in _levels_of(run)]


def _levels_of(run: Run) -> Iterator[str]:
    """Read cells one by one: tables grouped and regrouped would take a second for every thirty runs."""
    rows = run.worklist
    for column in (name for name in rows if name.partition("[")[0] == NOMINAL):
        given: dict[tuple[str, ...], dict[float, int]] = {}
        cells = (rows[name].tolist() for name in ("sample_type", "level", "tissue", "plate", column, "line"))
        for kind, level, tissue, plate, value, line in zip(*cells, strict=True):
            if kind in PREPARED and level and not math.isnan(value):
                given.setdefault((kind, level, tissue, plate), {}).setdefault(value, line)
        for (kind, level, *_), values in given.items():
            if len(values) > 1:
                found = listed(f"{value:g} (line {line})" for value, line in values.items())
                yield f"{run.run_id}: {kind} {level} has {len(values)} values of {column}: {found}"


def calibrator_unit_notes(study: Study) -> list[str]:
    """Runs most of whose calibrators lie outside the method's range, as where one of both is in another unit."""
    notes = []
    for run in study.runs:
        rows, kinds = run.worklist, run.worklist["sample_type"].tolist()
        for analyte in run.method.analytes:
            own = f"{NOMINAL}[{analyte.name}]"
            values = rows[own if own in rows else NOMINAL].tolist()
            calibrators = zip(kinds, values, strict=True)
            nominal = [value for kind, value in calibrators if kind == "calibrator" and not math.isnan(value)]
            outside = [value for value in nominal if not analyte.lloq_ng_ml <= value <= analyte.uloq_ng_ml]
            if 2 * len(outside) > len(nominal):
                notes.append(
                    f"{run.run_id}: {len(outside)} of {count_of(len(nominal), 'calibrator')} ({min(nominal):g} to "
                    f"{max(nominal):g}) outside the range of {analyte.name} in {run.method.method_id}, "
                    f"{analyte.lloq_ng_ml:g} to {analyte.uloq_ng_ml:g} {run.method.unit}: is one in another unit?"
                )
    return notes


def unexplained_repeat_notes(study: Study) -> list[str]:
    """Samples that two runs of one method measure, where no run after the first says why."""
    seen: dict[tuple[str, str], str] = {}
    again: dict[str, str] = {}
    for run in study.runs:
        explained: dict[str, bool] = {}
        cells = (run.worklist[name].tolist() for name in ("sample_type", "sample_id", "repeat_reason"))
        for kind, name, why in zip(*cells, strict=True):
            if kind == "unknown":
                explained[name] = explained.get(name, False) or bool(why)
        for name, known in explained.items():
            first = seen.setdefault((run.method.method_id, name), run.run_id)
            if first != run.run_id and not known:
                again.setdefault(name, f"{name} ({first}, {run.run_id})")
    if not again:
        return []
    what = f"{count_of(len(again), 'sample')} in two runs of one method without a repeat_reason"
    return [f"{what}: {listed(again.values(), most=5)}"]
