"""Notes on what worklists say that is no fault and more often than not a slip of the hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioanalysis.text_files import listed

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
    number = len(again)
    what = f"{number} sample{'s' if number > 1 else ''} in two runs of one method without a repeat_reason"
    return [f"{what}: {listed(again.values(), most=5)}"]
