"""Time, bias and precision per trace beside OpenMS' MRMTransitionGroupPicker, tuned to these peaks.

    python benchmarks/integrate_against_openms.py [--seed 1] [--runs 6] [--points 1500]

The picker gets what a user would tune: Gaussian smoothing as wide as the peak, 'corrected' boundaries, exact background
subtraction, one feature. Time is that of whole traces, as both read them from a file; for bias and CV the picker gets
only the minute about the peak, since it knows no retention time. Both work in turn, so that a busy machine slows both
alike; times are CPU times of one thread. Areas of both are divided by their calibrators' area over truth.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ["OMP_NUM_THREADS"] = "1"

import integrate_simulated
import numpy as np
import pyopenms
from integrate_simulated import CALIBRATORS, RT_S, Floats, Scenario, cramer_rao_percent, simulate, transitions

from bioanalysis.chromatography import integrate_run
from bioanalysis.instruments.traces import RunTraces

SCENARIOS = (
    Scenario("S/N 5", 5),
    Scenario("S/N 50", 50),
    Scenario("S/N 300", 300),
    Scenario("300 + 50 %, samples", 300, neighbour=0.5, neighbour_in_samples_only=True),
)


def tuned() -> pyopenms.MRMTransitionGroupPicker:
    """Return the picker with its settings."""
    picker = pyopenms.MRMTransitionGroupPicker()
    settings = picker.getParameters()
    for name, value in {
        "PeakPickerChromatogram:gauss_width": 3.0,
        "PeakPickerChromatogram:use_gauss": "true",
        "PeakPickerChromatogram:method": "corrected",
        "PeakPickerChromatogram:signal_to_noise": 0.1,
        "PeakPickerChromatogram:write_sn_log_messages": "false",
        "min_peak_width": 1.0,
        "stop_after_feature": 1,
        "background_subtraction": "exact",
        "resample_boundary": 5.0,
    }.items():
        settings.setValue(name, value)
    picker.setParameters(settings)
    return picker


def group(time_s: Floats, intensity: Floats) -> pyopenms.MRMTransitionGroupCP:
    """Return one trace as the picker takes it."""
    made = pyopenms.MRMTransitionGroupCP()
    made.setTransitionGroupID("group")
    chromatogram, transition = pyopenms.MSChromatogram(), pyopenms.ReactionMonitoringTransition()
    chromatogram.set_peaks((time_s, intensity))
    chromatogram.setNativeID("trace")
    transition.setNativeID("trace")
    transition.setDetectingTransition(True)
    made.addTransition(transition, "trace")
    made.addChromatogram(chromatogram, "trace")
    return made


def by_openms(run: RunTraces, picker: pyopenms.MRMTransitionGroupPicker, reach_s: float) -> tuple[Floats, float]:
    """Return areas of the analyte from what lies within `reach_s` of its time, and the CPU time per trace (s)."""
    groups = []
    for number in range(len(run.positions) * len(run.transitions)):
        time_min, intensity = run.trace(*divmod(number, len(run.transitions)))
        near = np.abs(60 * time_min - RT_S) < reach_s
        groups.append(group(60 * time_min[near], intensity[near]))
    started = time.process_time()
    for one in groups:
        picker.pickTransitionGroup(one)
    elapsed = time.process_time() - started
    features = [one.getFeatures() for one in groups[:: len(run.transitions)]]
    areas = np.array([found[0].getIntensity() if found else np.nan for found in features])
    return areas, elapsed / len(groups)


def by_us(run: RunTraces) -> tuple[Floats, float]:
    """Return areas of the analyte, and the CPU time per trace (s): both estimates, flags and table."""
    started = time.process_time()
    peaks = integrate_run(
        run,
        transitions(),
        calibrator_positions=run.positions[:CALIBRATORS],
        internal_standards={"analyte": "standard"},
    )
    elapsed = time.process_time() - started
    return peaks.area[peaks.transition == "analyte"].to_numpy(), elapsed / len(peaks)


def spread(areas: list[Floats], truths: list[Floats]) -> str:
    """Return bias and CV (%) of the samples after calibration, in words."""
    ratios = [area / truth for area, truth in zip(areas, truths, strict=True)]
    found = np.concatenate([ratio[CALIBRATORS:] / np.nanmedian(ratio[:CALIBRATORS]) for ratio in ratios])
    return f"{100 * (np.nanmean(found) - 1):9.2f}{100 * np.nanstd(found):9.2f}"


def main() -> None:
    """Print the table and the ratio of times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--points", type=int, default=1500)
    options = parser.parse_args()
    integrate_simulated.SPAN_S = options.points * integrate_simulated.SPACING_S
    pyopenms.LogConfigHandler.getInstance().setLogLevel("ERROR")
    dice, picker = np.random.default_rng(options.seed), tuned()
    by_us(simulate(SCENARIOS[0], dice)[0])  # so that imports are not timed
    print(f"{'':22s}{'bound':>8s}{'bias':>9s}{'CV':>9s}{'OpenMS':>9s}{'CV':>9s}   (%)")
    seconds: list[tuple[float, float]] = []
    for scenario in SCENARIOS:
        ours, theirs, truths = [], [], []
        for _ in range(options.runs):
            run, truth = simulate(scenario, dice)
            (mine, my_s), (_, other_s) = by_us(run), by_openms(run, picker, np.inf)
            other, _ = by_openms(run, picker, 30.0)
            ours.append(mine)
            theirs.append(other)
            truths.append(truth)
            seconds.append((my_s, other_s))
        bound = cramer_rao_percent(scenario)
        print(f"{scenario.name:22s}{bound:8.2f}{spread(ours, truths)}{spread(theirs, truths)}", flush=True)
    mine, other = np.median(np.array(seconds), axis=0)
    print(
        f"us per trace: both estimates and flags {1e6 * mine:.0f}, picker {1e6 * other:.0f}: ratio {mine / other:.2f}"
    )


if __name__ == "__main__":
    main()
