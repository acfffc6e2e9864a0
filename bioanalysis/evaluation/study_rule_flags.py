"""Flags raised by the rules of the study stage."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance import scope
from bioanalysis.acceptance.ledger import FAIL, signed_percent
from bioanalysis.flags import flag
from bioanalysis.method import ValidatedScope

TOLD_BY_SAMPLE = ("STAB-05", "DIL-CC-03", "SCOPE-01", "HOM-05")


def rule_flags(
    acceptance: pd.DataFrame,
    pairs: pd.DataFrame,
    storage: pd.DataFrame,
    measured: pd.DataFrame,
    validation: ValidatedScope | None,
    homogenates: pd.DataFrame,
) -> list[dict[str, object]]:
    """Return a flag per failed rule, and per sample outside stability, validated factors, tissues or agreement.

    Parameters
    ----------
    homogenates : DataFrame
        Rows of tissue_concentrations.tsv whose homogenate holds an implausible volume per gram.
    """
    failed = acceptance[(acceptance.verdict == FAIL) & ~acceptance.rule_id.isin(TOLD_BY_SAMPLE)]
    rows = [
        flag(
            "study_rule_failed", tissue=row.tissue, analyte=row.analyte, limit=row.limit, source=row.rule_id,
            observed=f"{row.subject}: {row.observed}" if row.subject else row.observed,
        )
        for row in failed.itertuples()
    ]  # fmt: skip
    rows += [
        flag("storage_beyond_stability", run_id=row.run_id, sample_id=row.sample_id, tissue=row.tissue,
             observed=row.reason, source="STAB-05")
        for row in storage[storage.verdict == FAIL].itertuples()
    ]  # fmt: skip
    rows += [
        flag("homogenate_implausible", run_id=row.run_id, sample_id=row.sample_id, tissue=row.tissue, source="HOM-05",
             observed=f"{row.homogenate_factor_ml_per_g:.4g} mL/g")
        for row in homogenates.drop_duplicates(["sample_id", "run_id"]).itertuples()
    ]  # fmt: skip
    return [*rows, *_outside_validation(measured, validation), *_pair_flags(pairs)]


def _outside_validation(measured: pd.DataFrame, validation: ValidatedScope | None) -> list[dict[str, object]]:
    """Return a flag per sample and run whose dilution, or whose tissue, the validation does not cover."""
    if validation is None:
        return []
    once = measured.drop_duplicates(["sample_id", "run_id", "dilution_factor"])
    diluted = once[scope.outside_factors(once, validation)]
    foreign = once[~once.tissue.isin(validation.tissues)] if validation.tissues else once.iloc[:0]
    factors = scope.factors_text(pd.Series(validation.dilution_factors, dtype=float))
    found = [("dilution_outside_validation", row, f"x{row.dilution_factor:g}", factors, "DIL-CC-03")
             for row in diluted.itertuples()]  # fmt: skip
    found += [("tissue_outside_validation", row, row.tissue, ", ".join(validation.tissues), "SCOPE-01")
              for row in foreign.drop_duplicates(["sample_id", "run_id"]).itertuples()]  # fmt: skip
    return [
        flag(word, run_id=row.run_id, sample_id=row.sample_id, tissue=row.tissue, observed=observed,
             limit=f"{limit} ({validation.report})", source=rule)
        for word, row, observed, limit, rule in found
    ]  # fmt: skip


def _pair_flags(pairs: pd.DataFrame) -> list[dict[str, object]]:
    """Return a flag for each pair that differs too much, differs by far, is no reanalysis or says nothing."""
    rows = []
    for pair in pairs.itertuples():
        observed = signed_percent(pair.difference_percent) if pd.notna(pair.difference_percent) else pair.reason
        where = {
            "run_id": pair.repeat_run_id, "position": pair.repeat_position, "sample_id": pair.sample_id,
            "tissue": pair.tissue, "analyte": pair.analyte, "observed": observed,
        }  # fmt: skip
        if pair.flyer is True:
            rows.append(flag("isr_flyer", source="ISR-08", **where))
        elif pair.within_limit is False:
            limit = f"±{pair.limit_percent:g} %"
            rows.append(flag("isr_differs", source="ISR-03, ISR-04", limit=limit, **where))
        elif pair.within_limit is None:
            rows.append(flag("isr_without_difference", source="ISR-02", **where))
        if pair.not_independent:
            rows.append(flag("isr_not_independent", source="ISR-05", **(where | {"observed": pair.not_independent})))
    return rows
