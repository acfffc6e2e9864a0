"""The rule catalogue, and what a method's profile and overrides make of it.

No limit stands in code: `run_rules.tsv`, `study_rules.tsv`, `validation_rules.tsv` and `trend_rules.tsv` hold each rule
with its numbers, clause and standing, `profiles.tsv` what a profile sets otherwise, and the method file its own
overrides, each with a source. Rules of the stages trend (charts over runs of many studies) and distribution (the
study's animals, whatever the method) are changed by no method.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

from bioanalysis.text_files import own_table

if TYPE_CHECKING:
    from bioanalysis.method import Method

EDITION = "ICH M10, step-2 draft text of 2019, its numbers held against a digest of the final guideline"
CONVENTION = (
    "limits are inclusive and shares exact fractions; nothing is rounded before it is judged; "
    "bias = 100 (found - nominal) / nominal, positive where too much was found"
)
EXPLORATORY = "exploratory"
TREND, DISTRIBUTION = "trend", "distribution"
STAGES = ("run", "study", "validation", TREND, DISTRIBUTION)
OF_NO_METHOD = {
    TREND: "the charts over runs, the same for all methods",
    DISTRIBUTION: "the study's animals, the same for all methods",
}


@dataclass(frozen=True)
class Rule:
    """One acceptance rule with the numbers in force.

    Attributes
    ----------
    numbers : tuple of Fraction
        The limit (shares as exact fractions, percentages as numbers of percent); empty where the rule has none.
    decides : str
        What a failure rejects: ``run``, ``batch``, ``tissue``, ``dilution`` (the diluted samples), ``scope`` (what a
        validation may claim: a storage or a dilution factor, not the method) or nothing.
    direction : str
        ``max`` (a larger number is wider), ``min`` (a smaller one is wider), ``guard`` or ``fixed``; one word for each
        number, joined by ';', where they differ.
    version : str
        Version of the rule, raised where its limit or wording changes.
    never : tuple of str
        Verdicts this rule cannot come to, of ``pass``, ``fail`` and ``not_assessable``.
    wider : bool
        True where profile or override allow more than the catalogue's own source does.
    """

    rule_id: str
    assay_class: str
    stage: str
    decides: str
    judged: str
    limit: str
    numbers: tuple[Fraction, ...]
    direction: str
    source: str
    standing: str
    version: str
    never: tuple[str, ...] = ()
    wider: bool = False

    @property
    def number(self) -> Fraction:
        """The first (for most rules: the only) number of the limit."""
        return self.numbers[0]

    @property
    def printed_limit(self) -> str:
        """The limit in words, as it stands in tables and reports."""
        if self.direction == "guard":
            return self.limit.format(*(_decimal(number) for number in self.numbers))
        return self.limit.format(*(print_number(number) for number in self.numbers))

    def with_numbers(self, numbers: tuple[Fraction, ...], source: str) -> Rule:
        """Return the rule with other numbers, marked where they are wider."""
        return replace(self, numbers=numbers, source=source, wider=self.wider or is_wider(self, numbers))


BOUNDARY, PLAIN = ("inside", "on", "outside"), ("pass", "fail")
VERDICTS = {"inside": "pass", "on": "pass", "outside": "fail"}


def sides_needed(rule: Rule) -> tuple[str, ...]:
    """Return the sides a rule must be held at: its boundary where it has a number, both verdicts where not.

    Nothing lies inside a limit of none (0).
    """
    boundary = BOUNDARY[1:] if rule.numbers == (0,) else BOUNDARY
    sides = boundary if rule.numbers else PLAIN
    kept = [side for side in sides if VERDICTS.get(side, side) not in rule.never]
    return (*kept, "not_assessable") if "not_assessable" not in rule.never else tuple(kept)


def is_wider(rule: Rule, numbers: tuple[Fraction, ...]) -> bool:
    """Return whether `numbers` let pass what `rule` would not."""
    if rule.direction == "guard":
        return numbers[0] < rule.numbers[0] or numbers[1] > rule.numbers[1]
    directions = rule.direction.split(";")
    directions *= len(numbers) if len(directions) == 1 else 1
    for new, old, direction in zip(numbers, rule.numbers, directions, strict=True):
        if (direction == "max" and new > old) or (direction == "min" and new < old):
            return True
    return False


@dataclass(frozen=True)
class Limits(Mapping[str, Rule]):
    """The rules in force for one method: a mapping from rule id to `Rule`.

    Attributes
    ----------
    profile : str
    enforced : bool
        False for the exploratory profile: everything is judged and shown, nothing dropped, rejected or withheld.
    """

    profile: str
    rules: dict[str, Rule]

    @property
    def enforced(self) -> bool:
        return self.profile != EXPLORATORY

    @property
    def wider(self) -> list[Rule]:
        """Rules that allow more than the guideline, to be printed on the first page."""
        return [rule for rule in self.rules.values() if rule.wider]

    def __getitem__(self, rule_id: str) -> Rule:
        return self.rules[rule_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)


def limits_for(method: Method) -> Limits:
    """Return the limits in force for `method`: catalogue, then its profile, then its overrides.

    The rules are those of the method's assay class; `override_faults` has been asked before.
    """
    rules = {
        rule_id: rule
        for rule_id, rule in read_catalogue().items()
        if rule.assay_class in ("both", method.assay_class) and rule.stage not in OF_NO_METHOD
    }
    for rule_id, (numbers, source) in _read_profiles().get(method.acceptance.profile, {}).items():
        rules[rule_id] = rules[rule_id].with_numbers(numbers, source)
    for rule_id, override in method.acceptance.overrides.items():
        source = f"{override.source} (override of {rules[rule_id].source})"
        rules[rule_id] = rules[rule_id].with_numbers(parse_numbers(str(override.limit)), source)
    return Limits(method.acceptance.profile, rules)


def trend_rules() -> dict[str, Rule]:
    """Return the rules of the charts over runs and studies, by id."""
    return {rule_id: rule for rule_id, rule in read_catalogue().items() if rule.stage == TREND}


def distribution_rules() -> dict[str, Rule]:
    """Return the rules on distribution, doses and exposure of the study's animals, by id."""
    return {rule_id: rule for rule_id, rule in read_catalogue().items() if rule.stage == DISTRIBUTION}


def override_faults(method: Method) -> list[tuple[str, str, str]]:
    """Return (rule id, what is wrong, what is expected) for each override that cannot be applied."""
    catalogue = read_catalogue()
    faults = []
    for rule_id, override in method.acceptance.overrides.items():
        if rule_id not in catalogue:
            near = difflib.get_close_matches(rule_id, catalogue, n=1)
            faults.append((rule_id, "is no rule of the catalogue", f"a rule id{f' such as {near[0]}' if near else ''}"))
            continue
        rule = catalogue[rule_id]
        if rule.stage in OF_NO_METHOD:
            faults.append((rule_id, f"is a rule of {OF_NO_METHOD[rule.stage]}", "no override of it"))
        elif rule.assay_class not in ("both", method.assay_class):
            faults.append((rule_id, f"is a rule for {rule.assay_class} methods", f"a rule for {method.assay_class}"))
        elif not _fits(rule, str(override.limit)):
            shape = ";".join(print_number(number) for number in rule.numbers) or "a rule that has a number"
            faults.append((rule_id, f"limit is {override.limit!r}", f"a limit written like {shape}"))
    return faults


def _fits(rule: Rule, text: str) -> bool:
    try:
        return bool(rule.numbers) and len(parse_numbers(text)) == len(rule.numbers)
    except (ValueError, ZeroDivisionError):
        return False


def parse_numbers(text: str) -> tuple[Fraction, ...]:
    """Return the exact numbers of ``"2/3;1/2"`` or ``"15"``; ValueError where one is none."""
    return tuple(Fraction(part.strip()) for part in text.split(";") if part.strip())


def print_number(number: Fraction) -> str:
    """Return a share as ``2/3`` and anything else in decimals."""
    if number.denominator == 1:
        return str(number.numerator)
    return str(number) if number < 1 and number.denominator <= 20 else f"{float(number):g}"


def _decimal(number: Fraction) -> str:
    """Return a number in decimals where that is exact, as ``2/3`` where it is not."""
    words = f"{float(number):g}"
    return words if Fraction(words) == number else str(number)


@cache
def read_catalogue() -> dict[str, Rule]:
    """Return all rules as the catalogue has them, by id."""
    rows = [row for stage in STAGES for row in _read(f"{stage}_rules.tsv")]
    return {row["rule_id"]: _rule(row) for row in rows}


def _rule(row: dict[str, Any]) -> Rule:
    return Rule(**(row | {"numbers": parse_numbers(row["numbers"]), "never": tuple(row["never"].split())}))


@cache
def _read_profiles() -> dict[str, dict[str, tuple[tuple[Fraction, ...], str]]]:
    profiles: dict[str, dict[str, tuple[tuple[Fraction, ...], str]]] = {}
    for row in _read("profiles.tsv"):
        profiles.setdefault(row["profile"], {})[row["rule_id"]] = (parse_numbers(row["numbers"]), row["source"])
    return profiles


def _read(name: str) -> list[dict[str, str]]:
    return own_table("bioanalysis.limits", name)
