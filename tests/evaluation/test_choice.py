"""Which result is reported: the rules of the data contract, one example each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bioanalysis.evaluation.choice import choose
from bioanalysis.method import read_method

pytestmark = pytest.mark.requirement("UR-012")

ROOT = Path(__file__).parents[2]
NO_DECISION = pd.DataFrame(columns=["decision_id"])


@pytest.fixture(scope="module")
def method():
    return read_method(ROOT / "config/methods/ASO-LCMS-01.yaml", "config/methods/ASO-LCMS-01.yaml")


def result(run_id: str, reading: float, status: str = "quantified", **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "run_id": run_id, "plate": "", "position": "1", "sample_id": "S1", "dilution_factor": 1.0, "dilution_steps": 0,
        "extraction_id": f"{run_id}:1", "repeat_reason": "", "reading_ng_ml": reading, "curve_uncertainty": 0.01,
        "reading_uncertainty": 0.02, "status": status, "reason": "" if status == "quantified" else status, "flags": "",
    }  # fmt: skip
    return row | more


def chosen(method, *rows: dict[str, object], decisions: pd.DataFrame = NO_DECISION):
    return choose(pd.DataFrame(rows), decisions, method)


def test_one_result_is_reported_with_its_dilution(method):
    choice = chosen(method, result("A", 40.0, dilution_factor=10.0))
    assert (choice.status, choice.result.homogenate_ng_ml) == ("quantified", 400.0)


def test_a_repeat_replaces_a_result_that_is_not_reportable(method):
    choice = chosen(
        method, result("A", 9000.0, "ALQ"), result("B", 900.0, dilution_factor=10.0, repeat_reason="ABOVE_ULOQ")
    )
    assert (choice.status, choice.result.run_id, choice.result.homogenate_ng_ml) == ("quantified", "B", 9000.0)
    assert "reportable_chosen" in choice.flags


def test_two_accepted_results_are_never_averaged(method):
    choice = chosen(method, result("A", 100.0), result("B", 110.0, repeat_reason="POOR_CHROM"))
    assert choice.status == "needs_decision"
    assert "A position 1: 100 ng/mL" in choice.reason
    assert choice.result.index.is_unique


def test_results_on_two_plates_are_told_apart(method):
    choice = chosen(method, result("A", 100.0, plate="P1"), result("A", 110.0, plate="P2", extraction_id="A:2"))
    assert "A plate P1 position 1: 100 ng/mL; A plate P2 position 1: 110 ng/mL" in choice.reason


def decided(*runs: str) -> pd.DataFrame:
    """Decisions D1, D2 ... that name one run each."""
    return pd.DataFrame(
        [{"decision_id": f"D{n}", "run_id": run, "plate": "", "position": "", "extraction_id": "",
          "dilution_factor": np.nan, "reason_code": "POOR_CHROM", "author": "x", "reason": "y"}
         for n, run in enumerate(runs, start=1)]
    )  # fmt: skip


def test_a_decision_chooses(method):
    choice = chosen(method, result("A", 100.0), result("B", 110.0), decisions=decided("B"))
    assert (choice.status, choice.result.run_id) == ("quantified", "B")
    assert "D1" in choice.note


@pytest.mark.parametrize(
    ("rule", "readings", "expected"),
    [
        ("keep_original", (10.0, 11.0), 10.0),
        ("mean", (10.0, 12.0), 11.0),
        ("median_of_three", (10.0, 12.0, 11.0), 11.0),
    ],
)
def test_confirmation_repeats_follow_the_rule_of_the_method(method, rule, readings, expected):
    ruled = method.model_copy(update={"repeat_rule": rule})
    rows = [result("A", readings[0])]
    rows += [result(f"B{n}", r, repeat_reason="PREDOSE_POSITIVE") for n, r in enumerate(readings[1:])]
    assert chosen(ruled, *rows).result.homogenate_ng_ml == pytest.approx(expected)
    assert chosen(method, *rows).status == "needs_decision"


@pytest.mark.parametrize(
    ("rule", "words"),
    [("keep_original", {"first"}), ("mean", {"first", "second", "third"}), ("median_of_three", {"third"})],
)
def test_flags_are_those_of_the_results_behind_the_value(method, rule, words):
    # 10, 12 and 11 ng/mL: the third is the median
    ruled = method.model_copy(update={"repeat_rule": rule})
    rows = [result("A", 10.0, flags="first")]
    rows += [result(run, found, flags=word, repeat_reason="PREDOSE_POSITIVE")
             for run, found, word in (("B", 12.0, "second"), ("C", 11.0, "third"))]  # fmt: skip
    assert set(chosen(ruled, *rows).flags.split(";")) == words | {"reportable_chosen"}


def test_duplicate_repeats_in_one_run_are_two_results_for_the_rule(method):
    # 10 ng/mL at first, 13 and 12 in the duplicate: the median is 12
    ruled = method.model_copy(update={"repeat_rule": "median_of_three"})
    again = [result("B", r, repeat_reason="PREDOSE_POSITIVE", extraction_id=f"B:{r}") for r in (13.0, 12.0)]
    choice = chosen(ruled, result("A", 10.0), *again)
    assert (choice.status, choice.result.homogenate_ng_ml) == ("quantified", 12.0)
    assert "A 10 ng/mL, B 13 ng/mL, B 12 ng/mL" in choice.note


def test_the_median_of_a_value_and_two_blq_is_blq(method):
    ruled = method.model_copy(update={"repeat_rule": "median_of_three"})
    again = [result(run, np.nan, "BLQ", repeat_reason="PREDOSE_POSITIVE") for run in "BC"]
    choice = chosen(ruled, result("A", 6.0), *again)
    assert choice.status == "BLQ"
    assert np.isnan(choice.result.homogenate_ng_ml)
    assert chosen(method.model_copy(update={"repeat_rule": "mean"}), result("A", 6.0), *again).status == (
        "needs_decision"
    )


def test_decisions_that_name_different_results_decide_nothing(method):
    choice = chosen(method, result("A", 100.0), result("B", 110.0), decisions=decided("B", "A"))
    assert choice.status == "needs_decision"
    assert choice.reason == "D1 and D2 name different results"


def test_a_decision_cannot_make_a_failed_result_reportable(method):
    choice = chosen(method, result("A", 100.0), result("B", 110.0, "not_reported"), decisions=decided("B"))
    assert choice.status == "not_reported"


@pytest.mark.parametrize(
    "rows",
    [
        [result("A", np.nan, "not_analysed", reason="vial broken"), result("B", 7.0, repeat_reason="INSTRUMENT")],
        [result("A", 9000.0, "ALQ"), result("B", 900.0, dilution_factor=10.0, repeat_reason="ABOVE_ULOQ")],
        [result("A", 9000.0, "ALQ"), result("B", 8000.0, "ALQ", repeat_reason="ABOVE_ULOQ")],
        [result("A", 50.0), result("A", np.nan, "not_reported", position="2")],
        [result("A", 50.0), result("B", np.nan, "not_reported", repeat_reason="POOR_CHROM")],
    ],
    ids=["not acquired", "above", "above twice", "one run", "failed repeat"],
)
def test_a_choice_among_several_says_why_in_words(method, rows):
    choice = chosen(method, *rows)
    assert choice.note
    assert {row["run_id"] for row in rows} == {"A"} or ("A" in choice.note and "B" in choice.note)


@pytest.mark.parametrize(("second", "status"), [(11.0, "quantified"), (20.0, "needs_decision")])
def test_dilutions_are_averaged_where_they_agree(method, second, status):
    # 100 and 110 ng/mL: CV 6.7 %; 100 and 200 ng/mL: CV 47 %; the limit is 20 % where the method sets none
    choice = chosen(
        method, result("A", 10.0, dilution_factor=10.0), result("A", second, dilution_factor=10.0 + 1e-9, position="2")
    )
    assert choice.status == status
    if status == "quantified":
        assert choice.result.homogenate_ng_ml == pytest.approx(105.0)


def test_a_failed_run_alone_keeps_its_reason(method):
    choice = chosen(method, result("A", 10.0, "not_reported"))
    assert (choice.status, choice.reason) == ("not_reported", "not_reported")
    assert np.isnan(choice.result.homogenate_ng_ml)


class TestPlannedReplicates:
    """Two injections of each of two extractions, combined within 20 % CV."""

    @pytest.fixture
    def planned(self, method):
        return method.model_copy(update={"replicates": method.replicates.model_copy(
            update={"injections": 2, "extractions": 2})})  # fmt: skip

    def readings(self, *values: float, extractions: str = "aabb", **more: object) -> list[dict[str, object]]:
        return [
            result("A", value, extraction_id=name, position=str(number), **more)
            for number, (value, name) in enumerate(zip(values, extractions, strict=False), start=1)
        ]

    def test_the_geometric_mean_of_extractions_is_reported(self, planned):
        # extraction a: sqrt(90 x 100), extraction b: sqrt(110 x 120); their geometric mean is the fourth root
        choice = chosen(planned, *self.readings(90.0, 100.0, 110.0, 120.0))
        assert choice.status == "quantified"
        assert choice.result.homogenate_ng_ml == pytest.approx((90 * 100 * 110 * 120) ** 0.25)
        assert choice.result.n_extractions == 2
        assert choice.result.reading_uncertainty == pytest.approx(0.02 / 2)  # four readings of 2 % each
        assert choice.result.curve_uncertainty == 0.01
        assert "2 extractions" in choice.note

    def test_extractions_count_alike_whatever_their_injections(self, planned):
        choice = chosen(planned, *self.readings(100.0, 100.0, 121.0, extractions="aab"))
        assert choice.result.homogenate_ng_ml == pytest.approx(110.0)  # sqrt(100 x 121)
        assert "1 fewer than the planned replicates" in choice.note

    def test_beyond_the_limit_a_decision_is_needed(self, planned):
        # 60, 100: mean 80, SD 28.3, CV 35.4 %
        choice = chosen(planned, *self.readings(60.0, 100.0, extractions="ab"))
        assert choice.status == "needs_decision"
        assert "CV 35.4 %, limit 20 %" in choice.reason
        assert "needs_decision" in choice.flags

    def test_one_below_the_range_beside_a_value_is_not_averaged_away(self, planned):
        rows = [*self.readings(6.0, extractions="a"), result("A", np.nan, "BLQ", extraction_id="b", position="2")]
        assert chosen(planned, *rows).status == "needs_decision"

    def test_rows_that_are_extractions_of_their_own_say_what_to_write_where(self, planned):
        once = planned.model_copy(update={"replicates": planned.replicates.model_copy(update={"extractions": 1})})
        choice = chosen(once, *self.readings(90.0, 100.0, extractions="ab"))
        assert choice.status == "needs_decision"
        assert "the method plans 2 injection(s) of 1 extraction(s); 2 readings (positions 1, 2)" in choice.reason
        assert "(such as S1-E1) into extraction_id of all of them in config/worklists/A.tsv" in choice.reason

    def test_all_below_the_range_are_blq(self, planned):
        rows = [result("A", np.nan, "BLQ", extraction_id=name, position=name) for name in "ab"]
        assert chosen(planned, *rows).status == "BLQ"

    @pytest.mark.parametrize(
        ("status", "reason"), [("ALQ", "above the ULOQ of 5000 ng/mL on the curve"), ("not_reported", "the run failed")]
    )
    def test_replicates_of_which_none_is_reportable_are_replaced_by_the_repeat(self, planned, status, reason):
        first = [row | {"status": status, "reason": reason} for row in self.readings(9000.0, 9100.0, extractions="ab")]
        alone = chosen(planned, *first)
        assert (alone.status, alone.reason) == (status, f"all 2 planned replicates are {status}: {reason}")
        repeat = self.readings(880.0, 920.0, extractions="cd")
        repeat = [row | {"run_id": "B", "dilution_factor": 10.0, "repeat_reason": "ABOVE_ULOQ"} for row in repeat]
        choice = chosen(planned, *first, *repeat)
        assert (choice.status, choice.result.run_id) == ("quantified", "B")
        assert choice.result.homogenate_ng_ml == pytest.approx(10 * np.sqrt(880 * 920))

    def test_replicates_not_reportable_for_several_reasons_name_them_all(self, planned):
        lost, above = self.readings(np.nan, 9100.0, extractions="ab")
        lost |= {"status": "not_reported", "reason": "no internal standard peak"}
        choice = chosen(planned, lost, above | {"status": "ALQ", "reason": "above the ULOQ"})
        assert choice.status == "not_reported"
        assert choice.reason.endswith("are not_reported or ALQ: no internal standard peak; above the ULOQ")

    def test_more_readings_than_planned_are_never_averaged(self, planned):
        assert chosen(planned, *self.readings(100.0, 101.0, 102.0, extractions="aaa")).status == "needs_decision"

    def test_a_single_reading_says_what_is_missing(self, planned):
        choice = chosen(planned, result("A", 100.0))
        assert (choice.status, choice.note) == ("quantified", "3 fewer than the planned replicates")
