"""A ledger of the study stage, and what it came to."""

from __future__ import annotations

from pathlib import Path

from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.limits import limits_for
from bioanalysis.method import Method, read_method

METHODS = Path(__file__).parents[2] / "config" / "methods"
FILES = {"chromatographic": "ASO-LCMS-01.yaml", "ligand_binding": "ASO-HELISA-01.yaml"}


def method_of(assay_class: str = "chromatographic") -> Method:
    """Return the demonstration's method of an assay class."""
    name = FILES[assay_class]
    return read_method(METHODS / name, f"config/methods/{name}")


def ledger_of(assay_class: str = "chromatographic") -> Ledger:
    """Return an empty ledger of the study stage."""
    return Ledger(limits_for(method_of(assay_class)), "mipomersen", stage="study")


def verdict(ledger: Ledger, rule_id: str, **where: str) -> str:
    """Return the one verdict on a rule."""
    table = ledger.table()
    here = table[table.rule_id == rule_id]
    for column, word in where.items():
        here = here[here[column] == word]
    words = set(here.verdict)
    assert len(words) == 1, here
    return str(words.pop())


def observed(ledger: Ledger, rule_id: str) -> str:
    """Return what was observed, all rows of a rule joined."""
    table = ledger.table()
    return "; ".join(table[table.rule_id == rule_id].observed)
