"""Expected results of the shipped studies against what a study folder holds."""

from __future__ import annotations

import pytest

from bioanalysis.qualification.expectations import expected_cells, truth_checks
from bioanalysis.text_files import own_table

pytestmark = pytest.mark.requirement("UR-071")

HEAD = "sample_id\tmethod_id\ttissue\tstatus\ttissue_ug_g\ttissue_ug_g_low\ttissue_ug_g_high\trun_id"


def study(folder, *values):
    """A study of livers that truly hold 10 ug/g and of one that holds nothing; `values` are found."""
    rows = [f"S{n}\tASO-LCMS-01\tliver\tquantified\t{v}\t{v - 1}\t{v + 1}\tLC-01" for n, v in enumerate(values)]
    rows.append("S9\tASO-LCMS-01\tliver\tBLQ\t\t\t\tLC-01")
    truth = [f"S{n}\t10\tquantified\t" for n in range(len(values))] + ["S9\t0\tBLQ\t"]
    head = "sample_id\ttrue_tissue_ug_g\texpected_status_lcms\texpected_status_elisa"
    for name, lines in (
        ("results/study/tissue_concentrations.tsv", [HEAD, *rows]),
        ("test_data/truth/samples.tsv", [head, *truth]),
    ):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    return {check.checked: check for check in truth_checks(folder) if "HELISA" not in check.checked}


@pytest.mark.parametrize(
    ("values", "each", "median", "coverage"),
    [
        ((10.0, 10.5, 9.5), "pass", "pass", "pass"),
        ((13.0, 10.0, 10.0, 10.0, 10.0), "pass", "pass", "pass"),  # 30 %: on the limit; 4 of 5 intervals hold the truth
        ((13.1, 10.0, 10.0), "fail", "pass", "fail"),  # 31 %; 2 of 3 hold it
        ((10.8, 10.8, 10.9), "pass", "fail", "pass"),  # median 8 %, limit 7 %
    ],
)
def test_values_are_held_against_the_truth(tmp_path, values, each, median, coverage):
    checks = study(tmp_path, *values)
    assert checks["largest error of a quantified value ASO-LCMS-01"].verdict == each
    assert checks["median error of a tissue ASO-LCMS-01"].verdict == median
    assert checks["share of 95 % intervals that hold the truth"].verdict == coverage
    assert checks["status of every sample by ASO-LCMS-01"].verdict == "pass"


def test_a_planted_result_is_missed_where_it_does_not_come_out(tmp_path):
    folder = tmp_path / "results/runs/LC-01"
    folder.mkdir(parents=True)
    (folder / "acceptance.tsv").write_text("rule_id\tplate\tverdict\nRUN\t\tfail\n")
    checks = {check.checked: check for check in expected_cells(tmp_path, "demonstration")}
    run = checks["results/runs/LC-01/acceptance.tsv: verdict where rule_id=RUN"]
    assert (run.expected, run.observed, run.verdict) == ("pass", "fail", "fail")
    assert {check.verdict for check in checks.values()} == {"fail"}  # files that are missing pass nothing


def test_every_expected_result_says_where_it_comes_from():
    rows = own_table("bioanalysis.qualification", "expected_studies.tsv")
    rows += own_table("bioanalysis.qualification", "expected_truth.tsv")
    assert rows
    assert all(row["source"] for row in rows)
