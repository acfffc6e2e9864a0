"""Means of groups with and without what a flag concerns."""

from __future__ import annotations

import pandas as pd
import pytest

from bioanalysis.report.flag_effects import ALL, NO_VALUE, flag_effects

pytestmark = pytest.mark.requirement("UR-050")


def concentrations(*rows: tuple[str, str, float | None, str]) -> pd.DataFrame:
    """Return rows of (sample, animal, value, run) in one group; no value: BLQ."""
    return pd.DataFrame(
        [
            {"sample_id": sample, "subject_id": animal, "group": "high", "tissue": "liver", "collection_day": "29",
             "analyte": "a", "method_id": "M", "run_id": run, "plate": "", "unit": "ug/g",
             "status": "BLQ" if value is None else "quantified", "value": float("nan") if value is None else value}
            for sample, animal, value, run in rows
        ]
    )  # fmt: skip


def flag(**names: str) -> pd.DataFrame:
    empty = dict.fromkeys(("run_id", "plate", "sample_id", "tissue", "analyte"), "")
    return pd.DataFrame([empty | {"flag": "f", "state": "open"} | names])


THREE = concentrations(("S1", "A1", 1.0, "R1"), ("S2", "A2", 2.0, "R1"), ("S3", "A3", 6.0, "R2"))


def test_a_flagged_sample_is_left_out_of_the_mean():
    (row,) = flag_effects(THREE, flag(sample_id="S3")).to_dict("records")
    # (1 + 2 + 6) / 3 = 3 with it, (1 + 2) / 2 = 1.5 without: half
    assert (row["mean_with"], row["mean_without"], row["change_percent"]) == pytest.approx((3.0, 1.5, -50.0))
    assert (row["n_with"], row["n_without"], row["n_values"]) == (3, 2, 1)


def test_a_flag_of_a_run_concerns_all_its_values():
    (row,) = flag_effects(THREE, flag(run_id="R1")).to_dict("records")
    assert (row["n_values"], row["mean_without"]) == (2, 6.0)


def test_a_value_combined_from_two_runs_is_concerned_by_either():
    table = concentrations(("S1", "A1", 1.0, "R1;R2"), ("S2", "A2", 3.0, "R3"))
    assert flag_effects(table, flag(run_id="R2")).mean_without.tolist() == [3.0]


def test_pieces_are_averaged_within_the_animal_first():
    table = concentrations(("S1", "A1", 1.0, "R1"), ("S2", "A1", 3.0, "R1"), ("S3", "A2", 8.0, "R1"))
    (row,) = flag_effects(table, flag(sample_id="S2")).to_dict("records")
    # (mean(1, 3) + 8) / 2 = 5 with it, (1 + 8) / 2 = 4.5 without
    assert (row["mean_with"], row["mean_without"]) == pytest.approx((5.0, 4.5))


def test_a_flag_of_a_sample_without_a_value_concerns_no_value():
    table = concentrations(("S1", "A1", None, "R1"), ("S2", "A2", 2.0, "R1"))
    (row,) = flag_effects(table, flag(sample_id="S1", run_id="R1")).to_dict("records")
    assert (row["n_values"], row["note"]) == (0, NO_VALUE)


def test_a_flag_on_a_qc_concerns_the_values_of_its_tissue():
    flagged = flag(sample_id="QC-label", run_id="R1", tissue="liver")
    assert flag_effects(THREE, flagged).n_values.tolist() == [2]
    assert flag_effects(THREE, flagged.assign(tissue="kidney")).note.tolist() == [NO_VALUE]


def test_without_any_value_left_there_is_no_mean():
    (row,) = flag_effects(THREE[:2], flag(run_id="R1")).to_dict("records")
    assert row["note"] == ALL
    assert pd.isna(row.get("mean_without"))


def test_accepted_flags_and_the_same_flag_twice_add_nothing():
    twice = pd.concat([flag(sample_id="S3"), flag(sample_id="S3"), flag(sample_id="S1").assign(state="accepted")])
    assert len(flag_effects(THREE, twice)) == 1
