"""Bias and precision of peak areas on simulated runs, beside the Cramer-Rao bound.

    python benchmarks/integrate_simulated.py [--seed 1] [--runs 20] [--estimate template]

Each run has 30 calibrators at S/N 30 to 1000, which teach, and 66 samples of one level, which are judged. Peaks are
exponentially modified Gaussians of 6 s at the base, one point every 0.4 s; noise is white. `bias` is that of the area
itself; `calibrated` after division by the calibrators' area over truth, since a calibration curve takes that out.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

from bioanalysis.chromatography import IntegrationSettings, integrate_run
from bioanalysis.instruments.traces import RunTraces

SIGMA_S, TAU_S, RT_S, SPACING_S, SPAN_S = 1.2, 0.8, 180.0, 0.4, 360.0
Floats = NDArray[np.float64]
NOISE = 100.0
CALIBRATORS, SAMPLES = 30, 66


@dataclass(frozen=True)
class Scenario:
    """What sets one simulated run apart.

    `signal_to_noise` of the samples' peaks; `neighbour` as a fraction of the peak, `neighbour_s` behind it, also in the
    calibrators unless `neighbour_in_samples_only`; `is_shift_s` the largest shift of the internal standard against the
    analyte, injection by injection; `drift_s` of both over the run; `width` of the samples' peaks against the
    calibrators'; `baseline_slope` in counts per s; `per_count` shot noise.
    """

    name: str
    signal_to_noise: float
    neighbour: float = 0.0
    neighbour_s: float = 6.0
    neighbour_in_samples_only: bool = False
    is_shift_s: float = 0.0
    drift_s: float = 3.0
    width: float = 1.0
    baseline_slope: float = 0.5
    per_count: float = 0.0


SCENARIOS = (
    Scenario("S/N 5", 5),
    Scenario("S/N 10", 10),
    Scenario("S/N 50", 50),
    Scenario("S/N 300", 300),
    Scenario("300 + 12 % neighbour", 300, neighbour=0.12),
    Scenario("300 + 50 % neighbour", 300, neighbour=0.5),
    Scenario("300 + 12 %, samples only", 300, neighbour=0.12, neighbour_in_samples_only=True),
    Scenario("300 + 50 %, samples only", 300, neighbour=0.5, neighbour_in_samples_only=True),
    Scenario("10 + 50 %, samples only", 10, neighbour=0.5, neighbour_in_samples_only=True),
    Scenario("50, IS shifted 0-3 s", 50, is_shift_s=3.0),
    Scenario("5, IS shifted 0-3 s", 5, is_shift_s=3.0),
    Scenario("50, width x0.9", 50, width=0.9),
    Scenario("50, width x1.25", 50, width=1.25),
    Scenario("5, width x1.25", 5, width=1.25),
    Scenario("50, shot noise", 50, per_count=40.0),
)


def peak(time_s: NDArray[np.float64], centre_s: float, sigma_s: float, tau_s: float) -> NDArray[np.float64]:
    """Return an exponentially modified Gaussian of area 1 (Kalambet et al., J. Chemom. 25 (2011) 352), stable form."""
    z = (sigma_s / tau_s - (time_s - centre_s) / sigma_s) / np.sqrt(2)
    gaussian = np.exp(-0.5 * ((time_s - centre_s) / sigma_s) ** 2)
    return np.where(z > -20, gaussian * erfcx(np.maximum(z, -20)), 0.0) / (2 * tau_s)


def simulate(scenario: Scenario, rng: np.random.Generator) -> tuple[RunTraces, NDArray[np.float64]]:
    """Return a run of two transitions (analyte, internal standard) and the true areas of the analyte."""
    time_s = np.arange(0, SPAN_S, SPACING_S)
    injections = CALIBRATORS + SAMPLES
    tallest = peak(time_s, RT_S, SIGMA_S, TAU_S).max()
    levels = np.concatenate([np.geomspace(30, 1000, CALIBRATORS), np.full(SAMPLES, scenario.signal_to_noise)])
    areas = levels * NOISE / tallest
    traces = []
    for number, area in enumerate(areas):
        drift = scenario.drift_s * number / injections + rng.uniform(0, SPACING_S)
        width = scenario.width if number >= CALIBRATORS else 1.0
        analyte = area * peak(time_s, RT_S + drift, width * SIGMA_S, width * TAU_S)
        beside = 0.0 if scenario.neighbour_in_samples_only and number < CALIBRATORS else scenario.neighbour
        analyte += beside * area * peak(time_s, RT_S + drift + scenario.neighbour_s, SIGMA_S, TAU_S)
        shift = rng.uniform(0, scenario.is_shift_s)
        standard = 300 * NOISE / tallest * peak(time_s, RT_S + drift + shift, SIGMA_S, TAU_S)
        baseline = 20 * NOISE + scenario.baseline_slope * (time_s - RT_S)
        traces.append([(time_s / 60, _noisy(baseline, signal, scenario, rng)) for signal in (analyte, standard)])
    positions = [str(number) for number in range(1, injections + 1)]
    return RunTraces.gather(positions, positions, ["analyte", "standard"], traces), areas


def _noisy(
    baseline: NDArray[np.float64], signal: NDArray[np.float64], scenario: Scenario, rng: np.random.Generator
) -> NDArray[np.float64]:
    return baseline + signal + rng.normal(0, np.sqrt(NOISE**2 + scenario.per_count * signal))


def cramer_rao_percent(scenario: Scenario) -> float:
    """Return the least CV (%) of an area when shape and time are known and the baseline level is not biased."""
    time_s = np.arange(0, SPAN_S, SPACING_S)
    shape = peak(time_s, RT_S, scenario.width * SIGMA_S, scenario.width * TAU_S)
    area = scenario.signal_to_noise * NOISE / peak(time_s, RT_S, SIGMA_S, TAU_S).max()
    variance = NOISE**2 + scenario.per_count * area * shape
    return float(100 / area / np.sqrt((shape**2 / variance).sum()))


def transitions() -> list[SimpleNamespace]:
    """Return what a method says of the two transitions, a little off as methods are."""
    usual = {"rt_min": RT_S / 60, "rt_window_min": 0.5, "peak_width_s": 6.0, "polarity": None}
    return [SimpleNamespace(name=name, **usual) for name in ("analyte", "standard")]


def judge(scenario: Scenario, runs: int, seed: int, estimate: str = "by_signal_to_noise") -> dict[str, float]:
    """Return bias, CV, bound, SD of (area - truth) / standard error, and shares of no-peaks and flags (%)."""
    rng = np.random.default_rng([seed, SCENARIOS.index(scenario)] if scenario in SCENARIOS else seed)
    plain, ratios, pulls, missing, flagged, elapsed = [], [], [], 0, 0, 0.0
    for _ in range(runs):
        traces, truth = simulate(scenario, rng)
        calibrators = traces.positions[:CALIBRATORS]
        started = time.perf_counter()
        peaks = integrate_run(
            traces,
            transitions(),
            calibrator_positions=calibrators,
            internal_standards={"analyte": "standard"},
            settings=IntegrationSettings(estimate=estimate),
        )
        elapsed += time.perf_counter() - started
        peaks = peaks[peaks["transition"] == "analyte"]
        area, error = peaks["area"].to_numpy(), peaks["area_se"].to_numpy()
        factor = np.nanmedian(area[:CALIBRATORS] / truth[:CALIBRATORS])
        samples = slice(CALIBRATORS, None)
        plain.append(area[samples] / truth[samples])
        ratios.append(plain[-1] / factor)
        pulls.append((area[samples] / factor - truth[samples]) / error[samples])
        missing += int(np.isnan(area[samples]).sum())
        flagged += int((peaks["flags"][samples.start :] != "").sum())
    ratio, pull = np.concatenate(ratios), np.concatenate(pulls)
    return {
        "bias %": 100 * (np.nanmean(np.concatenate(plain)) - 1),
        "calibrated": 100 * (np.nanmean(ratio) - 1),
        "CV %": 100 * np.nanstd(ratio),
        "bound %": cramer_rao_percent(scenario),
        "pull SD": float(np.nanstd(pull)),
        "no peak %": 100 * missing / (runs * SAMPLES),
        "flagged %": 100 * flagged / (runs * SAMPLES),
        "us/trace": 1e6 * elapsed / (2 * runs * (CALIBRATORS + SAMPLES)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--estimate", choices=["drop", "template", "by_signal_to_noise"], default="by_signal_to_noise")
    options = parser.parse_args()
    judge(SCENARIOS[0], 1, 0, options.estimate)  # so that imports are not timed
    for number, scenario in enumerate(SCENARIOS):
        figures = judge(scenario, options.runs, options.seed, options.estimate)
        if number == 0:
            print(f"{'':24s}" + "".join(f"{name:>11s}" for name in figures))
        print(f"{scenario.name:24s}" + "".join(f"{value:11.2f}" for value in figures.values()))


if __name__ == "__main__":
    main()
