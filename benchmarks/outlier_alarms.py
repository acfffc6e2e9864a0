"""How often clean studies raise an outlier flag, and how often a threefold outlier is found.

    python benchmarks/outlier_alarms.py --studies 2000 --seed 1

Clean: 1 to 3 tissues of 3 to 6 groups of 3 to 6 animals, CV 15 to 50 %. One animal of 4 groups of 5 (one tissue, CV
25 %) is tripled or cut to a third. Beside it stands, calculated, what the test of the largest residual can find with 5
alarms in 100 clean studies: the most powerful one on these values alone, of either side, of one, and were the scatter
known.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.special import nctdtr, ndtr, ndtri, stdtrit

from bioanalysis.evaluation.outliers import LOOK, outlier_table

ASKED, ALARMS, CV = 80.0, 5.0, 0.25


def main() -> None:
    """Print false alarms and hits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    n, rng = options.studies, np.random.default_rng(options.seed)
    tables = [outlier_table(clean(rng)) for _ in range(n)]
    alarms = [bool((table.flag != "").any()) for table in tables]
    print(f"clean studies with a flag: found {share(alarms)}, asked at most {ALARMS:g}", flush=True)
    groups = [hit for table in tables for hit in noted(table).groupby([table.tissue, table.group]).any()]
    print(f"clean groups with a flag or a note: found {share(groups)}")
    print(f"clean studies with a flag or a note: found {share([bool(noted(table).any()) for table in tables])}")
    for words, factor in (("tripled", 3.0), ("cut to a third", 1 / 3)):
        found, looked_at = [], []
        for _ in range(n):
            table = groups_of_five(rng)
            table.loc[0, "value"] *= factor
            judged = outlier_table(table)
            found.append(judged.flag.iloc[0] != "")
            looked_at.append(noted(judged).iloc[0])
        print(f"an animal {words}, 4 groups of 5, CV 25 %: flagged {share(found)}, asked {ASKED:g}", flush=True)
        print(f"an animal {words}: flagged or noted {share(looked_at)}", flush=True)
    either, one, known = best_possible()
    print(f"best possible {either:.1f} (were the side known {one:.1f}, were the scatter known {known:.1f})")


def best_possible(factor: float = 3.0, groups: int = 4, animals: int = 5) -> tuple[float, float, float]:
    """Return the percentage of outliers that the test of the largest residual finds, 5 of 100 clean studies flagged.

    Of either side; of one side; and of either side were the scatter known, which no study of this size tells. The test
    of the largest is the most powerful one for a single slipped value among those that do not depend on the groups'
    means and scatter and treat all animals alike (Ferguson 1961; Hawkins, Identification of Outliers, 1980, chapter 5).
    The slipped value's studentised residual is a noncentral t; that two residuals of a clean study lie beyond so far
    a limit at once has practically no chance, so that Bonferroni's is the exact one.
    """
    n, freedom = groups * animals, groups * (animals - 1) - 1
    shift = np.log(factor) / np.sqrt(np.log1p(CV**2)) * np.sqrt(1 - 1 / animals)
    limits = [-stdtrit(freedom, ALARMS / 100 / questions) for questions in (2 * n, n)]
    either, one = (100 * (1 - nctdtr(freedom, shift, limit)) for limit in limits)
    return either, one, 100 * ndtr(shift + ndtri(ALARMS / 100 / (2 * n)))


def noted(table: pd.DataFrame) -> pd.Series:
    """Return which animals have a flag or a note that they are worth a look."""
    return (table.flag != "") | table.note.str.contains(LOOK, regex=False)


def clean(rng: np.random.Generator) -> pd.DataFrame:
    """Return the concentrations of a study without outliers."""
    tables = []
    for tissue in ("liver", "kidney", "spleen")[: rng.integers(1, 4)]:
        sizes = rng.integers(3, 7, size=rng.integers(3, 7))
        tables.append(made(rng, list(sizes), rng.uniform(0.15, 0.5), tissue))
    return pd.concat(tables, ignore_index=True)


def groups_of_five(rng: np.random.Generator) -> pd.DataFrame:
    """Return 4 groups of 5 at a CV of 25 %."""
    return made(rng, [5] * 4, CV, "liver")


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


def share(hits: list) -> str:
    """Return a percentage with its standard error."""
    p = float(np.mean(hits))
    return f"{100 * p:.1f} % (se {100 * np.sqrt(p * (1 - p) / len(hits)):.1f})"


if __name__ == "__main__":
    main()
