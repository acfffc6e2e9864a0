"""Imports point one way: each room only imports rooms before it in the corridor."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "bioanalysis"
CORRIDOR = (
    "words", "persons", "errors", "text_files", "yaml_with_lines", "stored_cells", "sheets", "columns", "tables",
    "settings", "flags", "moles", "limits", "oligonucleotides", "mole_ranges", "contradictions", "full_scan_ions",
    "method_blocks", "method", "study", "template", "instruments",
    "chromatography", "responses", "calibration", "variability", "recovery", "acceptance", "tissue", "exposure",
    "validation_study", "evaluation", "results", "reanalysis", "report", "export", "trends", "curve_choice",
    "installed", "planning", "disk", "orphans", "lock", "settled", "records", "workflow", "cluster", "launch",
    "qualification", "cli", "kernels", "start",
)  # fmt: skip


def rooms_imported(tree: ast.AST) -> set[str]:
    """Rooms of the package a module imports, those for type checking alone left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("bioanalysis.")}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_no_room_imports_a_later_one():
    against = [
        f"{path.relative_to(PACKAGE)} imports {imported}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent != PACKAGE or path.stem != "__init__"
        for imported in rooms_imported(ast.parse(path.read_text(encoding="utf-8")))
        if imported != room_of(path) and CORRIDOR.index(imported) > CORRIDOR.index(room_of(path))
    ]
    assert not against


def test_every_room_has_its_place():
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == set(CORRIDOR)


@pytest.mark.parametrize("module", ["report", "export", "evaluation.study_decisions"])
def test_jobs_of_the_study_start_without_what_fits_curves(module):
    # scikit-learn and scipy.stats take 60 MB of each process, and half a second to load
    loaded = f"import sys, bioanalysis.{module}; print(*{{'sklearn', 'scipy.stats', 'pyopenms'}} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
