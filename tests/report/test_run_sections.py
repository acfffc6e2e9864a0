"""Sections of a run's report: rules by what needs eyes, curves and QCs, rows that can be linked to."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from made_results import make_results

from bioanalysis.report.run_sections import controls_section, curve_figures, measurements_section, rule_sections
from bioanalysis.report.study_tables import ROWS, OfRun, Stacked, located, read_concentrations, read_of_run

pytestmark = pytest.mark.requirement("UR-050")


def rule(name: str, verdict: str) -> dict[str, str]:
    return {"rule_id": name, "verdict": verdict, "judged": "bias", "limit": "within ±15 %", "observed": "+1 %",
            "source": "ICH M10", "standing": "read"}  # fmt: skip


RULES = pd.DataFrame([rule("A", "pass"), rule("B", "fail"), rule("A", "pass"), rule("C", "not_assessable"),
                      rule("D", "not_applicable"), rule("RUN", "fail")])  # fmt: skip


@pytest.fixture
def run(tmp_path):
    return read_of_run(make_results(tmp_path, failed=(1,)) / "results/runs/R1", "R1", "ASO-LCMS-01")


def rows_of(run: OfRun) -> pd.DataFrame:
    rows = Stacked("run_id", *ROWS)
    rows.add(run.measurements, run_id=run.run_id)
    return rows.table()


def test_rules_not_met_come_first_and_passes_are_counted():
    not_met, not_judged, met, every = rule_sections(RULES)
    assert [len(part["rows"]) for part in (not_met, not_judged, met, every)] == [1, 1, 1, 6]
    assert not_met["text"] == "All rules: 2 pass, 1 fail, 1 not assessable, 1 not applicable."
    assert "<td>2</td>" in next(iter(met["rows"]))
    assert [part["folded"] for part in (not_met, not_judged, met, every)] == [False, False, True, True]


def test_a_run_that_meets_every_rule_says_none():
    assert rule_sections(RULES[RULES.verdict == "pass"])[0]["text"] == "All rules: 2 pass. none"


def test_each_measurement_has_an_id_that_the_study_links_to(run, tmp_path):
    rows = measurements_section(run.measurements, True)["rows"]
    made = {row.split('"')[1] for row in rows}
    assert len(made) == len(run.measurements)
    table = located(read_concentrations(tmp_path / "results/study"), rows_of(run))
    linked = {address.split("#")[1] for address in table.address if address}
    assert len(linked) == 6
    assert linked <= made


def test_a_position_leads_to_its_chromatogram_and_a_well_does_not(run):
    assert 'href="#chromatogram-1">1</a>' in next(iter(measurements_section(run.measurements, True)["rows"]))
    assert "href" not in next(iter(measurements_section(run.measurements, False)["rows"]))


def test_a_qc_outside_its_limit_is_drawn_as_a_square(run):
    (figure,) = controls_section(run.measurements, True, 15.0)["figures"]
    assert figure.drawing.svg.count('class="mark fail"') == 1
    assert "<circle" not in figure.drawing.svg
    assert tuple(figure.drawing.guides) == (-15.0, 0.0, 15.0)
    assert "±15 %" in figure.caption


def test_a_dropped_standard_differs_in_shape_and_the_limit_is_named(run):
    curve = run.curves[0]
    curve["points"][1] |= {"dropped": True, "used": False}
    curve_figure, bias_figure = curve_figures(curve, 15.0)
    for figure in (curve_figure, bias_figure):
        assert figure.drawing.svg.count('class="mark dropped"') == 1
        assert figure.drawing.svg.count("<circle") == 3
        assert figure.source == "curve.json"
    assert "±15 %" in bias_figure.caption


def test_a_curve_that_could_not_be_fitted_says_why():
    curve = {
        "analyte": "a<b",
        "plate": "P1",
        "model": "4pl",
        "weighting": "1/y",
        "estimator": None,
        "problem": "3 levels",
    }
    assert curve_figures(curve, 15.0) == ["<p>a&lt;b, plate P1: 4pl, weighting 1/y: 3 levels</p>"]


def test_a_sample_on_two_plates_leads_to_the_well_it_came_from(run):
    wells = pd.DataFrame({"plate": ["P1", "P2"], "sample_id": "S1", "position": "A1", "analyte": "a", "line": [2, 9]})
    table = pd.DataFrame({"run_id": "R1", "plate": ["P2", "P1", "P2;P1"], "sample_id": "S1", "position": "A1;A2",
                          "analyte": "a"})  # fmt: skip
    addresses = located(table, rows_of(replace(run, measurements=wells))).address
    assert [address.split("#")[1] for address in addresses] == ["row-9-a", "row-2-a", "row-9-a"]
