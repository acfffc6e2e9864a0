"""Write docs/rules.md: every rule of the catalogue with its limit, clause and standing, and the tests that hold it.

python docs/make_rules.py            writes the file
python docs/make_rules.py --check    exit 1 where the file is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from rules_tested import rules_tested  # noqa: E402

from bioanalysis.limits import EDITION, STAGES, Rule, read_catalogue  # noqa: E402
from bioanalysis.text_files import own_table  # noqa: E402

PAGE = ROOT / "docs" / "rules.md"
HEAD = f"""# Acceptance rules and the tests that hold them

Made by `python docs/make_rules.py`; do not edit. Edition: {EDITION}.

Standing: `read` - the number stands in the guideline's text as we read it; `public page` - on a public page of the
authority; `unverified` - common practice, a house setting here, never printed as a guideline's number; `house` - a
setting of ours. *Decides*: what a failure rejects; empty: judged and shown only. Limits are inclusive and compared as
exact fractions or at full precision; nothing is rounded before it is judged. Bias = 100 (found - nominal) / nominal:
positive means found too high.
"""


def page() -> str:
    """Return the whole document."""
    tested = rules_tested()
    parts = [HEAD]
    for stage in STAGES:
        rules = [rule for rule in read_catalogue().values() if rule.stage == stage]
        parts.append(f"\n## {stage.capitalize()}\n\n{_table(rules)}")
        parts += [_tests(rule, tested.get(rule.rule_id, {})) for rule in rules]
    levels = _levels("Levels and smallest numbers of the statistics", "statistics.tsv")
    return "\n".join(
        [
            *parts,
            levels,
            _levels("How large tables may be, how far days and dates may reach, and densities", "entries.tsv"),
        ]
    )


def _levels(title: str, table: str) -> str:
    rows = [
        f"| `{row['name']}` | {row['value']} | {row['meaning']} | {row['source']} | {row['standing']} |"
        for row in own_table("bioanalysis.limits", table)
    ]
    head = "| level | value | meaning | source | standing |\n|---|---|---|---|---|\n"
    return f"\n## {title}\n\n" + head + "\n".join(rows) + "\n"


def _table(rules: list[Rule]) -> str:
    head = (
        "| rule | assay | judged | limit | decides | source | standing | version |\n|---|---|---|---|---|---|---|---|\n"
    )
    rows = [
        f"| {r.rule_id} | {r.assay_class} | {r.judged} | {r.printed_limit} | {r.decides} | {r.source} | {r.standing} "
        f"| {r.version} |"
        for r in rules
    ]
    return head + "\n".join(rows) + "\n"


def _tests(rule: Rule, sides: dict[str, list[str]]) -> str:
    lines = [f"- {side}: {', '.join(f'`{test}`' for test in sorted(set(tests)))}" for side, tests in sides.items()]
    never = [f"- cannot be {word.replace('_', ' ')}" for word in rule.never]
    return f"### {rule.rule_id}\n\n" + "\n".join([*lines, *never] or ["- no test yet"]) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
