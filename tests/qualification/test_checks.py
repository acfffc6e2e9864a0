"""What all checks together come to, and the report they end in."""

from __future__ import annotations

import json

import pytest
from browser import opened, serious_issues
from markup import missing_marks

from bioanalysis.qualification.checks import Check, attempt, overall
from bioanalysis.qualification.report import Report, finish

pytestmark = pytest.mark.requirement("UR-070")


def check(verdict, words="<b>curve</b>"):
    return Check("Part", "UR-011", words, "1", "2", verdict, "a sum")


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["pass", "noted"], "pass"),
        (["pass", "not_assessable"], "not_assessable"),
        (["not_assessable", "fail", "pass"], "fail"),
        ([], "not_assessable"),  # nothing was looked at: that is no pass
    ],
)
def test_one_check_that_failed_or_could_not_be_done_is_no_pass(verdicts, word):
    assert overall([check(verdict) for verdict in verdicts]) == word


def test_whatever_a_check_raises_is_a_fail_in_words():
    found = attempt("Part", "UR-001", "divide", "1", lambda: str(1 / 0))
    assert found.verdict == "fail"
    assert found.observed.startswith("ZeroDivisionError")


@pytest.mark.parametrize(
    ("verdict", "code", "headline"),
    [("pass", 0, "PASSED"), ("fail", 3, "FAILED"), ("not_assessable", 2, "NOT COMPLETE")],
)
def test_the_report_says_the_verdict_and_shows_names_as_text(tmp_path, capsys, verdict, code, headline):
    assert finish(Report("iq", "Installation", "About.", [check(verdict)]), tmp_path) == code
    page, held = (tmp_path / "iq.html").read_text(), json.loads((tmp_path / "iq.json").read_text())
    assert missing_marks(page)[2] == []
    assert headline in page
    assert "&lt;b&gt;curve" in page
    assert "<b>curve" not in page
    assert held["verdict"] == verdict
    assert held["checks"][0]["requirement"] == "UR-011"
    assert f"Installation: {headline}" in capsys.readouterr().out


def test_an_earlier_report_is_kept(tmp_path):
    for verdict in ("fail", "pass"):
        finish(Report("iq", "Installation", "About.", [check(verdict)]), tmp_path)
    earlier = [path for path in tmp_path.glob("iq-*.json")]
    assert [json.loads(path.read_text())["verdict"] for path in earlier] == ["fail"]
    assert json.loads((tmp_path / "iq.json").read_text())["verdict"] == "pass"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["iq", "oq", "pq"])
def test_a_report_of_a_qualification_has_no_serious_issue_of_accessibility(chromium, tmp_path, kind, scheme):
    verdicts = ["pass", "fail", "not_assessable", "noted"] * 6  # more rows of a part than are shown without filters
    finish(Report(kind, "Qualification", "About.", [check(verdict) for verdict in verdicts]), tmp_path)
    with opened(chromium, color_scheme=scheme, viewport={"width": 400, "height": 800}) as (page, said):
        page.goto((tmp_path / f"{kind}.html").as_uri())
        assert serious_issues(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert said == []
