"""A mass or volume in another unit is told on the value it makes wrong, not on the tissue alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bioanalysis.acceptance.ledger import COLUMNS, Ledger
from bioanalysis.acceptance.scope import homogenates_outside, judge_homogenates
from bioanalysis.evaluation.study_rule_flags import rule_flags
from bioanalysis.evaluation.study_rules import words_of_values
from bioanalysis.limits import limits_for
from bioanalysis.method import read_method

pytestmark = pytest.mark.requirement("UR-021")

METHOD = read_method(Path(__file__).parents[2] / "config/methods/ASO-LCMS-01.yaml", "config/methods/ASO-LCMS-01.yaml")
LIMITS = limits_for(METHOD)
# 100 mg of 1.06 g/mL in 900 uL: 994.3 uL, 9.943 mL/g; exchanged, 900 mg in 100 uL: 949.1 uL, 1.055 mL/g
RIGHT, EXCHANGED = 9.943, 1.055


def reported(*factors: float | None, unit: str = "ug/g") -> pd.DataFrame:
    """Rows of tissue_concentrations.tsv of samples S0, S1 ... with these mL of homogenate per gram."""
    return pd.DataFrame([
        {"sample_id": f"S{n}", "run_id": "A", "tissue": "liver", "unit": unit, "homogenate_factor_ml_per_g": factor}
        for n, factor in enumerate(factors)
    ])  # fmt: skip


def flags_of(table: pd.DataFrame) -> list[dict[str, object]]:
    ledger = Ledger(LIMITS, "", stage="study")
    judge_homogenates(ledger, table, METHOD)
    acceptance = pd.DataFrame([dict.fromkeys(COLUMNS, "") | row for row in ledger.rows])
    storage = pd.DataFrame(columns=["verdict"])
    none = pd.DataFrame()
    return rule_flags(acceptance, none, storage, none, None, homogenates_outside(table, METHOD, LIMITS))


def test_each_value_of_an_implausible_homogenate_bears_the_flag():
    table = reported(RIGHT, EXCHANGED, 1000 * RIGHT, None)
    flags = flags_of(table)
    assert {(row["flag"], row["sample_id"], row["observed"]) for row in flags} == {
        ("homogenate_implausible", "S1", "1.055 mL/g"), ("homogenate_implausible", "S2", "9943 mL/g"),
    }  # fmt: skip
    assert words_of_values(table, flags) == ["", "homogenate_implausible", "homogenate_implausible", ""]


def test_plausible_homogenates_raise_nothing():
    assert flags_of(reported(RIGHT, 1.1, 100.0)) == []


def test_a_fluid_is_not_weighed_and_a_tissue_counted_in_moles_is():
    # a method without molar mass reports nmol/g: the homogenate is weighed all the same
    assert flags_of(reported(EXCHANGED, unit="ng/mL")) == []
    assert [row["sample_id"] for row in flags_of(reported(RIGHT, EXCHANGED, unit="nmol/g"))] == ["S1"]
    ledger = Ledger(LIMITS, "", stage="study")
    judge_homogenates(ledger, reported(RIGHT, EXCHANGED, unit="nmol/g"), METHOD)
    assert [(row["verdict"], row["tissue"]) for row in ledger.rows] == [("fail", "liver")]
