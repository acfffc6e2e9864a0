"""What is no fault in a study and yet worth knowing before it is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioanalysis.limits import read_catalogue
from bioanalysis.persons import persons_in
from bioanalysis.sheets import entry_limits
from bioanalysis.study.side_notes import batch_notes, material_notes, unnamed_file_notes
from bioanalysis.study.validated import differences
from bioanalysis.study.worklist_notes import calibrator_unit_notes, level_notes, unexplained_repeat_notes
from bioanalysis.text_files import listed
from bioanalysis.words import STUDY_SAMPLES, count_of

if TYPE_CHECKING:
    from bioanalysis.method import Method, Transition
    from bioanalysis.study.load import Study

QUADRUPOLE_WINDOW_TH = 0.7  # half-width of what a quadrupole at unit resolution lets pass


def notes_on(study: Study) -> tuple[str, ...]:
    """Return the notes on a study, each a sentence."""
    made = (*_exchanged(study), _homogenates(study), _densities(study), _inverted(study))
    rows = (*_empty_tables(study), *_unused(study), *_recovery_apart(study), _own_review(study))
    rows += (*calibrator_unit_notes(study), *level_notes(study), *unexplained_repeat_notes(study))
    side = (*batch_notes(study), *material_notes(study), *unnamed_file_notes(study))
    notes = (*made, *rows, *side, *_masses(study), *_beside_validation(study))
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


def _own_review(study: Study) -> str:
    """Runs whose analyst is the one who reviewed them."""
    own = [run.run_id for run in study.runs if persons_in(run.analyst) & persons_in(run.reviewed_by)]
    return _note("reviewed by the own analyst (reviewed_by)", "run", own)


def _note(what: str, thing: str, names: list[str]) -> str:
    return f"{len(names)} {thing}{'s' if len(names) != 1 else ''} {what}: {listed(names, most=5)}" if names else ""


def _exchanged(study: Study) -> list[str]:
    """Samples with more tissue than buffer: the columns have most likely changed places."""
    samples, notes = study.samples, []
    for column, unit in (("buffer_volume_ul", "uL"), ("buffer_mass_mg", "mg")):
        more = samples[samples["tissue_mass_mg"] > samples[column]]
        both = int((samples["tissue_mass_mg"].notna() & samples[column].notna()).sum())
        for first in more.head(1).itertuples():
            example = f"{first.sample_id}: {first.tissue_mass_mg:g} mg in {getattr(first, column):g} {unit}"
            count = f"{len(more)} of {count_of(both, 'sample')}"
            notes.append(
                f"MASS LOOKS LIKE BUFFER: more tissue than buffer in {count} ({example}), as if tissue_mass_mg and "
                f"{column} were exchanged or one were in another unit; every concentration rests on them"
            )
    return notes


def _inverted(study: Study) -> str:
    """Samples whose dilution factor is below 1, as where 0.1 was meant to say 1 part in 10."""
    worklists = (run.worklist for run in study.runs)
    less = (rows[(rows["dilution_factor"] < 1) & rows["sample_type"].isin(STUDY_SAMPLES)] for rows in worklists)
    names = dict.fromkeys(name for rows in less for name in rows["sample_id"].tolist())
    words = "with a dilution_factor below 1, less diluted than the calibrators (10 is 1 part in 10; 0.1 is not)"
    return _note(words, "sample", list(names))


def _recovery_apart(study: Study) -> list[str]:
    """Runs whose recovery rows stand in an extraction batch without samples, beside samples without recovery rows."""
    notes = []
    for run in study.runs:
        if run.method.recovery.source == "validation" or run.method.extraction.recovery_correction == "none":
            continue
        rows = run.worklist
        spiked = list(dict.fromkeys(rows["batch"][rows["sample_type"] == "recovery_pre"]))
        samples = list(dict.fromkeys(rows["batch"][rows["sample_type"].isin(STUDY_SAMPLES)]))
        alone = [batch for batch in spiked if batch not in samples]
        lacking = [batch for batch in samples if batch not in spiked]
        if alone and lacking:
            notes.append(
                f"{run.run_id}: recovery rows stand in batch {listed(alone, most=5)}, samples without any in "
                f"{listed(lacking, most=5)}: if they were extracted together, the worklist must give them one batch"
            )
    return notes


def _homogenates(study: Study) -> str:
    """Samples whose buffer and mass cannot both be in their units, by the guard of HOM-05."""
    low, high = (float(number) for number in read_catalogue()["HOM-05"].numbers)
    samples = study.samples
    density = samples["tissue"].map({name: about.density_g_ml for name, about in study.config.tissues.items()})
    added = samples["buffer_volume_ul"] + samples["tissue_mass_mg"] / density.astype(float)
    volume = samples["homogenate_volume_ul"].fillna(added)
    per_gram = volume / samples["tissue_mass_mg"]
    outside = samples["sample_id"][(per_gram < low) | (per_gram > high)].tolist()
    return _note(f"with a homogenate outside {low:g} to {high:g} mL/g (mass in mg, volume in uL?)", "sample", outside)


def _densities(study: Study) -> str:
    """Tissues whose density cannot be in g/mL."""
    low, high = (entry_limits()[name] / 1000 for name in ("lowest_density", "highest_density"))
    given = {name: about.density_g_ml for name, about in study.config.tissues.items()}
    strange = [f"{name} {value:g}" for name, value in given.items() if value and not low <= value <= high]
    return _note(
        f"with a density_g_ml outside {low:g} to {high:g} g/mL (water has 1; 1060 would be kg/m3)", "tissue", strange
    )


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
