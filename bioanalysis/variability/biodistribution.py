"""Ratios between tissues, per animal and per group, held against what is expected of the formulation.

Flags, never exclusions; technical causes come first (tissue swap, units, salt basis, dilution, blank).
Expected of unconjugated 2'-MOE phosphorothioates in rat and monkey: kidney >= liver > spleen; a GalNAc conjugate turns
kidney and liver round. There is no published reference for spleen.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

COLUMNS = [
    "subject_id", "group", "collection_day", "analyte", "method_id", "numerator", "denominator", "ratio", "low",
    "high", "expected", "flag", "note",
]  # fmt: skip
PAIRS = (("kidney", "liver"), ("spleen", "liver"))
RANK_SPECIES = ("rat", "monkey")
GROUP_LEVEL, ANIMAL_LEVEL = 0.90, 0.95


def biodistribution(concentrations: pd.DataFrame, subjects: pd.DataFrame, reference_profile: str) -> pd.DataFrame:
    """Return biodistribution.tsv: kidney/liver and spleen/liver, per animal (95 %) and group (90 %, geometric mean).

    Parameters
    ----------
    concentrations : DataFrame
        tissue_concentrations.tsv.
    subjects : DataFrame
        subject_id, species, formulation.
    reference_profile : str
        ``by_formulation``, ``unconjugated``, ``galnac`` or ``none``.
    """
    about = subjects.set_index("subject_id")
    pooled = concentrations.pool.astype(bool) if "pool" in concentrations else False
    values = concentrations[(concentrations.value > 0) & ~pd.Series(pooled, index=concentrations.index)]
    rows = []
    for (analyte, method_id), here in values.groupby(["analyte", "method_id"], sort=False):
        for pair in PAIRS:
            animals = _animal_rows(here, pair, about, reference_profile)
            rows += [row | {"analyte": analyte, "method_id": method_id} for row in animals]
            for (group, day), members in _by_group(animals):
                summary = _group_row(members) | {"group": group, "collection_day": day}
                rows.append(summary | {"analyte": analyte, "method_id": method_id})
    return pd.DataFrame(rows, columns=COLUMNS)


def _by_group(animals: list[dict]) -> list[tuple[tuple, list[dict]]]:
    keys = dict.fromkeys((row["group"], row["collection_day"]) for row in animals)
    return [(key, [row for row in animals if (row["group"], row["collection_day"]) == key]) for key in keys]


def _animal_rows(values: pd.DataFrame, pair: tuple[str, str], about: pd.DataFrame, profile: str) -> list[dict]:
    rows = []
    for (subject, group, day), here in values.groupby(["subject_id", "group", "collection_day"], sort=False):
        sides = [here[here.tissue == tissue] for tissue in pair]
        if any(side.empty for side in sides):
            continue
        logs = [float(np.log(side.value).mean()) for side in sides]
        variance = sum(float((side.relative_uncertainty**2).mean()) / len(side) for side in sides)
        half = float(norm.ppf((1 + ANIMAL_LEVEL) / 2) * np.sqrt(variance))
        expected, sign = expectation(pair, about.loc[subject], profile)
        row = {"subject_id": subject, "group": group, "collection_day": day, "sign": sign, "log": logs[0] - logs[1]}
        row |= {"numerator": pair[0], "denominator": pair[1], "expected": expected}
        rows.append(row | _judged(row["log"], half, sign))
    return rows


def _judged(log: float, half: float, sign: int) -> dict[str, object]:
    """Return ratio and interval, flagged where the interval lies wholly on the unexpected side of 1."""
    low, high = log - half, log + half
    broken = (sign > 0 and high < 0) or (sign < 0 and low > 0)
    return {
        "ratio": float(np.exp(log)), "low": float(np.exp(low)), "high": float(np.exp(high)),
        "flag": "rank_broken" if broken else "", "note": "",
    }  # fmt: skip


def expectation(pair: tuple[str, str], subject: pd.Series, profile: str) -> tuple[str, int]:
    """Return what is expected of a ratio, in words, and its side of 1 (1 above, -1 below, 0 no expectation)."""
    formulation = subject.formulation if profile == "by_formulation" else profile
    if formulation not in ("unconjugated", "galnac"):
        return "no expectation", 0
    if pair == ("spleen", "liver"):
        return "below 1 (house; no published reference for spleen)", -1
    if formulation == "galnac":
        return "below 1 (GalNAc conjugate)", -1
    if subject.species.lower() not in RANK_SPECIES:
        return f"no expectation for {subject.species}", 0
    return "at least 1 (unconjugated, rat and monkey)", 1


def _group_row(members: list[dict]) -> dict[str, object]:
    """Return the geometric mean ratio of a group with its 90 % interval over animals."""
    first = members[0]
    logs = np.array([row["log"] for row in members])
    row = {name: first[name] for name in ("numerator", "denominator", "expected")} | {"subject_id": ""}
    if len(logs) < 2:
        ratio = float(np.exp(logs[0]))
        return row | {"ratio": ratio, "low": np.nan, "high": np.nan, "flag": "", "note": "one animal: no interval"}
    half = float(student.ppf((1 + GROUP_LEVEL) / 2, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs)))
    note = f"geometric mean of {len(logs)} animals, 90 % interval"
    return row | _judged(float(logs.mean()), half, first["sign"]) | {"note": note}
