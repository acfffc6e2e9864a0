"""No silent wrong area: difficult simulated peaks, the share wrong without a flag, and flags on clean ones.

    python benchmarks/integrate_difficult.py [--seed 1] [--traces 10000]

Runs of 96 injections: 30 clean calibrators at S/N 10 to 1000, which teach, and 66 samples, each with one difficulty, at
S/N 3 to 1000 (log-uniform; height of the undistorted peak over the SD of the baseline). `wrong`: |error| > 15 % after
division by the calibrators' factor; `silent`: wrong, and no flag. Shares are of traces with a true S/N of 10 or more.
Lines that end in * are clean peaks, which should carry no flag.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from integrate_simulated import NOISE, RT_S, SIGMA_S, SPACING_S, SPAN_S, TAU_S, Floats, peak, transitions

from bioanalysis.chromatography import IntegrationSettings, integrate_run
from bioanalysis.instruments.traces import RunTraces

CALIBRATORS, SAMPLES = 30, 66
WIDTH_S = 3.2  # at half height
CLEAR, WRONG = 10.0, 0.15
Dice = np.random.Generator


@dataclass
class Sample:
    """One trace before noise: peak of area 1 scaled later, what is added to it, and what happens to the whole."""

    time_s: Floats
    centre_s: float
    area: float
    height: float
    shape: Floats = field(init=False)
    background: Floats = field(init=False)
    ceiling: float = np.inf

    def __post_init__(self) -> None:
        self.shape = peak(self.time_s, self.centre_s, SIGMA_S, TAU_S)
        self.background = 20 * NOISE + 0.5 * (self.time_s - RT_S)


def clean(_: Sample, __: Dice) -> None:
    """A peak like the calibrators'."""


def width(sample: Sample, dice: Dice) -> None:
    """A peak 0.9 to 1.25 times as wide."""
    scale = dice.uniform(0.9, 1.25)
    sample.shape = peak(sample.time_s, sample.centre_s, scale * SIGMA_S, scale * TAU_S)


def tailing(sample: Sample, dice: Dice) -> None:
    """A longer tail, of 1 to 4 times the sigma."""
    sample.shape = peak(sample.time_s, sample.centre_s, SIGMA_S, dice.uniform(1, 4) * SIGMA_S)


def fronting(sample: Sample, dice: Dice) -> None:
    """A tail before the peak."""
    sample.shape = peak(-sample.time_s, -sample.centre_s, SIGMA_S, dice.uniform(1, 4) * SIGMA_S)


def split(sample: Sample, dice: Dice) -> None:
    """One substance in two humps, 0.8 to 2 widths apart."""
    share, gap = dice.uniform(0.3, 0.7), dice.uniform(0.8, 2.0) * WIDTH_S
    first, second = (peak(sample.time_s, sample.centre_s + at, SIGMA_S, TAU_S) for at in (-gap / 2, gap / 2))
    sample.shape = share * first + (1 - share) * second


def spike(sample: Sample, dice: Dice) -> None:
    """One to three points of 0.3 to 3 times the peak's height, within 8 s of it."""
    near = np.flatnonzero(np.abs(sample.time_s - sample.centre_s) < 8)
    start = dice.choice(near)
    sample.background[start : start + dice.integers(1, 4)] += dice.uniform(0.3, 3) * sample.height


def drifting_baseline(sample: Sample, dice: Dice) -> None:
    """A background that slopes and bends by up to twice the peak's height over a minute, or has a step."""
    offset = (sample.time_s - sample.centre_s) / 60
    slope, bend = dice.uniform(-2, 2, 2) * sample.height
    sample.background += slope * offset + bend * offset**2
    if dice.random() < 0.3:
        sample.background += dice.uniform(0.1, 1) * sample.height * (offset > dice.uniform(-0.1, 0.1))
    sample.background -= min(sample.background.min() - NOISE, 0)


def neighbour(sample: Sample, dice: Dice) -> None:
    """Another peak of 5 % to twice its size, 3 to 10 s before or behind."""
    at = sample.centre_s + dice.choice([-1, 1]) * dice.uniform(3, 10)
    size = np.exp(dice.uniform(np.log(0.05), np.log(2)))
    sample.background += size * sample.area * peak(sample.time_s, at, SIGMA_S, TAU_S)


def saturated(sample: Sample, dice: Dice) -> None:
    """A detector that ends at 40 to 95 % of the peak's height."""
    sample.ceiling = dice.uniform(0.4, 0.95) * sample.height + 20 * NOISE


def cut(sample: Sample, dice: Dice) -> None:
    """A trace that ends or begins within the peak."""
    at = sample.centre_s + dice.uniform(-1.5, 1.5) * WIDTH_S
    keep = sample.time_s < at if dice.random() < 0.5 else sample.time_s > at
    sample.background[~keep] = np.nan


def late(sample: Sample, dice: Dice) -> None:
    """A retention time 2 to 6 s off, which the internal standard does not share."""
    shift = dice.choice([-1, 1]) * dice.uniform(2, 6)
    sample.shape = peak(sample.time_s, sample.centre_s + shift, SIGMA_S, TAU_S)


CLEAN: tuple[Callable[[Sample, Dice], None], ...] = (clean, width)
DIFFICULT = (tailing, fronting, split, spike, drifting_baseline, neighbour, saturated, cut, late, width)


def simulate(kinds: tuple[Callable[[Sample, Dice], None], ...], dice: Dice) -> tuple[RunTraces, Floats, Floats, list]:
    """Return a run, the true areas and S/N of its analyte, and what was done to each injection."""
    time_s = np.arange(0, SPAN_S, SPACING_S)
    tallest = peak(time_s, RT_S, SIGMA_S, TAU_S).max()
    levels = np.concatenate(
        [np.geomspace(10, 1000, CALIBRATORS), np.exp(dice.uniform(np.log(3), np.log(1000), SAMPLES))]
    )
    drift, is_shift_s, per_count = dice.uniform(-4, 4), dice.choice([0.0, 1.0, 3.0]), dice.choice([0.0, 1.0, 20.0])
    done, traces = [], []
    for number, level in enumerate(levels):
        moved = RT_S + drift * number / len(levels) + dice.uniform(0, SPACING_S)
        sample = Sample(time_s, moved, level * NOISE / tallest, level * NOISE)
        kind = clean if number < CALIBRATORS else kinds[dice.integers(len(kinds))]
        kind(sample, dice)
        standard = 300 * NOISE / tallest * peak(time_s, moved + dice.uniform(0, is_shift_s), SIGMA_S, TAU_S)
        signal = sample.area * sample.shape
        noisy = sample.background + signal + dice.normal(0, np.sqrt(NOISE**2 + per_count * signal))
        noisy = np.maximum(np.minimum(noisy, sample.ceiling), 0)
        keep = np.isfinite(noisy)
        traces.append(
            [
                (time_s[keep] / 60, noisy[keep]),
                (time_s / 60, 20 * NOISE + standard + dice.normal(0, NOISE, time_s.size)),
            ]
        )
        done.append(kind.__name__)
    names = [str(number) for number in range(1, len(levels) + 1)]
    return RunTraces.gather(names, names, ["analyte", "standard"], traces), levels * NOISE / tallest, levels, done


def judge(kinds: tuple, traces: int, seed: list[int], settings: IntegrationSettings | None) -> list[dict]:
    """Return one record per sample: what was done to it, its true S/N, its error as a fraction, its flags."""
    dice, records = np.random.default_rng(seed), []
    while len(records) < traces:
        run, truth, levels, done = simulate(kinds, dice)
        peaks = integrate_run(
            run,
            transitions(),
            calibrator_positions=run.positions[:CALIBRATORS],
            internal_standards={"analyte": "standard"},
            settings=settings,
        )
        peaks = peaks[peaks.transition == "analyte"]
        ratio = peaks.area.to_numpy() / truth
        error = np.nan_to_num(ratio / np.nanmedian(ratio[:CALIBRATORS]) - 1, nan=-1.0)
        records += [
            {
                "kind": done[row],
                "level": levels[row],
                "error": error[row],
                "flags": peaks["flags"].iloc[row],
                "se": peaks.area_se.iloc[row] / truth[row],
            }
            for row in range(CALIBRATORS, len(levels))
            if levels[row] >= CLEAR
        ]
    return records[:traces]


def summary(records: list[dict]) -> tuple[int, float, float, float]:
    """Return the number of traces, and which percentage is flagged, wrong, and wrong without a flag."""
    flagged = np.array([record["flags"] != "" for record in records])
    wrong = np.array([abs(record["error"]) > WRONG for record in records])
    shares = (100 * float(mask.mean()) for mask in (flagged, wrong, wrong & ~flagged))
    return (len(records), *shares)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--traces", type=int, default=10_000)
    options = parser.parse_args()
    difficult = judge(DIFFICULT, options.traces, [options.seed, 1], None)
    easy = judge(CLEAN, options.traces // 4, [options.seed, 2], None)
    print(f"{'':24s}{'traces':>9s}{'flagged %':>11s}{'wrong %':>9s}{'silent %':>10s}")
    parts = [(kind.__name__, [r for r in difficult if r["kind"] == kind.__name__]) for kind in DIFFICULT]
    parts += [("all difficult", difficult)]
    parts += [(f"{kind.__name__} *", [r for r in easy if r["kind"] == kind.__name__]) for kind in CLEAN]
    parts += [("all clean *", easy)]
    for name, records in parts:
        number, *shares = summary(records)
        print(
            f"{name:24s}{number:9d}" + "".join(f"{share:{w}.2f}" for share, w in zip(shares, (11, 9, 10), strict=True))
        )


if __name__ == "__main__":
    main()
