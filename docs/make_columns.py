"""Write docs/columns.md: every column of the tables of a study, what a cell may hold, which plate exports are read.

python docs/make_columns.py            writes the file
python docs/make_columns.py --check    exit 1 where the file is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

from bioanalysis.columns import Column, NotThis
from bioanalysis.instruments.plates import READERS
from bioanalysis.study import schema
from bioanalysis.tables import Table

PAGE = Path(__file__).parent / "columns.md"
TABLES = {
    "subjects": schema.SUBJECTS, "samples": schema.SAMPLES, "runs": schema.RUNS, "worklists/<run_id>": schema.WORKLIST,
    "decisions": schema.DECISIONS, "pools": schema.POOLS, "dosing": schema.DOSING,
    "clinical_chemistry": schema.CLINICAL_CHEMISTRY, "materials": schema.MATERIALS,
}  # fmt: skip
NO_CELL = "\N{PILCROW SIGN}"  # what no column but those of free text takes
HEAD = """# Columns of the tables of a study

Made by `python docs/make_columns.py`; do not edit. Tables stand below `config/` as tsv, csv or xlsx. *Needed* columns
are filled in every row. Others may be missing or empty, where what stands in brackets holds; which of them a row needs
hangs on its kind and on the method ([inputs](inputs.md)), and `bioanalysis check` says so.
"""


def page() -> str:
    """Return the whole document."""
    parts = [HEAD, *(_section(name, table) for name, table in TABLES.items()), _actions(), _readers()]
    return "\n".join(parts)


def _section(name: str, table: Table) -> str:
    columns = [*table.columns, *table.families]
    own = [column.name for column in table.columns]
    rows = [
        f"| `{column.name}{'[<analyte>]' if place >= len(own) else ''}` | {column.meaning} | {_expected(column)} | "
        f"{'yes' if column.required else ''} |"
        for place, column in enumerate(columns)
    ]
    more = "\nFurther columns are kept as covariates of the animals.\n" if table.covariates else ""
    head = f"## `{name}`\n\n| column | meaning | a cell | needed |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n" + more


def _expected(column: Column) -> str:
    """Return what a cell may hold, in the words of the refusal of another."""
    try:
        column.read(NO_CELL)
        words = "text"
    except NotThis as refusal:
        words = str(refusal).removeprefix("one of ")
    default = column.default
    return (
        words if default is None else f"{words} ({default:g})" if isinstance(default, float) else f"{words} ({default})"
    )


def _actions() -> str:
    rows = [f"| `{action}` | {', '.join(codes)} |" for action, codes in schema.ACTIONS.items()]
    return (
        "## Actions of `decisions` and their reason codes\n\n| action | reason_code |\n|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _readers() -> str:
    described = {name: (reader.__doc__ or "").strip().splitlines()[0] for name, reader in READERS.items()}
    rows = [f"| `{name}` | {words} |" for name, words in described.items()]
    head = "## Plate exports (`plate: {reader: ...}`; `auto` recognises the file)\n\n| reader | form |\n|---|---|\n"
    return head + "\n".join(rows) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
