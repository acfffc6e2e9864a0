"""How standards and QCs were prepared, and why a run was injected again: CAL-GEN-01, QC-18, QC-20, REINJ-01."""

from __future__ import annotations

from datetime import date

import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, NOT_APPLICABLE, NOT_ASSESSABLE, Ledger
from bioanalysis.method import Method
from bioanalysis.words import STUDY_SAMPLES, count_of

TECHNICAL = ("INSTRUMENT", "POOR_CHROM")  # codes of repeat_reason that name a cause in the instrument


def judge_preparation(ledger: Ledger, units: pd.DataFrame, method: Method, run_date: str) -> None:
    """Enter the verdicts on the age of the calibrators and on the stocks.

    Parameters
    ----------
    units : DataFrame
        sample_type, tissue, stock and prepared_on (empty where the worklist does not say) of each unit.
    run_date : str
        ISO date of the run.
    """
    calibrators = units[units.sample_type == "calibrator"]
    _judge_age(ledger, calibrators, method, date.fromisoformat(run_date[:10]))
    _judge_stocks(ledger, calibrators, units[units.sample_type.isin(["qc", "dilution_qc"])])


def _judge_age(ledger: Ledger, calibrators: pd.DataFrame, method: Method, run_day: date) -> None:
    rule = ledger.limits["CAL-GEN-01"]
    prepared = calibrators[calibrators.prepared_on != ""]
    if len(prepared) < max(len(calibrators), 1):
        without = (
            f"{len(calibrators) - len(prepared)} of {count_of(len(calibrators), 'calibrator')} without prepared_on"
        )
        ledger.add(rule, NOT_ASSESSABLE, without)
        return
    for (tissue, day), here in prepared.groupby(["tissue", "prepared_on"]):
        age = (run_day - date.fromisoformat(day)).days
        proven = method.stability[tissue].days if tissue in method.stability else None
        verdict = NOT_ASSESSABLE if age > 0 and proven is None else 0 <= age <= (proven or 0)
        known = "no proven stability" if proven is None else f"proven {proven:g} days"
        observed = f"{count_of(len(here), 'calibrator')} {count_of(age, 'day')} old, {known}"
        ledger.add(rule, verdict, observed, tissue=tissue, subject=f"prepared {day}")


def _judge_stocks(ledger: Ledger, calibrators: pd.DataFrame, qcs: pd.DataFrame) -> None:
    rule = ledger.limits["QC-18"]
    ours, theirs = set(calibrators.stock), set(qcs.stock)
    shared = sorted((ours & theirs) - {""})
    if shared:
        ledger.add(rule, FAIL, f"stock {', '.join(shared)} in calibrators and QCs")
    elif "" in ours | theirs or not ours or not theirs:
        ledger.add(rule, NOT_ASSESSABLE, "the worklist does not name the stock of every calibrator and QC")
    else:
        ledger.add(rule, True, f"calibrators {', '.join(sorted(ours))}; QCs {', '.join(sorted(theirs))}")


def judge_reinjection(ledger: Ledger, units: pd.DataFrame, method: Method, reinjection_of: str) -> None:
    """Enter the verdicts on a run that injects the extracts of another again."""
    cause, proven = ledger.limits["QC-20"], ledger.limits["REINJ-01"]
    if not reinjection_of:
        for rule in (cause, proven):
            ledger.add(rule, NOT_APPLICABLE, "no re-injection")
        return
    reasons = list(dict.fromkeys(units.repeat_reason[units.sample_type.isin(STUDY_SAMPLES)]))
    named = ", ".join(reason or "none given" for reason in reasons) or "no study samples"
    other = [reason for reason in reasons if reason and reason not in TECHNICAL]
    verdict = FAIL if other else (NOT_ASSESSABLE if "" in reasons or not reasons else True)
    ledger.add(cause, verdict, f"of {reinjection_of}: {named}")
    shown = None if method.validation is None else method.validation.reinjection
    said = {None: "the method file does not say", True: "proven", False: "not proven"}[shown]
    ledger.add(proven, NOT_ASSESSABLE if shown is None else shown, said)
