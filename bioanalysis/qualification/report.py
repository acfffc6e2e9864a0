"""The report of a qualification: HTML to be read, printed and signed, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from bioanalysis.planning import workflow_folder
from bioanalysis.qualification.checks import EXIT, FAIL, HEADLINE, NOT_ASSESSABLE, Check, counts, overall
from bioanalysis.qualification.requirements import requirements
from bioanalysis.records.audit import now, user
from bioanalysis.records.environment import environment
from bioanalysis.report.sections import section
from bioanalysis.text_files import write_whole

COLUMNS = ["checked", "requirement", "expected", "observed", "verdict", "source"]
SHOWN_FIRST = 20


@dataclass(frozen=True)
class Report:
    """What a qualification found.

    Attributes
    ----------
    kind : str
        ``iq``, ``oq`` or ``pq``: the name of the files.
    sections : list of dict
        Further sections (`bioanalysis.report.sections.section`), shown after the checks.
    details : dict
        Whatever else the JSON should hold.
    """

    kind: str
    title: str
    about: str
    checks: Sequence[Check]
    sections: Sequence[dict[str, Any]] = ()
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        return overall(self.checks)


def finish(report: Report, folder: Path) -> int:
    """Write the report into `folder`, print a summary and return the exit code."""
    page = write_report(report, folder)
    print(summary(report))
    print(f"report: {page}")
    return EXIT[report.verdict]


def summary(report: Report) -> str:
    """Return what a terminal says: what was not met, then the verdict with its numbers."""
    lines = []
    for word, said in ((FAIL, "FAILED"), (NOT_ASSESSABLE, "NOT DONE")):
        found = [check for check in report.checks if check.verdict == word]
        lines += [f"{said} {c.checked}: expected {c.expected}; found {c.observed}" for c in found[:SHOWN_FIRST]]
        if len(found) > SHOWN_FIRST:
            lines.append(f"{said} and {len(found) - SHOWN_FIRST} more, in the report")
    return "\n".join([*lines, f"{report.title}: {HEADLINE[report.verdict]} ({counts(report.checks)})"])


def write_report(report: Report, folder: Path) -> Path:
    """Write KIND.html and KIND.json into `folder`; earlier ones are kept under the time they were made."""
    content = _content(report)
    for suffix, text in (("json", _as_json(content)), ("html", _as_page(report, content))):
        path = folder / f"{report.kind}.{suffix}"
        keep_earlier(path)
        write_whole(path, text.encode("utf-8"))
    return path


def keep_earlier(path: Path) -> None:
    """Rename a file that is there already: a report is a record and is not written over."""
    if path.is_file():
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        path.rename(path.with_name(f"{path.stem}-{made:%Y%m%dT%H%M%S.%fZ}{path.suffix}"))


def _content(report: Report) -> dict[str, Any]:
    where = environment(workflow_folder())
    return {
        "kind": report.kind, "title": report.title, "verdict": report.verdict, "made_at": now(), "made_by": user(),
        "counts": counts(report.checks), "software": where["software"], "python": where["python"],
        "platform": where["platform"], "lock_sha256": where["lock_sha256"],
        "checks": [asdict(check) for check in report.checks], **report.details,
    }  # fmt: skip


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _as_page(report: Report, content: dict[str, Any]) -> str:
    table = pd.DataFrame(content["checks"], columns=["part", *COLUMNS])
    unmet = table[table.verdict.isin([FAIL, NOT_ASSESSABLE])]
    sections = [section("Not met", unmet[["part", *COLUMNS]], text="Everything that failed or could not be done.")]
    for part in dict.fromkeys(table.part):
        rows = table[table.part == part]
        sections.append(section(part, rows[COLUMNS], filters=["verdict"] if len(rows) > SHOWN_FIRST else []))
    sections += [*report.sections, _requirements_section(report)]
    style = (files("bioanalysis.report") / "page.css").read_text(encoding="utf-8")
    script = (files("bioanalysis.report") / "page.js").read_text(encoding="utf-8")
    template = (files("bioanalysis.qualification") / "page.html").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(template)
    return page.render(
        **content, about=report.about, sections=sections, style=style, script=script, headline=HEADLINE[report.verdict]
    )


def _requirements_section(report: Report) -> dict[str, Any]:
    named = {ur for check in report.checks for ur in check.requirement.split(";") if ur}
    rows = [(row["requirement_id"], row["requirement"]) for row in requirements() if row["requirement_id"] in named]
    table = pd.DataFrame(rows, columns=["requirement", "text"])
    return section("Requirements these checks serve", table, heads={"text": "the software shall"})
