"""Exchanged labels: an animal whose tissues, or which as a whole, fit better under another name.

An exchange of two tissue labels turns their ratio round: the logarithmic ratio lies where its negative belongs. What
two tissues have in common (dose, body weight) cancels in the ratio. An exchange of two animals leaves the ratios and
moves all tissues together. Either is a suspicion, never a correction.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import fdtr, fdtrc, stdtrit

from bioanalysis.limits.statistics import statistical_limits

COLUMNS = [
    "animal", "kind", "first", "second", "observed", "expected", "statistic", "critical", "suspected", "note",
]  # fmt: skip
FEWEST_DEGREES = int(statistical_limits()["fewest_degrees"])
GROUPS_DIFFER, ALIKE, FITS = (statistical_limits()[name] for name in ("groups_differ", "scatters_alike", "fits_place"))
MOST_PAIRED = 40  # animals farthest from their group that are tried in pairs
TOO_FEW = "too few other animals to say what is expected"
TOO_CLOSE = "ratio too close to 1 to be told from its inverse"


class Prediction(NamedTuple):
    """What the other animals lead to expect of one: centre, standard error, degrees of freedom."""

    centre: float
    error: float
    degrees: int


def tissue_swaps(logs: pd.DataFrame, groups: pd.Series, *, false_alarms: float) -> pd.DataFrame:
    """Return, for every animal and pair of tissues, whether their labels look exchanged.

    Parameters
    ----------
    logs : DataFrame (n_animals, n_tissues)
        Natural logarithms of concentration, one row per animal, NaN where there is no value.
    groups : Series
        Group of each animal, the same index.
    false_alarms : float
        Chance (a share) that a study without exchanges raises any alarm.

    Returns
    -------
    DataFrame
        `first` and `second` are tissues, `observed` and `expected` their ratio. `suspected` where `statistic`
        (Student's t against the prediction from all other animals) is above `critical`, and the inverse of what is
        expected fits: it lies nearer, and no further than `critical` away. `note` says why a pair cannot be judged;
        `statistic` is then NaN.

    Notes
    -----
    Where groups differ (F test), their effects on a ratio are random: their variance is estimated from the other
    animals, and a group's centre is drawn towards the common one accordingly (best linear unbiased prediction).
    Critical values are Bonferroni's over the questions asked. A pair of tissues is asked about in all animals, or in
    none where its ratio is too close to 1 to be told from its inverse in any.
    """
    codes = pd.Series(pd.factorize(groups)[0], index=groups.index)
    asked: list[tuple[dict[str, Any], float, Prediction]] = []
    rows: list[dict[str, Any]] = []
    for first, second in combinations(logs.columns, 2):
        here = _of_pair(logs, codes, first, second)
        known = [found for _, _, found in here if found]
        apart = [2 * abs(found.centre) / found.error for found in known]
        told = bool(known) and max(apart) > _critical(false_alarms, len(here), known[0].degrees)
        asked += [(row, observed, found) for row, observed, found in here if found and told]
        rows += [row | _unanswered(TOO_CLOSE if found else TOO_FEW) for row, _, found in here if not (found and told)]
    rows += [_answered(*each, _critical(false_alarms, len(asked), each[2].degrees)) for each in asked]
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_pair(
    logs: pd.DataFrame, codes: pd.Series, first: str, second: str
) -> list[tuple[dict[str, Any], float, Prediction | None]]:
    """Return, for each animal with both tissues, its row, its logarithmic ratio and what the others predict."""
    ratio = (logs[first] - logs[second]).dropna()
    third = [name for name in logs.columns if name not in (first, second)][:1]
    beside = (logs[third[0]] - (logs[first] + logs[second]) / 2)[ratio.index].to_numpy(float) if third else None
    values, at = ratio.to_numpy(float), codes[ratio.index].to_numpy()
    found = []
    for number, animal in enumerate(ratio.index):
        others = np.arange(len(values)) != number
        more = beside[others] if beside is not None else None
        prediction = predicted(values[others], at[others], int(at[number]), more)
        row = {"animal": animal, "kind": "tissues", "first": first, "second": second, "suspected": False, "note": ""}
        row |= {"observed": float(np.exp(values[number]))}
        row["expected"] = float(np.exp(prediction.centre)) if prediction else np.nan
        found.append((row, float(values[number]), prediction))
    return found


def _answered(row: dict[str, Any], observed: float, found: Prediction, critical: float) -> dict[str, Any]:
    statistic = float((found.centre - observed) * np.sign(found.centre) / found.error)
    turned = abs(observed + found.centre)
    turned_fits = turned < min(abs(observed - found.centre), critical * found.error)
    return row | {"statistic": statistic, "critical": critical, "suspected": bool(statistic > critical and turned_fits)}


def animal_swaps(logs: pd.DataFrame, groups: pd.Series, *, false_alarms: float) -> pd.DataFrame:
    """Return, for every animal with a value in all tissues, whether it looks like one of another group.

    Parameters
    ----------
    logs, groups, false_alarms
        As for `tissue_swaps`.

    Returns
    -------
    DataFrame
        `first` is the animal's group, `second` the one it fits best, `observed` and `expected` geometric means over
        tissues. `suspected` where the animal is far from its own group and fits another, judged against all other
        animals; or where two animals would both fit each other's group, judged against all but those two (`note`
        names the other one): two strangers hide each other.
    """
    level = logs.dropna().mean(axis=1)
    values, names = level.to_numpy(float), list(level.index)
    at, labels = pd.factorize(groups[level.index])
    found = [_alone(values, at, number, false_alarms / 2) for number in range(len(names))]
    partner = _partners(values, at, false_alarms / 2)
    rows = []
    for number, animal in enumerate(names):
        statistic, critical, own, best, suspected = found[number]
        other = partner.get(number)
        note = TOO_FEW if np.isnan(statistic) else f"fits with {names[other]} exchanged" if other is not None else ""
        second = labels[at[other]] if other is not None else labels[best] if best >= 0 else ""
        rows.append(
            {
                "animal": animal,
                "kind": "animals",
                "first": labels[at[number]],
                "second": second,
                "observed": float(np.exp(values[number])),
                "expected": float(np.exp(own)),
                "statistic": statistic,
                "critical": critical,
                "suspected": suspected or other is not None,
                "note": note,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _alone(
    values: np.ndarray, at: np.ndarray, number: int, false_alarms: float
) -> tuple[float, float, float, int, bool]:
    """Return statistic, critical value, centre of its group, nearest other group, and whether it is suspected."""
    others = np.arange(len(values)) != number
    centres, errors, degrees = _groups(values[others], at[others], int(at.max(initial=0)) + 1)
    own = int(at[number])
    distance = np.abs(values[number] - centres) / errors
    elsewhere = [group for group in range(len(centres)) if group != own and np.isfinite(distance[group])]
    if not np.isfinite(distance[own]) or not elsewhere:
        return np.nan, np.nan, np.nan, -1, False
    best = min(elsewhere, key=lambda group: distance[group])
    critical = _critical(false_alarms / 2, len(values), degrees)
    suspected = bool(distance[own] > critical and distance[best] < FITS)
    return float(distance[own]), critical, float(centres[own]), best, suspected


def _partners(values: np.ndarray, at: np.ndarray, false_alarms: float) -> dict[int, int]:
    """Return pairs of animals that are each far from the own group and fit the other's, by number of the animal."""
    n = np.bincount(at)
    pairs = (len(values) ** 2 - int(n @ n)) // 2
    found: dict[int, int] = {}
    for i, j in combinations(_farthest(values, at), 2):
        if at[i] == at[j]:
            continue
        others = ~np.isin(np.arange(len(values)), (i, j))
        centres, errors, degrees = _groups(values[others], at[others], int(at.max()) + 1)
        if degrees < FEWEST_DEGREES or not np.isfinite([errors[at[i]], errors[at[j]]]).all():
            continue
        # both must be far at once: each at the root of the chance allowed to the pair
        critical = -stdtrit(degrees, np.sqrt(false_alarms / pairs) / 2)
        far = [abs(values[k] - centres[at[k]]) / errors[at[k]] for k in (i, j)]
        fit = [abs(values[k] - centres[at[m]]) / errors[at[m]] for k, m in ((i, j), (j, i))]
        if min(far) > critical and max(fit) < FITS:
            found |= {i: j, j: i}
    return found


def _farthest(values: np.ndarray, at: np.ndarray) -> list[int]:
    """Return the animals farthest from their own group's median, in their order: no others need be paired."""
    off = np.zeros(len(values))
    for group in np.unique(at):
        off[at == group] = np.abs(values[at == group] - np.median(values[at == group]))
    return sorted(np.argsort(-off, kind="stable")[:MOST_PAIRED].tolist())


def _groups(values: np.ndarray, at: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return centre and standard error of prediction of each group (NaN below two animals), degrees of freedom."""
    n = np.bincount(at, minlength=number)
    with np.errstate(divide="ignore", invalid="ignore"):
        centres = np.bincount(at, values, minlength=number) / n
        degrees = len(values) - int(np.sum(n > 0))
        if degrees < FEWEST_DEGREES:
            return centres, np.full(number, np.nan), degrees
        sd = max(float(np.sqrt(np.sum((values - centres[at]) ** 2) / degrees)), 1e-12)
        return centres, np.where(n >= 2, sd * np.sqrt(1 + 1 / n), np.nan), degrees


def predicted(values: np.ndarray, at: np.ndarray, group: int, beside: np.ndarray | None = None) -> Prediction | None:
    """Return what `values` of other animals predict for one of `group`; None where they are too few.

    Parameters
    ----------
    values, at : ndarray (n_others,)
        Logarithmic ratios of two tissues, and the number of each one's group.
    beside : ndarray (n_others,), optional
        A third tissue against the mean of the two. Where tissues scatter alike it is independent of the ratio, with
        three quarters of its variance; it adds its degrees of freedom unless the two scatters differ.
    """
    if len(values) <= FEWEST_DEGREES:
        return None
    n_all, sums = np.bincount(at, minlength=group + 1), np.bincount(at, values, minlength=group + 1)
    there = np.flatnonzero(n_all)
    n, total = n_all[there], len(values)
    within, between, degrees = _scatter(values, at)
    if degrees < FEWEST_DEGREES:  # mostly one animal to a group
        return None
    spread = total - float(n @ n) / total
    of_groups = (
        (between - (len(n) - 1) * within) / spread if between > 0 and _differ(within, between, degrees, n) else 0.0
    )
    if of_groups == 0:
        within, degrees = (within * degrees + between) / (total - 1), total - 1
    within, degrees = _with_third(within, degrees, beside, at, pooled=of_groups == 0)
    weight = 1 / (of_groups + within / n)
    common = float(weight @ (sums[there] / n) / weight.sum())
    mine = n_all[group]
    own_error = within / mine if mine else np.inf
    drawn = own_error / (of_groups + own_error) if mine else 1.0  # how far the group is drawn to what is common
    centre = drawn * common + ((1 - drawn) * sums[group] / mine if mine else 0.0)
    variance = within + of_groups * drawn + drawn**2 / float(weight.sum())
    return Prediction(float(centre), float(np.sqrt(variance)), degrees)


def _scatter(values: np.ndarray, at: np.ndarray) -> tuple[float, float, int]:
    """Return the variance within groups, the sum of squares between them, and degrees of freedom within."""
    n = np.bincount(at)
    means = np.bincount(at, values) / np.maximum(n, 1)
    degrees = len(values) - int(np.sum(n > 0))
    within = float(np.sum((values - means[at]) ** 2)) / degrees if degrees else np.nan
    return max(within, 1e-24), float(np.sum((means[at] - values.mean()) ** 2)), degrees


def _differ(within: float, between: float, degrees: int, n: np.ndarray) -> bool:
    """Return whether groups differ beyond their scatter, by the F test: else they share one centre."""
    return len(n) > 1 and fdtrc(len(n) - 1, degrees, between / (len(n) - 1) / within) < GROUPS_DIFFER


def _with_third(
    within: float, degrees: int, beside: np.ndarray | None, at: np.ndarray, *, pooled: bool
) -> tuple[float, int]:
    """Return variance and degrees of freedom, the third tissue's added where it scatters alike."""
    there = np.isfinite(beside) if beside is not None else np.zeros(0, dtype=bool)
    if beside is None or there.sum() < FEWEST_DEGREES + 1:
        return within, degrees
    other, between, more = _scatter(beside[there], at[there])
    if pooled:
        other, more = (other * more + between) / (there.sum() - 1), int(there.sum()) - 1
    other *= 4 / 3
    if more < FEWEST_DEGREES or not ALIKE < fdtr(degrees, more, within / other) < 1 - ALIKE:
        return within, degrees
    return (within * degrees + other * more) / (degrees + more), degrees + more


def _critical(false_alarms: float, questions: int, degrees: int) -> float:
    return float(-stdtrit(degrees, false_alarms / max(questions, 1)))


def _unanswered(why: str) -> dict[str, Any]:
    return {"statistic": np.nan, "critical": np.nan, "note": why}
