"""How often the dominant step of the variability is named, and rightly, by its share of the variance.

    python benchmarks/variability_conclusions.py --studies 2000 --seed 1

Studies of 4 groups of 5 animals x 2 pieces x 2 extractions. One step has the share in the first column; the others
halve the rest ("even"), or the next or the one after has all of it ("next", "last"). Prints the percentage of studies
in which the right step is named, a wrong one, and none. Drawn are the mean squares: of a balanced study they are
sufficient, and independent chi-squares; how they are taken from a table is held against certified values by the tests.

At a share of 80 % stands beside it what no rule can exceed that names a wrong step in at most 10 % of any studies and
does not hang on the unit: the most powerful test between this truth and the mixture of truths in which another step is
as large that is hardest to tell from it (Neyman and Pearson; Lehmann & Romano, Testing Statistical Hypotheses, 3.8).
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.special import logsumexp

from bioanalysis.variability.dominance import largest_variance
from bioanalysis.variability.mean_squares import MeanSquares

STEPS = ("animal", "piece", "extraction")
ASKED_RIGHT, ASKED_WRONG = 90.0, 10.0
DEGREES = np.array([16, 20, 40])
EXPECTATION = np.array([[4.0, 2.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
LEAST = 1e-3  # no mean square is expected to be exactly nothing
SHARES = [0.34, 0.4, 0.45, 0.49, 0.501, 0.51, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95]
DRAWS, ROUNDS = 10_000, 40


def main() -> None:
    """Simulate each share and print the outcomes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    worst, right_at_80 = (0.0, ""), {}
    for share in options.shares:
        for place, step in enumerate(STEPS):
            for rest in ("even", "next", "last"):
                shares = shares_of(share, place, rest)
                right, wrong, none = outcomes(shares, options.studies, rng)
                words = f"{100 * share:4.3g} % {step:10s} {rest:5s}"
                worst = max(worst, (wrong, words))
                print(f"{words} right {right:5.1f} %  wrong {wrong:4.1f} %  none {none:5.1f} %", flush=True)
                if np.isclose(share, 0.8):
                    right_at_80[step, rest] = (right, 100 * best_possible(shares, rng))
    for (step, rest), (right, bound) in right_at_80.items():
        words = f"named rightly {right:.1f} %, best possible {bound:.1f}, asked {ASKED_RIGHT:g}"
        print(f"80 % {step}, rest {rest}: {words}")
    print(f"wrong at any share: found at most {worst[0]:.1f} % ({worst[1]}), asked at most {ASKED_WRONG:g}")


def shares_of(share: float, place: int, rest: str) -> np.ndarray:
    """Return the three shares, the others even or all with the next or the last."""
    left = 1 - share
    shares = np.full(3, left / 2)
    if rest != "even":
        shares[:] = 0.0
        shares[(place + (1 if rest == "next" else 2)) % 3] = left
    shares[place] = share
    return shares


def outcomes(shares: np.ndarray, studies: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return in what percentage of studies a largest step is named, another one, and none."""
    named = [name_of(squares) for squares in mean_squares_of(shares, studies, rng)]
    largest = {STEPS[k] for k in range(3) if np.isclose(shares[k], shares.max())}
    right, none = (100 * float(np.mean(hits)) for hits in ([n in largest for n in named], [n == "" for n in named]))
    return right, max(0.0, 100 - right - none), none


def mean_squares_of(shares: np.ndarray, studies: int, rng: np.random.Generator) -> np.ndarray:
    """Return the mean squares (studies, 3) of studies with these shares of the variance."""
    return np.maximum(EXPECTATION @ shares, LEAST) * rng.chisquare(DEGREES, (studies, 3)) / DEGREES


def name_of(squares: np.ndarray) -> str:
    """Return the step that is named, '' for none."""
    return largest_variance(MeanSquares(squares, DEGREES, EXPECTATION), STEPS).component


def best_possible(shares: np.ndarray, rng: np.random.Generator) -> float:
    """Return how often the largest step can be named by a rule that errs in at most 10 % of studies of any truth.

    Whatever the weights of the ties, no such rule has more power than the likelihood ratio against their mixture at
    10 %. Ties that are named too often get more weight, the others less; the last weights are tried on fresh draws.
    """
    ties = ties_of(int(shares.argmax()))
    ties = ties[(ties[:, -1] > 0) == (shares[-1] > 0)]  # scatter in the last step is never taken for none
    weights = np.full(len(ties), 1 / len(ties))
    ratios = Ratios(shares, ties, rng)
    for _ in range(ROUNDS):
        named, _ = ratios.named(weights)
        weights = weights * np.exp(20 * (named - ASKED_WRONG / 100))
        weights /= weights.sum()
    return Ratios(shares, ties, rng).named(weights)[1]


class Ratios:
    """Likelihoods of simulated mean squares under one truth and under ties."""

    def __init__(self, shares: np.ndarray, ties: np.ndarray, rng: np.random.Generator) -> None:
        self.drawn = [mean_squares_of(truth, DRAWS, rng) for truth in (*ties, shares)]
        judged = EXPECTATION @ shares > 0
        self.of_truth = [log_likelihood(each, shares[None], judged)[:, 0] for each in self.drawn]
        self.of_ties = [log_likelihood(each, ties, judged) for each in self.drawn]

    def named(self, weights: np.ndarray) -> tuple[np.ndarray, float]:
        """Return in what share of studies the step is named under each tie, and under the truth."""
        pairs = zip(self.of_truth, self.of_ties, strict=True)
        *clean, true = (truth - logsumexp(tied, b=weights, axis=1) for truth, tied in pairs)
        every, weight = np.concatenate(clean), np.repeat(weights / DRAWS, DRAWS)
        order = np.argsort(-every)
        critical = every[order][np.searchsorted(np.cumsum(weight[order]), ASKED_WRONG / 100)]
        return np.array([np.mean(each > critical) for each in clean]), float(np.mean(true > critical))


def ties_of(top: int) -> np.ndarray:
    """Return truths in which a rival is as large as the step `top`, the third at most as large."""
    found = []
    for rival in {0, 1, 2} - {top}:
        for third in (0.0, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0):
            shares = np.ones(3)
            shares[3 - top - rival] = third
            found.append(shares / shares.sum())
    return np.array(found)


def log_likelihood(squares: np.ndarray, truths: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return the logarithmic likelihood (n, n_truths) of the mean squares `judged`, whatever their unit."""
    expected, degrees = (truths @ EXPECTATION.T)[:, judged], DEGREES[judged]
    return -np.log(expected) @ degrees / 2 - degrees.sum() / 2 * np.log(squares[:, judged] @ (degrees / expected).T)


if __name__ == "__main__":
    main()
