"""The assessment of risks: whole, traced to requirements that tests hold, and worked out as it says."""

from __future__ import annotations

import importlib.util
import re

import pytest

from bioanalysis.planning import workflow_folder

DOCS = workflow_folder() / "docs"
pytestmark = [pytest.mark.repository, pytest.mark.requirement("UR-074")]
NO_RISK_OF_THEIR_OWN = {"UR-018", "UR-073", "UR-074"}  # a calculator on its own; the papers themselves


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_risks", DOCS / "make_risks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_table_gives(script):
    assert (DOCS / "risk-assessment.md").read_text(encoding="utf-8") == script.page()


def test_every_risk_says_all_and_names_controls_that_are_requirements(script):
    known = {row["requirement_id"] for row in script.rows("requirements.tsv")}
    for risk in script.rows("risks.tsv"):
        assert all(risk[name] for name in risk if name != "remains"), risk["risk_id"]
        assert set(risk["requirements"].split(";")) <= known, risk["risk_id"]


def test_no_control_rests_on_a_requirement_without_a_test(script):
    untested = set(re.findall(r"^\| (UR-\d+) \|.*UNTESTED", (DOCS / "traceability.md").read_text(), re.MULTILINE))
    named = {name for risk in script.rows("risks.tsv") for name in risk["requirements"].split(";")}
    assert not named & untested


def test_every_requirement_stands_against_some_risk(script):
    named = {name for risk in script.rows("risks.tsv") for name in risk["requirements"].split(";")}
    asked = {row["requirement_id"] for row in script.rows("requirements.tsv")}
    assert asked - named == NO_RISK_OF_THEIR_OWN


@pytest.mark.parametrize(
    ("severity", "probability", "detectability", "found"),
    [("high", "high", "low", (1, "high")), ("high", "low", "low", (2, "high")), ("high", "low", "high", (2, "low")),
     ("medium", "medium", "medium", (2, "medium")), ("low", "low", "high", (3, "low")),
     ("low", "medium", "low", (3, "medium")), ("medium", "high", "high", (1, "medium"))],
)  # fmt: skip
def test_class_and_priority_follow_from_the_three_steps(script, severity, probability, detectability, found):
    risk = {"severity": severity, "probability": probability, "detectability": detectability}
    assert (script.risk_class(risk), script.priority(risk)) == found


def test_more_severe_more_probable_and_harder_to_see_never_lowers_a_priority(script):
    steps = script.STEPS
    for place in range(3):
        for one in steps:
            for other in steps:
                risks = []
                for step in steps if place < 2 else reversed(steps):
                    words = [one, other]
                    words.insert(place, step)
                    risks.append(dict(zip(("severity", "probability", "detectability"), words, strict=True)))
                ranks = [steps.index(script.priority(risk)) for risk in risks]
                assert ranks == sorted(ranks)
