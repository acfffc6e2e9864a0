"""Rules of the study that raise a flag or withhold a summary: guards of recovery, share of animals quantified."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from study_ledger import ledger_of

from bioanalysis.limits import read_catalogue
from bioanalysis.recovery.run import guard_note
from bioanalysis.variability.group_summary import KEYS, group_summary


@pytest.mark.parametrize(
    ("factor", "uncertainty", "note"),
    [
        pytest.param(0.501, 0.05, "", marks=pytest.mark.rule("RCV-05", "inside")),
        pytest.param(1.199, 0.05, "", marks=pytest.mark.rule("RCV-05", "inside")),
        pytest.param(0.5, 0.05, "", marks=pytest.mark.rule("RCV-05", "on")),
        pytest.param(1.2, 0.05, "", marks=pytest.mark.rule("RCV-05", "on")),
        pytest.param(0.499, 0.05, "recovery 0.499 outside", marks=pytest.mark.rule("RCV-05", "outside")),
        pytest.param(1.201, 0.05, "recovery 1.2 outside", marks=pytest.mark.rule("RCV-05", "outside")),
        pytest.param(0.8, 0.199, "", marks=pytest.mark.rule("RCV-08", "inside")),
        pytest.param(0.8, 0.2, "", marks=pytest.mark.rule("RCV-08", "on")),
        pytest.param(0.8, 0.201, "relative uncertainty 20.1 % above", marks=pytest.mark.rule("RCV-08", "outside")),
    ],
)
def test_a_recovery_outside_its_guard_or_too_uncertain_needs_sign_off(factor, uncertainty, note):
    assert guard_note(factor, uncertainty, ledger_of().limits).startswith(note)
    assert bool(guard_note(factor, uncertainty, ledger_of().limits)) == bool(note)


@pytest.mark.parametrize(
    ("quantified", "animals", "shown"),
    [
        pytest.param(3, 5, True, marks=pytest.mark.rule("VAR-11", "inside")),
        pytest.param(2, 4, True, marks=pytest.mark.rule("VAR-11", "on")),
        pytest.param(2, 5, False, marks=pytest.mark.rule("VAR-11", "outside")),
    ],
)
def test_a_group_is_summarised_where_half_of_its_animals_are_quantified(quantified, animals, shown):
    values = [1.0 + n / 10 for n in range(quantified)] + [np.nan] * (animals - quantified)
    rows = pd.DataFrame(
        [
            dict.fromkeys(KEYS, "x") | {"subject_id": f"R{n}", "value": value, "unit": "ug/g", "run_id": "A",
             "recovery_source": "A",
             "status": "BLQ" if np.isnan(value) else "quantified", "curve_uncertainty": 0.01,
             "recovery_uncertainty": 0.01, "curve_degrees_of_freedom": 10.0, "recovery_degrees_of_freedom": 10.0}
            for n, value in enumerate(values)
        ]
    )  # fmt: skip
    share = read_catalogue()["VAR-11"].number
    assert share == Fraction(1, 2)
    assert group_summary(rows, share)["mean"].notna().item() == shown
