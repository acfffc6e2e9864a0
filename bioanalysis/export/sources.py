"""The tables of a finished study, in the order in which they are shown, each with what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bioanalysis.study import Study
from bioanalysis.text_files import own_table


@dataclass(frozen=True)
class Source:
    """One table: its name, what it holds, and where it lies below `results`."""

    name: str
    meaning: str
    path: str


STUDY_TABLES = {
    "tissue_concentrations": "THE result: one row per sample, analyte and method, a value or a reason",
    "tissue_summary": "by group, tissue and day; the animal is the unit, BLQ is counted and never a number",
    "biodistribution": "ratios between tissues per animal and group, and what was expected",
    "mass_balance": "what the organs hold against what was given, per animal",
    "dose_proportionality": "exponent of dose per tissue, with its interval",
    "targeting": "ratio of tissue ratios between treatments",
    "sample_swaps": "how each animal fits its own labels: search for exchanged tissues and animals",
    "exposure": "AUC, half-life, steady state, accumulation and regimens, predicted and observed, per tissue",
    "dosing_summary": "what each animal was given, missed and should have been given",
    "weekly_doses": "doses by animal and week",
    "method_comparison": "ELISA against LC-MS/MS on the same samples, per tissue",
    "liver_safety": "clinical chemistry against its limits: a research flag, not a dosing decision",
    "liver_tests": "clinical chemistry between groups and against liver concentration",
    "variance_components": "where the scatter comes from, by ANOVA and by REML",
    "variability_conclusions": "why values vary: the dominant step, what replicates would buy, causes to check first",
    "outliers": "every animal against the others of its group; flags, never removals",
    "uncertainty": "what each step contributes to the uncertainty of each value, in percent of the variance",
    "recovery": "recovery factors per tissue, batch and level, with their uncertainty",
    "acceptance": "rules on the study as a whole, each with its limit, what was found and its verdict",
    "quality_controls": "QCs over all accepted runs, those outside their limits included",
    "repeats": "every sample analysed more than once: all values, the reported one, and why",
    "incurred": "reanalysis of incurred samples against the first result",
    "validation": "statistics of a method validation, by experiment",
    "decisions": "what people decided, and what it changed",
    "flags": "what a reviewer should look at, and where to look first",
    "reconciliation": "what became of every row that was put in",
}
RUN_TABLES = {
    "acceptance": "every rule applied to the run",
    "measurements": "one row per worklist row and analyte",
    "peaks": "one row per injection and transition",
}


def read_words(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the room's own tables."""
    return own_table("bioanalysis.export", name)


def tables_of(study: Study, results: Path) -> list[Source]:
    """Return the tables that exist, those of the study first, then those of its runs."""
    sources = [Source(name, meaning, f"study/{name}.tsv") for name, meaning in STUDY_TABLES.items()]
    sources += [
        Source(f"{run.run_id} {name}", meaning, f"runs/{run.run_id}/{name}.tsv")
        for run in study.runs
        for name, meaning in RUN_TABLES.items()
    ]
    return [source for source in sources if (results / source.path).is_file()]
