"""What was planned, received, analysed and reported; which value is primary; control animals; materials; methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bioanalysis.method import Method
from bioanalysis.report.links import to_values
from bioanalysis.report.said import said
from bioanalysis.report.sections import section, shown
from bioanalysis.study import Study
from bioanalysis.words import ACCEPTED, NOT_ANALYSED, QUANTIFIED

KEYS = ["group", "tissue", "collection_day"]
NOT_GIVEN = "not given"
UNCORRECTED = "none applied"
NO_MATERIALS = "config/materials.tsv is not given: lots and expiry of standards and reagents are not known here."


def samples_section(study: Study, concentrations: pd.DataFrame) -> dict[str, Any]:
    """Return planned, received, analysed and reported samples per group, tissue and day."""
    received = set(
        study.samples.sample_id[(study.samples.received_at != "") & (study.samples.not_available_reason == "")]
    )
    dated = bool((study.samples.received_at != "").any())
    status = concentrations.status
    found = concentrations[[*KEYS, "sample_id"]].assign(analysed=status != NOT_ANALYSED, reported=status.isin(ACCEPTED))
    by_sample = found.groupby([*KEYS, "sample_id"], sort=False).any().reset_index()
    rows = [
        (*key, len(here), str(int(here.sample_id.isin(received).sum())) if dated else NOT_GIVEN,
         int(here.analysed.sum()), int(here.reported.sum()))
        for key, here in by_sample.groupby(KEYS, sort=False)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*KEYS, "planned", "received", "analysed", "reported"])
    text = "Received: with a date of receipt in config/samples.tsv. Reported: a value or BLQ by at least one method."
    return section("Samples planned, received, analysed and reported", to_values(table), text=text,
                   source="reconciliation.tsv")  # fmt: skip


def primary_section(concentrations: pd.DataFrame) -> dict[str, Any]:
    """Return, per tissue, analyte and method, which value is primary, on which basis, in which unit and range."""
    measured = concentrations[concentrations.method_id != ""]
    rows = []
    for key, here in measured.groupby(["tissue", "analyte", "method_id"], sort=False):
        values = here.value[here.status == QUANTIFIED]
        span = f"{shown(values.min())} to {shown(values.max())}" if len(values) else "no value"
        limits = f"{_span(here.lloq)}; {_span(here.uloq)}"
        rows.append((*key, _primary(here), _words(here.get("basis")), _words(here.unit), span, limits))
    columns = ["tissue", "analyte", "method_id", "primary value", "basis", "unit", "range of values", "LLOQ; ULOQ"]
    text = "LLOQ and ULOQ are each sample's own, from its mass, buffer, dilution and recovery."
    return section("Primary value, basis, unit and range", to_values(pd.DataFrame(rows, columns=columns)), text=text,
                   source="tissue_concentrations.tsv")  # fmt: skip


def _primary(here: pd.DataFrame) -> str:
    sources = [source for source in here.get("recovery_source", pd.Series(dtype="str")).unique() if source]
    corrected = [source for source in sources if source != UNCORRECTED]
    if not corrected:
        return "not corrected for recovery"
    factors = here.recovery_factor.dropna()
    return f"corrected by recovery {_span(factors)} ({_few(corrected)})"


def _few(words: Sequence[str]) -> str:
    return "; ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


def _span(values: pd.Series) -> str:
    values = values.dropna()
    if values.empty:
        return "none"
    low, high = shown(float(values.min())), shown(float(values.max()))
    return low if low == high else f"{low} to {high}"


def _words(column: pd.Series | None) -> str:
    return "" if column is None else ", ".join(str(word).replace("_", " ") for word in column.unique() if word)


def controls_section(concentrations: pd.DataFrame) -> dict[str, Any]:
    """Return what was found in control animals: every value there is a question."""
    controls = concentrations[(concentrations.get("treatment", "") == "vehicle") & (concentrations.method_id != "")]
    rows = [
        (*key, here.subject_id.nunique(), len(here), int((here.status == QUANTIFIED).sum()),
         int((here.status == "BLQ").sum()), "; ".join(here.sample_id[here.status == QUANTIFIED]))
        for key, here in controls.groupby(["tissue", "analyte", "method_id"], sort=False)
    ]  # fmt: skip
    columns = ["tissue", "analyte", "method_id", "animals", "samples", "quantified", "BLQ", "quantified samples"]
    text = "Treatment 'vehicle'. A value in a control animal is flagged as control quantified."
    table = to_values(pd.DataFrame(rows, columns=columns))
    return section("Control animals", table, text=text, source="tissue_concentrations.tsv")


def materials_section(study: Study) -> dict[str, Any]:
    """Return reference standard, internal standard and reagents with lots and expiry, and runs after expiry."""
    table = materials(study)
    if table is None:
        return section("Materials", text=NO_MATERIALS)
    return section("Materials", table, text=f"Last run: {_last_run(study)}.", source="config/materials.tsv")


def materials(study: Study) -> pd.DataFrame | None:
    """Return the materials with a word for those that had expired on the day of the last run; None without any."""
    if study.materials is None or study.materials.empty:
        return None
    table = study.materials.drop(columns="line", errors="ignore")
    expired = [bool(day) and day[:10] < _last_run(study) for day in table.expiry.astype(str)]
    return table.assign(**{"on the last run date": ["EXPIRED" if is_past else "" for is_past in expired]})


def _last_run(study: Study) -> str:
    return max((run.run_date[:10] for run in study.runs), default="")


def methods_section(study: Study) -> dict[str, Any]:
    """Return the methods, the validation report of each, and what it covers."""
    rows = [_method_row(method) for method in study.methods.values()]
    columns = ["method_id", "version", "effective from", "approved by", "range and curve", "basis",
               "recovery correction", "profile", "validation report", "tissues validated", "digest"]  # fmt: skip
    return section("Methods and their validation", pd.DataFrame(rows, columns=columns), source="config/methods")


def _method_row(method: Method) -> tuple[str, ...]:
    spans = "; ".join(
        f"{one.name} {one.lloq_ng_ml:g} to {one.uloq_ng_ml:g} {method.unit}, "
        f"{one.calibration.model} {one.calibration.weighting}"
        for one in method.analytes
    )
    scope = method.validation
    return (
        method.method_id, method.version, method.effective_date or NOT_GIVEN, method.approved_by or NOT_GIVEN, spans,
        method.concentration_basis.replace("_", " "),
        method.extraction.recovery_correction.replace("_", " "), said(method.acceptance.profile),
        scope.report if scope else NOT_GIVEN, ", ".join(scope.tissues) if scope else NOT_GIVEN, method.digest[:16],
    )  # fmt: skip


def provenance_section(study: Study) -> dict[str, Any]:
    """Return where the record of these results lies and how it is checked; times and hosts stand there, not here."""
    table = pd.DataFrame(
        [
            ("audit.jsonl", "every run of the workflow: who, when, with what, chained so that no line can be lost"),
            ("manifest.sha256", "digests of config, raw data and results"),
            ("environment.json", "versions of all software"),
            ("signatures", "signatures over the digests; none: the report is unsigned"),
        ],
        columns=["results/study/provenance", "holds"],
    )
    runs = ", ".join(run.run_id for run in study.runs)
    text = f"`bioanalysis verify` holds all of it against the files. Runs in this report: {runs}."
    return section("Provenance", table, text=text)
