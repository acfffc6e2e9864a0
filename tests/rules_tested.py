"""Which tests hold which rule of the catalogue, read from their markers ``rule(rule_id, side)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bioanalysis.limits import Rule

TESTS = Path(__file__).parent
BOUNDARY = ("inside", "on", "outside")
PLAIN = ("pass", "fail")


def sides_needed(rule: Rule) -> tuple[str, ...]:
    """Return the sides a rule must be held at: its boundary where it has a number, both verdicts where not.

    Nothing lies inside a limit of none (0).
    """
    verdict = {"inside": "pass", "on": "pass", "outside": "fail", "pass": "pass", "fail": "fail"}
    boundary = BOUNDARY[1:] if rule.numbers == (0,) else BOUNDARY
    sides = boundary if rule.numbers else PLAIN
    kept = [side for side in sides if verdict[side] not in rule.never]
    return (*kept, "not_assessable") if "not_assessable" not in rule.never else tuple(kept)


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
