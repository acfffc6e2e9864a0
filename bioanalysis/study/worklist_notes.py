"""Notes on what worklists say that is no fault and more often than not a slip of the hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioanalysis.text_files import listed
from bioanalysis.words import count_of

if TYPE_CHECKING:
    from bioanalysis.study.load import Study

PREPARED = ("calibrator", "anchor", "qc")  # dilution QCs of one name may be prepared for several factors
NOMINAL = "nominal_ng_ml"


def level_notes(study: Study) -> list[str]:
    """Levels of one run that were prepared at two concentrations, as where a digit was mistyped."""
    notes = []
    for run in study.runs:
        rows = run.worklist[run.worklist["sample_type"].isin(PREPARED) & (run.worklist["level"] != "")]
        for column in (name for name in rows if name.partition("[")[0] == NOMINAL):
            for (kind, level, *_), here in rows.groupby(["sample_type", "level", "tissue", "plate"], sort=False):
                given = here.dropna(subset=column).drop_duplicates(column)
                if len(given) > 1:
                    found = listed(
                        f"{value:g} (line {line})" for value, line in zip(given[column], given["line"], strict=True)
                    )
                    notes.append(f"{run.run_id}: {kind} {level} has {len(given)} values of {column}: {found}")
    return notes


def calibrator_unit_notes(study: Study) -> list[str]:
    """Runs most of whose calibrators lie outside the method's range, as where one of both is in another unit."""
    notes = []
    for run in study.runs:
        rows = run.worklist[run.worklist["sample_type"] == "calibrator"]
        for analyte in run.method.analytes:
            own = f"{NOMINAL}[{analyte.name}]"
            nominal = rows[own if own in rows else NOMINAL].dropna()
            outside = nominal[(nominal < analyte.lloq_ng_ml) | (nominal > analyte.uloq_ng_ml)]
            if 2 * len(outside) > len(nominal):
                notes.append(
                    f"{run.run_id}: {len(outside)} of {count_of(len(nominal), 'calibrator')} ({nominal.min():g} to "
                    f"{nominal.max():g}) outside the range of {analyte.name} in {run.method.method_id}, "
                    f"{analyte.lloq_ng_ml:g} to {analyte.uloq_ng_ml:g} {run.method.unit}: is one in another unit?"
                )
    return notes


def unexplained_repeat_notes(study: Study) -> list[str]:
    """Samples that two runs of one method measure, where no run after the first says why."""
    seen: dict[tuple[str, str], str] = {}
    again: dict[str, str] = {}
    for run in study.runs:
        rows = run.worklist[run.worklist["sample_type"] == "unknown"]
        why = rows["repeat_reason"].groupby(rows["sample_id"], sort=False).any() if len(rows) else {}
        for name, explained in dict(why).items():
            first = seen.setdefault((run.method.method_id, str(name)), run.run_id)
            if first != run.run_id and not explained:
                again.setdefault(str(name), f"{name} ({first}, {run.run_id})")
    if not again:
        return []
    what = f"{count_of(len(again), 'sample')} in two runs of one method without a repeat_reason"
    return [f"{what}: {listed(again.values(), most=5)}"]
