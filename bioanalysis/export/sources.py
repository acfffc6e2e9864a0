"""The tables of a finished study, in the order in which they are shown, each with what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bioanalysis.study import Study
from bioanalysis.text_files import own_table


@dataclass(frozen=True)
class Source:
    """One table: its name, what it holds, where it lies below `results`, and the run it is of (empty: the study)."""

    name: str
    meaning: str
    path: str
    run_id: str = ""


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
    "response_variance": "how the scatter of wells grows with the response, over all accepted plates",
    "outliers": "every animal against the others of its group; flags, never removals",
    "uncertainty": "what each step contributes to the uncertainty of each value, in percent of the variance",
    "recovery": "recovery factors per tissue, batch and level, with their uncertainty",
    "acceptance": "rules on the study as a whole, each with its limit, what was found and its verdict",
    "quality_controls": "QCs over all accepted runs, those outside their limits included",
    "repeats": "every sample analysed more than once: all values, the reported one, and why",
    "repeat_counts": "how many samples were repeated, by reason",
    "incurred": "reanalysis of incurred samples against the first result",
    "storage": "how long each sample was stored, against the span that was proven stable",
    "sequences": "carry-over and drift over runs that were acquired in one sequence",
    "validation": "statistics of a method validation, by experiment",
    "decisions": "what people decided, and what it changed",
    "flags": "what a reviewer should look at, and where to look first",
    "flag_effects": "for each open flag, the means of groups with and without the values it concerns",
    "reconciliation": "what became of every row that was put in",
}
RUN_TABLES = {
    "acceptance": ("acceptance_of_runs", "every rule applied to each run, its verdict in the last row per analyte"),
    "measurements": ("measurements", "one row per worklist row and analyte of every run"),
    "reportable": ("reportable", "one row per injection or set of wells of every run"),
    "peaks": ("peaks", "one row per injection and transition of every run"),
    "internal_standard": ("internal_standard", "response of the internal standard, injection by injection"),
    "carry_over": ("carry_over", "what each injection may hold of the one before it"),
    "dilutions": ("dilutions", "samples read at several dilutions"),
    "positions": ("positions", "rows, columns and edges of each plate"),
}  # fmt: skip


def read_words(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the room's own tables."""
    return own_table("bioanalysis.export", name)


def tables_of(study: Study, results: Path) -> list[Source]:
    """Return the tables that exist, those of the study first, then those of its runs, kind by kind."""
    sources = [Source(name, meaning, f"study/{name}.tsv") for name, meaning in STUDY_TABLES.items()]
    sources += [
        Source(name, meaning, f"runs/{run.run_id}/{file}.tsv", run.run_id)
        for file, (name, meaning) in RUN_TABLES.items()
        for run in study.runs
    ]
    return [source for source in sources if (results / source.path).is_file()]
