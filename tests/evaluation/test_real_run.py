"""A real MRM run as a study: five drugs on one internal standard, concentrations against the reviewed document."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_traces_of
from bioanalysis.responses import responses_from_peaks
from bioanalysis.study import Study

pytestmark = pytest.mark.reference
STANDARD = 281.3  # imipramine, the internal standard of all five drugs


def make_study(source: Path, folder: Path) -> None:
    """Write the run as a study of diluted samples, exploratory."""
    for name in ("config/methods", "config/worklists", "raw"):
        (folder / name).mkdir(parents=True)
    for path in (source / "mzML").glob("*.mzML"):
        shutil.copy(path, folder / "raw")
    times: dict[tuple[str, float, float], list[float]] = {}
    for row in csv.DictReader((source / "skyline_peaks.csv").open()):
        if row["rt"]:
            key = row["molecule"], float(row["precursor_mz"]), float(row["product_mz"])
            times.setdefault(key, []).append(float(row["rt"]))
    analytes, transitions = [], []
    for (molecule, q1, q3), found in times.items():
        about = f"role: quantifier, q1_mz: {q1}, q3_mz: {q3}, rt_min: {np.median(found):.3f}, rt_window_min: 0.3"
        if "Drug" in molecule:
            analytes.append(molecule)
            transitions.append(f"  - {{name: {molecule}, analyte: {molecule}, {about}, peak_width_s: 2}}\n")
        elif abs(q1 - STANDARD) < 0.1 and not any("internal_standard" in line for line in transitions):
            transitions.append(f"  - {{name: IS, internal_standard: IS, {about}, peak_width_s: 2}}\n")
    curve = 'internal_standard: IS, lloq_ng_ml: 10, uloq_ng_ml: 10000, calibration: {model: linear, weighting: "1/x^2"}'
    method = (
        'method_id: M1\nversion: "1"\nplatform: lcms\nassay_class: chromatographic\nconcentration_basis: free_acid\n'
    )
    method += "analytes:\n" + "".join(f"  - {{name: {name}, {curve}}}\n" for name in analytes)
    method += "transitions:\n" + "".join(transitions)
    method += "extraction: {calibrator_matrix: surrogate, calibrators_extracted: true, internal_standard_kind: analog,"
    method += " internal_standard_added: before_extraction, recovery_correction: none}\n"
    method += "acceptance: {profile: exploratory}\n"
    worklist = ["position\tfile\tsample_type\tsample_id\tnominal_ng_ml\tdilution_factor"]
    manifest = ["sample_id\tsubject_id\ttissue\tpiece\tcollection_day\ttissue_mass_mg\tbuffer_volume_ul"]
    for number, row in enumerate(csv.DictReader((source / "replicates.csv").open()), start=1):
        kind = {"blank": "blank", "standard": "calibrator", "": "unknown"}[row["sample_type"]]
        name, factor = row["name"], row["sample_dilution_factor"] or "1"
        worklist.append(f"{number}\t{name}.mzML\t{kind}\t{name}\t{row['analyte_concentration']}\t{factor}")
        if kind == "unknown":
            manifest.append(f"{name}\tA1\tliver\t{number}\t1\t100\t900")
    tables = {
        "config.yaml": "study: {id: DOG, title: t, test_article: mix, status: exploratory}\n"
        "tissues: {liver: {density_g_ml: 1.06}}\n",
        "methods/m.yaml": method,
        "subjects.tsv": "subject_id\tspecies\tgroup\ttreatment\nA1\tdog\tg\tmix\n",
        "samples.tsv": "\n".join(manifest) + "\n",
        "runs.tsv": "run_id\tmethod_id\trun_date\tanalyst\traw_path\nR1\tM1\t2017-11-17\tx\traw\n",
        "worklists/R1.tsv": "\n".join(worklist) + "\n",
    }
    for name, text in tables.items():
        (folder / "config" / name).write_text(text)


@pytest.fixture(scope="module")
def evaluated(reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dog") / "study"
    make_study(reference / "lcms/dog_dilution", folder)
    (run,) = Study.load(folder).runs
    peaks = peaks_of(run, read_traces_of(run, folder))
    return peaks, evaluate_run(run, responses_from_peaks(run, peaks))


@pytest.fixture(scope="module")
def deviation(evaluated, reference):
    """Absolute deviation in percent of the diluted samples' concentrations, by drug."""
    path = reference / "lcms/dog_dilution/DilutionFactorTest_PeptideResultQuantification.csv"
    reviewed = pd.read_csv(path, na_values="#N/A").dropna(subset=["CalculatedConcentration"])
    rows = evaluated[1].measurements
    rows = rows[rows.sample_type == "unknown"].merge(
        reviewed, left_on=["sample_id", "analyte"], right_on=["Replicate", "Peptide"], validate="one_to_one"
    )
    found, expected = rows.curve_reading_ng_ml * rows.dilution_factor, rows.CalculatedConcentration
    assert len(rows) == 8 * 5
    return pd.Series(100 * np.abs(found / expected - 1).to_numpy(), index=rows.analyte.to_numpy())


def test_every_trace_ends_with_an_area_or_a_reasoned_no_peak(evaluated):
    peaks = evaluated[0]
    assert len(peaks) == 19 * 6  # five drugs and the one internal standard used
    assert (peaks.area.notna() | (peaks["flags"] == "no peak")).all()


def test_four_drugs_agree_with_the_reviewed_concentrations(deviation):
    by_drug = deviation.groupby(deviation.index)
    strong = [drug for drug in by_drug.groups if "Warfarin" not in drug]
    assert len(strong) == 4
    assert (by_drug.median()[strong] <= 2).all()
    assert (by_drug.max()[strong] <= 6).all()


def test_each_analyte_has_its_own_curve_and_verdict(evaluated):
    verdicts = evaluated[1].acceptance
    assert len(verdicts[verdicts.rule_id == "RUN"]) == 5
