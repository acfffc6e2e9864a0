"""Time of fitting four-parameter curves to many plates: `fit_many` against a loop over scipy's `curve_fit`.

Both fit the same simulated plates (eight standards in duplicate, unweighted) in turn, several times. Processor time is
taken, so that other work on the machine counts less. `curve_fit` gets the usual start (lowest response, 1, geometric
mean of the concentrations, highest response) and its default method, which is its fastest. The optimum is the same if
no sum of squares of ours is larger.

    OMP_NUM_THREADS=1 python benchmarks/fit_plates.py [plates] [rounds]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.optimize import curve_fit

from bioanalysis.calibration import fit_many

STANDARDS = np.repeat([1.0, 2.5, 6.0, 15.0, 40.0, 100.0, 250.0, 600.0], 2)


def logistic(
    x: np.ndarray, zero: np.ndarray, slope: np.ndarray, midpoint: np.ndarray, infinite: np.ndarray
) -> np.ndarray:
    return infinite + (zero - infinite) / (1 + (x / midpoint) ** slope)


def simulated_plates(n_plates: int, rng: np.random.Generator) -> np.ndarray:
    """Return responses (plates, wells) with 3 % and 0.005 noise about curves that differ from plate to plate."""
    zero, infinite = rng.uniform(0.05, 0.15, n_plates), rng.uniform(1.5, 3, n_plates)
    midpoint, slope = np.exp(rng.uniform(np.log(15), np.log(80), n_plates)), rng.uniform(0.8, 1.6, n_plates)
    truth = logistic(STANDARDS, *(values[:, None] for values in (zero, slope, midpoint, infinite)))
    return truth * (1 + 0.03 * rng.standard_normal(truth.shape)) + 0.005 * rng.standard_normal(truth.shape)


def by_curve_fit(responses: np.ndarray) -> np.ndarray:
    """Return parameters (plates, 4); NaN where curve_fit gave up."""
    middle = np.exp(np.log(STANDARDS).mean())
    parameters = np.full((len(responses), 4), np.nan)
    for plate, response in enumerate(responses):
        try:
            parameters[plate], _ = curve_fit(logistic, STANDARDS, response, [response.min(), 1, middle, response.max()])
        except RuntimeError:
            continue
    return parameters


def by_fit_many(responses: np.ndarray) -> np.ndarray:
    """Return parameters (plates, 4); NaN where the curve must not be used."""
    curves = fit_many(STANDARDS, responses)
    return np.where(curves.converged[:, None], curves.parameters, np.nan)


def timed(fit: Callable[[np.ndarray], np.ndarray], responses: np.ndarray) -> tuple[float, np.ndarray]:
    started = time.process_time()
    parameters = fit(responses)
    return time.process_time() - started, parameters


def main(n_plates: int = 1000, rounds: int = 7) -> int:
    responses = simulated_plates(n_plates, np.random.default_rng(20240229))
    times = []
    for _ in range(rounds):
        theirs, known = timed(by_curve_fit, responses)
        ours, found = timed(by_fit_many, responses)
        times.append((ours, theirs))
    ours, theirs = np.median(times, axis=0)
    squares_known, squares_found = (
        np.sum((responses - logistic(STANDARDS, *p.T[:, :, None])) ** 2, axis=1) for p in (known, found)
    )
    both = np.isfinite(squares_known) & np.isfinite(squares_found)
    excess = np.max(squares_found[both] / squares_known[both] - 1)
    ratio = np.median([theirs / ours for ours, theirs in times])
    print(
        f"{n_plates} plates, median of {rounds} rounds: fit_many {ours:.4f} s, curve_fit {theirs:.4f} s, {ratio:.1f}x"
    )
    print(f"fitted: fit_many {np.isfinite(found).all(axis=1).sum()}, curve_fit {np.isfinite(known).all(axis=1).sum()}")
    print(f"largest excess of our sum of squares over theirs: {excess:.1e}")
    return 0 if excess < 1e-9 else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
