"""How often a study without a fault raises a flag of distribution or exposure.

    python benchmarks/clean_flags.py --studies 500 --seed 1

Rats at 2, 6 and 18 mg/kg weekly for four weeks, 5 animals on each of days 8, 29 and 57 (45 animals; kidney, liver,
spleen, plasma), exactly proportional to dose, with a half-life of 20 days. What an animal's tissues share scatters by
20 %, each tissue by 30 % besides, a measurement by 4.5 %. Kidney holds 5 times the liver, the spleen a fifth of it, so
that no animal's own order is truly another. All tables are judged as the workflow judges them: once with the half-lives
given, once with those that the study's own decline shows, and once with no scatter between animals and kidney, liver
and spleen alike, where every order lies on its edge. Prints the share of studies with each flag and its standard error.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.evaluation.distribution import judge_distribution
from bioanalysis.evaluation.exposure import judge_exposure
from bioanalysis.exposure.dosing import amount_left
from bioanalysis.study import Study

ROOT = Path(__file__).parents[1]
HALF_LIFE, DOSES, DAYS, ANIMALS = 20.0, (2.0, 6.0, 18.0), (8, 29, 57), 5
GIVEN = (1, 8, 15, 22)
HELD = {"kidney": 10.0, "liver": 2.0, "spleen": 0.4, "plasma": 0.4}  # ug/g and ng/mL per mg/kg left
ALIKE = {"kidney": 2.0, "liver": 2.0, "spleen": 2.0, "plasma": 0.4}
UNIT = {"plasma": "ng/mL"}
SHARED, OWN, READING, EXTRACTION = 0.2, 0.3, 0.02, 0.04
JUDGED = (
    "rank_broken", "ratio_outlier", "liver_plasma_outside", "dose_supraproportional", "accumulation_differs",
    "decline_differs", "tissue_swap_suspected", "animal_swap_suspected",
)  # fmt: skip


def main() -> None:
    """Print the share of clean studies with each flag."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    scatter = (SHARED, OWN)
    for words, own, held, spread in (
        ("half-lives given", False, HELD, scatter),
        ("half-lives of the study's own decline", True, HELD, scatter),
        ("every order on its edge", False, ALIKE, (0.0, 0.0)),
    ):
        study, animals = make_study(own)
        tables = (concentrations(animals, held, spread, rng) for _ in range(options.studies))
        counts = Counter(word for table in tables for word in flags_of_one(study, table))
        print(f"{words}, {options.studies} studies:")
        for word in (*JUDGED, "any of them"):
            share = counts[word] / options.studies
            print(
                f"  {word:24s} {100 * share:4.1f} % +- {100 * np.sqrt(share * (1 - share) / options.studies):.1f}",
                flush=True,
            )


def make_study(own_half_life: bool) -> tuple[Study, pd.DataFrame]:
    """Return a study of these animals, and for each what is left of its doses per mg/kg at its collection."""
    study = Study.load(ROOT / "test_data" / "regimens")
    cells = [(dose, day, k) for dose in DOSES for day in DAYS for k in range(ANIMALS)]
    animals = pd.DataFrame(cells, columns=["dose", "day", "number"])
    animals["subject_id"] = [f"R{number:03d}" for number in range(len(animals))]
    animals["left"] = [
        amount_left(np.array([d for d in GIVEN if d < row.day]), np.full(sum(d < row.day for d in GIVEN), row.dose),
                    row.day, HALF_LIFE) for row in animals.itertuples()
    ]  # fmt: skip
    treated = study.subjects[study.subjects.treatment == "mipomersen"]
    subjects = treated.iloc[np.zeros(len(animals), dtype=int)].reset_index(drop=True)
    subjects = subjects.assign(
        subject_id=animals.subject_id, dose_mg_per_kg=animals.dose, body_weight_g=300.0, regimen="weekly",
        group=[f"{dose:g} mg/kg" for dose in animals.dose],
    )  # fmt: skip
    log = [
        (row.subject_id, float(day), 0.3 * row.dose) for row in animals.itertuples() for day in GIVEN if day < row.day
    ]
    dosing = study.dosing.iloc[np.zeros(len(log), dtype=int)].reset_index(drop=True)
    dosing[["subject_id", "study_day", "dose_mg"]] = pd.DataFrame(log)
    samples = study.samples.iloc[np.zeros(len(animals), dtype=int)].reset_index(drop=True)
    samples = samples.assign(subject_id=animals.subject_id, collection_day=animals.day.astype(float))
    half_lives = study.config.exposure.half_life_days
    given = {} if own_half_life else {name: half_lives["liver"] for name in HELD}
    exposure = study.config.exposure.model_copy(update={"half_life_days": given})
    config = study.config.model_copy(update={"exposure": exposure})
    return replace(study, subjects=subjects, dosing=dosing, samples=samples, config=config), animals


def flags_of_one(study: Study, found: pd.DataFrame) -> set[str]:
    """Return the flags of one clean study, and whether there is any."""
    distribution = judge_distribution(study, found)
    words = ";".join(distribution.tables["biodistribution"].flag).split(";")
    words += [str(row["flag"]) for row in (*distribution.flags, *judge_exposure(study, found).flags)]
    raised = set(words) & set(JUDGED)
    return raised | ({"any of them"} if raised else set())


def concentrations(
    animals: pd.DataFrame, held: dict[str, float], spread: tuple[float, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Return tissue_concentrations of all animals; `spread` is what tissues share and what each has by itself."""
    shared = rng.normal(scale=spread[0], size=len(animals))
    error = float(np.hypot(READING, EXTRACTION))
    tables = []
    for tissue, amount in held.items():
        off = shared + rng.normal(scale=np.hypot(spread[1], error), size=len(animals))
        table = animals[["subject_id"]].assign(value=amount * animals.left * np.exp(off), tissue=tissue)
        tables.append(
            table.assign(group=[f"{dose:g} mg/kg" for dose in animals.dose], collection_day=animals.day.astype(float),
                         unit=UNIT.get(tissue, "ug/g"))
        )  # fmt: skip
    found = pd.concat(tables, ignore_index=True)
    return found.assign(
        sample_id=[f"S{number}" for number in range(len(found))], piece="1", homogenate="1", analyte="mipomersen",
        method_id="ASO-LCMS-01", status="quantified", pool=False, basis="free_acid", treatment="mipomersen",
        run_id="LC-11", relative_uncertainty=error, reading_uncertainty=READING, extraction_uncertainty=EXTRACTION,
    )  # fmt: skip


if __name__ == "__main__":
    main()
