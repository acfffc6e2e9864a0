"""Age of the calibrators, stocks of calibrators and QCs, causes of a re-injection."""

from __future__ import annotations

import pandas as pd
import pytest
from worked_run import LCMS, judged, method_file, unit, units_of, verdict

from bioanalysis.acceptance.preparation import judge_preparation, judge_reinjection
from bioanalysis.limits import limits_for
from bioanalysis.method import Stability, ValidatedScope

rule = pytest.mark.rule
PROVEN = method_file(stability={"surrogate": Stability(days=30)})


def judge(*rows: dict[str, object], method=LCMS) -> pd.DataFrame:
    table = units_of(*rows)
    return judged(limits_for(method), lambda ledger: judge_preparation(ledger, table, method, "2026-03-31T08:00:00Z"))


def calibrator(prepared_on: str = "", **changes: object) -> dict[str, object]:
    return unit("calibrator", tissue="surrogate", nominal_ng_ml=5.0, prepared_on=prepared_on, **changes)


@pytest.mark.parametrize(
    ("prepared_on", "method", "word"),
    [
        pytest.param("2026-03-31", LCMS, "pass", marks=rule("CAL-GEN-01", "pass")),  # freshly spiked
        pytest.param("2026-03-01", PROVEN, "pass", marks=rule("CAL-GEN-01", "pass")),  # 30 days of 30
        pytest.param("2026-02-28", PROVEN, "fail", marks=rule("CAL-GEN-01", "fail")),  # 31 days
        pytest.param("2026-04-01", PROVEN, "fail", marks=rule("CAL-GEN-01", "fail")),  # after the run
        pytest.param("2026-03-30", LCMS, "not_assessable", marks=rule("CAL-GEN-01", "not_assessable")),
        pytest.param("", PROVEN, "not_assessable", marks=rule("CAL-GEN-01", "not_assessable")),
    ],
)
def test_calibrators_are_fresh_or_as_old_as_stability_was_proven(prepared_on, method, word):
    assert verdict(judge(calibrator(prepared_on), method=method), "CAL-GEN-01") == word


def test_one_calibrator_without_a_date_leaves_the_rule_open():
    table = judge(calibrator("2026-03-31"), calibrator())
    assert verdict(table, "CAL-GEN-01") == "not_assessable"
    assert table[table.rule_id == "CAL-GEN-01"].observed.item() == "1 of 2 calibrators without prepared_on"


@pytest.mark.parametrize(
    ("ours", "theirs", "word"),
    [
        pytest.param("A", "B", "pass", marks=rule("QC-18", "pass")),
        pytest.param("A", "A", "fail", marks=rule("QC-18", "fail")),
        pytest.param("A", "", "not_assessable", marks=rule("QC-18", "not_assessable")),
        pytest.param("", "", "not_assessable", marks=rule("QC-18", "not_assessable")),
    ],
)
def test_qcs_and_calibrators_come_from_different_stocks(ours, theirs, word):
    assert verdict(judge(calibrator(stock=ours), unit("qc", 2, stock=theirs)), "QC-18") == word


def reinjected(*reasons: str, of: str = "LC-01", reinjection: bool | None = None) -> pd.DataFrame:
    scope = ValidatedScope(report="VAL-01", reinjection=reinjection)
    method = method_file(validation=scope)
    table = units_of(unit("qc", 9), *[unit("unknown", n, repeat_reason=r) for n, r in enumerate(reasons, start=1)])
    return judged(limits_for(method), lambda ledger: judge_reinjection(ledger, table, method, of))


@pytest.mark.parametrize(
    ("reasons", "word"),
    [
        pytest.param(("INSTRUMENT", "POOR_CHROM"), "pass", marks=rule("QC-20", "pass")),
        pytest.param(("INSTRUMENT", "RUN_FAIL"), "fail", marks=rule("QC-20", "fail")),
        pytest.param(("INSTRUMENT", ""), "not_assessable", marks=rule("QC-20", "not_assessable")),
        pytest.param((), "not_assessable", marks=rule("QC-20", "not_assessable")),
    ],
)
def test_a_failed_run_is_extracted_again_and_injected_again_for_a_technical_cause_only(reasons, word):
    assert verdict(reinjected(*reasons), "QC-20") == word


@pytest.mark.parametrize(
    ("proven", "word"),
    [
        pytest.param(True, "pass", marks=rule("REINJ-01", "pass")),
        pytest.param(False, "fail", marks=rule("REINJ-01", "fail")),
        pytest.param(None, "not_assessable", marks=rule("REINJ-01", "not_assessable")),
    ],
)
def test_a_reinjection_rests_on_proven_reproducibility(proven, word):
    assert verdict(reinjected("INSTRUMENT", reinjection=proven), "REINJ-01") == word


def test_a_run_that_is_no_reinjection_is_not_asked():
    table = reinjected("RUN_FAIL", of="")
    assert verdict(table, "QC-20") == verdict(table, "REINJ-01") == "not_applicable"
