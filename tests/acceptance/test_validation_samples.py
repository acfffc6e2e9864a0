"""Dilution, stability, recovery, re-injection, carry-over and cross validation, each rule at its boundary."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from worked_validation import Validation, of_subject, result, verdicts

from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.acceptance.validation_samples import (
    gather_carry_over,
    judge_cross_validation,
    judge_dilution,
    judge_recovery,
    judge_reinjection,
    judge_stability,
)

pytestmark = pytest.mark.requirement("UR-025")

rule = pytest.mark.rule
Rows = list[dict[str, object]]


def judged(judge: Callable[..., None], rows: Rows, assay_class: str = "chromatographic") -> Ledger:
    validation = Validation(rows, assay_class)
    ledger = validation.ledger()
    judge(ledger, validation.table, *([] if judge is judge_reinjection else [validation.facts()]))
    return ledger


def diluted(found: list[float], diluent: str = "liver", **cells: object) -> Rows:
    more = {"sample_type": "dilution_qc", "level": "DQC", "dilution_factor": 10.0, "diluent": diluent}
    return [result("dilution_integrity", value, **more, **cells) for value in found]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        pytest.param(6, "pass", marks=rule("DIL-CC-01", "inside")),
        pytest.param(5, "pass", marks=rule("DIL-CC-01", "on")),
        pytest.param(4, "fail", marks=rule("DIL-CC-01", "outside")),
        pytest.param(0, "not_assessable", marks=rule("DIL-CC-01", "not_assessable")),
    ],
)
def test_five_replicates_of_a_factor_in_one_run(number, verdict):
    assert verdicts(judged(judge_dilution, diluted([100.0] * number)))["DIL-CC-01"] == verdict


def test_replicates_of_several_runs_are_not_five_in_one():
    rows = diluted([100.0] * 4) + diluted([100.0] * 4, run_id="R2")
    assert verdicts(judged(judge_dilution, rows))["DIL-CC-01"] == "fail"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param([114.9] * 5, "pass", marks=rule("DIL-CC-02", "inside")),
        pytest.param([115.0] * 5, "pass", marks=rule("DIL-CC-02", "on")),
        pytest.param([85.0, 100.0, 115.0], "pass", marks=rule("DIL-CC-02", "on")),
        pytest.param([115.1] * 5, "fail", marks=rule("DIL-CC-02", "outside")),
        ([84.9, 100.0, 115.1], "fail"),
        pytest.param([], "not_assessable", marks=rule("DIL-CC-02", "not_assessable")),
    ],
)
def test_a_diluted_sample_is_found_as_prepared(found, verdict):
    assert verdicts(judged(judge_dilution, diluted(found)))["DIL-CC-02"] == verdict


@pytest.mark.parametrize(
    ("found", "diluent", "verdict"),
    [
        pytest.param([100.0, 101.0], "surrogate", "pass", marks=rule("DIL-CC-04", "pass")),
        pytest.param([120.0, 121.0], "surrogate", "fail", marks=rule("DIL-CC-04", "fail")),
        pytest.param([100.0, 101.0], "", "not_assessable", marks=rule("DIL-CC-04", "not_assessable")),
        ([100.0, 101.0], "liver", "not_applicable"),
    ],
)
def test_another_diluent_is_allowed_where_it_is_shown_harmless(found, diluent, verdict):
    assert verdicts(judged(judge_dilution, diluted(found, diluent)))["DIL-CC-04"] == verdict


def linear(
    corrected: list[float], series: str = "S1", factors: tuple[float, ...] = (20, 100, 1000), **cells: object
) -> Rows:
    """Return a series of a sample of 10 000 ng/mL: its dilution-corrected results in parts of the nominal."""
    return [
        result("dilution_linearity", 10_000 * share, sample_type="dilution_qc", nominal_ng_ml=10_000.0, level="DQC",
               dilution_factor=float(factor), series=series, **cells)
        for factor, share in zip(factors, corrected, strict=True)
    ]  # fmt: skip


def three(corrected: list[float], factors: tuple[float, ...] = (20, 100, 1000)) -> Rows:
    return [row for name in ("S1", "S2", "S3") for row in linear(corrected, name, factors)]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        pytest.param(three([1.0] * 4, (20, 100, 1000, 2000)), "pass", marks=rule("DIL-LBA-01", "inside")),
        pytest.param(three([1.0] * 3), "pass", marks=rule("DIL-LBA-01", "on")),
        pytest.param(three([1.0] * 2, (20, 100)), "fail", marks=rule("DIL-LBA-01", "outside")),
        (linear([1.0] * 3, "S1") + linear([1.0] * 3, "S2"), "fail"),
        pytest.param([], "not_assessable", marks=rule("DIL-LBA-01", "not_assessable")),
    ],
)
def test_three_factors_in_three_preparations(rows, verdict):
    assert verdicts(judged(judge_dilution, rows, "ligand_binding"))["DIL-LBA-01"] == verdict


@pytest.mark.parametrize(
    ("corrected", "verdict"),
    [
        pytest.param([1.199] * 3, "pass", marks=rule("DIL-LBA-02", "inside")),
        pytest.param([1.2] * 3, "pass", marks=rule("DIL-LBA-02", "on")),
        pytest.param([0.8, 1.0, 1.2], "pass", marks=rule("DIL-LBA-02", "on")),
        pytest.param([1.0, 1.0, 1.201], "fail", marks=rule("DIL-LBA-02", "outside")),
        pytest.param([], "not_assessable", marks=rule("DIL-LBA-02", "not_assessable")),
    ],
)
def test_every_dilution_gives_back_the_prepared_concentration(corrected, verdict):
    rows = three(corrected) if corrected else []
    assert verdicts(judged(judge_dilution, rows, "ligand_binding"))["DIL-LBA-02"] == verdict


def test_a_dilution_that_reads_outside_the_range_is_no_factor():
    rows = three([1.0] * 3) + [row | {"place": "above"} for row in three([1.0], (2.0,))]
    table = Validation(rows, "ligand_binding").table
    assert set(table.factors.dropna()) == {3}


@pytest.mark.parametrize(
    ("place", "verdict"),
    [
        pytest.param("above", "pass", marks=rule("HOOK-LBA-01", "pass")),
        pytest.param("inside", "fail", marks=rule("HOOK-LBA-01", "fail")),
        pytest.param("no_value", "not_assessable", marks=rule("HOOK-LBA-01", "not_assessable")),
    ],
)
def test_a_sample_above_the_uloq_reads_above_it(place, verdict):
    # 10 000 ng/mL undiluted against an ULOQ of 500
    neat = [row | {"place": place, "sample_type": "qc"} for row in linear([0.03], factors=(1.0,))]
    assert verdicts(judged(judge_dilution, [*neat, *linear([1.0] * 3)], "ligand_binding"))["HOOK-LBA-01"] == verdict


def parallel(corrected: list[float]) -> Rows:
    return [
        result("parallelism", value, sample_type="unknown", series="A1", dilution_factor=2.0**n, status="quantified")
        for n, value in enumerate(corrected)
    ]


@pytest.mark.parametrize(
    ("corrected", "verdict"),
    [
        pytest.param([100.0] * 4, "pass", marks=rule("PAR-LBA-01", "inside")),
        pytest.param([70.0, 100.0, 130.0], "pass", marks=rule("PAR-LBA-01", "on")),
        pytest.param([69.9, 100.0, 130.1], "fail", marks=rule("PAR-LBA-01", "outside")),
        pytest.param([100.0], "not_assessable", marks=rule("PAR-LBA-01", "not_assessable")),
        ([100.0, 100.0], "fail"),
    ],
)
def test_parallel_dilutions_of_a_study_sample_agree(corrected, verdict):
    # 70, 100 and 130: SD 30, mean 100
    assert verdicts(judged(judge_dilution, parallel(corrected), "ligand_binding"))["PAR-LBA-01"] == verdict


def stored(found: list[float], condition: str = "bench_top", levels: tuple[str, ...] = ("LQC", "HQC"), **cells) -> Rows:
    more = {"condition_hours": 24.0} if condition != "freeze_thaw" else {"condition_cycles": 3.0, "hours_frozen": 12.0}
    more |= cells
    return [result("stability", value, level=level, condition=condition, **more) for level in levels for value in found]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        pytest.param(stored([100.0] * 4), "pass", marks=rule("STAB-01", "inside")),
        pytest.param(stored([100.0] * 3), "pass", marks=rule("STAB-01", "on")),
        pytest.param(stored([100.0] * 2), "fail", marks=rule("STAB-01", "outside")),
        (stored([100.0] * 3, levels=("LQC",)), "fail"),
    ],
)
def test_three_replicates_at_two_levels(rows, verdict):
    assert of_subject(judged(judge_stability, rows), "STAB-01", "bench_top, 24 h") == verdict


@pytest.mark.parametrize(
    ("assay_class", "found", "verdict"),
    [
        pytest.param("chromatographic", 85.1, "pass", marks=rule("STAB-02", "inside")),
        pytest.param("chromatographic", 85.0, "pass", marks=rule("STAB-02", "on")),
        pytest.param("chromatographic", 84.9, "fail", marks=rule("STAB-02", "outside")),
        ("ligand_binding", 80.0, "pass"),
        ("ligand_binding", 79.9, "fail"),
    ],
)
def test_a_stored_sample_is_found_as_prepared(assay_class, found, verdict):
    rows = stored([100.0] * 3, levels=("LQC",)) + stored([found] * 3, levels=("HQC",))
    ledger = judged(judge_stability, rows, assay_class)
    assert of_subject(ledger, "STAB-02", "bench_top, 24 h, LQC") == "pass"
    assert of_subject(ledger, "STAB-02", "bench_top, 24 h, HQC") == verdict


@rule("STAB-01", "not_assessable")
@rule("STAB-02", "not_assessable")
@rule("STAB-03", "not_assessable")
@rule("STAB-04", "not_assessable")
def test_each_usual_storage_that_was_not_examined_is_named():
    ledger = judged(
        judge_stability, stored([100.0] * 3, "long_term", condition_days=90.0, condition_hours=float("nan"))
    )
    for name in ("STAB-01", "STAB-02"):
        assert of_subject(ledger, name, "bench_top") == "not_assessable"
        assert of_subject(ledger, name, "freeze_thaw") == "not_assessable"
        assert of_subject(ledger, name, "long_term") == "not_applicable"  # no row says it was not examined
    found = verdicts(ledger)
    assert (found["STAB-03"], found["STAB-04"]) == ("not_assessable", "not_assessable")


@pytest.mark.parametrize(
    ("cycles", "hours", "verdict"),
    [
        pytest.param(4.0, 12.1, "pass", marks=rule("STAB-03", "inside")),
        pytest.param(3.0, 12.0, "pass", marks=rule("STAB-03", "on")),
        pytest.param(3.0, 11.9, "fail", marks=rule("STAB-03", "outside")),
        (2.0, 12.0, "fail"),
        (3.0, float("nan"), "not_assessable"),
    ],
)
def test_three_cycles_with_twelve_hours_between(cycles, hours, verdict):
    rows = stored([100.0] * 3, "freeze_thaw", condition_cycles=cycles, hours_frozen=hours)
    assert verdicts(judged(judge_stability, rows))["STAB-03"] == verdict


@rule("STAB-04", "pass")
def test_stays_on_the_bench_are_not_added_up():
    rows = stored([100.0] * 3, condition_hours=6.0) + stored([100.0] * 3, condition_hours=24.0)
    ledger = judged(judge_stability, rows)
    assert [row["observed"] for row in ledger.rows if row["rule_id"] == "STAB-04"] == ["24 h"]


def recovered(shares: dict[str, float], lot: str = "") -> Rows:
    """Return extracts spiked before and after extraction, in the given ratio per level."""
    sets = (("recovery_pre", shares), ("recovery_post", dict.fromkeys(shares, 1.0)))
    return [
        result("recovery", sample_type=kind, level=level, mean_response=share, lot=lot, status="measured")
        for kind, found in sets
        for level, share in found.items()
    ]


@rule("REC-01", "pass")
def test_recovery_is_what_was_spiked_before_over_what_was_spiked_after():
    # means 0.55 before and 1.1 after: 50 %
    rows = recovered({"MQC": 0.5}) + recovered({"MQC": 0.6})
    rows = [row | {"mean_response": 1.1} if row["sample_type"] == "recovery_post" else row for row in rows]
    validation = Validation(rows)
    assert validation.table["mean"].tolist() == pytest.approx([50.0])
    ledger = judged(judge_recovery, rows)
    assert verdicts(ledger)["REC-01"] == "pass"
    assert verdicts(ledger)["REC-02"] == "not_applicable"


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        pytest.param({"L": 0.6, "M": 0.6, "H": 0.6, "V": 0.6}, "pass", marks=rule("REC-03", "inside")),
        pytest.param({"L": 0.6, "M": 0.6, "H": 0.6}, "pass", marks=rule("REC-03", "on")),
        pytest.param({"L": 0.6, "M": 0.6}, "fail", marks=rule("REC-03", "outside")),
    ],
)
def test_recovery_at_three_levels(shares, verdict):
    assert verdicts(judged(judge_recovery, recovered(shares)))["REC-03"] == verdict


@pytest.mark.parametrize(
    ("assay_class", "spread", "verdict"),
    [
        pytest.param("chromatographic", 0.149, "pass", marks=rule("REC-04", "inside")),
        pytest.param("chromatographic", 0.15, "pass", marks=rule("REC-04", "on")),
        pytest.param("chromatographic", 0.151, "fail", marks=rule("REC-04", "outside")),
        ("ligand_binding", 0.20, "pass"),
        ("ligand_binding", 0.201, "fail"),
    ],
)
def test_recovery_scatters_little_over_levels_and_lots(assay_class, spread, verdict):
    # recoveries of 1 - s, 1 and 1 + s have a CV of s
    shares = {"L": 1 - spread, "M": 1.0, "H": 1 + spread}
    rows = recovered(shares)
    rows = [row | {"found_ng_ml": row["mean_response"]} for row in rows]  # ligand binding: on values read
    assert verdicts(judged(judge_recovery, rows, assay_class))["REC-04"] == verdict
    lots = [row | {"lot": row["level"], "level": "MQC"} for row in rows]
    ledger = judged(judge_recovery, lots, assay_class)
    assert of_subject(ledger, "REC-04", "lots") == verdict


@rule("REC-01", "not_assessable")
@rule("REC-02", "not_assessable")
@rule("REC-03", "not_assessable")
@rule("REC-04", "not_assessable")
def test_without_a_counterpart_recovery_is_not_assessable():
    before = [row for row in recovered({"L": 0.6}) if row["sample_type"] == "recovery_pre"]
    assert set(verdicts(judged(judge_recovery, before)).values()) == {"not_assessable"}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param([114.9] * 5, "pass", marks=rule("REINJ-VAL", "inside")),
        pytest.param([115.0] * 5, "pass", marks=rule("REINJ-VAL", "on")),
        pytest.param([115.1] * 5, "fail", marks=rule("REINJ-VAL", "outside")),
        ([84.9, 100.0, 115.1], "fail"),
        pytest.param([], "not_assessable", marks=rule("REINJ-VAL", "not_assessable")),
    ],
)
def test_extracts_injected_again_are_found_as_prepared(found, verdict):
    rows = [result("reinjection", value) for value in found]
    assert verdicts(judged(judge_reinjection, rows))["REINJ-VAL"] == verdict


def both(replicates: int, levels: int) -> pd.DataFrame:
    rows = [(method, f"Q{n}", replicates) for method in ("A", "B") for n in range(levels)]
    return pd.DataFrame(rows, columns=["method_id", "level", "n"])


def samples(number: int) -> pd.DataFrame:
    return pd.DataFrame({"A": [1.0] * number, "B": [1.0] * number})


@pytest.mark.parametrize(
    ("controls", "pairs", "verdict"),
    [
        pytest.param(both(4, 4), samples(31), "pass", marks=rule("CROSS-01", "inside")),
        pytest.param(both(3, 3), samples(30), "pass", marks=rule("CROSS-01", "on")),
        pytest.param(both(3, 3), samples(29), "fail", marks=rule("CROSS-01", "outside")),
        (both(2, 3), samples(30), "fail"),
        (both(3, 2), samples(30), "fail"),
        pytest.param(both(3, 3)[:3], samples(0), "not_assessable", marks=rule("CROSS-01", "not_assessable")),
    ],
)
def test_two_methods_share_qcs_and_samples(controls, pairs, verdict):
    ledger = Validation([]).ledger()
    judge_cross_validation(ledger, controls, pairs, "ratio 100 %")
    assert verdicts(ledger)["CROSS-01"] == verdict


@rule("CROSS-02", "not_assessable")
def test_the_bias_between_methods_is_shown_without_a_limit():
    for words, verdict in (("ratio 103 %", "not_applicable"), ("", "not_assessable")):
        ledger = Validation([]).ledger()
        judge_cross_validation(ledger, both(3, 3), samples(30), words)
        assert verdicts(ledger)["CROSS-02"] == verdict


@pytest.mark.parametrize(
    ("verdict", "expected"), [("pass", "pass"), ("fail", "fail"), ("not_applicable", "not_assessable")]
)
def test_carry_over_is_what_the_runs_found(verdict, expected):
    ledger = Validation([], "ligand_binding").ledger()
    if "CAR-LBA-01" not in ledger.limits:
        pytest.skip("the rule belongs to the runs")
    cells = {"rule_id": "CAR-LBA-01", "verdict": verdict, "analyte": "mipomersen", "run_id": "R1"}
    words = dict.fromkeys(("subject", "observed", "tissue", "plate", "position"), "")
    gather_carry_over(ledger, pd.DataFrame([{**words, **cells}]))
    assert verdicts(ledger)["CAR-LBA-01"] == expected


def test_a_stay_that_does_harm_is_not_claimed():
    rows = stored([100.0] * 3, condition_hours=6.0) + stored([70.0] * 3, condition_hours=24.0)
    ledger = judged(judge_stability, rows)
    assert [row["observed"] for row in ledger.rows if row["rule_id"] == "STAB-04"] == ["6 h"]
