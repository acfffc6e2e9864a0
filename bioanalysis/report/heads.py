"""Heads of table columns in the field's words, with their units."""

from __future__ import annotations

from bioanalysis.moles import GRAMS, MOLES, NG_ML, NMOL_L

WORDS = {
    "sample_id": "sample", "subject_id": "animal", "collection_day": "day", "method_id": "method", "run_id": "run",
    "rule_id": "rule", "nominal_ng_ml": "nominal (ng/mL)", "n": "n", "cv_percent": "CV (%)", "sd": "SD",
    "n_blq": "BLQ", "n_quantified": "quantified", "n_not_reported": "not reported", "geometric_mean": "geom. mean",
    "geometric_cv_percent": "geom. CV (%)", "mean_low": "mean, low", "mean_high": "mean, high", "lloq": "LLOQ",
    "uloq": "ULOQ", "degrees_of_freedom": "df", "relative_uncertainty": "rel. uncertainty", "bias_percent": "bias (%)",
    "recovery_factor": "recovery", "back_calculated_ng_ml": "read off the curve (ng/mL)", "blq_rule": "BLQ in the mean",
    "check_first": "check first", "decided_at": "decided (UTC)", "id": "row", "p_value": "p", "n_runs": "runs",
    "signal_to_noise": "S/N", "internal_standard_area": "IS area (counts x s)", "analyte_area": "area (counts x s)",
    "automatic_area": "automatic area (counts x s)", "area": "area (counts x s)", "isr": "ISR",
    "curve_reading_ng_ml": "curve reading (ng/mL)", "cv_percent_low": "CV, lowest response (%)",
    "cv_percent_high": "CV, highest response (%)",
}  # fmt: skip
UNITS = {
    "_ng_ml": "ng/mL", "_nmol_l": "nmol/L", "_ug_g": "ug/g", "_nmol_g": "nmol/g", "_percent": "%", "_min": "min",
    "_ml_per_g": "mL/g", "_mg": "mg", "_ul": "uL", "_days": "days", "_c": "°C",
    "_mg_per_kg": "mg/kg", "_ng_g": "ng/g", "_g": "g",
}  # fmt: skip
ENDS = ("_low", "_high")  # of an interval
ACRONYMS = {
    "alq": "ALQ", "anova": "ANOVA", "auc": "AUC", "blq": "BLQ", "cv": "CV", "dunnett": "Dunnett", "ich": "ICH",
    "id": "ID", "isr": "ISR", "jonckheere": "Jonckheere", "lloq": "LLOQ", "m10": "M10", "qc": "QC", "reml": "REML",
    "rt": "RT", "sd": "SD", "uln": "ULN", "uloq": "ULOQ",
}  # fmt: skip


def head(column: str) -> str:
    """Return the head of a column: its name in words, the unit in brackets."""
    if column in WORDS:
        return WORDS[column]
    if (in_grams := column.replace(NMOL_L, NG_ML)) in WORDS:
        return WORDS[in_grams].replace(GRAMS, MOLES)
    if column.endswith(ENDS) and (whole := column[: column.rindex("_")]):
        words, bracket, unit = head(whole).partition(" (")
        return f"{words}, {column[len(whole) + 1 :]}{bracket}{unit}"
    unit = next((suffix for suffix in UNITS if column.endswith(suffix)), "")
    stem = column.removesuffix(unit).removesuffix("_id")
    words = " ".join(ACRONYMS.get(word, word) for word in stem.split("_"))
    return f"{words} ({UNITS[unit]})" if unit else words
