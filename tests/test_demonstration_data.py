"""The demonstration study: made again to the byte, small, complete, without hints that a laboratory would not have."""

from __future__ import annotations

import filecmp
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.study import Study

ROOT = Path(__file__).resolve().parent.parent
TEST_DATA = ROOT / "test_data"
MOST_BYTES = 8_000_000
GENERATED = ("config", "test_data/raw", "test_data/truth")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_demonstration", TEST_DATA / "make_demonstration.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def again(generator: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demonstration")
    generator.make_study(folder, generator.SEED)
    return folder


def files_of(study: Path) -> set[str]:
    return {str(path.relative_to(study)) for part in GENERATED for path in (study / part).rglob("*") if path.is_file()}


def read(study: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(study / name, sep="\t", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return read(ROOT, "test_data/truth/samples.tsv").set_index("sample_id")


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    return read(ROOT, "test_data/truth/events.tsv")


def test_the_committed_seed_makes_the_committed_files_again(again: Path) -> None:
    names = files_of(again)
    assert names == files_of(ROOT)
    same, different, unreadable = filecmp.cmpfiles(ROOT, again, sorted(names), shallow=False)
    assert (different, unreadable) == ([], [])
    assert len(same) == len(names)


def test_another_seed_makes_another_study(generator: ModuleType, again: Path, tmp_path: Path) -> None:
    generator.make_study(tmp_path, generator.SEED + 1)
    assert (tmp_path / "config/methods/ASO-LCMS-01.yaml").is_file()
    one, other = (read(study, "test_data/truth/samples.tsv") for study in (again, tmp_path))
    dosed = one.true_tissue_ug_g != "0"
    assert (one.true_tissue_ug_g != other.true_tissue_ug_g)[dosed].all()


def test_a_study_made_over_an_earlier_one_leaves_none_of_its_files(generator: ModuleType, tmp_path: Path) -> None:
    generator.make_study(tmp_path, 1)
    generator.make_study(tmp_path, 2)
    named = {
        name for run in ("LC-01", "LC-02", "LC-03") for name in read(tmp_path, f"config/worklists/{run}.tsv").file
    } - {""}
    assert {path.name for path in (tmp_path / "test_data/raw").rglob("*.mzML")} == named


def test_the_study_is_small() -> None:
    assert sum((ROOT / name).stat().st_size for name in files_of(ROOT)) < MOST_BYTES


def test_the_tables_a_laboratory_writes_hold_no_truth() -> None:
    for path in (ROOT / "config").rglob("*.tsv"):
        header = path.read_text().splitlines()[0].split("\t")
        assert not [column for column in header if column.startswith("true_")], path.name


def test_it_is_a_study_that_loads() -> None:
    study = Study.load(ROOT)
    platforms = {run.run_id: run.platform for run in study.runs}
    assert platforms == {"LC-01": "lcms", "LC-02": "lcms", "ELISA-01": "elisa", "LC-03": "lcms"}
    assert set(study.samples.tissue) == {"liver", "kidney", "spleen"}
    assert list(dict.fromkeys(study.subjects.group)) == ["vehicle", "low", "mid", "high"]


@pytest.mark.parametrize(("run_id", "plates"), [("LC-01", 1), ("LC-02", 1), ("LC-03", 1), ("ELISA-01", 3)])
def test_study_samples_stand_between_quality_controls_of_three_levels(run_id: str, plates: int) -> None:
    worklist = read(ROOT, f"config/worklists/{run_id}.tsv")
    parts = [rows for _, rows in worklist.groupby("plate")] if "plate" in worklist else [worklist]
    assert len(parts) == plates
    for rows in parts:
        kind = rows.sample_type.to_numpy()
        controls, unknowns = np.flatnonzero(kind == "qc"), np.flatnonzero(np.isin(kind, ["unknown", "incurred"]))
        assert controls.min() < unknowns.min() < unknowns.max() < controls.max()
        assert rows[kind == "qc"].groupby("level").sample_id.nunique().ge(2).all()
        assert set(rows.level[kind == "qc"]) == {"LQC", "MQC", "HQC"}


def test_the_true_homogenate_follows_from_the_true_tissue_and_what_was_weighed(truth: pd.DataFrame) -> None:
    # ng/mL = ug/g x 1000 x m / (V + m / density); m and V as noted are off by at most a few of their own 0.2 mg and 1 %
    samples = read(ROOT, "config/samples.tsv").set_index("sample_id")
    here = samples.index[(samples.tissue == "liver") & (truth.true_tissue_ug_g != "0")]
    mass, buffer = samples.tissue_mass_mg[here].astype(float), samples.buffer_volume_ul[here].astype(float)
    expected = truth.true_tissue_ug_g[here].astype(float) * 1000 * mass / (buffer + mass / 1.06)
    assert_allclose(truth.true_homogenate_ng_ml[here].astype(float), expected, rtol=0.05)


def test_every_way_a_sample_can_end_is_in_it(truth: pd.DataFrame) -> None:
    assert set(truth.expected_status_lcms) == {"quantified", "BLQ", "not_analysed"}
    assert set(truth.expected_status_elisa) - {""} == {"quantified", "BLQ", "not_reported", "not_analysed"}


def test_no_expected_status_hangs_on_a_hair(truth: pd.DataFrame) -> None:
    # readings within 10 % of an LLOQ or ULOQ could end on either side of it by the errors of one analysis
    for method, limits_ng_ml in {"lcms": (5, 5000), "elisa": (5, 500)}.items():
        rows = truth[truth[f"expected_status_{method}"].isin(["quantified", "BLQ"])]
        reading = rows[f"true_reading_ng_ml_{method}"].astype(float)
        for limit in limits_ng_ml:
            assert ((reading / limit - 1).abs() > 0.1).all()


def test_the_undiluted_kidney_is_above_the_range_and_its_repeat_inside(
    truth: pd.DataFrame, events: pd.DataFrame
) -> None:
    sample_id = events[events.event.str.startswith("above the range")].sample_id.item()
    diluted = float(truth.true_reading_ng_ml_lcms[sample_id])
    assert diluted * 10 > 5000 > diluted > 5
    assert truth.run_id_lcms[sample_id] == "LC-02"


def test_planted_events_are_where_the_truth_says(events: pd.DataFrame) -> None:
    for event in events.itertuples():
        worklist = read(ROOT, f"config/worklists/{event.run_id}.tsv")
        here = worklist[worklist.position == event.position]
        if event.plate:
            here = here[here.plate == event.plate]
        assert here.sample_id.item() == event.sample_id


def test_a_peak_shape_has_unit_area_and_its_known_mean(generator: ModuleType) -> None:
    # an exponentially modified Gaussian: area 1, mean = centre + tau
    shape = sys.modules["demonstration.lcms"].peak_shape
    time_s = np.arange(0, 120, 0.05)
    intensity = shape(time_s, 60.0, 1.15, 0.7)
    assert_allclose(intensity.sum() * 0.05, 1, rtol=1e-9)
    assert_allclose((intensity * time_s).sum() * 0.05, 60.7, rtol=1e-9)
