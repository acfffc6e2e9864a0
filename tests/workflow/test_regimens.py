"""The study of regimens through the whole workflow: what it finds is held against what was simulated."""

from __future__ import annotations

import filecmp
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "test_data/regimens"
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")
WEEKLY, THRICE, DAILY = "2 mg/kg every 7 d", "0.7 mg/kg 3 times a week", "0.3 mg/kg every 1 d"
LCMS, ELISA = "ASO-LCMS-01", "ASO-HELISA-01"
pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regimens") / "study"
    shutil.copytree(STUDY, folder, ignore=shutil.ignore_patterns("truth", "results", "work", "logs", ".*"))
    run = subprocess.run([BIOANALYSIS, "run", str(folder), "--cores", "2"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder / "results/study"


def read(results: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(results / f"{name}.tsv", sep="\t", keep_default_na=False, na_values=[""])


@pytest.fixture(scope="module")
def truth() -> pd.Series:
    table = pd.read_csv(STUDY / "truth/study.tsv", sep="\t", keep_default_na=False)
    return table.set_index(["quantity", "tissue", "of"]).value


@pytest.fixture(scope="module")
def concentrations(results: Path) -> pd.DataFrame:
    samples = pd.read_csv(STUDY / "truth/samples.tsv", sep="\t").set_index("sample_id")
    return read(results, "tissue_concentrations").join(samples.true_value, on="sample_id")


@pytest.fixture(scope="module")
def exposure(results: Path) -> pd.DataFrame:
    table = read(results, "exposure")
    return table[table.method_id == LCMS].fillna({"compared_with": "", "note": "", "expected": ""})


def test_the_committed_seed_makes_the_committed_files_again(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_regimens", ROOT / "test_data/make_regimens.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_study(tmp_path, module.SEED)
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    same, different, unreadable = filecmp.cmpfiles(STUDY, tmp_path, names, shallow=False)
    assert (different, unreadable) == ([], [])
    assert sum((STUDY / name).stat().st_size for name in same) < 3_200_000


def test_concentrations_hold_the_truth_in_95_of_100(concentrations):
    # about 120 intervals of 95 %, those of one tissue and run share recovery and curve
    known = concentrations[(concentrations.status == "quantified") & (concentrations.method_id == LCMS)]
    held = (known.value_low <= known.true_value) & (known.true_value <= known.value_high)
    assert len(known) > 100
    assert held.mean() > 0.85


def test_vehicle_animals_are_blq_and_plasma_is_in_ng_ml(concentrations):
    assert set(concentrations[concentrations.treatment == "vehicle"].status) == {"BLQ"}
    assert set(concentrations[concentrations.tissue == "plasma"].unit) == {"ng/mL"}


def test_recovery_animals_give_the_half_lives_that_were_simulated(exposure, truth):
    found = exposure[exposure.quantity == "half_life"].set_index("tissue")
    for tissue in ("liver", "kidney", "spleen"):
        assert found.low[tissue] < truth["half_life_days", tissue, ""] < found.high[tissue]
    assert np.isnan(found.value["plasma"])
    assert "animals read BLQ" in found.note["plasma"]


def test_the_fraction_of_steady_state_is_that_of_28_days_whatever_the_regimen(exposure, truth):
    here = exposure[(exposure.quantity == "steady_state_fraction") & (exposure.tissue == "liver")]
    at_end = here[here.collection_day == 29]
    assert set(at_end.regimen) >= {WEEKLY, THRICE, DAILY}
    assert np.allclose(at_end.value, truth["steady_state_fraction_after_28_d", "liver", ""], rtol=1e-5)
    assert at_end.set_index("regimen").note[WEEKLY].startswith("1 of 5 animals missed doses")


def test_regimens_of_equal_weekly_dose_differ_as_simulated(exposure, truth):
    # eight intervals of 90 %, four tissues: fewer than 6 would hold in 4 of 100 studies
    rows = exposure[(exposure.quantity == "regimen_ratio") & (exposure.compared_with == WEEKLY)]
    group = rows.regimen.map({THRICE: "three weekly", DAILY: "daily"})
    true = np.array([truth["ratio_to_weekly_per_mg", *place] for place in zip(rows.tissue, group, strict=True)])
    assert len(rows) == 8
    assert np.sum((rows.low < true) & (true < rows.high)) >= 6
    daily = rows[rows.regimen == DAILY].set_index("tissue")
    assert daily.low["liver"] > 1  # smaller doses: more of each reaches liver


def test_what_the_doses_alone_predict_stands_beside(exposure, truth):
    # kidney takes the same share of every regimen; the half-life found differs a little from the true one
    rows = exposure[(exposure.quantity == "regimen_ratio") & (exposure.tissue == "kidney")]
    expected = rows.set_index(["regimen", "compared_with"]).expected[DAILY, WEEKLY]
    assert float(expected.split()[0]) == pytest.approx(truth["ratio_to_weekly_per_mg", "kidney", "daily"], rel=0.1)


def test_the_missed_dose_is_flagged_and_lowers_what_is_there(results, concentrations, truth):
    flags = read(results, "flags")
    assert flags[flags.flag == "dose_missed"].observed.str.startswith("W104: 1 listed and not given").tolist() == [True]
    weekly = read(results, "dosing_summary").set_index("subject_id").weekly_mg
    assert weekly["W104"] / weekly["W101"] == pytest.approx(3 / 4, rel=0.1)
    here = concentrations[(concentrations.tissue == "liver") & (concentrations.method_id == LCMS)]
    liver = here[here.subject_id.str.startswith("W1")].groupby("subject_id").value.mean()
    share = liver["W104"] / liver.drop("W104").mean()  # animals scatter by 20 %
    assert share == pytest.approx(truth["left_after_missed_dose", "liver", "W104"], rel=0.45)


def test_the_conjugate_is_targeted_to_the_liver_as_simulated(results, truth):
    found = read(results, "targeting")
    found = found[found.method_id == LCMS].set_index(["numerator", "denominator"])
    for pair in (("kidney", "liver"), ("spleen", "liver")):
        assert found.low[pair] < truth["targeting_index", "/".join(pair), ""] < found.high[pair]
    assert found.note["kidney", "liver"].startswith("no common dose: 0.5 against 2 mg/kg, same regimen")


def test_elisa_agrees_in_liver_and_reads_more_in_kidney(results):
    # 15 % more is simulated in kidney; recovery factors of either method are known to about 3 %
    found = read(results, "method_comparison").set_index("tissue")
    assert abs(found.bias_percent["liver"]) < 10
    assert 5 < found.bias_percent["kidney"] < 27
    assert (found.n == 17).all()


def test_extraction_batches_are_held_against_the_scatter(results):
    found = read(results, "variability_conclusions")
    rows = found[(found.topic == "extraction recovery") & (found.method_id == LCMS)]
    assert rows.evidence.str.contains("extraction_batch").all()
    assert not rows.evidence.str.contains("extraction_batch: ").any()
