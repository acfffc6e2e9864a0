"""Which tests hold which rule of the catalogue, read from their markers ``rule(rule_id, side)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bioanalysis.limits import sides_needed

__all__ = ["rules_tested", "sides_needed"]
TESTS = Path(__file__).parent


@cache
def rules_tested(folder: Path = TESTS) -> dict[str, dict[str, list[str]]]:
    """Return the names of tests by rule id and side."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for rule_id, side, test in _marks(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(rule_id, {}).setdefault(side, []).append(f"{path.relative_to(folder)}::{test}")
    return found


def _marks(module: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield (rule id, side, test) for each marker in the decorators of a test, parameters included."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            for decorator in function.decorator_list:
                for call in ast.walk(decorator):
                    if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "rule":
                        rule_id, side = (ast.literal_eval(argument) for argument in call.args)
                        yield rule_id, side, function.name
