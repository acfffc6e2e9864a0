"""How often distribution flags are right: exchanged labels found, false alarms, coverage of intervals.

    python benchmarks/distribution_flags.py --studies 2000 --seed 1

Animals scatter log-normally, each tissue by itself (what an animal's tissues share would cancel in their ratio and make
the search easier). Prints one line per figure with its standard error. How often the flags of whole studies without a
fault are raised is printed by `clean_flags.py`.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bioanalysis.exposure import sparse_auc
from bioanalysis.limits import distribution_rules
from bioanalysis.variability.biodistribution import ratio_outliers
from bioanalysis.variability.dose_proportionality import power_model
from bioanalysis.variability.log_ratio import ratio_of_means
from bioanalysis.variability.swaps import animal_swaps, tissue_swaps

OF_TISSUES, OF_ANIMALS = (float(number) / 100 for number in distribution_rules()["BIO-08"].numbers)
NAMED = ["animal", "first", "second"]
TISSUES = ("kidney", "liver", "spleen")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=300, help="simulated studies per figure")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    for between in (0.0, 0.3):
        _swaps(rng, options.studies, between)
    _animal_swaps(rng, options.studies)
    _ratio_outliers(rng, options.studies)
    _coverage(rng, options.studies)


def study(rng: np.random.Generator, *, between: float = 0.0, dose_step: float = 1.0) -> tuple[pd.DataFrame, pd.Series]:
    """Return logarithms of 4 groups of 5 animals, CV 30 %, kidney : liver : spleen = 3 : 3 : 1.

    `between` is the SD of the group's own effect on each logarithmic ratio, `dose_step` the step of dose.
    """
    sd = np.sqrt(np.log1p(0.3**2))
    centre = np.log([3.0, 3.0, 1.0])
    groups = np.repeat(["a", "b", "c", "d"], 5)
    effect = rng.normal(0, between / np.sqrt(2), (4, 3)) + np.log(dose_step) * np.arange(4)[:, None]
    logs = centre + np.repeat(effect, 5, axis=0) + rng.normal(0, sd, (20, 3))
    names = [f"R{number}" for number in range(20)]
    return pd.DataFrame(logs, index=names, columns=list(TISSUES)), pd.Series(groups, index=names)


def _swaps(rng: np.random.Generator, studies: int, between: float) -> None:
    found, alarms, either = [], [], []
    for _ in range(studies):
        logs, groups = study(rng, between=between)
        alarms.append(bool(tissue_swaps(logs, groups, false_alarms=OF_TISSUES).suspected.any()))
        either.append(alarms[-1] or bool(animal_swaps(logs, groups, false_alarms=OF_ANIMALS).suspected.any()))
        animal = logs.index[rng.integers(20)]
        logs.loc[animal, ["kidney", "spleen"]] = logs.loc[animal, ["spleen", "kidney"]].to_numpy()
        here = tissue_swaps(logs, groups, false_alarms=OF_TISSUES)
        found.append(
            (animal, "kidney", "spleen") in set(here[here.suspected][NAMED].itertuples(index=False, name=None))
        )
    words = f"kidney/spleen exchange, groups' own ratios {between:g}"
    _print(f"{words}: found", found)
    _print(f"{words}: studies with a false alarm (three tissues)", alarms)
    _print(f"{words}: studies with a false alarm of tissues or animals", either)


def _animal_swaps(rng: np.random.Generator, studies: int) -> None:
    found, alarms = [], []
    for _ in range(studies):
        logs, groups = study(rng, dose_step=3.0)
        alarms.append(bool(animal_swaps(logs, groups, false_alarms=OF_ANIMALS).suspected.any()))
        pair = ["R0", "R19"]
        logs.loc[pair] = logs.loc[pair[::-1]].to_numpy()
        here = animal_swaps(logs, groups, false_alarms=OF_ANIMALS)
        found.append(set(pair) <= set(here[here.suspected].animal))
    _print("two animals exchanged, lowest and highest of four doses threefold apart: both found", found)
    _print("animals: studies with a false alarm", alarms)


def _ratio_outliers(rng: np.random.Generator, studies: int) -> None:
    limit, fewest = (float(number) for number in distribution_rules()["BIO-02"].numbers)
    print(f"tissue ratio of 3 to {fewest - 1:g} clean animals: not judged")
    for animals in (8, 9, 10, 11, 12, 15, 20):
        clean = [ratio_outliers(rng.normal(0, 0.4, animals), limit) for _ in range(studies)]
        _print(f"tissue ratio of {animals} clean animals: studies with a flag", [bool(each.any()) for each in clean])


def _coverage(rng: np.random.Generator, studies: int) -> None:
    sd = np.sqrt(np.log1p(0.3**2))
    dose = np.repeat([0.2, 1.0, 5.0], 5)
    models = [power_model(dose, 7 * dose**0.9 * np.exp(rng.normal(0, sd, 15))) for _ in range(studies)]
    _print("exponent of dose 0.9, 3 doses of 5: 90 % interval holds it", [m.low <= 0.9 <= m.high for m in models])
    flags = [power_model(dose, 7 * dose * np.exp(rng.normal(0, sd, 15))).low > 1 for _ in range(studies)]
    _print("exponent 1: flagged as more than proportional", flags)
    index = [ratio_of_means(np.exp(rng.normal(1, 0.3, 5)), np.exp(rng.normal(0, 0.6, 4))) for _ in range(studies)]
    _print("targeting index of 5 and 4 animals: 90 % interval holds it", [r.low <= np.e <= r.high for r in index])
    _print("sparse AUC, 5 times of 4 animals: 95 % interval holds it", [_auc_holds(rng) for _ in range(studies)])


def _auc_holds(rng: np.random.Generator) -> bool:
    days = np.array([1.0, 8, 15, 29, 57])
    mean = 20 * 2 ** (-days / 20)
    time = np.repeat(days, 4)
    found = sparse_auc(time, np.repeat(mean, 4) * (1 + 0.3 * rng.standard_normal(20)))
    half = stdtrit(found.degrees_of_freedom, 0.975) * found.standard_error
    return bool(abs(found.auc - np.trapezoid(mean, days)) <= half)


def _print(words: str, right: list[bool]) -> None:
    share = float(np.mean(right))
    print(f"{words}: {100 * share:.1f} % +- {100 * np.sqrt(share * (1 - share) / len(right)):.1f}", flush=True)


if __name__ == "__main__":
    main()
