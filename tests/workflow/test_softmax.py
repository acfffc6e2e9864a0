"""A real plate, from the reader software's own export through the whole workflow, against that software's results."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from elisa_study import only_run

from bioanalysis.evaluation.decisions import judge_run

pytestmark = [pytest.mark.workflow, pytest.mark.reference]

CONFIG = "study: {id: S, title: t, test_article: hcp, status: exploratory}\ntissues: {liver: {density_g_ml: 1.06}}\n"
METHOD = """
method_id: M1
version: "1"
platform: elisa
assay_class: ligand_binding
concentration_basis: free_acid
analytes: [{name: hcp, lloq_ng_ml: 1, uloq_ng_ml: 100, calibration: {model: 4pl, weighting: none}}]
extraction:
  {calibrator_matrix: surrogate, calibrators_extracted: true, internal_standard_kind: none,
   internal_standard_added: none, recovery_correction: none}
acceptance: {profile: exploratory}
plate: {zero_standard: included}
"""


def tidy(standards: list[dict[str, str]], unknowns: list[dict[str, str]]) -> str:
    wells = [(f"{'ABCDEF'[n // 2]}{n % 2 + 1}", row["od"]) for n, row in enumerate(standards)]
    wells += [(row["well"], row["od"]) for row in unknowns]
    return "well\tsignal\n" + "".join(f"{well}\t{signal}\n" for well, signal in wells)


def make_study(reference: Path, folder: Path, form: str) -> list[dict[str, str]]:
    """Write the study; return the unknowns with the software's results."""
    plate = reference / "curves/softmax_hcp_elisa_4pl"
    standards = list(csv.DictReader((plate / "standards.csv").open()))
    unknowns = list(csv.DictReader((plate / "unknowns.csv").open()))
    for name in ("config/methods", "config/worklists", "raw"):
        (folder / name).mkdir(parents=True)
    if form == "tidy":
        (folder / "raw/plate.txt").write_text(tidy(standards, unknowns))
    else:
        shutil.copy(
            reference / "elisa/softmaxpro_abs_endpoint/softmaxpro_example_reduced.txt", folder / "raw/plate.txt"
        )
    rows = ["position\tsample_type\tsample_id\tlevel\tnominal_ng_ml"]
    for number, row in enumerate(standards):  # A1, A2 (100), B1, B2 (40) ... F1, F2 (0)
        kind = "calibrator" if float(row["conc"]) else "zero"
        rows.append(f"{'ABCDEF'[number // 2]}{number % 2 + 1}\t{kind}\tstd{number}\tC{number // 2}\t{row['conc']}")
    rows += [f"{row['well']}\tunknown\tS{number}\t\t" for number, row in enumerate(unknowns)]
    manifest = ["sample_id\tsubject_id\ttissue\tpiece\tcollection_day\ttissue_mass_mg\tbuffer_volume_ul"]
    manifest += [f"S{number}\tA1\tliver\t{number}\t1\t100\t900" for number in range(len(unknowns))]
    tables = {
        "config.yaml": CONFIG,
        "methods/m.yaml": METHOD,
        "subjects.tsv": "subject_id\tspecies\tgroup\ttreatment\nA1\trat\tg\thcp\n",
        "samples.tsv": "\n".join(manifest) + "\n",
        "runs.tsv": "run_id\tmethod_id\trun_date\tanalyst\traw_path\nR1\tM1\t2026-01-01\tx\traw/plate.txt\n",
        "worklists/R1.tsv": "\n".join(rows) + "\n",
    }
    for name, text in tables.items():
        (folder / "config" / name).write_text(text)
    return unknowns


def holds_what_is_published(measured: pd.DataFrame, unknowns: list[dict[str, str]]) -> None:
    found = measured[measured.sample_type == "unknown"]
    published = [float(row["softmax_result"]) for row in unknowns]
    assert len(found) == 66
    assert (found.curve_reading_ng_ml.astype(float) - published).abs().max() < 0.0005
    assert found.status.value_counts().to_dict() == {"quantified": 61, "ALQ": 4, "BLQ": 1}


def test_the_readers_own_export_gives_its_own_results(reference, tmp_path):
    unknowns = make_study(reference, tmp_path / "study", "export")
    command = [Path(sys.executable).with_name("bioanalysis"), "run", str(tmp_path / "study")]
    subprocess.run(command, check=True, capture_output=True)
    holds_what_is_published(pd.read_csv(tmp_path / "study/results/runs/R1/measurements.tsv", sep="\t"), unknowns)
    page = (tmp_path / "study/results/study/report.html").read_text()
    assert "WIDER THAN ICH M10: the zero standard takes part in the fit" in page
    assert "WIDER THAN ICH M10: exploratory profile: nothing is withheld" in page


def test_the_same_plate_as_a_tidy_table_gives_the_same_results(reference, tmp_path):
    unknowns = make_study(reference, tmp_path / "study", "tidy")
    run, reading = only_run(tmp_path / "study")
    holds_what_is_published(judge_run(run, reading.wells).measurements, unknowns)
