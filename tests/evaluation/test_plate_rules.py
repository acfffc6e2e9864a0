"""What a method says of its plate takes effect in the run: saturation, hook, wild wells, wavelengths, channels."""

from __future__ import annotations

import pandas as pd
import pytest
from elisa_study import LEVELS, METHOD, Plate, evaluated, make_study, only_run, response, whole_plate
from numpy.testing import assert_allclose

from bioanalysis.errors import BatchError
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.responses import responses_from_wells
from bioanalysis.study import Study

LIMIT = response(400)  # a reader that sees no more than 400 ng/mL


def saturated_plate():
    plate = whole_plate("1", ("S1", 40.0), ("S2", 450.0))
    plate.signals = [min(signal, LIMIT) for signal in plate.signals]
    return plate


def of_sample(evaluation, name):
    rows = evaluation.reportable[evaluation.reportable.sample_id == name]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_saturated_standard_leaves_the_fit_with_its_reason(tmp_path):
    evaluation = evaluated(tmp_path, [saturated_plate()], f"saturation_signal: {LIMIT}")
    top = evaluation.measurements[evaluation.measurements.level == "C8"]
    assert set(top.status) == {"dropped"}
    assert top.reason.str.startswith("SATURATED: a well of this standard").all()
    assert not top.used_in_fit.any()
    assert evaluation.curves[0].uloq_ng_ml == 350  # what is left of the range
    assert set(evaluation.flags["flag"]) >= {"left_out_of_fit", "saturated"}


def test_a_saturated_sample_inside_the_range_has_no_value(tmp_path):
    evaluation = evaluated(tmp_path, [saturated_plate()], f"saturation_signal: {LIMIT}")
    assert of_sample(evaluation, "S1").status == "quantified"
    assert_allclose(of_sample(evaluation, "S1").reading_ng_ml, 40, rtol=0.02)
    assert of_sample(evaluation, "S2").status == "not_reported"
    assert "SATURATED: the signal is at the reader's limit of" in of_sample(evaluation, "S2").reason


def test_a_saturated_sample_beyond_the_range_lies_above_it(tmp_path):
    limit = response(900)
    plate = whole_plate("1").add("unknown", "S1", limit, limit)
    assert of_sample(evaluated(tmp_path, [plate], f"saturation_signal: {limit}"), "S1").status == "ALQ"


def test_without_a_declared_limit_nothing_leaves(tmp_path):
    evaluation = evaluated(tmp_path, [saturated_plate()])
    assert "left_out_of_fit" not in set(evaluation.flags["flag"])


def test_a_hooked_standard_leaves_by_the_rule_of_the_method(tmp_path):
    plate = whole_plate("1", ("S1", 300.0))
    top = [i for i, row in enumerate(plate.rows) if row.get("level") == "C8"]
    for i in top:
        plate.signals[i] = 0.7 * response(350)
    evaluation = evaluated(tmp_path, [plate], "hook_percent: 10")
    assert evaluation.measurements.reason[top].str.startswith("HOOK: reads 30.0 % back from").all()
    assert_allclose(of_sample(evaluation, "S1").reading_ng_ml, 300, rtol=0.02)
    assert "curve_suspect" not in set(evaluation.flags["flag"])


def test_a_wild_well_leaves_alone_and_its_standard_is_judged_by_the_others(tmp_path):
    plate = Plate("1").calibrators(wells=3).controls("a").sample("S1", 80).controls("b")
    wild = next(i for i, row in enumerate(plate.rows) if row.get("level") == "C4")
    plate.signals[wild] = 2.2
    evaluation = evaluated(tmp_path, [plate], "wild_well_cv_percent: 20")
    level = evaluation.measurements[evaluation.measurements.level == "C4"]
    assert level.status.tolist() == ["dropped", "used", "used"]
    assert level.reason.iloc[0].startswith("WILD_WELL: reads 2.2, the other 2")
    assert abs(level.bias_percent.iloc[0]) < 5
    assert_allclose(of_sample(evaluation, "S1").reading_ng_ml, 80, rtol=0.02)


def export(folder, header, rows):
    (folder / "raw/plate.txt").write_text("\n".join("\t".join(map(str, row)) for row in [header, *rows]) + "\n")


def test_the_reference_wavelength_is_subtracted_by_the_method(tmp_path):
    plate = Plate("1").calibrators()
    make_study(tmp_path, [plate], "wavelength_nm: 450, reference_wavelength_nm: 650")
    rows = [(plate.well(i), 450, signal + 0.04) for i, signal in enumerate(plate.signals)]
    rows += [(plate.well(i), 650, 0.04) for i in range(len(plate.signals))]
    export(tmp_path, ["well", "wavelength_nm", "signal"], rows)
    _, reading = only_run(tmp_path)
    assert_allclose(reading.wells.signal, plate.signals)


def test_two_wavelengths_without_a_word_of_the_method_are_refused(tmp_path):
    plate = Plate("1").calibrators()
    make_study(tmp_path, [plate])
    rows = [(plate.well(i), nm, 0.5) for nm in (450, 650) for i in range(len(plate.signals))]
    export(tmp_path, ["well", "wavelength_nm", "signal"], rows)
    with pytest.raises(BatchError, match="readings at 450, 650 nm; expected a method that names the wavelength"):
        only_run(tmp_path)


TWO = METHOD.replace(
    "analytes: [",
    "analytes: [{name: other, channel: IL, lloq_ng_ml: 5, uloq_ng_ml: 500, "
    "calibration: {model: 4pl, weighting: none}}, ",
).replace("{name: aso,", "{name: aso, channel: IFN,")


def test_each_analyte_of_a_multiplex_plate_is_read_from_its_own_channel(tmp_path):
    plate = Plate("1").calibrators()
    make_study(tmp_path, [plate], method=TWO)
    lines = ["Plate_1", "Sample,Assay,Well,Spot,Dilution,Concentration,Signal"]
    for i, signal in enumerate(plate.signals):
        lines += [f"X{i},IFN,{plate.well(i)},1,,,{signal}", f"X{i},IL,{plate.well(i)},2,,,{100 * signal}"]
    (tmp_path / "raw/plate.txt").write_text("\n".join(lines) + "\n")
    _, reading = only_run(tmp_path)
    signals = reading.wells.groupby("analyte").signal.apply(list)
    assert_allclose(signals["aso"], plate.signals)
    assert_allclose(signals["other"], [100 * signal for signal in plate.signals])


def test_two_analytes_need_a_channel_each(tmp_path):
    make_study(tmp_path, [Plate("1").calibrators()], method=TWO.replace("channel: IL", "channel: IFN"))
    with pytest.raises(BatchError, match=r"'IFN' as for another analyte; expected a channel for each analyte"):
        Study.load(tmp_path)


def test_each_plate_may_have_its_own_export(tmp_path):
    plates = [whole_plate("P1", ("S1", 40.0)), whole_plate("P2", ("S2", 90.0))]
    make_study(tmp_path, plates)
    (tmp_path / "raw/plate.txt").unlink()
    (tmp_path / "raw/R1").mkdir()
    runs, worklist = tmp_path / "config/runs.tsv", tmp_path / "config/worklists/R1.tsv"
    runs.write_text(runs.read_text().replace("raw/plate.txt", "raw/R1"))
    table = pd.read_csv(worklist, sep="\t", dtype=str, keep_default_na=False)
    table.assign(file=table.plate + ".txt").to_csv(worklist, sep="\t", index=False)
    for plate in plates:
        rows = [f"{plate.well(i)}\t{signal}" for i, signal in enumerate(plate.signals)]
        (tmp_path / f"raw/R1/{plate.label}.txt").write_text("well\tsignal\n" + "\n".join(rows) + "\n")
    _, reading = only_run(tmp_path)
    assert_allclose(reading.wells.signal, [*plates[0].signals, *plates[1].signals])
    (tmp_path / "raw/R1/P1.txt").write_text("well\tsignal\nA1\t0,1\nA1\tx\n")
    (tmp_path / "raw/R1/P2.txt").write_text("")
    with pytest.raises(BatchError) as error:
        only_run(tmp_path)
    assert {fault.file for fault in error.value.faults} == {"raw/R1/P1.txt", "raw/R1/P2.txt"}


@pytest.mark.parametrize("in_folder", [False, True])
def test_an_export_of_5_gb_is_refused_by_its_size_without_being_read(tmp_path, in_folder):
    make_study(tmp_path, [Plate("1").calibrators()])
    large = tmp_path / "raw/plate.txt"
    if in_folder:
        large.unlink()
        large = tmp_path / "raw/R1/plate.txt"
        large.parent.mkdir()
        runs, worklist = tmp_path / "config/runs.tsv", tmp_path / "config/worklists/R1.tsv"
        runs.write_text(runs.read_text().replace("raw/plate.txt", "raw/R1"))
        table = pd.read_csv(worklist, sep="\t", dtype=str, keep_default_na=False)
        table.assign(file="plate.txt").to_csv(worklist, sep="\t", index=False)
    with large.open("wb") as file:
        file.truncate(5_000_000_000)  # no blocks on the disk
    with pytest.raises(BatchError, match=r"plate.txt' has 5000 MB; expected a plate-reader export of at most 50 MB"):
        Study.load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"1/y^2"', '"1/y^9"', r"one of none, 1/x, 1/x\^2, 1/y, 1/y\^2, 1/y\^p with a power such as 1.6 for p"),
        ('"1/y^2"', "none, weight_by: observed", "expected a weighting by response"),
        ("name: aso", "name: aso, internal_standard: IS", "no key: an ELISA has none"),
    ],
)
def test_what_a_method_may_not_say_of_its_curve(tmp_path, old, new, message):
    make_study(tmp_path, [Plate("1").calibrators()], method=METHOD.replace(old, new))
    with pytest.raises(BatchError, match=message):
        Study.load(tmp_path)


def test_a_reference_wavelength_alone_is_refused(tmp_path):
    make_study(tmp_path, [Plate("1").calibrators()], "reference_wavelength_nm: 650")
    with pytest.raises(BatchError, match="a reference alone; expected wavelength_nm beside it"):
        Study.load(tmp_path)


def test_a_power_of_the_fitted_response_weights_the_curve_of_a_run(tmp_path):
    method = METHOD.replace('"1/y^2"', '"1/y^1.6"')
    (curve,) = evaluated(tmp_path, [whole_plate()], method=method).curves
    assert curve.estimator.weights.power == 1.6
    assert_allclose(curve.estimator.predict(LEVELS), [response(level) for level in LEVELS], rtol=0.01)


def test_weights_by_observed_response_are_named_as_such(tmp_path):
    method = METHOD.replace('"1/y^2"', '"1/y^2", weight_by: observed')
    (curve,) = evaluated(tmp_path, [whole_plate()], method=method).curves
    assert curve.estimator.to_dict()["weight_by"] == "observed"


def test_an_anchor_is_in_the_fit_and_no_more_than_measured(tmp_path):
    anchor = Plate().add("anchor", "A", response(2), response(2), level="A1", nominal_ng_ml=2.0)
    plate = anchor.calibrators().controls("a").sample("S1", 40.0).controls("b")
    rows = evaluated(tmp_path, [plate]).measurements.query("sample_type == 'anchor'")
    assert rows.used_in_fit.all()
    assert set(rows.status) == {"measured"}


def test_samples_never_acquired_need_no_well_and_change_no_verdict(tmp_path):
    plates = [whole_plate("P1", ("S1", 40.0)), whole_plate("P2", ("S2", 40.0))]
    folder = make_study(tmp_path, plates)
    path = folder / "config/worklists/R1.tsv"
    head, *rows = path.read_text().splitlines()
    lost = "\t\tunknown\tS3\t\t\t\ttube broken"
    with (folder / "config/samples.tsv").open("a") as manifest:
        manifest.write("S3\tR1\tliver\t9\t1\t100\t900\n")
    path.write_text("\n".join([f"{head}\tnot_acquired_reason", *(f"{row}\t" for row in rows), lost]) + "\n")
    run, reading = only_run(folder)
    evaluation = evaluate_run(run, responses_from_wells(run, reading.wells))
    assert evaluation.measurements.status.iloc[-1] == "not_analysed"
    verdicts = evaluation.acceptance.set_index(["rule_id", "plate"]).verdict
    assert verdicts["RUN", "P1"] == verdicts["RUN", "P2"] == "pass"  # each plate has its curve still
    assert verdicts["QC-08", "P1"] == verdicts["CAL-LBA-12", "P1"] == "pass"
