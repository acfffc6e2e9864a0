"""What is no fault in a study and yet worth knowing before it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioanalysis.study.schema import STUDY_SAMPLES
from bioanalysis.text_files import listed

if TYPE_CHECKING:
    from bioanalysis.study.load import Study


def notes_on(study: Study) -> tuple[str, ...]:
    """Return the notes on a study, each a sentence."""
    return tuple(note for note in (*_empty_tables(study), *_unused(study)) if note)


def _empty_tables(study: Study) -> list[str]:
    tables = {"subjects": len(study.subjects), "samples": len(study.samples), "runs": len(study.runs)}
    return [f"the table of {name} has no rows yet" for name, rows in tables.items() if not rows]


def _unused(study: Study) -> list[str]:
    """Subjects without samples, methods without runs, samples in no worklist."""
    measured = {
        name
        for run in study.runs
        for kind, name in zip(run.worklist["sample_type"].tolist(), run.worklist["sample_id"].tolist(), strict=True)
        if kind in STUDY_SAMPLES
    }
    sampled = set(study.samples["subject_id"].tolist())
    available = study.samples[study.samples["not_available_reason"] == ""]["sample_id"]
    used = {run.method.method_id for run in study.runs}
    return [
        _note(
            "without samples",
            "subject",
            [name for name in study.subjects["subject_id"].tolist() if name not in sampled],
        ),
        _note("in no worklist", "sample", [name for name in available.tolist() if name not in measured]),
        _note("used by no run", "method", [name for name in study.methods if name not in used]),
    ]


def _note(what: str, thing: str, names: list[str]) -> str:
    return f"{len(names)} {thing}{'s' if len(names) != 1 else ''} {what}: {listed(names, most=5)}" if names else ""
