"""How often charts alarm: run lengths of EWMA and CUSUM against published ones, Westgard rules per point.

    python benchmarks/chart_alarms.py --series 20000 --seed 1

Scores are independent and normal. Prints the average run length with its standard error beside the published figure
(Lucas & Saccucci, Technometrics 32 (1990) 1, and Montgomery, Introduction to Statistical Quality Control, for limits at
their asymptote and known centre and SD), then what follows from exact limits and from limits fixed on few runs, which
no published figure covers.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from bioanalysis.limits import trend_rules
from bioanalysis.trends import charts

EWMA_PUBLISHED = {0.0: 500, 0.5: 41.8, 1.0: 10.5, 2.0: 3.7}
CUSUM_PUBLISHED = {0.0: 465, 0.5: 38.0, 1.0: 10.4, 2.0: 4.01}
BLOCK = 250


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000, help="simulated charts per figure")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    for name, published, alarms in (("EWMA", EWMA_PUBLISHED, _ewma()), ("CUSUM", CUSUM_PUBLISHED, _cusum())):
        for shift, expected in published.items():
            _print(f"{name}, shift {shift:g} SD", run_lengths(alarms, options.series, rng, shift=shift), expected)
    _print("EWMA, exact limits, in control", run_lengths(_ewma(exact=True), options.series, rng))
    for fixed_from in (20, 50, 100):
        lengths = run_lengths(_ewma(exact=True), options.series, rng, fixed_from=fixed_from)
        _print(f"EWMA, exact limits, in control, fixed from {fixed_from} runs", lengths)
    _westgard(rng, 50 * options.series)


def _print(name: str, lengths: np.ndarray, published: float | None = None) -> None:
    mean, error = lengths.mean(), lengths.std(ddof=1) / np.sqrt(len(lengths))
    beside = "" if published is None else f", published {published:g}, ratio {mean / published:.3f}"
    print(f"{name}: average run length {mean:.2f} +- {error:.2f}, median {np.median(lengths):.0f}{beside}")


class _Ewma:
    """Alarms of an EWMA over blocks of runs; the average is carried from block to block."""

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.weight, self.width = (float(number) for number in trend_rules()["CC-03"].numbers)

    def start(self, n_series: int) -> None:
        self.average, self.before = np.zeros(n_series), 0

    def alarms(self, scores: np.ndarray) -> np.ndarray:
        t = self.before + len(scores)
        half = charts.ewma_half_width(t, 1.0, self.weight, self.width)[self.before :]
        half = half if self.exact else charts.ewma_half_width(10_000, 1.0, self.weight, self.width)[-1:]
        # E(t) from E(0) = 0, and what is left of the average before this block
        left = (1 - self.weight) ** np.arange(1, len(scores) + 1)[:, None] * self.average
        found = charts.ewma(scores, 0.0, self.weight) + left
        self.average, self.before = found[-1], t
        return np.abs(found) > half[:, None]


class _Cusum:
    """Alarms of a two-sided CUSUM; each block starts with the sums before it as its first score."""

    def __init__(self) -> None:
        self.allowance, self.decision = (float(number) for number in trend_rules()["CC-04"].numbers)

    def start(self, n_series: int) -> None:
        self.upper, self.lower = np.zeros(n_series), np.zeros(n_series)

    def alarms(self, scores: np.ndarray) -> np.ndarray:
        upper = charts.cusum(np.vstack([self.upper + self.allowance, scores]), self.allowance)[0][1:]
        lower = charts.cusum(np.vstack([-self.lower - self.allowance, scores]), self.allowance)[1][1:]
        self.upper, self.lower = upper[-1], lower[-1]
        return (upper > self.decision) | (lower > self.decision)


def _ewma(exact: bool = False) -> _Ewma:
    return _Ewma(exact)


def _cusum() -> _Cusum:
    return _Cusum()


def run_lengths(
    chart: _Ewma | _Cusum, n_series: int, rng: np.random.Generator, *, shift: float = 0.0, fixed_from: int = 0
) -> np.ndarray:
    """Return the number of runs to the first alarm, (n_series,), cut at 20000.

    With `fixed_from` the centre and SD of each chart are those of that many simulated runs, as a laboratory has them.
    """
    centre, sd = np.zeros(n_series), np.ones(n_series)
    if fixed_from:
        phase = rng.normal(size=(fixed_from, n_series))
        centre, sd = phase.mean(axis=0), phase.std(axis=0, ddof=1)
    chart.start(n_series)
    lengths, done = np.full(n_series, 20_000.0), np.zeros(n_series, dtype=bool)
    for first in range(0, 20_000, BLOCK):
        found = chart.alarms((rng.normal(shift, 1, size=(BLOCK, n_series)) - centre) / sd)
        new = found.any(axis=0) & ~done
        lengths[new] = first + 1 + found.argmax(axis=0)[new]
        done |= new
        if done.all():
            break
    return lengths


def _westgard(rng: np.random.Generator, n: int) -> None:
    """Print the share of runs at which each rule fires, in control, and of runs with any rule but 1-2s."""
    words = charts.westgard(rng.normal(size=n))
    for rule_id in trend_rules():
        if rule_id.startswith(charts.WESTGARD):
            name = rule_id.removeprefix(charts.WESTGARD)
            print(f"Westgard {name}: {100 * np.mean([name in here for here in words]):.3f} % of runs in control")
    loud = np.mean([bool(set(here) - {"1-2s"}) for here in words])
    print(f"Westgard, any but 1-2s: {100 * loud:.2f} % of runs in control")


if __name__ == "__main__":
    main()
