"""What is no fault in a study and yet worth knowing before it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioanalysis.limits import read_catalogue
from bioanalysis.study.validated import differences
from bioanalysis.text_files import listed
from bioanalysis.words import STUDY_SAMPLES

if TYPE_CHECKING:
    from bioanalysis.method import Method, Transition
    from bioanalysis.study.load import Study

QUADRUPOLE_WINDOW_TH = 0.7  # half-width of what a quadrupole at unit resolution lets pass


def notes_on(study: Study) -> tuple[str, ...]:
    """Return the notes on a study, each a sentence."""
    notes = (*_empty_tables(study), *_unused(study), *_masses(study), _homogenates(study), *_beside_validation(study))
    return tuple(note for note in notes if note)


def _beside_validation(study: Study) -> list[str]:
    """Methods used otherwise than their validation showed them."""
    return [
        f"{name}: {used} is used, {validated.file} shows {shown}"
        for name, validated in study.validations.items()
        for used, shown in differences(study.methods[name], validated)
    ]


def _empty_tables(study: Study) -> list[str]:
    tables = {"subjects": len(study.subjects), "samples": len(study.samples), "runs": len(study.runs)}
    if study.config.study.kind == "validation":
        tables = {"runs": tables["runs"]}
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


def _homogenates(study: Study) -> str:
    """Samples whose buffer and mass cannot both be in their units, by the guard of HOM-05."""
    low, high = (float(number) for number in read_catalogue()["HOM-05"].numbers)
    samples = study.samples
    volume = samples["homogenate_volume_ul"].fillna(samples["buffer_volume_ul"] + samples["tissue_mass_mg"])
    per_gram = volume / samples["tissue_mass_mg"]
    outside = samples["sample_id"][(per_gram < low) | (per_gram > high)].tolist()
    return _note(f"with a homogenate outside {low:g} to {high:g} mL/g (mass in mg, volume in uL?)", "sample", outside)


def _masses(study: Study) -> list[str]:
    """Transitions that are no ion of their analyte's sequence, or that a metabolite shares."""
    return [
        note
        for method in study.methods.values()
        for transition in method.transitions
        if transition.analyte is not None
        for note in _mass_notes(method, transition)
    ]


def _mass_notes(method: Method, transition: Transition) -> list[str]:
    from bioanalysis.oligonucleotides.method_check import colliding_metabolites, nearest_charge_state

    sequence = method.analyte(str(transition.analyte)).sequence
    if sequence is None:
        return []
    where = f"{method.method_id}: {transition.name} at m/z {transition.q1_mz:g}"
    ion = nearest_charge_state(sequence, transition.q1_mz, method.mz_tolerance)
    if not ion.within:
        return [f"{where} is no ion of the sequence; the nearest is {ion.charge}- at {ion.mz:.2f}"]
    shared = colliding_metabolites(sequence, ion.charge, QUADRUPOLE_WINDOW_TH)
    return [f"{where} ({ion.charge}-) also lets pass the metabolite {', '.join(shared)}"] if shared else []
