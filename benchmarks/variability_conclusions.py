"""How often the dominant step of the variability is named, and rightly, by its share of the variance.

    python benchmarks/variability_conclusions.py --studies 400

Studies of 4 groups of 5 animals x 2 pieces x 2 extractions, fresh seeds. One step has the share in the first column;
the others halve the rest ("even") or the next has all of it ("rival"). Prints the percentage of studies in which the
right step is named, a wrong one, and none.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.variability.dominance import dominant_step

STEPS = ("animal", "piece", "extraction")
NESTED = ("animal", "piece", "extraction")


def main() -> None:
    """Simulate each share and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.34, 0.4, 0.45, 0.51, 0.6, 0.7, 0.8, 0.9])
    options = parser.parse_args()
    rng = np.random.default_rng()
    worst_wrong, worst_right = 0.0, 100.0
    for share in options.shares:
        for place, step in enumerate(STEPS):
            for rest in ("even", "rival"):
                shares = shares_of(share, place, rest)
                named = [name_of(simulate(shares, rng)) for _ in range(options.studies)]
                largest = {STEPS[k] for k in range(3) if np.isclose(shares[k], shares.max())}
                right = 100 * np.mean([name in largest for name in named])
                none = 100 * np.mean([name == "" for name in named])
                wrong = 100 - right - none
                worst_wrong = max(worst_wrong, wrong)
                worst_right = min(worst_right, right) if np.isclose(share, 0.8) else worst_right
                words = f"right {right:5.1f} %  wrong {wrong:4.1f} %  none {none:5.1f} %"
                print(f"{100 * share:3.0f} % {step:10s} {rest:5s} {words}", flush=True)
    print(f"rightly at a share of 80 %: at least {worst_right:.1f} %; wrongly: at most {worst_wrong:.1f} %")


def shares_of(share: float, place: int, rest: str) -> np.ndarray:
    """Return the three shares, the others even or all with the next."""
    left = 1 - share
    shares = np.full(3, left / 2)
    if rest == "rival":
        shares[:] = 0.0
        shares[(place + 1) % 3] = left
    shares[place] = share
    return shares


def simulate(shares: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Return the logarithms of one study with a total SD of 0.3."""
    extraction = np.arange(80)
    piece, animal = extraction // 2, extraction // 4
    sd = 0.3 * np.sqrt(shares)
    value = sum(rng.normal(scale=s, size=c.max() + 1)[c] for s, c in zip(sd, (animal, piece, extraction), strict=True))
    group = animal // 5
    return pd.DataFrame(
        {"group": group, "animal": animal, "piece": piece, "extraction": extraction, "y": value + group}
    )


def name_of(table: pd.DataFrame) -> str:
    """Return the step that is named, '' for none."""
    return dominant_step(table, "y", NESTED, ("group",)).component.split("+")[0]


if __name__ == "__main__":
    main()
