"""The comparison of models and weightings from a table of standards."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from browser import opened, serious_issues
from markup import missing_marks

from bioanalysis.curve_choice import compare_curves, read_standards
from bioanalysis.errors import BatchError

LEVELS = np.repeat([1.0, 2, 5, 10, 25, 50, 100, 200], 2)


def table(path, response, levels=LEVELS, header="nominal_ng_ml\tresponse"):
    lines = [f"{x:g}\t{y:.6g}" for x, y in zip(levels, response, strict=True)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def sigmoid(seed=1):
    rng = np.random.default_rng(seed)
    return (2.5 - 2.45 / (1 + (LEVELS / 40) ** 1.2)) * (1 + 0.02 * rng.standard_normal(len(LEVELS)))


def test_the_command_prints_every_model_and_weighting_and_writes_the_figures(tmp_path):
    data = table(tmp_path / "standards.tsv", sigmoid())
    command = [sys.executable, "-c", "from bioanalysis.cli import main; main()", "curve", str(data)]
    done = subprocess.run([*command, "--page", str(tmp_path / "p.html")], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["model", "weighting", "sum"]
    assert len(lines) == 1 + 4 * 5 + 1  # a header, four models by five weightings, where the figures are
    page = (tmp_path / "p.html").read_text()
    assert page.count("<svg") == 2 * sum(" 0 " in line for line in lines[1:-1] if line.split()[4:5])
    assert "http" not in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_aloud_in_the_dark_and_on_a_narrow_screen(chromium, tmp_path, scheme):
    compare_curves(table(tmp_path / "<i>s.tsv", sigmoid()), tmp_path / "p.html")
    tables, figures, missing = missing_marks((tmp_path / "p.html").read_text())
    assert (tables, missing) == (1, [])
    assert figures > 10
    with opened(chromium, color_scheme=scheme, viewport={"width": 400, "height": 800}) as (page, said):
        page.goto((tmp_path / "p.html").as_uri())
        assert serious_issues(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert "<i>s.tsv" in page.inner_text("h1")
        assert said == []


def test_the_model_that_made_the_standards_has_the_smallest_aicc_and_errors(tmp_path):
    text = compare_curves(table(tmp_path / "s.tsv", sigmoid()), tmp_path / "p.html")
    cells = {tuple(line.split()[:2]): line.split()[2:6] for line in text.splitlines()[1:]}
    error = {key: float(cells[key][0]) for key in (("4pl", "1/y^2"), ("linear", "1/x^2"))}
    aicc = {key: float(cells[key][3]) for key in (("4pl", "1/y^2"), ("4pl", "none"), ("linear", "none"))}
    assert error["4pl", "1/y^2"] < 0.5 * error["linear", "1/x^2"]
    assert aicc["4pl", "1/y^2"] < aicc["4pl", "none"] < aicc["linear", "none"]


def test_measurements_of_a_run_are_a_table_of_standards_too(tmp_path):
    path = tmp_path / "measurements.tsv"
    path.write_text(
        "sample_type\tnominal_ng_ml\tresponse\tline\n"
        "calibrator\t1\t0.1\t2\ncalibrator\t2\t0.2\t3\nqc\t15\t0.9\t4\nunknown\t\t0.5\t5\nanchor\t0.5\t0.05\t6\nblank\t0\t0\t7\n"
    )
    standards, unit = read_standards(path)
    assert standards.nominal.tolist() == [1, 2, 0.5]
    assert unit == "ng/mL"


def test_standards_in_nmol_per_litre_give_the_same_table_and_say_their_unit(tmp_path):
    response = sigmoid()
    said = compare_curves(table(tmp_path / "grams.tsv", response), tmp_path / "grams.html")
    moles = table(tmp_path / "moles.tsv", response, header="nominal_nmol_l\tresponse")
    assert compare_curves(moles, tmp_path / "moles.html") == said
    page = (tmp_path / "moles.html").read_text()
    assert "nominal nmol/L (4pl, 1/y^2)" in page
    assert "ng/mL" not in page


def test_measurements_of_a_method_in_nmol_per_litre_leave_nanograms_empty(tmp_path):
    path = tmp_path / "measurements.tsv"
    rows = "calibrator\t\t1\t0.1\ncalibrator\t\t2\t0.2\nunknown\t\t\t0.5\n"
    path.write_text("sample_type\tnominal_ng_ml\tnominal_nmol_l\tresponse\n" + rows)
    standards, unit = read_standards(path)
    assert (standards.nominal.tolist(), unit) == ([1, 2], "nmol/L")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nominal_ng_ml\tsignal\n1\t2\n", "response: no such column; expected a column with the response of each"),
        ("nominal_ng_ml\tresponse\n-1\tx\n", "line 2, response: 'x'"),
        ("nominal_ng_ml\tresponse\n1\t2\n1\t3\n", "1 different concentration with a response; expected at least two"),
        ("concentration\tresponse\n1\t2\n", "nominal_ng_ml: no such column; expected a column with the prepared"),
        (
            "nominal_ng_ml\tnominal_nmol_l\tresponse\n1\t\t3\n\t2\t4\n",
            "nominal_nmol_l: filled beside nominal_ng_ml; expected the prepared concentration in one unit only",
        ),
    ],
)
def test_a_table_that_is_none_is_refused_in_words(tmp_path, content, message):
    path = tmp_path / "s.tsv"
    path.write_text(content)
    with pytest.raises(BatchError, match=message):
        read_standards(path)
