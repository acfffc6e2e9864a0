"""define.xml 2.1: what the data sets hold, variable by variable."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from bioanalysis.export.sources import read_words
from bioanalysis.study import Study
from bioanalysis.tables import write_whole

ABOUT = {
    "PC": ("Pharmacokinetics Concentrations", "FINDINGS", "PC",
           "One record per sample characteristic or time-point concentration per analyte per subject or pool"),
    "SUPPPC": ("Supplemental Qualifiers for PC", "RELATIONSHIP", "PC",
               "One record per IDVAR, IDVARVAL, and QNAM value per subject or pool"),
    "POOLDEF": ("Pool Definition", "RELATIONSHIP", "POOLDEF", "One record per subject per pool identifier"),
}  # fmt: skip
MANDATORY = ("STUDYID", "DOMAIN", "PCSEQ", "PCTESTCD", "PCTEST", "RDOMAIN", "QNAM", "QLABEL", "QVAL", "QORIG", "POOLID")
DERIVED = ("PCSEQ", "PCSTRESC", "PCSTRESN", "PCSTRESU", "DOMAIN", "PCTESTCD")


def write_define(study: Study, domains: dict[str, pd.DataFrame], path: Path) -> None:
    """Write define.xml for the data sets."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = (files("bioanalysis.export") / "define.xml.jinja").read_text(encoding="utf-8")
    about = study.config.study
    text = environment.from_string(template).render(
        oid=re.sub(r"[^A-Za-z0-9.-]", "-", about.id),
        study=about.id,
        title=about.title or about.id,
        date=max((run.run_date[:10] for run in study.runs), default="2000-01-01"),
        terminology=study.config.send.terminology,
        domains=[_domain(name, frame) for name, frame in domains.items()],
        codelists=_codelists(domains),
    )
    write_whole(path, text.encode("utf-8"))


def _domain(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    label, kind, of, structure = ABOUT[name]
    rows = [row for row in read_words("send_variables.tsv") if row["domain"] == name]
    return {
        "name": name, "label": label, "class": kind, "of": of, "structure": structure,
        "items_": [_item(row, frame) for row in rows],
    }  # fmt: skip


def _item(row: dict[str, str], frame: pd.DataFrame) -> dict[str, Any]:
    name = row["variable"]
    length = max((len(str(cell)) for cell in frame[name]), default=1) if row["type"] != "float" and len(frame) else 0
    return {
        "name": name, "label": row["label"], "type": row["type"], "codelist": row["codelist"],
        "mandatory": "Yes" if name in MANDATORY else "No", "length": max(1, length) if row["type"] != "float" else 0,
        "origin": "Derived" if name in DERIVED else "Collected",
    }  # fmt: skip


def _codelists(domains: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the codelists used, with the terms that occur."""
    lists = []
    for name in dict.fromkeys(row["codelist"] for row in read_words("send_variables.tsv") if row["codelist"]):
        used = {
            cell
            for row in read_words("send_variables.tsv")
            if row["codelist"] == name and row["domain"] in domains
            for cell in domains[row["domain"]][row["variable"]]
            if cell
        }
        codes = {row["term"]: row["code"] for row in read_words("send_terms.tsv") if row["codelist"] == name}
        terms = [{"term": word, "code": codes.get(word, "")} for word in sorted(used)]
        lists.append({"name": name, "terms": terms or [{"term": word, "code": code} for word, code in codes.items()]})
    return lists
