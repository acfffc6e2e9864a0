"""What the report for signature says: verdicts, tables in words, figures."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.acceptance.ledger import RUN
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.report.all_runs import quality_figures
from bioanalysis.report.figures import stand_alone
from bioanalysis.report.plots import trace
from bioanalysis.report.sections import shown
from bioanalysis.report.study_tables import read_of_run, read_study_tables
from bioanalysis.report.tissue_figures import tissue_figures
from bioanalysis.study import Study
from bioanalysis.tables import read_results

WORDS = {"pass": "accepted", "fail": "FAILED"}
LONG = 36
RESULT = {
    "sample_id": "sample", "subject_id": "animal", "group": "group", "collection_day": "day", "tissue": "tissue",
    "analyte": "analyte", "method_id": "method", "shown": "concentration", "interval": "95 % interval", "unit": "unit",
    "lloq": "LLOQ", "recovery_factor": "recovery", "words": "status and reason",
}  # fmt: skip
SUMMARY = {
    "group": "group", "tissue": "tissue", "collection_day": "day", "sex": "sex", "analyte": "analyte",
    "method_id": "method", "n": "n", "n_quantified": "quantified", "n_blq": "BLQ", "mean": "mean", "sd": "SD",
    "cv_percent": "CV %", "geometric_mean": "geom. mean", "mean_low": "low", "mean_high": "high", "unit": "unit",
    "note": "note",
}  # fmt: skip
NUMERIC = (
    "concentration", "LLOQ", "recovery", "n", "quantified", "BLQ", "mean", "SD", "CV %", "geom. mean", "low", "high",
    "day", "flags",
)  # fmt: skip


def verdicts(study: Study, results: Path) -> list[tuple[str, str]]:
    """Return the verdicts in words, worst news first: runs, samples, open flags, limits wider than the guideline."""
    runs = [row for run in study.runs for row in _run_rows(run.run_id, results)]
    failed = [(kind, text) for kind, text in runs if kind == "fail"]
    table = read_results(results / "study/tissue_concentrations.tsv")
    counts = ", ".join(f"{number} {status}" for status, number in table.status.value_counts().items())
    flags = read_results(results / "study/flags.tsv")
    wider = sorted(set(flags.observed[flags["flag"] == "wider_than_guideline"]))
    words = [("", f"Results: {counts}."), ("", f"Open flags: {int((flags.state == 'open').sum())}.")]
    words += [("fail", f"WIDER THAN ICH M10: {text}") for text in wider]
    return [*failed, *words, *((kind, text) for kind, text in runs if kind != "fail")]


def _run_rows(run_id: str, results: Path) -> list[tuple[str, str]]:
    table = read_results(results / "runs" / run_id / "acceptance.tsv")
    return [
        (row.verdict, f"{run_id}{f' plate {row.plate}' if row.plate else ''}, {row.analyte}: "
                      f"{WORDS.get(row.verdict, row.verdict)} ({row.observed}; profile {row.limit})")
        for row in table[table.rule_id == RUN].itertuples()
    ]  # fmt: skip


def sections(study: Study, results: Path) -> list[dict[str, Any]]:
    """Return the tables of the report, each with its units and footnotes."""
    return [
        _samples(read_results(results / "study/tissue_concentrations.tsv")),
        _runs(study),
        _methods(study),
        _results(read_results(results / "study/tissue_concentrations.tsv")),
        _summary(read_results(results / "study/tissue_summary.tsv")),
        _controls(study, results),
        _flags(read_results(results / "study/flags.tsv")),
        _decisions(study),
    ]


def section(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, note: str = "", footnotes: Sequence[str] = (),
    wide: Sequence[str] = (), landscape: bool = False, size: float = 8.5,
) -> dict[str, Any]:  # fmt: skip
    """Return one table; `wide` columns, and those with a long cell, share the room that the others leave."""
    shares = [name in wide or any(len(row[place]) > LONG for row in rows) for place, name in enumerate(columns)]
    return {
        "title": title, "columns": list(columns), "rows": [list(row) for row in rows], "note": note if rows else "none",
        "footnotes": list(footnotes), "landscape": landscape, "size": size,
        "widths": [int(shared) for shared in shares],
        "align": ["right" if name in NUMERIC else "left" for name in columns],
    }  # fmt: skip


def _samples(table: pd.DataFrame) -> dict[str, Any]:
    """Samples planned, analysed and reported, by group, tissue and day."""
    keys = ["group", "tissue", "collection_day"]
    by_sample = table.groupby([*keys, "sample_id"], sort=False).status.agg(set).reset_index()
    rows = [
        (*map(str, key), str(len(here)), str(sum(words != {"not_analysed"} for words in here.status)),
         str(sum(bool(words & {"quantified", "BLQ"}) for words in here.status)))
        for key, here in by_sample.groupby(keys, sort=False)
    ]  # fmt: skip
    return section("Samples", ["group", "tissue", "day", "planned", "analysed", "reported"], rows,
                   footnotes=["Reported: with a value or BLQ by at least one method."])  # fmt: skip


def _runs(study: Study) -> dict[str, Any]:
    rows = [
        (run.run_id, run.method.method_id, run.run_date[:10], run.analyst, run.instrument or "not given",
         str(int(run.worklist.sample_type.isin(["unknown", "incurred"]).sum())))
        for run in study.runs
    ]  # fmt: skip
    return section("Runs", ["run", "method", "date", "analyst", "instrument", "samples"], rows)


def _methods(study: Study) -> dict[str, Any]:
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


def _results(table: pd.DataFrame) -> dict[str, Any]:
    table = table.assign(
        shown=[shown(value) if status == "quantified" else status
               for value, status in zip(table.value, table.status, strict=True)],
        interval=[f"{shown(low)} to {shown(high)}" if low else ""
                  for low, high in zip(table.value_low, table.value_high, strict=True)],
        lloq=table.lloq.map(shown), recovery_factor=table.recovery_factor.map(shown),
        words=table.reason,
    )  # fmt: skip
    rows = table[list(RESULT)].itertuples(index=False)
    footnotes = [
        "Concentrations in the unit named, corrected by the recovery shown (1: none applied); intervals hold curve, "
        "reading, extraction, recovery, dilution and weighing. LLOQ is this sample's own. Three significant digits.",
    ]
    return section("Concentrations", list(RESULT.values()), [tuple(row) for row in rows], footnotes=footnotes,
                   wide=["status and reason"], landscape=True, size=7)  # fmt: skip


def _summary(table: pd.DataFrame) -> dict[str, Any]:
    names = {name: title for name, title in SUMMARY.items() if name in table}
    rows = [tuple(shown(cell) for cell in row) for row in table[list(names)].itertuples(index=False)]
    note = "The animal is the unit; BLQ is counted and never a number. Low and high: 95 % interval of the mean."
    return section("Summary by group", list(names.values()), rows, footnotes=[note], wide=["note"], landscape=True,
                   size=7)  # fmt: skip


def _controls(study: Study, results: Path) -> dict[str, Any]:
    """QCs per run and level, those outside their limits included."""
    rows = []
    for run in study.runs:
        table = read_results(results / "runs" / run.run_id / "measurements.tsv")
        table = table[table.sample_type.isin(["qc", "dilution_qc"])]
        for (analyte, level, tissue), here in table.groupby(["analyte", "level", "tissue"], sort=False):
            bias = pd.to_numeric(here.bias_percent.replace("", "nan"))
            rows.append((run.run_id, analyte, level, tissue, str(len(here)), str(int((here.status == "pass").sum())),
                         "" if bias.isna().all() else f"{bias.mean():+.1f}"))  # fmt: skip
    columns = ["run", "analyte", "level", "tissue", "n", "inside", "mean bias %"]
    return section("Quality controls", columns, rows, footnotes=["Bias = 100 (found - nominal) / nominal."])


def _flags(table: pd.DataFrame) -> dict[str, Any]:
    here = table[table.state == "open"]
    counted = here.groupby(["flag", "run_id", "tissue", "meaning"], sort=False).size().reset_index(name="flags")
    rows = [tuple(map(str, row)) for row in counted.itertuples(index=False)]
    return section("Open flags", ["flag", "run", "tissue", "meaning", "flags"], rows, wide=["meaning"])


def _decisions(study: Study) -> dict[str, Any]:
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
    rows = [tuple(map(str, row)) for row in study.decisions[names].itertuples(index=False)]
    titles = [name.removesuffix("_id").replace("_", " ") for name in names]
    return section("Decisions", titles, rows, wide=["reason"], size=7.5)


def figures(study: Study, results: Path) -> list[dict[str, str]]:
    """Return the figures of the page that carry the result: concentrations, and the QCs over the runs."""
    concentrations = read_study_tables(results / "study")["tissue_concentrations"]
    runs = [read_of_run(results / "runs" / run.run_id, run.run_id, run.method.method_id) for run in study.runs]
    shown_here = [*tissue_figures(concentrations), *quality_figures(runs)]
    return [{"svg": figure.alone, "caption": figure.caption} for figure in shown_here]


def chromatograms(study: Study, results: Path) -> tuple[list[dict[str, str]], str]:
    """Return the traces of a share of the injections of each run, drawn by a seed, and a word on how."""
    share, seed = study.config.report.chromatogram_percent, study.config.report.chromatogram_seed
    pictures: list[dict[str, str]] = []
    chosen = total = 0
    for run in study.runs:
        if run.platform != "lcms":
            continue
        traces = RunTraces.load(results.parent / "work" / run.run_id / "traces.npz")
        number = math.ceil(share / 100 * len(traces.positions))
        picked = sorted(random.Random(f"{seed} {run.run_id}").sample(range(len(traces.positions)), number))
        pictures += _traces(run.run_id, traces, picked, read_results(results / "runs" / run.run_id / "peaks.tsv"))
        chosen, total = chosen + number, total + len(traces.positions)
    note = f"{chosen} of {total} injections ({share:g} % of each run, rounded up), drawn by seed {seed}. "
    return pictures, note + "All chromatograms stand in the reports of the runs."


def _traces(run_id: str, traces: RunTraces, picked: list[int], peaks: pd.DataFrame) -> list[dict[str, str]]:
    bounds = {(p.position, p.transition): (p.left_min, p.right_min) for p in peaks.itertuples()}
    pictures = []
    for i in picked:
        for k, name in enumerate(traces.transitions):
            left, right = (float(b or "nan") for b in bounds.get((str(traces.positions[i]), str(name)), ("", "")))
            time, counts = traces.trace(i, k)
            title = f"{run_id} {traces.positions[i]} {name}"
            svg = trace(time.tolist(), counts.tolist(), left, right, title)
            if svg:
                pictures.append({"svg": stand_alone(svg, title), "caption": title})
    return pictures
