"""Ratios between tissues, per animal and per group, held against what is expected of the formulation.

Flags, never exclusions; technical causes come first (tissue swap, units, salt basis, dilution, blank).
Expected of unconjugated 2'-MOE phosphorothioates in rat and monkey: kidney >= liver > spleen; a GalNAc conjugate turns
kidney and liver round. There is no published reference for spleen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from bioanalysis.flags import join_words
from bioanalysis.limits import Rule, distribution_rules
from bioanalysis.limits.statistics import statistical_limits
from bioanalysis.variability.combined_degrees import combined_degrees
from bioanalysis.variability.multiplicity import STUDY_ALARMS, stand_out, tail
from bioanalysis.variability.outliers import modified_z, rosner
from bioanalysis.variability.shared_terms import Side, shared_of_ratio
from bioanalysis.words import count_of

COLUMNS = [
    "subject_id", "group", "collection_day", "analyte", "method_id", "numerator", "denominator", "ratio", "low",
    "high", "expected", "flag", "note", "robust_z", "n",
]  # fmt: skip
PAIRS = (("kidney", "liver"), ("spleen", "liver"))
LIVER_PLASMA = ("liver", "plasma")
RANK_SPECIES = ("rat", "monkey")
GROUP_LEVEL, ANIMAL_LEVEL = (statistical_limits()[name] for name in ("group_ratio", "single_value"))
ENOUGH_FOR_TWO = statistical_limits()["enough_for_two"]
ROUNDING = 1e-12  # of a logarithm and back
FLUID_UNITS, NG_PER_UG = ("ng/mL", "nmol/L"), 1000.0


@dataclass(frozen=True)
class Expected:
    """The range a ratio is expected in (None: open), in words, with the flag that a ratio outside it raises."""

    words: str
    low: float | None = None
    high: float | None = None
    flag: str = "rank_broken"


NOTHING = Expected("no expectation")


def biodistribution(
    concentrations: pd.DataFrame,
    subjects: pd.DataFrame,
    reference_profile: str,
    profile: Sequence[Any] = (),
    rules: Mapping[str, Rule] | None = None,
) -> pd.DataFrame:
    """Return biodistribution.tsv: ratios between tissues, per animal (95 %) and group (90 %, geometric mean).

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv. A pool is no animal and is left out.
    subjects : DataFrame
        subject_id, species, formulation.
    reference_profile : str
        ``by_formulation``, ``unconjugated``, ``galnac``, ``custom`` or ``none``.
    profile : sequence
        For ``custom``: objects with numerator, denominator, low, high, formulation, species and source.
    rules : mapping, optional
        BIO-02 and BIO-05; those of the catalogue where not given.

    Notes
    -----
    Each flag is held against all ratios of the study that could raise it: with many of them, some lie outside by
    chance (`multiplicity`). Without an uncertainty the ratio itself is judged.
    """
    rules = rules or distribution_rules()
    about = subjects.set_index("subject_id")
    values = animal_values(concentrations)
    pairs = dict.fromkeys([*PAIRS, LIVER_PLASMA, *((each.numerator, each.denominator) for each in profile)])
    rows: list[dict[str, Any]] = []
    for (analyte, method_id), here in values.groupby(["analyte", "method_id"], sort=False):
        for pair in pairs:
            animals = _animal_rows(here, pair, about, reference_profile, profile, rules["BIO-05"])
            rows += [row | {"analyte": analyte, "method_id": method_id} for row in animals]
            for (group, day), members in _by_group(animals):
                summary = _group_row(members, here) | {"group": group, "collection_day": day}
                rows.append(summary | {"analyte": analyte, "method_id": method_id})
    _mark_unexpected(rows)
    _mark_outliers(rows, about, rules["BIO-02"])
    return pd.DataFrame(rows, columns=COLUMNS)


def animal_values(concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return the quantified rows of single animals with `ug_per_g`; pools are left out.

    Of a fluid it is ug/mL; of a method without molar mass nmol per g or mL.
    """
    pooled = concentrations.pool.astype(bool) if "pool" in concentrations else pd.Series(False, concentrations.index)
    values = concentrations[(concentrations.value > 0) & ~pooled]
    unit = values.unit if "unit" in values else pd.Series("ug/g", values.index)
    return values.assign(ug_per_g=values.value / np.where(unit.isin(FLUID_UNITS), NG_PER_UG, 1.0))


def _by_group(animals: list[dict[str, Any]]) -> list[tuple[tuple[Any, Any], list[dict[str, Any]]]]:
    keys = dict.fromkeys((row["group"], row["collection_day"]) for row in animals)
    return [(key, [row for row in animals if (row["group"], row["collection_day"]) == key]) for key in keys]


def _animal_rows(
    values: pd.DataFrame, pair: tuple[str, str], about: pd.DataFrame, name: str, profile: Sequence[Any], plasma: Rule
) -> list[dict[str, Any]]:
    """Return one row per animal and day that has a value in both tissues."""
    rows = []
    for both in _in_both(values, pair).itertuples():
        subject, group, day = both.subject_id, both.group, both.collection_day
        variance = both.squared / both.pieces + both.squared_below / both.pieces_below
        half, error = float(ndtri((1 + ANIMAL_LEVEL) / 2) * np.sqrt(variance)), float(np.sqrt(variance))
        expected = of_plasma(plasma) if pair == LIVER_PLASMA else expectation(pair, about.loc[subject], name, profile)
        row = {"subject_id": subject, "group": group, "collection_day": day, "day": float(day), "about": expected}
        log = both.log - both.log_below
        row |= {"numerator": pair[0], "denominator": pair[1], "log": log, "robust_z": np.nan, "n": 1}
        row |= _held_against(log, half, expected)
        rows.append(row | {"p": outside(log, error, np.inf, expected)})
    return rows


def _in_both(values: pd.DataFrame, pair: tuple[str, str]) -> pd.DataFrame:
    """Return for each animal and day with a value in both tissues their mean logarithms, squared errors and numbers."""
    keys = ["subject_id", "group", "collection_day"]
    values = values[values.tissue.isin(pair)]
    squared = values.assign(log=np.log(values.ug_per_g), squared=values.relative_uncertainty**2)
    means = squared.groupby([*keys, "tissue"], sort=False).agg(
        log=("log", "mean"), squared=("squared", "mean"), pieces=("log", "size")
    )
    means = means.reset_index()
    above, below = (means[means.tissue == tissue] for tissue in pair)
    return values[keys].drop_duplicates().merge(above, on=keys).merge(below, on=keys, suffixes=("", "_below"))


def _held_against(log: float, half: float, expected: Expected) -> dict[str, Any]:
    """Return ratio and interval beside what is expected."""
    ratio, low, high = float(np.exp(log)), float(np.exp(log - half)), float(np.exp(log + half))
    return {"ratio": ratio, "low": low, "high": high, "expected": expected.words, "flag": "", "note": ""}


def outside(log: float, error: float, degrees: float, expected: Expected) -> float:
    """Return the probability of a ratio as far outside its range, were the true one at the end; NaN without a range.

    Without an uncertainty it is 0 or 1: the value itself is judged.
    """
    ends = [(-1.0, expected.low), (1.0, expected.high)]
    beyond = [sign * (log - np.log(end)) - ROUNDING for sign, end in ends if end]
    error, degrees = (error, degrees) if np.isfinite(error) and not np.isnan(degrees) else (0.0, np.inf)
    return min((tail(distance, error, degrees) for distance in beyond), default=np.nan)


def _mark_unexpected(rows: list[dict[str, Any]]) -> None:
    """Flag ratios outside what is expected: of animals and of groups, each at half of the study's false alarms."""
    kinds = dict.fromkeys((row["about"].flag, row["subject_id"] != "") for row in rows)
    for word, of_animal in kinds:
        family = [row for row in rows if (row["about"].flag, row["subject_id"] != "") == (word, of_animal)]
        for row, found in zip(family, stand_out([row["p"] for row in family], STUDY_ALARMS / 2), strict=True):
            row["flag"] = join_words(row["flag"], word if found else "")


def of_plasma(rule: Rule) -> Expected:
    """Return the range expected of liver to plasma."""
    low, high = (float(number) for number in rule.numbers)
    return Expected(f"{rule.printed_limit} (house)", low, high, "liver_plasma_outside")


def expectation(
    pair: tuple[str, str], subject: pd.Series, reference_profile: str, profile: Sequence[Any] = ()
) -> Expected:
    """Return what is expected of a ratio in one animal; the study's own profile comes first."""
    for entry in profile if reference_profile == "custom" else ():
        fits = (entry.formulation or subject.formulation) == subject.formulation
        fits &= (entry.species or subject.species).lower() == subject.species.lower()
        if fits and (entry.numerator, entry.denominator) == pair:
            ends = f"{f'at least {entry.low:g}' if entry.low else ''} {f'at most {entry.high:g}' if entry.high else ''}"
            return Expected(f"{' '.join(ends.split())} ({entry.source or 'no source given'})", entry.low, entry.high)
    formulation = subject.formulation if reference_profile == "by_formulation" else reference_profile
    if formulation not in ("unconjugated", "galnac") or pair not in PAIRS:
        return NOTHING
    if pair == ("spleen", "liver"):
        return Expected("below 1 (house; no published reference for spleen)", high=1.0)
    if formulation == "galnac":
        return Expected("below 1 (GalNAc conjugate)", high=1.0)
    if subject.species.lower() not in RANK_SPECIES:
        return Expected(f"no expectation for {subject.species}")
    return Expected("at least 1 (unconjugated, rat and monkey)", low=1.0)


def _mark_outliers(rows: list[dict[str, Any]], about: pd.DataFrame, rule: Rule) -> None:
    """Add the robust z-score of each ratio among the animals of its formulation, and the flag of those far out."""
    limit, fewest = float(rule.numbers[0]), int(rule.numbers[1])
    sets: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if row["subject_id"] != "":
            names = (row["analyte"], row["method_id"], row["numerator"], row["denominator"])
            sets.setdefault((*names, about.formulation[row["subject_id"]]), []).append(row)
    enough = [animals for animals in sets.values() if len(animals) >= fewest]
    for animals in enough:
        logs = np.array([row["log"] for row in animals])
        far = ratio_outliers(logs, limit, STUDY_ALARMS / len(enough))
        for row, score, outlying in zip(animals, modified_z(logs), far, strict=True):
            row["robust_z"] = float(score)
            row["flag"] = join_words(row["flag"], "ratio_outlier" if outlying else "")


def ratio_outliers(logs: np.ndarray, limit: float, alarms: float = STUDY_ALARMS) -> np.ndarray:
    """Return which ratios lie far out: a robust z-score above `limit`, and an outlier by Rosner's test at `alarms`.

    The score alone raises an alarm in about every tenth study of clean animals, since a MAD of few values is rough.
    """
    found = rosner(logs, most=2 if len(logs) >= ENOUGH_FOR_TWO else 1, alpha=alarms)
    named = found["index"].to_numpy()[found["outlier"]]
    return (np.abs(modified_z(logs)) > limit) & np.isin(np.arange(len(logs)), named)


def _group_row(members: list[dict[str, Any]], values: pd.DataFrame) -> dict[str, Any]:
    """Return the geometric mean ratio of a group with its 90 % interval: animals, and what they share."""
    first, several = members[0], {row["expected"] for row in members}
    logs = np.array([row["log"] for row in members])
    expected = first["about"] if len(several) == 1 else Expected("animals of the group differ in what is expected")
    row = {"numerator": first["numerator"], "denominator": first["denominator"], "subject_id": "", "robust_z": np.nan}
    row |= {"n": len(logs), "about": expected, "p": np.nan}
    if len(logs) < 2:
        ratio = float(np.exp(logs[0]))
        alone = {"expected": expected.words, "flag": "", "note": "one animal: no interval"}
        return row | {"ratio": ratio, "low": np.nan, "high": np.nan} | alone
    subjects = [member["subject_id"] for member in members]
    sides = [Side(sign, subjects, first[name], first["day"], "animals")
             for sign, name in ((1.0, "numerator"), (-1.0, "denominator"))]  # fmt: skip
    own = (float(logs.var(ddof=1)) / len(logs), float(len(logs) - 1))
    total, degrees = combined_degrees([own, *shared_of_ratio(values, sides)])
    half = float(stdtrit(degrees, (1 + GROUP_LEVEL) / 2) * np.sqrt(total)) if total else 0.0
    note = f"geometric mean of {count_of(len(logs), 'animal')}, 90 % interval"
    row |= _held_against(float(logs.mean()), half, expected) | {"note": note}
    return row | {"p": outside(float(logs.mean()), float(np.sqrt(total)), degrees, expected)}
