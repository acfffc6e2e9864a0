"""Repeat analyses: the table of them, and the rules on their reasons and results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from study_ledger import ledger_of, observed, verdict

from bioanalysis.acceptance.repeats import judge_repeats, repeat_counts, repeat_table

pytestmark = pytest.mark.requirement("UR-024")

CODE = "PREDOSE_POSITIVE"


def analysis(run_id: str, value: float, status: str = "quantified", code: str = "", **more: object) -> dict:
    row = {
        "sample_id": "S1", "tissue": "liver", "analyte": "mipomersen", "run_id": run_id, "position": "7",
        "dilution_factor": 1.0, "repeat_reason": code, "status": status, "control": False,
        "reason": "" if status == "quantified" else status, "homogenate_ng_ml": value,
    }  # fmt: skip
    return row | more


def reported(run_id: str, value: float, status: str = "quantified", chosen: str = "B reported", **more: object) -> dict:
    row = {
        "sample_id": "S1", "analyte": "mipomersen", "run_id": run_id, "status": status, "reason": "",
        "homogenate_ng_ml": value, "chosen": chosen,
    }  # fmt: skip
    return row | more


def table(*analyses: dict, accepted: dict | None = None, planned: int = 1) -> pd.DataFrame:
    accepted = accepted or reported("B", 900.0)
    return repeat_table(pd.DataFrame(analyses), pd.DataFrame([accepted]), planned=planned)


ABOVE = (analysis("A", np.nan, "ALQ"), analysis("B", 900.0, code="ABOVE_ULOQ"))


def test_a_row_holds_first_value_reason_repeats_accepted_value_and_justification():
    row = table(*ABOVE).iloc[0]
    assert (row.initial_run_id, row.initial_status, row.initial_ng_ml) == ("A", "ALQ", "")
    assert (row.reason_code, row.repeat_run_id, row.repeat_ng_ml) == ("ABOVE_ULOQ", "B", "900.0")
    assert (row.accepted_run_id, row.accepted_ng_ml, row.justification) == ("B", 900.0, "B reported")


def test_several_repeats_keep_their_order_and_all_digits():
    third = 1 / 3
    rows = (analysis("A", 9.0), analysis("B", third, code=CODE), analysis("C", np.nan, "BLQ", CODE))
    row = table(*rows).iloc[0]
    assert (row.n_repeats, row.repeat_run_id, row.repeat_status) == (2, "B;C", "quantified;BLQ")
    assert row.repeat_ng_ml == "0.3333333333333333;"


def test_one_analysis_several_dilutions_and_planned_replicates_are_no_repeats():
    assert table(analysis("B", 900.0)).empty
    assert table(analysis("B", 90.0), analysis("B", 900.0, dilution_factor=10.0)).empty
    assert table(analysis("B", 90.0), analysis("B", 91.0), planned=2).empty
    assert len(table(analysis("B", 90.0), analysis("B", 91.0))) == 1


def test_counts_are_in_percent_of_the_samples_analysed():
    repeats = pd.concat([table(*ABOVE), table(*ABOVE), table(analysis("A", 1.0), analysis("B", 2.0, code=CODE))])
    counts = repeat_counts(repeats, 40).set_index("reason_code")
    assert counts.n_samples.to_dict() == {"ABOVE_ULOQ": 2, CODE: 1}
    assert counts.percent.to_dict() == {"ABOVE_ULOQ": 5.0, CODE: 2.5}


def judged(*analyses: dict, accepted: dict | None = None, assay_class: str = "chromatographic"):
    ledger = ledger_of(assay_class)
    judge_repeats(ledger, table(*analyses, accepted=accepted), assay_class)
    return ledger


@pytest.mark.parametrize(
    ("code", "assay_class", "expected"),
    [
        pytest.param("POOR_CHROM", "chromatographic", "pass", marks=pytest.mark.rule("REP-01", "pass")),
        pytest.param("WELL_CV", "ligand_binding", "pass", marks=pytest.mark.rule("REP-01", "pass")),
        pytest.param("", "chromatographic", "fail", marks=pytest.mark.rule("REP-01", "fail")),
        pytest.param("WELL_CV", "chromatographic", "fail", marks=pytest.mark.rule("REP-01", "fail")),
        pytest.param("IS_RESPONSE", "ligand_binding", "fail", marks=pytest.mark.rule("REP-01", "fail")),
    ],
)
def test_a_repeat_has_a_code_of_its_assay_class(code, assay_class, expected):
    ledger = judged(analysis("A", 9.0), analysis("B", 900.0, code=code), assay_class=assay_class)
    assert verdict(ledger, "REP-01") == expected


RUN_FAILED = {"status": "not_reported", "reason": "RUN_FAIL: the run failed QC-05"}


@pytest.mark.parametrize(
    ("first", "code", "expected"),
    [
        pytest.param({"status": "ALQ"}, "ABOVE_ULOQ", "pass", marks=pytest.mark.rule("REP-02", "pass")),
        pytest.param(RUN_FAILED, "RUN_FAIL", "pass", marks=pytest.mark.rule("REP-02", "pass")),
        pytest.param({"status": "not_analysed"}, "INSTRUMENT", "pass", marks=pytest.mark.rule("REP-02", "pass")),
        pytest.param({"control": True}, CODE, "pass", marks=pytest.mark.rule("REP-02", "pass")),
        pytest.param({}, "POOR_CHROM", "pass", marks=pytest.mark.rule("REP-02", "pass")),
        pytest.param({}, "ABOVE_ULOQ", "fail", marks=pytest.mark.rule("REP-02", "fail")),
        pytest.param({}, "RUN_FAIL", "fail", marks=pytest.mark.rule("REP-02", "fail")),
        pytest.param({}, "INSTRUMENT", "fail", marks=pytest.mark.rule("REP-02", "fail")),
        pytest.param({}, CODE, "fail", marks=pytest.mark.rule("REP-02", "fail")),
        pytest.param({}, "", "fail", marks=pytest.mark.rule("REP-02", "fail")),
    ],
)
def test_the_first_result_bears_out_the_reason_of_its_repeat(first, code, expected):
    ledger = judged(analysis("A", 9.0, **first), analysis("B", 900.0, code=code))
    assert verdict(ledger, "REP-02") == expected


@pytest.mark.rule("REP-02", "not_assessable")
def test_a_repeat_without_a_first_result_cannot_be_held_against_one():
    ledger = judged(analysis("B", 900.0, code="RUN_FAIL"))
    assert verdict(ledger, "REP-02") == "not_assessable"
    assert verdict(ledger, "REP-04") == "fail"


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        pytest.param(reported("B", 900.0), "pass", marks=pytest.mark.rule("REP-03", "pass")),
        pytest.param(
            reported("", np.nan, "needs_decision", reason="2 accepted"), "fail",
            marks=pytest.mark.rule("REP-03", "fail"),
        ),
        pytest.param(
            reported("B", np.nan, "not_reported"), "not_assessable", marks=pytest.mark.rule("REP-03", "not_assessable")
        ),
    ],
)  # fmt: skip
def test_the_value_reported_follows_a_rule_or_a_decision(accepted, expected):
    assert verdict(judged(*ABOVE, accepted=accepted), "REP-03") == expected


@pytest.mark.rule("REP-03", "fail")
def test_one_confirmation_repeat_confirms_nothing():
    ledger = judged(analysis("A", 9.0, control=True), analysis("B", 9.1, code=CODE))
    assert verdict(ledger, "REP-03") == "fail"
    assert "one confirmation repeat" in observed(ledger, "REP-03")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param("B reported", "pass", marks=pytest.mark.rule("REP-04", "pass")),
        pytest.param("", "fail", marks=pytest.mark.rule("REP-04", "fail")),
    ],
)
def test_a_record_without_justification_is_incomplete(chosen, expected):
    assert verdict(judged(*ABOVE, accepted=reported("B", 900.0, chosen=chosen)), "REP-04") == expected


@pytest.mark.parametrize(
    ("assay_class", "repeat", "expected"),
    [
        pytest.param("chromatographic", 114.9, "pass", marks=pytest.mark.rule("REP-05", "inside")),
        pytest.param("chromatographic", 115.0, "pass", marks=pytest.mark.rule("REP-05", "on")),
        pytest.param("chromatographic", 84.9, "fail", marks=pytest.mark.rule("REP-05", "outside")),
        pytest.param("ligand_binding", 120.0, "pass", marks=pytest.mark.rule("REP-05", "on")),
        pytest.param("ligand_binding", 120.1, "fail", marks=pytest.mark.rule("REP-05", "outside")),
        pytest.param("chromatographic", np.nan, "not_assessable", marks=pytest.mark.rule("REP-05", "not_assessable")),
    ],
)
def test_confirmation_repeats_are_held_against_the_original(assay_class, repeat, expected):
    rows = [analysis("A", 100.0, control=True), analysis("B", 101.0, code=CODE), analysis("C", repeat, code=CODE)]
    assert verdict(judged(*rows, assay_class=assay_class), "REP-05") == expected


def test_a_study_without_repeats_has_nothing_to_be_judged():
    ledger = judged(analysis("A", 9.0))
    assert set(ledger.table().verdict) == {"not_applicable"}
