"""What four-parameter curves say of simulated plates: how many are refused, covered by their interval, or wrong.

Ten kinds of plates. Each plate has its own curve; noise is in proportion to the response (3 %) with a small constant
part and the curve is weighted 1/y^2, or constant (1 % of the span) and not weighted. Three unknowns per plate, in
duplicate (in singles where the standards are), near the low end, the middle and the high end of the range in which an
error of 20 % is at least four standard errors of a duplicate.

    OMP_NUM_THREADS=1 python benchmarks/cover_plates.py [plates per kind] [seed]

Without a seed, a fresh one is drawn and printed. `refused` plates say why and yield no numbers; `no interval` are
values with a reason instead of an interval; `wrong` are values more than 20 % off without any flag.
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, replace

import numpy as np

from bioanalysis.calibration import FourParameterLogistic

FAULTY = ("hook", "one bad well", "saturated top", "6 levels in singles")


@dataclass(frozen=True)
class Kind:
    """How plates of one kind are made."""

    levels: np.ndarray
    wells: int = 2
    midpoint: tuple[float, float] = (30.0, 80.0)
    response: tuple[float, float] = (0.08, 2.5)
    falling: bool = False
    fault: str = ""


FULL = Kind(np.geomspace(2, 400, 8))
KINDS = {
    "full curve": FULL,
    "no upper plateau": Kind(np.geomspace(1, 80, 8), midpoint=(50, 90)),
    "no lower plateau": Kind(np.geomspace(15, 600, 8), midpoint=(20, 40)),
    "decreasing": replace(FULL, falling=True),
    "four decades": Kind(np.geomspace(0.1, 1000, 9), midpoint=(200, 400), response=(100, 1e6)),
    "12 in triplicate": Kind(np.geomspace(2, 400, 12), wells=3),
    "hook": replace(FULL, fault="hook"),
    "one bad well": replace(FULL, fault="bad"),
    "saturated top": replace(FULL, fault="saturated"),
    "6 levels in singles": Kind(np.geomspace(2, 400, 6), wells=1),
}


@dataclass(frozen=True)
class Plate:
    """A simulated plate: standards, unknowns with their true concentrations, readings per unknown."""

    nominal: np.ndarray
    response: np.ndarray
    truth: np.ndarray
    readings: np.ndarray
    wells: int


def simulated(kind: Kind, proportional: bool, rng: np.random.Generator) -> Plate:
    """Return one plate of a kind."""
    low, high = kind.response
    low, high = low * rng.uniform(0.7, 1.3), high * rng.uniform(0.8, 1.2)
    midpoint, slope = np.exp(rng.uniform(*np.log(kind.midpoint))), rng.uniform(0.9, 1.3)
    start, end = (high, low) if kind.falling else (low, high)

    def curve(x: np.ndarray) -> np.ndarray:
        return end + (start - end) / (1 + (x / midpoint) ** slope)

    def deviation(y: np.ndarray) -> np.ndarray:
        constant = 0.03 * low if proportional else 0.01 * (high - low)
        return np.hypot(0.03 * y if proportional else 0.0, constant) + np.zeros_like(y)

    nominal = np.repeat(kind.levels, kind.wells)
    response = curve(nominal) + deviation(curve(nominal)) * rng.standard_normal(len(nominal))
    ceiling = np.inf
    if kind.fault == "hook":
        response[nominal == kind.levels[-1]] *= rng.uniform(0.5, 0.8)
    if kind.fault == "bad":
        response[rng.integers(len(response))] *= rng.choice([0.4, 0.6, 1.6, 2.0])
    if kind.fault == "saturated":
        ceiling = curve(kind.levels[-3:-1]).mean()  # the two highest standards reach it
        response = np.minimum(response, ceiling)
    truth = quantifiable(kind, curve, deviation, ceiling)
    one = curve(truth)[:, None]
    readings = one + deviation(one) * rng.standard_normal((3, kind.wells))
    return Plate(nominal, response, truth, np.minimum(readings, ceiling).mean(axis=1), kind.wells)


def quantifiable(kind: Kind, curve: object, deviation: object, ceiling: float) -> np.ndarray:
    """Return concentrations near the low end, the middle and the high end of where the curve is worth reading."""
    grid = np.geomspace(kind.levels[0], kind.levels[-1], 200)
    y = curve(grid)  # type: ignore[operator]
    steepness = np.abs(np.gradient(y, np.log(grid)))
    good = (deviation(y) / np.sqrt(2) / steepness < 0.05) & (y < 0.9 * ceiling)  # type: ignore[operator]
    inside = grid[good]
    return inside[[len(inside) // 20, len(inside) // 2, -1 - len(inside) // 20]]


def study(kind: Kind, proportional: bool, plates: int, rng: np.random.Generator) -> dict[str, object]:
    """Return counts over many plates of one kind."""
    refused = no_interval = wrong = flagged = values = 0
    covered, given = np.zeros(3), np.zeros(3)
    for _ in range(plates):
        plate = simulated(kind, proportional, rng)
        curve = FourParameterLogistic("1/y^2" if proportional else "none").fit(plate.nominal, plate.response)
        if not curve.converged_:
            assert curve.messages_
            refused += 1
            continue
        found = curve.back_calculate(plate.readings, replicates=plate.wells)
        has = np.isfinite(found.low.to_numpy())
        assert all(found.reason[~has] != "")
        inside = (found.low <= plate.truth) & (plate.truth <= found.high)
        off = ~(np.abs(found.concentration / plate.truth - 1) <= 0.2).to_numpy()
        covered, given = covered + (inside & has), given + has
        flagged += bool(curve.messages_)
        no_interval += int((~has).sum())
        wrong += int((off & (found.reason == "").to_numpy()).sum()) if not curve.messages_ else 0
        values += 3
    return {
        "refused": 100 * refused / plates,
        "flagged": 100 * flagged / plates,
        "cover": np.where(given > 0, 100 * covered / np.maximum(given, 1), np.nan),
        "no_interval": 100 * no_interval / max(values, 1),
        "wrong": 100 * wrong / max(values, 1),
    }


def main(plates: int = 1000, seed: int | None = None) -> int:
    seed = secrets.randbits(32) if seed is None else seed
    print(f"{plates} plates of each kind, seed {seed}; percent")
    print("kind                  noise         refused flagged  covered: low  middle  high  no interval  wrong")
    within = True
    for number, (name, kind) in enumerate(KINDS.items()):
        for proportional in (True, False):
            rng = np.random.default_rng([seed, number, proportional])
            f = study(kind, proportional, plates, rng)
            cover = f["cover"]
            noise = "proportional" if proportional else "constant"
            print(f"{name:21s} {noise:12s} {f['refused']:8.1f} {f['flagged']:7.1f}", end="        ")
            print(
                " ".join(f"{value:6.1f}" if value == value else "     -" for value in cover),
                f"{f['no_interval']:12.1f} {f['wrong']:6.2f}",
            )
            within &= bool(np.all((cover >= (90 if name in FAULTY else 92)) | np.isnan(cover)))
            within &= name not in FAULTY[:3] or f["wrong"] <= 2
    print("all within what is asked" if within else "NOT all within what is asked")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
