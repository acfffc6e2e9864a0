"""The page of columns is made from the declarations that read the tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.requirement("UR-003"), pytest.mark.repository]

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_columns_is_up_to_date():
    done = subprocess.run([sys.executable, DOCS / "make_columns.py", "--check"], check=False)
    assert done.returncode == 0, "run python docs/make_columns.py"


def test_every_column_of_a_new_study_stands_there():
    page = (DOCS / "columns.md").read_text(encoding="utf-8")
    template = DOCS.parent / "bioanalysis/template/config"
    heads = [path.read_text(encoding="utf-8").split("\n")[0].split("\t") for path in template.glob("*.tsv")]
    assert not [name for names in heads for name in names if name and f"| `{name}` |" not in page]
