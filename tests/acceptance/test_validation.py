"""Curves, accuracy and precision of a validation, each rule at its boundary."""

from __future__ import annotations

import pytest
from worked_validation import Validation, levels, of_subject, result, verdicts

from bioanalysis.acceptance.validation import (
    VALIDATION,
    close_validation,
    judge_accuracy_and_precision,
    judge_curves,
    spare,
)

pytestmark = pytest.mark.requirement("UR-025")

rule = pytest.mark.rule
FOUR = {"LLOQ": 5.0, "LQC": 15.0, "MQC": 100.0, "HQC": 4000.0}
FIVE = {"LLOQ": 5.0, "LQC": 15.0, "MQC": 50.0, "HQC": 400.0, "ULOQ": 500.0}


def exact(nominal: dict[str, float], replicates: int, runs: int, **cells: object) -> list[dict[str, object]]:
    """Return runs in which every value is found as prepared."""
    return [
        row
        for run in range(1, runs + 1)
        for row in levels({name: [n] * replicates for name, n in nominal.items()}, nominal, run_id=f"R{run}", **cells)
    ]


def judged(validation: Validation, days: dict[str, str] | None = None) -> dict[str, str]:
    ledger = validation.ledger()
    judge_accuracy_and_precision(ledger, validation.table, validation.facts(days))
    return verdicts(ledger)


def curves(
    accepted: list[bool], days: list[str], assay_class: str = "chromatographic", **ends: object
) -> dict[str, str]:
    validation = Validation([], assay_class)
    names = dict(zip([f"R{n}" for n in range(len(days))], days, strict=True))
    ledger = validation.ledger()
    judge_curves(ledger, validation.facts(names, curve_accepted=accepted, **ends))
    return verdicts(ledger)


@pytest.mark.parametrize(
    ("accepted", "days", "verdict"),
    [
        pytest.param([True] * 4, ["1", "2", "3", "4"], "pass", marks=rule("CAL-CC-09", "inside")),
        pytest.param([True] * 3, ["1", "1", "2"], "pass", marks=rule("CAL-CC-09", "on")),
        pytest.param([True, True, False], ["1", "2", "3"], "fail", marks=rule("CAL-CC-09", "outside")),
        ([True] * 3, ["1", "1", "1"], "fail"),
        pytest.param([], [], "not_assessable", marks=rule("CAL-CC-09", "not_assessable")),
    ],
)
def test_three_curves_on_two_days(accepted, days, verdict):
    assert curves(accepted, days)["CAL-CC-09"] == verdict


@pytest.mark.parametrize(
    ("accepted", "days", "verdict"),
    [
        pytest.param([True] * 7, list("1234567"), "pass", marks=rule("CAL-LBA-08", "inside")),
        pytest.param([True] * 6, list("111112"), "pass", marks=rule("CAL-LBA-08", "on")),
        pytest.param([True] * 5 + [False], list("123456"), "fail", marks=rule("CAL-LBA-08", "outside")),
        pytest.param([], [], "not_assessable", marks=rule("CAL-LBA-08", "not_assessable")),
    ],
)
def test_six_curves_for_ligand_binding(accepted, days, verdict):
    assert curves(accepted, days, "ligand_binding")["CAL-LBA-08"] == verdict


@rule("CAL-CC-16", "pass")
@rule("CAL-CC-16", "fail")
@rule("CAL-CC-16", "not_assessable")
def test_a_run_that_lost_an_end_of_the_range_is_rejected_and_two_in_a_row_revise_the_method():
    assert curves([True], ["1"])["CAL-CC-16"] == "pass"
    assert curves([True], ["1"], lloq_kept=False)["CAL-CC-16"] == "fail"
    assert curves([True], ["1"], accuracy=False)["CAL-CC-16"] == "not_assessable"
    validation = Validation([])
    ledger = validation.ledger()
    facts = validation.facts({"R1": "1", "R2": "2", "R3": "3"}, uloq_kept=[True, False, False])
    judge_curves(ledger, facts)
    observed = {row["subject"]: row["observed"] for row in ledger.rows if row["rule_id"] == "CAL-CC-16"}
    assert "revise the method" not in observed["run R2"]
    assert observed["run R3"].endswith("two runs in a row: revise the method")


@pytest.mark.parametrize(
    ("nominal", "verdict"),
    [
        pytest.param(FOUR | {"VHQC": 4500.0}, "pass", marks=rule("VAL-CC-01", "inside")),
        pytest.param(FOUR, "pass", marks=rule("VAL-CC-01", "on")),
        pytest.param({k: v for k, v in FOUR.items() if k != "MQC"}, "fail", marks=rule("VAL-CC-01", "outside")),
        ({"LQC": 15.0, "MQC": 100.0, "M2": 1000.0, "HQC": 4000.0}, "fail"),
    ],
)
def test_four_levels_with_the_lloq(nominal, verdict):
    assert judged(Validation(exact(nominal, 5, 3)))["VAL-CC-01"] == verdict


@pytest.mark.parametrize(
    ("nominal", "verdict"),
    [
        pytest.param(FIVE | {"M2": 100.0}, "pass", marks=rule("VAL-LBA-01", "inside")),
        pytest.param(FIVE, "pass", marks=rule("VAL-LBA-01", "on")),
        pytest.param({k: v for k, v in FIVE.items() if k != "MQC"}, "fail", marks=rule("VAL-LBA-01", "outside")),
        ({k: v for k, v in (FIVE | {"M2": 100.0}).items() if k != "ULOQ"}, "fail"),
    ],
)
def test_five_levels_with_both_ends_for_ligand_binding(nominal, verdict):
    assert judged(Validation(exact(nominal, 3, 6), "ligand_binding"))["VAL-LBA-01"] == verdict


@pytest.mark.parametrize(
    ("replicates", "verdict"),
    [
        pytest.param(6, "pass", marks=rule("VAL-CC-02", "inside")),
        pytest.param(5, "pass", marks=rule("VAL-CC-02", "on")),
        pytest.param(4, "fail", marks=rule("VAL-CC-02", "outside")),
    ],
)
def test_five_replicates_in_each_run(replicates, verdict):
    assert judged(Validation(exact(FOUR, replicates, 3)))["VAL-CC-02"] == verdict


@pytest.mark.parametrize(
    ("runs", "days", "verdict"),
    [
        pytest.param(4, "1234", "pass", marks=rule("VAL-CC-03", "inside")),
        pytest.param(3, "112", "pass", marks=rule("VAL-CC-03", "on")),
        pytest.param(2, "12", "fail", marks=rule("VAL-CC-03", "outside")),
        (3, "111", "fail"),
    ],
)
def test_three_runs_on_two_days(runs, days, verdict):
    names = {f"R{n}": day for n, day in enumerate(days, start=1)}
    assert judged(Validation(exact(FOUR, 5, runs)), names)["VAL-CC-03"] == verdict


@pytest.mark.parametrize(
    ("replicates", "runs", "verdict"),
    [
        pytest.param(4, 7, "pass", marks=rule("VAL-LBA-02", "inside")),
        pytest.param(3, 6, "pass", marks=rule("VAL-LBA-02", "on")),
        pytest.param(3, 5, "fail", marks=rule("VAL-LBA-02", "outside")),
        (2, 6, "fail"),
    ],
)
def test_three_replicates_in_six_runs_for_ligand_binding(replicates, runs, verdict):
    assert judged(Validation(exact(FIVE, replicates, runs), "ligand_binding"))["VAL-LBA-02"] == verdict


def one_level(found: list[float], level: str, nominal: float, assay_class: str) -> dict[str, str]:
    rows = [
        result("accuracy_precision", value, level=level, nominal_ng_ml=nominal, run_id=f"R{run}")
        for run in (1, 2)
        for value in found
    ]
    return judged(Validation(rows, assay_class))


@pytest.mark.parametrize(
    ("assay_class", "rule_id", "inner", "end"),
    [("chromatographic", "VAL-CC-04", 15.0, 20.0), ("ligand_binding", "VAL-LBA-03", 20.0, 25.0)],
)
@pytest.mark.parametrize(("beyond", "verdict"), [(-0.1, "pass"), (0.0, "pass"), (0.1, "fail")])
@pytest.mark.parametrize("sign", [1, -1])
def test_mean_accuracy_has_a_wider_limit_at_the_ends(assay_class, rule_id, inner, end, beyond, verdict, sign):
    # 100 prepared and 115.0 found in every replicate is a bias of +15 %; 5 prepared and 6 found one of +20 %
    for level, nominal, limit in (("MQC", 100.0, inner), ("LLOQ", 5.0, end)):
        found = nominal * (1 + sign * (limit + beyond) / 100)
        assert one_level([found] * 5, level, nominal, assay_class)[rule_id] == verdict


@rule("VAL-CC-04", "inside")
@rule("VAL-CC-04", "on")
@rule("VAL-CC-04", "outside")
@rule("VAL-LBA-03", "inside")
@rule("VAL-LBA-03", "on")
@rule("VAL-LBA-03", "outside")
def test_a_run_may_fail_where_all_runs_together_pass():
    # +16 % and -16 %: each run is beyond 15 %, the mean of all is exact
    found = {"R1": 116.0, "R2": 84.0}
    rows = [result("accuracy_precision", value, run_id=run) for run, value in found.items() for _ in range(5)]
    validation = Validation(rows)
    ledger = validation.ledger()
    judge_accuracy_and_precision(ledger, validation.table, validation.facts())
    assert of_subject(ledger, "VAL-CC-04", "MQC within run R1") == "fail"
    assert of_subject(ledger, "VAL-CC-04", "MQC within run R2") == "fail"
    assert of_subject(ledger, "VAL-CC-04", "MQC between runs") == "pass"


@pytest.mark.parametrize(
    ("assay_class", "rule_id", "inner", "end"),
    [("chromatographic", "VAL-CC-05", 15.0, 20.0), ("ligand_binding", "VAL-LBA-04", 20.0, 25.0)],
)
@pytest.mark.parametrize(("beyond", "verdict"), [(-0.1, "pass"), (0.0, "pass"), (0.1, "fail")])
def test_precision_has_a_wider_limit_at_the_ends(assay_class, rule_id, inner, end, beyond, verdict):
    # 85, 100 and 115: mean 100, SD sqrt((15^2 + 15^2) / 2) = 15
    for level, nominal, limit in (("MQC", 100.0, inner), ("LLOQ", 5.0, end)):
        spread = nominal * (limit + beyond) / 100
        found = [nominal - spread, nominal, nominal + spread]
        assert one_level(found, level, nominal, assay_class)[rule_id] == verdict


@rule("VAL-CC-05", "inside")
@rule("VAL-CC-05", "on")
@rule("VAL-CC-05", "outside")
@rule("VAL-LBA-04", "inside")
@rule("VAL-LBA-04", "on")
@rule("VAL-LBA-04", "outside")
def test_precision_between_runs_is_that_of_one_value_in_any_run():
    # runs at 80 and 120 without scatter within: MSB = 5 (20^2 + 20^2) = 4000, n0 = 5: between 800, CV 28.3 %
    rows = [result("accuracy_precision", v, run_id=r) for r, v in (("R1", 80.0), ("R2", 120.0)) for _ in range(5)]
    validation = Validation(rows)
    ledger = validation.ledger()
    judge_accuracy_and_precision(ledger, validation.table, validation.facts())
    assert of_subject(ledger, "VAL-CC-05", "MQC within runs") == "pass"
    assert of_subject(ledger, "VAL-CC-05", "MQC between runs") == "fail"
    observed = [row["observed"] for row in ledger.rows if row["subject"] == "MQC between runs"]
    assert "CV 28.3 % (n = 10), of which between runs 28.3 %" in observed


@pytest.mark.parametrize(("beyond", "verdict"), [(-0.1, "pass"), (0.0, "pass"), (0.1, "fail")])
@rule("VAL-LBA-05", "inside")
@rule("VAL-LBA-05", "on")
@rule("VAL-LBA-05", "outside")
def test_total_error_is_bias_and_precision_together(beyond, verdict):
    # bias +20 % (mean 120) and CV 10 % (SD 12): 30 %. Two equal runs: between = (0 - 144) / 3 < 0, kept at 0
    for level, nominal, limit in (("MQC", 100.0, 30.0), ("LLOQ", 5.0, 40.0)):
        mean = nominal * (1 + (limit - 10) / 100)
        spread = mean * (10 + beyond) / 100
        found = [mean - spread, mean, mean + spread]
        assert one_level(found, level, nominal, "ligand_binding")["VAL-LBA-05"] == verdict


@pytest.mark.parametrize(
    ("size", "verdict"),
    [
        pytest.param(39, "pass", marks=rule("VAL-CC-07", "inside")),
        pytest.param(40, "pass", marks=rule("VAL-CC-07", "on")),
        pytest.param(41, "fail", marks=rule("VAL-CC-07", "outside")),
        pytest.param(None, "not_assessable", marks=rule("VAL-CC-07", "not_assessable")),
    ],
)
def test_one_run_has_the_size_of_a_study_run(size, verdict):
    # every run of the worked example has 40 rows
    assert judged(Validation(exact(FOUR, 5, 3), study_run_rows=size))["VAL-CC-07"] == verdict


@rule("VAL-CC-01", "not_assessable")
@rule("VAL-CC-02", "not_assessable")
@rule("VAL-CC-03", "not_assessable")
@rule("VAL-CC-04", "not_assessable")
@rule("VAL-CC-05", "not_assessable")
@rule("VAL-CC-06", "not_assessable")
@rule("VAL-LBA-01", "not_assessable")
@rule("VAL-LBA-02", "not_assessable")
@rule("VAL-LBA-03", "not_assessable")
@rule("VAL-LBA-04", "not_assessable")
@rule("VAL-LBA-05", "not_assessable")
@pytest.mark.parametrize(("assay_class", "rules"), [("chromatographic", 7), ("ligand_binding", 5)])
def test_without_accuracy_and_precision_every_rule_on_it_is_not_assessable(assay_class, rules):
    found = judged(Validation([], assay_class))
    assert list(found.values()) == ["not_assessable"] * rules


def test_total_error_of_chromatography_is_shown_without_a_limit():
    assert judged(Validation(exact(FOUR, 5, 3)))["VAL-CC-06"] == "not_applicable"


def test_a_single_run_cannot_tell_precision_between_runs():
    validation = Validation(levels({"MQC": [99.0, 100.0, 101.0]}, FOUR))
    ledger = validation.ledger()
    judge_accuracy_and_precision(ledger, validation.table, validation.facts())
    assert of_subject(ledger, "VAL-CC-05", "MQC within runs") == "pass"
    assert of_subject(ledger, "VAL-CC-05", "MQC between runs") == "not_assessable"


def test_values_without_a_number_or_of_a_failed_curve_are_counted_and_not_used():
    rows = levels({"MQC": [100.0, 102.0]}, FOUR)
    rows += levels({"MQC": [300.0]}, FOUR, why_not="the curve failed: CAL-CC-04")
    row = Validation(rows).table.query("run_id == ''").iloc[0]
    assert (row.n, row.n_without_value, row["mean"]) == (2, 1, 101.0)
    assert "the curve failed: CAL-CC-04" in row.note


def test_the_validation_fails_by_a_failed_rule_and_stays_open_by_one_that_was_not_assessed():
    validation = Validation([])
    limits = validation.ledger().limits
    for entered, expected in (
        ([("VAL-CC-04", True), ("SEL-CC-01", True)], "pass"),
        ([("VAL-CC-04", True), ("SEL-CC-01", "not_assessable")], "not_assessable"),
        ([("VAL-CC-04", False), ("SEL-CC-01", "not_assessable")], "fail"),
        ([("VAL-CC-04", True), ("REC-04", False)], "pass"),  # a house limit never fails a validation
        ([("VAL-CC-04", True), ("STAB-02", False)], "pass"),  # the storage is not claimed, the method stands
    ):
        ledger = validation.ledger()
        for name, verdict in entered:
            ledger.add(limits[name], verdict, "")
        assert close_validation(ledger) == expected
        assert ledger.rows[-1]["rule_id"] == VALIDATION


def test_what_need_not_be_examined_says_why_and_does_not_leave_the_validation_open():
    ledger = Validation([]).ledger()
    for name in ("ENDO-01", "SEL-CC-04", "SEL-CC-01"):
        ledger.add(ledger.limits[name], "not_assessable" if name != "SEL-CC-01" else True, "not examined")
    spare(ledger, {"endogenous": "foreign to the animal", "SEL-CC-04": "a solid tissue", "SEL-CC-01": "no"})
    assert [row["verdict"] for row in ledger.rows] == ["not_applicable", "not_applicable", "pass"]
    assert ledger.rows[0]["observed"] == "not needed: foreign to the animal (not examined)"
    assert close_validation(ledger) == "pass"
