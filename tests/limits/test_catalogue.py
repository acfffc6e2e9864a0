"""The catalogue of rules: complete, tested, documented."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from rules_tested import rules_tested, sides_needed

from bioanalysis.limits import CONVENTION, STAGES, read_catalogue
from bioanalysis.limits.catalogue import parse_numbers

pytestmark = pytest.mark.requirement("UR-027")

ROOT = Path(__file__).parents[2]
RULES = read_catalogue()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_what_is_judged_by_which_limit_and_whence(rule):
    assert rule.judged
    assert rule.printed_limit
    assert rule.source
    assert rule.version
    assert rule.stage in STAGES
    assert rule.standing in ("read", "public page", "house", "unverified")
    assert rule.standing == "read" or not rule.source.startswith("ICH")


def rows_of(name: str) -> list[dict[str, str]]:
    text = (files("bioanalysis.limits") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_a_rule_has_one_stage():
    ids = [row["rule_id"] for stage in STAGES for row in rows_of(f"{stage}_rules.tsv")]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("row", rows_of("profiles.tsv"), ids=lambda row: f"{row['profile']}-{row['rule_id']}")
def test_a_profile_names_rules_of_the_catalogue_with_as_many_numbers_and_a_source(row):
    assert len(parse_numbers(row["numbers"])) == len(RULES[row["rule_id"]].numbers)
    assert row["source"]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_is_held_at_its_boundary_on_both_sides_and_where_it_cannot_be_assessed(rule):
    missing = [side for side in sides_needed(rule) if side not in rules_tested().get(rule.rule_id, {})]
    assert not missing


def test_no_test_holds_a_rule_that_the_catalogue_does_not_have():
    assert set(rules_tested()) <= set(RULES)


@pytest.mark.repository
def test_the_page_of_rules_is_up_to_date():
    done = subprocess.run([sys.executable, ROOT / "docs" / "make_rules.py", "--check"], check=False)
    assert done.returncode == 0, "run python docs/make_rules.py"


@pytest.mark.repository
def test_how_limits_are_applied_is_said_on_every_report():
    pages = (ROOT / "bioanalysis/report/page.html", ROOT / "bioanalysis/export/pdf.py")
    assert "inclusive" in CONVENTION
    assert all("convention" in path.read_text(encoding="utf-8").lower() for path in pages)
