"""Storage, dilution factors, tissues and minimum dilution against what was validated."""

from __future__ import annotations

import pandas as pd
import pytest
from study_ledger import ledger_of, method_of, observed, verdict

from bioanalysis.acceptance.scope import (
    days_between,
    judge_dilution_factors,
    judge_homogenates,
    judge_minimum_dilution,
    judge_storage,
    judge_tissues,
    outside_factors,
    storage_table,
)
from bioanalysis.method import Stability, ValidatedScope

pytestmark = pytest.mark.requirement("UR-021")

PROVEN = {"liver": Stability(days=21, temperature_c=-70, freeze_thaw_cycles=3, source="VAL-1")}


def stored(collected_at="2026-02-09", storage_c=-70.0, cycles=1.0, analysed_on="2026-03-02", proven=PROVEN):
    samples = pd.DataFrame(
        [{"sample_id": "S1", "tissue": "liver", "collected_at": collected_at, "storage_c": storage_c,
          "freeze_thaw_cycles": cycles}]
    )  # fmt: skip
    analyses = pd.DataFrame([{"sample_id": "S1", "run_id": "A", "sample_type": "unknown", "analysed_on": analysed_on}])
    return storage_table(analyses, samples, proven)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-02-09", "2026-03-02", 21),  # 28 days of February: 19 to its end, 2 of March
        ("2026-02-09T23:50:00Z", "2026-03-02", 21),
        ("2024-02-28", "2024-03-01", 2),
    ],
)
def test_days_are_those_of_the_calendar(first, last, days):
    assert days_between(first, last) == days


@pytest.mark.parametrize(
    ("changed", "aspect", "expected"),
    [
        pytest.param({"analysed_on": "2026-03-01"}, "time", "pass", marks=pytest.mark.rule("STAB-05", "pass")),
        pytest.param({"analysed_on": "2026-03-02"}, "time", "pass", marks=pytest.mark.rule("STAB-05", "pass")),
        pytest.param({"analysed_on": "2026-03-03"}, "time", "fail", marks=pytest.mark.rule("STAB-05", "fail")),
        pytest.param({"storage_c": -80.0}, "temperature", "pass", marks=pytest.mark.rule("STAB-05", "pass")),
        pytest.param({"storage_c": -69.9}, "temperature", "fail", marks=pytest.mark.rule("STAB-05", "fail")),
        pytest.param({"cycles": 3.0}, "freeze-thaw", "pass", marks=pytest.mark.rule("STAB-05", "pass")),
        pytest.param({"cycles": 4.0}, "freeze-thaw", "fail", marks=pytest.mark.rule("STAB-05", "fail")),
        pytest.param(
            {"collected_at": ""}, "time", "not_assessable", marks=pytest.mark.rule("STAB-05", "not_assessable")
        ),
        pytest.param({"proven": {}}, "time", "not_assessable", marks=pytest.mark.rule("STAB-05", "not_assessable")),
    ],
)
def test_storage_is_held_against_proven_stability(changed, aspect, expected):
    ledger = ledger_of()
    judge_storage(ledger, stored(**changed))
    assert verdict(ledger, "STAB-05", subject=aspect) == expected


def test_what_is_exceeded_or_unknown_is_said_in_words():
    assert stored(analysed_on="2026-03-12").reason.item() == "time: 31 days, proven 21 days"
    assert "the method proves none" in stored(proven={}).reason.item()
    assert stored(collected_at="").reason.item() == "time: collected_at is empty"


def test_the_worst_aspect_is_the_verdict_on_the_sample():
    assert stored(cycles=9.0, collected_at="").verdict.item() == "fail"
    assert stored(collected_at="").verdict.item() == "not_assessable"
    assert stored().verdict.item() == "pass"


def diluted(*factors: float, minimum: float = 1.0) -> pd.DataFrame:
    rows = [{"sample_id": f"S{n}", "dilution_factor": f, "minimum_dilution": minimum} for n, f in enumerate(factors)]
    return pd.DataFrame(rows)


SCOPE = ValidatedScope(report="VAL-1", tissues=("liver",), dilution_factors=(10, 50))


@pytest.mark.parametrize(
    ("factors", "scope", "expected"),
    [
        pytest.param((1, 10, 20), SCOPE, "pass", marks=pytest.mark.rule("DIL-CC-03", "pass")),
        pytest.param((50,), SCOPE, "pass", marks=pytest.mark.rule("DIL-CC-03", "pass")),
        pytest.param((10, 51), SCOPE, "fail", marks=pytest.mark.rule("DIL-CC-03", "fail")),
        pytest.param((9,), SCOPE, "fail", marks=pytest.mark.rule("DIL-CC-03", "fail")),
        pytest.param((10,), None, "not_assessable", marks=pytest.mark.rule("DIL-CC-03", "not_assessable")),
        pytest.param(
            (10,), ValidatedScope(report="VAL-1"), "not_assessable",
            marks=pytest.mark.rule("DIL-CC-03", "not_assessable"),
        ),
        pytest.param((1, 1), SCOPE, "not_applicable"),
    ],
)  # fmt: skip
def test_dilution_factors_lie_between_those_validated(factors, scope, expected):
    ledger = ledger_of()
    judge_dilution_factors(ledger, diluted(*factors), scope)
    assert verdict(ledger, "DIL-CC-03") == expected


def test_samples_outside_the_validated_factors_are_named():
    ledger = ledger_of()
    judge_dilution_factors(ledger, diluted(10, 100), SCOPE)
    assert observed(ledger, "DIL-CC-03").endswith("validated x10, x50 (VAL-1); outside: S1")
    assert outside_factors(diluted(1, 10, 100), SCOPE).tolist() == [False, False, True]


def test_the_minimum_dilution_is_no_dilution_of_its_own():
    # every sample of the method is diluted five times: that factor needs no dilution integrity
    ledger = ledger_of()
    judge_dilution_factors(ledger, diluted(5, minimum=5.0), SCOPE)
    assert verdict(ledger, "DIL-CC-03") == "not_applicable"


@pytest.mark.parametrize(
    ("scope", "tissue", "expected"),
    [
        pytest.param(SCOPE, "liver", "pass", marks=pytest.mark.rule("SCOPE-01", "pass")),
        pytest.param(SCOPE, "kidney", "fail", marks=pytest.mark.rule("SCOPE-01", "fail")),
        pytest.param(None, "liver", "not_assessable", marks=pytest.mark.rule("SCOPE-01", "not_assessable")),
    ],
)
def test_tissues_are_those_validated(scope, tissue, expected):
    ledger = ledger_of()
    judge_tissues(ledger, pd.DataFrame([{"sample_id": "S1", "tissue": tissue}]), scope)
    assert verdict(ledger, "SCOPE-01", tissue=tissue) == expected


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        pytest.param(1.11, "pass", marks=pytest.mark.rule("HOM-05", "inside")),
        pytest.param(1.1, "pass", marks=pytest.mark.rule("HOM-05", "on")),
        pytest.param(100.0, "pass", marks=pytest.mark.rule("HOM-05", "on")),
        pytest.param(1.09, "fail", marks=pytest.mark.rule("HOM-05", "outside")),
        pytest.param(100.1, "fail", marks=pytest.mark.rule("HOM-05", "outside")),
        pytest.param(None, "not_assessable", marks=pytest.mark.rule("HOM-05", "not_assessable")),
    ],
)
def test_a_homogenate_holds_a_plausible_volume_per_gram(factor, expected):
    ledger = ledger_of()
    row = {"sample_id": "S1", "tissue": "liver", "unit": "ug/g", "homogenate_factor_ml_per_g": factor}
    judge_homogenates(ledger, pd.DataFrame([row]), method_of())
    assert verdict(ledger, "HOM-05", tissue="liver") == expected


def plate(sample: float, *controls: tuple[str, float]) -> pd.DataFrame:
    rows = [("unknown", sample), *controls]
    return pd.DataFrame([{"sample_type": kind, "tissue": "liver", "dilution_factor": factor} for kind, factor in rows])


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        pytest.param(plate(10, ("qc", 10)), "pass", marks=pytest.mark.rule("MRD-LBA-01", "pass")),
        pytest.param(plate(200, ("qc", 10), ("calibrator", 10)), "pass", marks=pytest.mark.rule("MRD-LBA-01", "pass")),
        pytest.param(plate(5, ("qc", 10)), "fail", marks=pytest.mark.rule("MRD-LBA-01", "fail")),
        pytest.param(plate(10, ("qc", 1)), "fail", marks=pytest.mark.rule("MRD-LBA-01", "fail")),
        pytest.param(plate(10), "not_assessable", marks=pytest.mark.rule("MRD-LBA-01", "not_assessable")),
    ],
)
def test_samples_and_controls_share_the_minimum_dilution(units, expected):
    ledger = ledger_of("ligand_binding")
    method = method_of("ligand_binding").model_copy(update={"minimum_dilution": {"liver": 10.0}})
    judge_minimum_dilution(ledger, units, method)
    assert verdict(ledger, "MRD-LBA-01") == expected


def test_a_chromatographic_method_has_no_rule_on_its_minimum_dilution():
    ledger = ledger_of()
    judge_minimum_dilution(ledger, plate(10), method_of())
    assert not ledger.rows
