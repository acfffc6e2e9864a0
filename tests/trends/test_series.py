"""What is followed from run to run, each value by a sum a reader can redo; runs and files that cannot be charted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from simulated_studies import elisa_study, leave_results, make_study, write_rows

from bioanalysis.errors import BatchError
from bioanalysis.trends.reading import read_runs, unlisted_results
from bioanalysis.trends.series import gather

pytestmark = pytest.mark.requirement("UR-026")

SAMPLE = {"sample_id": "S1", "subject_id": "R1", "tissue": "liver", "collection_day": 29}


def one_run(folder, *further, **settings):
    """Return the points of a study with the single LC-MS/MS run LC-01, by series."""
    study = make_study(
        folder / "study", "ONE-1", [{"run_id": "LC-01", "run_date": "2026-03-01"}],
        [SAMPLE | {"tissue_mass_mg": 100, "buffer_volume_ul": 900},
         SAMPLE | {"sample_id": "S2", "tissue_mass_mg": 50, "buffer_volume_ul": 950}],
    )  # fmt: skip
    leave_results(study, "LC-01", **({"bias": {"LQC": [2.0, 5.0]}} | settings), further=further)
    return gather(read_runs(study)).set_index("series")


def test_qc_bias_is_the_mean_over_the_qcs_of_a_level(tmp_path):
    found = one_run(tmp_path).loc["QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate"]
    assert (found.value, found.n, found.nominal, found.method_low, found.method_high) == (3.5, 2, 0, -15, 15)
    assert found.state == "accepted"


@pytest.mark.rule("CC-05", "pass")
def test_a_qc_without_a_value_is_counted_in_the_note(tmp_path):
    lost = {"sample_type": "qc", "level": "LQC", "tissue": "surrogate", "status": "no_value"}
    found = one_run(tmp_path, lost).loc["QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate"]
    assert (found.value, found.n, found.note) == (3.5, 2, "1 of 3 QCs without a value")


def test_qcs_of_a_tissue_are_a_series_of_their_own(tmp_path):
    kidney = {"sample_type": "qc", "level": "LQC", "tissue": "kidney", "bias_percent": -8}
    assert one_run(tmp_path, kidney).loc["QC bias, ASO-LCMS-01, mipomersen, LQC, kidney"].value == -8


def test_internal_standard_leaves_out_blanks(tmp_path):
    blank = {"sample_type": "blank", "tissue": "surrogate", "internal_standard_area": 7}
    found = one_run(tmp_path, blank, standard=(900.0, 1000.0, 1100.0, 1000.0))
    # four injections with standard: mean 1000, SD sqrt(20000 / 3)
    assert found.loc["internal standard, mean response, ASO-LCMS-01, IS1"].value == 1000
    cv = found.loc["internal standard, CV within the run, ASO-LCMS-01, IS1"]
    assert_allclose(cv.value, 100 * np.sqrt(20000 / 3) / 1000)
    assert cv.n == 4


def test_curve_recovery_retention_time_and_signal_to_noise(tmp_path):
    found = one_run(tmp_path, slope=0.0021, recovery=0.75)
    assert found.loc["curve, ASO-LCMS-01, mipomersen, slope, linear"].value == 0.0021
    recovery = found.loc["recovery, ASO-LCMS-01, mipomersen, liver, extraction recovery"]
    assert (recovery.value, recovery.method_low, recovery.method_high) == (0.75, 0.5, 1.2)
    time = found.loc["retention time, ASO-LCMS-01, quan"]
    assert_allclose([time.value, time.nominal, time.method_low, time.method_high], [3.1, 3.1, 2.6, 3.6])
    assert found.loc["signal to noise at the LLOQ, ASO-LCMS-01, mipomersen"].n == 1  # the calibrator at 5 ng/mL


@pytest.mark.rule("CC-05", "not_assessable")
def test_blanks_without_a_peak_have_no_response_and_say_so(tmp_path):
    blank = {"sample_type": "blank", "tissue": "surrogate"}
    found = one_run(tmp_path, blank, blank).loc["blank response, ASO-LCMS-01, mipomersen, surrogate"]
    assert np.isnan(found.value)
    assert found.note == "no peak in 2 blanks"


def test_homogenate_ratio_is_mass_and_buffer_over_mass(tmp_path):
    unknowns = [{"sample_type": "unknown", "sample_id": name, "status": "quantified"} for name in ("S1", "S2")]
    found = one_run(tmp_path, *unknowns).loc["homogenate ratio, mean, ASO-LCMS-01, liver"]
    assert (found.value, found.n) == ((1000 / 100 + 1000 / 50) / 2, 2)


def test_incurred_difference_is_held_against_the_first_accepted_result(tmp_path):
    days = {"F1": "2026-03-01", "F2": "2026-03-02", "F3": "2026-03-03"}
    study = make_study(tmp_path / "s", "ISR-1", [{"run_id": r, "run_date": d} for r, d in days.items()], [SAMPLE])
    result = {"sample_id": "S1", "status": "quantified", "tissue": "liver"}
    bias = {"LQC": [0.0, 1.0]}
    failed = {"sample_type": "unknown", "homogenate_ng_ml": 500, "recovery_factor": 0.8}
    leave_results(study, "F1", bias, accepted=False, further=[result | failed])
    first = {"sample_type": "unknown", "homogenate_ng_ml": 75, "recovery_factor": 0.75}
    leave_results(study, "F2", bias, further=[result | first])
    repeat = {"sample_type": "incurred", "homogenate_ng_ml": 96, "recovery_factor": 0.8}
    lost = {"sample_type": "incurred", "sample_id": "S9", "status": "BLQ"}
    leave_results(study, "F3", bias, further=[result | repeat, lost])
    found = (
        gather(read_runs(study)).set_index("series").loc["incurred samples, mean difference, ASO-LCMS-01, mipomersen"]
    )
    # 96 / 0.8 = 120 against 75 / 0.75 = 100: 100 x 20 / 110
    assert_allclose(found.value, 100 * 20 / 110)
    assert (found.run_id, found.n, found.note) == ("F3", 1, "1 of 2 incurred samples without a value")


def test_a_result_whose_recovery_the_run_does_not_know_is_not_compared_with_a_corrected_one(tmp_path):
    days = {"F1": "2026-03-01", "F2": "2026-03-02"}
    study = make_study(tmp_path / "s", "ISR-2", [{"run_id": r, "run_date": d} for r, d in days.items()], [SAMPLE])
    result = {"sample_id": "S1", "status": "quantified", "tissue": "liver", "recovery_factor": 0.8}
    leave_results(study, "F1", {}, further=[result | {"sample_type": "unknown", "homogenate_ng_ml": 80}])
    unknown = {"sample_type": "incurred", "homogenate_ng_ml": 80, "recovery_factor": ""}
    leave_results(study, "F2", {}, further=[result | unknown])
    found = gather(read_runs(study)).set_index("series")
    found = found.loc["incurred samples, mean difference, ASO-LCMS-01, mipomersen"]
    assert np.isnan(found.value)
    assert found.note == "none of 1 incurred samples has a value"


def test_series_of_the_instrument_carry_its_name(tmp_path):
    study = make_study(tmp_path / "s", "S-1", [{"run_id": "A", "run_date": "2026-01-01", "instrument": "Q2"}])
    leave_results(study, "A", {"LQC": [0.0]})
    points = gather(read_runs(study)).set_index("series")
    assert "curve, ASO-LCMS-01, mipomersen, slope, linear, Q2" in points.index
    assert points.loc["QC bias, ASO-LCMS-01, mipomersen, LQC, surrogate"].lots == "instrument=Q2"


def test_each_plate_is_a_point_and_a_failed_one_is_marked(tmp_path):
    points = gather(read_runs(elisa_study(tmp_path)))
    blanks = points[points.series == "blank response, ASO-ELISA-01, mipomersen, surrogate"]
    assert blanks.plate.tolist() == ["P1", "P2"]
    assert_allclose(blanks.value, [0.06, 0.06])
    assert blanks.state.tolist() == ["accepted", "failed"]
    curve = points[points.kind == "curve"].set_index(["series", "plate"]).value
    assert curve["curve, ASO-ELISA-01, mipomersen, midpoint, 4pl", "P1"] == 250
    assert len(curve) == 8
    lost = points[(points.kind == "curve") & (points.plate == "P2")]
    assert lost.value.isna().all()
    assert set(lost.note) == {"no fit"}


def test_replicate_cv_pools_sets_of_wells_inside_the_range(tmp_path):
    points = gather(read_runs(elisa_study(tmp_path)))
    found = points[(points.kind == "replicate_cv") & (points.plate == "P1")].iloc[0]
    # the set 9, 11: SD sqrt(2), mean 10; the other set has a well outside the range
    assert_allclose(found.value, 100 * np.sqrt(2) / 10)
    assert found.n == 1


def test_recovery_follows_the_plate_its_rows_stand_on(tmp_path):
    points = gather(read_runs(elisa_study(tmp_path)))
    found = points[points.kind == "recovery"].set_index("series").state
    assert found["recovery, ASO-ELISA-01, mipomersen, liver, apparent"] == "accepted"
    assert found["recovery, ASO-ELISA-01, mipomersen, kidney, apparent"] == "failed"


def test_a_run_without_results_is_listed_with_the_reason(tmp_path):
    rows = [{"run_id": name, "run_date": "2026-03-01"} for name in ("A", "B", "C")]
    study = make_study(tmp_path / "s", "S-1", rows)
    leave_results(study, "A", {"LQC": [0.0]})
    leave_results(study, "C", {"LQC": [0.0]})
    (study / "results/runs/C/recovery.tsv").unlink()
    (study / "results/runs/C/curve.json").unlink()
    runs = {run.run_id: run.missing for run in read_runs(study)}
    assert runs == {"A": "", "B": "no results", "C": "no recovery.tsv, curve.json"}


def test_lots_come_from_the_run_table_else_from_the_single_lot_of_the_study(tmp_path):
    rows = [
        {"run_id": "A", "run_date": "2026-03-01", "column_lot": "C17", "probe_lot": ""},
        {"run_id": "B", "run_date": "2026-03-02", "column_lot": "C18", "probe_lot": "P2"},
    ]
    study = make_study(tmp_path / "s", "S-1", rows)
    write_rows(study / "config/materials.tsv", ["material", "kind", "lot"], [
        {"material": "buffer", "kind": "reagent", "lot": "77"}, {"material": "blank", "kind": "matrix", "lot": "9"},
        {"material": "probe", "kind": "reagent", "lot": "P1"}, {"material": "enzyme", "kind": "reagent", "lot": "1"},
        {"material": "enzyme", "kind": "reagent", "lot": "2"}])  # fmt: skip
    lots = [run.lots for run in read_runs(study)]
    assert lots == [
        {"buffer": "77", "column": "C17", "probe": "P1"},
        {"buffer": "77", "column": "C18", "probe": "P2"},
    ]


def test_results_without_a_row_in_the_run_table_are_listed(tmp_path):
    study = make_study(tmp_path / "alpha", "S-1", [{"run_id": "A", "run_date": "2026-03-01"}])
    leave_results(study, "A", {"LQC": [0.0]})
    leave_results(study, "OLD", {"LQC": [0.0]})
    assert unlisted_results(tmp_path, read_runs(tmp_path)) == [("alpha", "OLD")]
    assert unlisted_results(study, read_runs(study)) == [("", "OLD")]


def test_a_damaged_result_table_is_named_with_line_and_column(tmp_path):
    study = make_study(tmp_path / "one", "S-1", [{"run_id": "A", "run_date": "2026-03-01"}])
    folder = leave_results(study, "A", {"LQC": [0.0]})
    path = folder / "measurements.tsv"
    path.write_text(path.read_text().replace("bias_percent", "bias").replace("\t5\t", "\tfive\t"))
    (folder / "curve.json").write_text("[1, 2")
    with pytest.raises(BatchError) as refused:
        read_runs(tmp_path)
    assert "one/results/runs/A/measurements.tsv cannot be used" in str(refused.value)
    assert "line 1, bias_percent: no such column" in str(refused.value)
    assert "line 2, nominal_ng_ml: 'five'; expected a number" in str(refused.value)


@pytest.mark.parametrize("content", ["[1, 2", "[3]", '[{"analyte": "a", "plate": "", "estimator": {"model": "4pl"}}]'])
def test_a_broken_curve_is_refused(tmp_path, content):
    study = make_study(tmp_path / "s", "S-1", [{"run_id": "A", "run_date": "2026-03-01"}])
    (leave_results(study, "A", {"LQC": [0.0]}) / "curve.json").write_text(content)
    with pytest.raises(BatchError, match="not the curves of a run"):
        read_runs(study)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "empty").mkdir()])
def test_a_folder_without_a_study_is_refused(tmp_path, make):
    make(tmp_path)
    with pytest.raises(BatchError, match="no study; expected a study folder, or a folder that holds study folders"):
        read_runs(tmp_path)


def test_two_studies_of_one_id_and_an_unknown_method_are_refused(tmp_path):
    run = {"run_id": "A", "run_date": "2026-03-01"}
    for name in ("a", "b"):
        make_study(tmp_path / name, "SAME", [run])
    make_study(tmp_path / "c", "OTHER", [run | {"method_id": "LCMS"}])
    with pytest.raises(BatchError) as refused:
        read_runs(tmp_path)
    assert "c/config/runs.tsv" in str(refused.value)
    assert "line 2, method_id: 'LCMS'" in str(refused.value)
    assert "study id 'SAME'; expected each study once; the same as in a/config/config.yaml" in str(refused.value)
