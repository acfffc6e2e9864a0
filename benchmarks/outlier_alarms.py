"""How often clean studies raise an outlier flag, and how often a threefold outlier is found.

    python benchmarks/outlier_alarms.py --studies 2000

Clean: 1 to 3 tissues of 3 to 6 groups of 3 to 6 animals, CV 15 to 50 %, fresh seeds. One animal of 4 groups of 5 (one
tissue, CV 25 %) is tripled or cut to a third. Beside it stands what the exact test of the largest residual at 5 % would
find, both sides and one side alone: no test on these values alone that keeps to 5 % can do much better.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.evaluation.outliers import outlier_table
from bioanalysis.variability.pooled_outliers import pooled_outliers


def main() -> None:
    """Print false alarms and hits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    n = parser.parse_args().studies
    rng = np.random.default_rng()
    alarms = [bool((outlier_table(clean(rng)).flag != "").any()) for _ in range(n)]
    print(f"clean studies with a flag: {share(alarms)}")
    critical = [extremes(groups_of_five(rng)) for _ in range(4 * n)]
    two, one = (np.quantile([each[k] for each in critical], 0.95) for k in (0, 1))
    for words, factor in (("tripled", 3.0), ("cut to a third", 1 / 3)):
        found, bound, one_sided = [], [], []
        for _ in range(n):
            table = groups_of_five(rng)
            table.loc[0, "value"] *= factor
            found.append(outlier_table(table).flag.iloc[0] != "")
            statistic = statistics(table)[0] * np.sign(np.log(factor))
            bound.append(statistic > two)
            one_sided.append(statistic > one)
        exact = f"exact test of the largest {share(bound)}, one-sided {share(one_sided)}"
        print(f"an animal {words}, 4 groups of 5, CV 25 %: found {share(found)} ({exact})")


def clean(rng: np.random.Generator) -> pd.DataFrame:
    """Return the concentrations of a study without outliers."""
    tables = []
    for tissue in ("liver", "kidney", "spleen")[: rng.integers(1, 4)]:
        sizes = rng.integers(3, 7, size=rng.integers(3, 7))
        tables.append(made(rng, list(sizes), rng.uniform(0.15, 0.5), tissue))
    return pd.concat(tables, ignore_index=True)


def groups_of_five(rng: np.random.Generator) -> pd.DataFrame:
    """Return 4 groups of 5 at a CV of 25 %."""
    return made(rng, [5] * 4, 0.25, "liver")


def made(rng: np.random.Generator, sizes: list[int], cv: float, tissue: str) -> pd.DataFrame:
    """Return log-normal concentrations of groups of these sizes."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    logs = rng.normal(group, np.sqrt(np.log1p(cv**2)))
    return pd.DataFrame(
        {
            "tissue": tissue, "analyte": "a", "method_id": "M", "subject_id": [f"R{k}" for k in range(len(group))],
            "group": group, "collection_day": 29, "sex": "M", "unit": "ug/g", "value": np.exp(logs), "pool": False,
        }
    )  # fmt: skip


def statistics(table: pd.DataFrame) -> np.ndarray:
    """Return the studentised residuals."""
    return pooled_outliers(np.log(table.value), table.group).statistic.to_numpy()


def extremes(table: pd.DataFrame) -> tuple[float, float]:
    """Return the largest residual, of either sign and of one."""
    found = statistics(table)
    return float(np.abs(found).max()), float(found.max())


def share(hits: list) -> str:
    """Return a percentage with its standard error."""
    p = float(np.mean(hits))
    return f"{100 * p:.1f} % (se {100 * np.sqrt(p * (1 - p) / len(hits)):.1f})"


if __name__ == "__main__":
    main()
