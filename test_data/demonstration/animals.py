"""Rats, their organs and the homogenates made of them, each with the concentration it truly holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

DOSES_MG_PER_KG = {"vehicle": 0.0, "low": 0.2, "mid": 1.0, "high": 5.0}
ANIMALS_PER_GROUP = 5
COLLECTION_DAY = 29
NOT_COLLECTED = "R305-S1a"
THAWED = "R203-L2a"

# standard deviations of ln concentration: between animals of a group, pieces of an organ, portions of a piece
ANIMAL_SD, PIECE_SD, PORTION_SD = 0.25, 0.08, 0.03
BALANCE_SD_MG = 0.2
BUFFER_CV = 0.01


@dataclass(frozen=True)
class Organ:
    """What the animals of a group have in common: `ug_g_at_1_mg_per_kg` x dose ** `exponent` is the group's median."""

    letter: str
    ug_g_at_1_mg_per_kg: float
    exponent: float
    density_g_ml: float
    weight_g: float
    mass_mg: float
    buffer_volume_ul: float


ORGANS = {
    "liver": Organ("L", 7.0, 0.95, 1.06, 11.0, 100, 900),
    "kidney": Organ("K", 21.0, 0.90, 1.05, 2.3, 100, 900),
    "spleen": Organ("S", 0.8, 1.00, 1.06, 0.7, 40, 960),
}


def make_subjects(rng: np.random.RandomState) -> pd.DataFrame:
    """Subjects, one row per animal, in the columns of config/subjects.tsv."""
    rows = []
    for number, (group, dose) in enumerate(DOSES_MG_PER_KG.items(), start=1):
        for animal in range(1, ANIMALS_PER_GROUP + 1):
            rows.append(
                {
                    "subject_id": f"R{number}0{animal}",
                    "species": "rat",
                    "sex": "M",
                    "group": group,
                    "treatment": "mipomersen" if dose else "vehicle",
                    "dose_mg_per_kg": f"{dose:g}",
                    "dose_basis": "sodium_salt",
                    "regimen": "subcutaneous, days 1, 8, 15 and 22",
                    "body_weight_g": f"{300 + 12 * rng.standard_normal():.0f}",
                    "formulation": "unconjugated",
                }
            )
    return pd.DataFrame(rows)


def portions_of(tissue: str, group: str, animal: int) -> list[tuple[int, int]]:
    """Pieces and homogenates taken of one organ, as (piece, homogenate): replicates tell sources of variance apart."""
    if group == "vehicle" or tissue == "spleen":
        return [(1, 1)]
    if tissue == "kidney":
        return [(1, 1), (2, 1)] if animal <= 2 else [(1, 1)]
    return [(1, 1)] + [(1, 2)] * (animal in (1, 4)) + [(2, 1)] * (animal <= 3)


def make_samples(subjects: pd.DataFrame, rng: np.random.RandomState) -> pd.DataFrame:
    """Homogenates, one row each: the columns of config/samples.tsv, beside them the truth in columns `true_*`."""
    rows = []
    for subject in subjects.itertuples():
        for tissue, organ in ORGANS.items():
            animal_effect = ANIMAL_SD * rng.standard_normal()
            weight_g = organ.weight_g * np.exp(0.08 * rng.standard_normal())
            piece_effect = {piece: PIECE_SD * rng.standard_normal() for piece in (1, 2)}
            for piece, homogenate in portions_of(tissue, subject.group, int(subject.subject_id[-1])):
                effect = animal_effect + piece_effect[piece] + PORTION_SD * rng.standard_normal()
                rows.append(_sample(subject, tissue, piece, homogenate, weight_g, effect, rng))
    return pd.DataFrame(rows)


def _sample(subject, tissue: str, piece: int, homogenate: int, weight_g: float, effect: float, rng) -> dict:
    """One homogenate: what was weighed and noted, and what is truly in it."""
    organ, dose = ORGANS[tissue], float(subject.dose_mg_per_kg)
    mass_mg = organ.mass_mg * rng.uniform(0.85, 1.15)
    noted_mass_mg = mass_mg + BALANCE_SD_MG * rng.standard_normal()
    buffer_ul = organ.buffer_volume_ul * (1 + BUFFER_CV * rng.standard_normal())
    tissue_ug_g = organ.ug_g_at_1_mg_per_kg * dose**organ.exponent * np.exp(effect) if dose else 0.0
    sample_id = f"{subject.subject_id}-{organ.letter}{piece}{'ab'[homogenate - 1]}"
    collected = sample_id != NOT_COLLECTED
    storage_c, cycles, comment = "-70", "1", ""
    if sample_id == THAWED:
        storage_c, cycles, comment = "-20", "4", "freezer failed on 2026-02-20: thawed, then kept at -20 C"
    return {
        "sample_id": sample_id,
        "subject_id": subject.subject_id,
        "tissue": tissue,
        "piece": piece,
        "homogenate": homogenate,
        "collection_day": COLLECTION_DAY,
        "tissue_mass_mg": f"{noted_mass_mg:.1f}" if collected else "",
        "buffer_volume_ul": f"{organ.buffer_volume_ul:.0f}" if collected else "",
        "organ_weight_g": f"{weight_g:.2f}" if collected else "",
        "collected_at": "2026-02-09" if collected else "",
        "received_at": "2026-02-11" if collected else "",
        "storage_c": storage_c if collected else "",
        "freeze_thaw_cycles": cycles if collected else "",
        "not_available_reason": "" if collected else "not_collected",
        "comment": comment if collected else "spleen torn at necropsy and not kept",
        "group": subject.group,
        "true_tissue_ug_g": tissue_ug_g,
        "true_homogenate_ng_ml": tissue_ug_g * 1000 * mass_mg / (buffer_ul + mass_mg / organ.density_g_ml),
    }
