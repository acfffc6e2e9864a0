"""define.xml 2.1: what the data sets hold, variable by variable."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from bioanalysis.export.sources import read_words
from bioanalysis.export.xpt import NUMBERS, ascii_of
from bioanalysis.study import Study
from bioanalysis.tables import write_whole

ABOUT = {
    "PC": ("Pharmacokinetics Concentrations", "FINDINGS", "PC",
           "One record per test per specimen per observation time per subject or pool"),
    "SUPPPC": ("Supplemental Qualifiers for PC", "RELATIONSHIP", "PC",
               "One record per supplemental qualifier per related parent domain record"),
    "POOLDEF": ("Pool Definition", "RELATIONSHIP", "POOLDEF", "One record per subject per pool"),
}  # fmt: skip
BYTES_OF_A_NUMBER = 8
DAY_ONLY = len("2026-03-10")


def write_define(study: Study, domains: dict[str, pd.DataFrame], path: Path) -> None:
    """Write define.xml for the data sets."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = (files("bioanalysis.export") / "define.xml.jinja").read_text(encoding="utf-8")
    about = study.config.study
    described = [_domain(name, frame) for name, frame in domains.items()]
    text = environment.from_string(template).render(
        oid=re.sub(r"[^A-Za-z0-9.-]", "-", about.id),
        study=about.id,
        title=about.title or about.id,
        date=max((run.run_date[:10] for run in study.runs), default="2000-01-01"),
        terminology=study.config.send.terminology,
        domains=described,
        codelists=_codelists(domains),
        methods=[
            item | {"domain": domain["name"]} for domain in described for item in domain["items_"] if item["derivation"]
        ],
    )
    write_whole(path, text.encode("utf-8"))


def _domain(name: str, frame: pd.DataFrame) -> dict[str, Any]:
    label, kind, of, structure = ABOUT[name]
    rows = [row for row in read_words("send_variables.tsv") if row["domain"] == name]
    return {
        "name": name, "label": label, "class": kind, "of": of, "structure": structure,
        "items_": [_item(row, frame[row["variable"]]) for row in rows],
    }  # fmt: skip


def _item(row: dict[str, str], column: pd.Series) -> dict[str, Any]:
    """Return what define.xml says of one variable: a column without data has neither method nor origin."""
    filled = column.dropna() if row["type"] in NUMBERS else column[column.fillna("") != ""]
    return {
        "name": row["variable"], "label": row["label"], "type": _type(row["type"], filled), "key": row["key"],
        "role": row["role"],
        "mandatory": "Yes" if row["core"] == "Req" else "No", "codelist": row["codelist"],
        "length": _length(row["type"], filled), "digits": _decimals(filled) if row["type"] == "float" else None,
        "has_data": bool(len(filled)), "origin": row["origin"] if len(filled) else "Not Available",
        "derivation": row["derivation"] if len(filled) else "",
    }  # fmt: skip


def _type(kind: str, filled: pd.Series) -> str:
    """Return the data type: a moment is a date, a time of a date, or either."""
    if kind != "datetime":
        return kind
    days = [len(moment) == DAY_ONLY for moment in filled]
    return "date" if all(days) else "incompleteDatetime" if any(days) else "datetime"


def _length(kind: str, filled: pd.Series) -> int | None:
    """Return the length that the transport file has for the variable; moments and durations have none."""
    if kind in NUMBERS:
        return BYTES_OF_A_NUMBER
    return max((len(ascii_of(str(cell))) for cell in filled), default=1) if kind == "text" else None


def _decimals(filled: pd.Series) -> int:
    """Return the most digits behind the decimal sign that a number of the column has."""
    return max((len(f"{value:.12f}".rstrip("0").split(".")[1]) for value in filled), default=0)


def _codelists(domains: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Return the codelists of the data sets at hand with the terms that occur; all that are known where none does."""
    variables = [row for row in read_words("send_variables.tsv") if row["codelist"] and row["domain"] in domains]
    lists = []
    for codelist in read_words("send_codelists.tsv"):
        name = codelist["codelist"]
        of_it = [row for row in variables if row["codelist"] == name]
        used = {cell for row in of_it for cell in domains[row["domain"]][row["variable"]] if cell}
        codes = {row["term"]: row["code"] for row in read_words("send_terms.tsv") if row["codelist"] == name}
        terms = [
            {"term": word, "code": codes.get(word, ""), "ours": bool(codelist["code"]) and word not in codes}
            for word in sorted(used or codes)
        ]
        lists += [codelist | {"terms": terms}] if of_it else []
    return lists
