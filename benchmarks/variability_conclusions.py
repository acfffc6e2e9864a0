"""How often the dominant step of the variability is named, and rightly, by its share of the variance.

    python benchmarks/variability_conclusions.py --studies 400

Studies of 4 groups of 5 animals x 2 pieces x 2 extractions, fresh seeds. One step has the share in the first column;
the others halve the rest ("even"), or the next or the one after has all of it ("next", "last"). Prints the percentage
of studies in which the right step is named, a wrong one, and none. At a share of 80 % stands beside it what no rule can
exceed that names a wrong step in at most 10 %: the most powerful test (Neyman-Pearson) between this truth and the
hardest one in which another step is as large. The mean squares are sufficient, and independent chi-squares.
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
ASKED_RIGHT, ASKED_WRONG = 90.0, 10.0
DEGREES = np.array([16.0, 20.0, 40.0])
EXPECTATION = np.array([[4.0, 2.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
LEAST = 1e-3  # no mean square is expected to be exactly nothing


def main() -> None:
    """Simulate each share and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.34, 0.4, 0.45, 0.51, 0.6, 0.7, 0.8, 0.9])
    options = parser.parse_args()
    rng = np.random.default_rng()
    worst_wrong, right_at_80 = 0.0, {}
    for share in options.shares:
        for place, step in enumerate(STEPS):
            for rest in ("even", "next", "last"):
                shares = shares_of(share, place, rest)
                named = [name_of(simulate(shares, rng)) for _ in range(options.studies)]
                largest = {STEPS[k] for k in range(3) if np.isclose(shares[k], shares.max())}
                right = 100 * np.mean([name in largest for name in named])
                none = 100 * np.mean([name == "" for name in named])
                wrong = 100 - right - none
                worst_wrong = max(worst_wrong, wrong)
                words = f"right {right:5.1f} %  wrong {wrong:4.1f} %  none {none:5.1f} %"
                print(f"{100 * share:3.0f} % {step:10s} {rest:5s} {words}", flush=True)
                if np.isclose(share, 0.8):
                    right_at_80[step, rest] = (right, 100 * best_possible(shares, rng))
    for (step, rest), (right, bound) in right_at_80.items():
        print(
            f"80 % {step}, rest {rest}: named rightly {right:.0f} %, best possible {bound:.0f}, asked {ASKED_RIGHT:g}"
        )
    print(f"wrong at any share: found at most {worst_wrong:.1f} %, asked at most {ASKED_WRONG:g}")


def shares_of(share: float, place: int, rest: str) -> np.ndarray:
    """Return the three shares, the others even or all with the next or the last."""
    left = 1 - share
    shares = np.full(3, left / 2)
    if rest != "even":
        shares[:] = 0.0
        shares[(place + (1 if rest == "next" else 2)) % 3] = left
    shares[place] = share
    return shares


def best_possible(shares: np.ndarray, rng: np.random.Generator, draws: int = 20_000) -> float:
    """Return an upper bound of how often any rule can name the largest step, erring in at most 10 % of studies.

    A rule that names the step in at most 10 % of studies of every truth where another is as large is a test of each
    of these truths at that level; none has more power than the likelihood ratio. The least of their powers bounds it.
    """
    true = np.maximum(EXPECTATION @ shares, LEAST)
    units = rng.chisquare(DEGREES, size=(2, draws, 3)) / DEGREES
    powers = []
    for null in _ties(shares):
        difference = DEGREES / 2 * (1 / null - 1 / true)
        critical = np.quantile((units[0] * null) @ difference, 1 - ASKED_WRONG / 100)
        powers.append(np.mean((units[1] * true) @ difference > critical))
    return float(min(powers))


def _ties(shares: np.ndarray) -> list[np.ndarray]:
    """Return expected mean squares of truths in which a rival is as large as the largest step."""
    top, found = int(shares.argmax()), []
    for rival in {0, 1, 2} - {top}:
        third = 3 - top - rival
        for size in np.geomspace(0.05, 2, 40) * shares[top]:
            for factor in (0.0, 0.5, 1.0, 2.0):
                tied = shares * 1.0
                tied[third] *= factor
                tied[[top, rival]] = max(size, tied[third])
                found.append(np.maximum(EXPECTATION @ tied, LEAST))
    return found


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
