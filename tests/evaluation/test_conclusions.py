"""From a study's tables to sentences on why its values vary, on a study whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_study import make_small_study

from bioanalysis.evaluation.causes import explained_table
from bioanalysis.evaluation.conclusions import variability_conclusions
from bioanalysis.evaluation.variance import readings_of, variance_table
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-015")

ABOUT = {"tissue": "liver", "analyte": "mipomersen", "method_id": "ASO-LCMS-01"}


class Made:
    """A study of animals in 4 groups x 2 pieces x 2 extractions, and the tables made of it."""

    def __init__(self, folder, sds=(0.5, 0.05, 0.05), animals: int = 20, status: str = "quantified", per_kg=0.0):
        rng = np.random.default_rng(12)
        k = np.arange(animals * 4)
        weight = np.round(rng.normal(300, 15, size=animals))
        own = rng.normal(scale=sds[0], size=animals) + per_kg * (weight - 300)
        logs = own[k // 4] + rng.normal(scale=sds[1], size=animals * 2)[k // 2] + rng.normal(scale=sds[2], size=len(k))
        piece = pd.DataFrame({"animal": np.arange(animals * 2) // 2, "piece": np.arange(animals * 2) % 2 + 1})
        piece["sample_id"] = [f"S{n}" for n in range(len(piece))]
        piece["subject_id"] = "R" + piece.animal.astype(str)
        samples = piece.assign(tissue="liver", homogenate="1", collection_day=29.0, tissue_mass_mg=100.0,
                               collected_at="", received_at="", storage_c=-70.0, freeze_thaw_cycles=1.0,
                               organ_weight_g=np.nan)  # fmt: skip
        subjects = pd.DataFrame({
            "subject_id": [f"R{n}" for n in range(animals)], "group": [f"G{n % 4}" for n in range(animals)],
            "sex": "M", "treatment": "mipomersen", "body_weight_g": weight,
            "cage": [str(n % 3) for n in range(animals)],
        })  # fmt: skip
        base = replace(Study.load(make_small_study(folder)), samples=samples, subjects=subjects, runs=())
        self.study = base
        readings = pd.DataFrame({
            **ABOUT, "sample_type": "unknown", "sample_id": samples.sample_id.to_numpy()[k // 2], "status": status,
            "run_id": "LC-01", "extraction_id": [f"E{n}" for n in k], "curve_reading_ng_ml": np.exp(logs),
            "dilution_factor": 1.0, "recovery_factor": np.nan,
        })  # fmt: skip
        means = pd.Series(np.exp(logs)).groupby(k // 2).mean()
        self.concentrations = samples[["sample_id", "subject_id", "tissue", "piece", "collection_day"]].assign(
            **ABOUT, group=samples.subject_id.map(subjects.set_index("subject_id").group), run_id="LC-01",
            value=means.to_numpy() if status == "quantified" else np.nan, status=status, pool=False,
            homogenate_factor_ml_per_g=10.0,
        )  # fmt: skip
        self.readings = readings_of(base, readings, self.concentrations)

    def conclusions(self) -> pd.DataFrame:
        return variability_conclusions(self.study, self.readings, self.concentrations).set_index("topic")


def test_the_dominant_step_is_named_with_where_to_look_first(tmp_path):
    row = Made(tmp_path).conclusions().loc["dominant step"]
    assert row.conclusion.startswith("animal dominates: ")
    assert row.check_first == "dosing consistency; sample collection; age and sex match; then biology"
    assert row.evidence == "animals 20, pieces 40, homogenates 40, extractions 80, readings 80, runs 1"


def test_one_more_animal_is_what_helps_where_animals_differ(tmp_path):
    gains = Made(tmp_path).conclusions().loc["replication"]
    assert gains.conclusion.iloc[0].startswith("one more animal (5 to 6 each) lowers the standard error")


def test_steps_alike_are_not_distinguishable_and_shares_are_shown(tmp_path):
    words = Made(tmp_path, sds=(0.2, 0.2, 0.2)).conclusions().loc["dominant step"].conclusion
    assert words.startswith("not distinguishable: animal ")
    assert "extraction + reading" in words


def test_a_cause_in_the_tables_is_found_and_the_others_are_not(tmp_path):
    made = Made(tmp_path, sds=(0.1, 0.05, 0.05), per_kg=0.02)
    explained = explained_table(made.study, made.concentrations).set_index("covariate")
    assert explained.adjusted_p["body_weight_g"] < 0.001
    assert explained.low["body_weight_g"] > 50
    row = made.conclusions().loc["age and sex match"]
    assert row.conclusion.startswith("body_weight_g explains ")
    assert "cage" in row.evidence


def test_without_a_covariate_that_varies_the_tables_hold_nothing_on_it(tmp_path):
    row = Made(tmp_path).conclusions().loc["dosing consistency"]
    assert row.conclusion == "the study's tables hold nothing on it that varies inside the groups"


def test_a_dosing_log_speaks_for_dosing(tmp_path):
    made = Made(tmp_path)
    missed = [f"R{n}" for n in range(0, 20, 3)]
    log = pd.DataFrame({"subject_id": made.study.subjects.subject_id, "dose_mg": 3.0, "given": True})
    log = pd.concat([log, log.assign(given=~log.subject_id.isin(missed))], ignore_index=True)
    explained = explained_table(replace(made.study, dosing=log), made.concentrations).set_index("covariate")
    assert explained.cause["doses_given_mg"] == "dosing consistency"
    assert explained.n["doses_given_mg"] == 20
    assert np.isfinite(explained.p_value["doses_given_mg"])


def test_all_blq_is_a_sentence(tmp_path):
    made = Made(tmp_path, status="BLQ")
    found = made.conclusions()
    table = variance_table(made.readings, made.concentrations)
    assert set(table.note) == {"not estimable: no quantified value; 40 BLQ samples left out"}
    assert table.variance.isna().all()
    assert list(found.conclusion) == ["no value to judge: 40 results, none quantified"]


@pytest.mark.parametrize("animals", [1, 4])
def test_one_animal_per_group_or_in_all_is_a_sentence(tmp_path, animals):
    made = Made(tmp_path, animals=animals)
    words = made.conclusions().loc["dominant step"].conclusion
    assert words == "not distinguishable: the design leaves no degree of freedom for animal"
    table = variance_table(made.readings, made.concentrations)
    row = table[(table.component == "animal") & (table.estimator == "reml")].iloc[0]
    assert np.isnan(row.variance)
    assert row.note == "not estimable: the fixed cells leave no degree of freedom for it"


def test_wells_that_agree_exactly_in_several_runs_are_a_sentence(tmp_path):
    made = Made(tmp_path, sds=(0.5, 0.05, 0.0))  # both readings of a homogenate are the same, as where one was copied
    made.readings["run"] = np.where(np.arange(len(made.readings)) < 40, "LC-01", "LC-02")
    row = made.conclusions().loc["replication"]
    assert row.conclusion == "not estimable: replicates agree exactly: check rounding or copied values"
