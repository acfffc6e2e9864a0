"""Whether the distribution over tissues, animals and doses is plausible. Flags, never exclusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.findings import Findings, flags_of
from bioanalysis.exposure.dosing import basis_factor, given_doses
from bioanalysis.limits import Rule, distribution_rules, limits_for
from bioanalysis.study import Study
from bioanalysis.variability.biodistribution import PAIRS, animal_values, biodistribution
from bioanalysis.variability.dose_proportionality import power_model
from bioanalysis.variability.log_ratio import ratio_of_means
from bioanalysis.variability.mass_balance import mass_balance
from bioanalysis.variability.multiplicity import stand_out, tail
from bioanalysis.variability.shared_terms import Side, shared_of_ratio, shared_of_slope
from bioanalysis.variability.swaps import animal_swaps, tissue_swaps
from bioanalysis.words import BLQ, QUANTIFIED, count_of

PROPORTIONALITY = [
    "treatment", "regimen", "tissue", "collection_day", "analyte", "method_id", "doses", "n", "n_blq", "exponent",
    "low", "high", "expected", "flag", "note",
]  # fmt: skip
TARGETING = [
    "treatment", "reference_treatment", "dose_mg_per_kg", "numerator", "denominator", "collection_day", "analyte",
    "method_id", "index", "low", "high", "n", "n_reference", "note",
]  # fmt: skip
SWAPS = [
    "subject_id", "group", "collection_day", "analyte", "method_id", "kind", "first", "second", "observed", "expected",
    "statistic", "critical", "flag", "note",
]  # fmt: skip
VEHICLE = "vehicle"
PLACE = ["collection_day", "analyte", "method_id"]


def judge_distribution(study: Study, concentrations: pd.DataFrame) -> Findings:
    """Return biodistribution, mass_balance, dose_proportionality, targeting and sample_swaps with their flags."""
    rules, settings = distribution_rules(), study.config.biodistribution
    about = study.subjects.set_index("subject_id")
    ratios = biodistribution(concentrations, study.subjects, settings.reference_profile, settings.profile, rules)
    animals = _animals(concentrations, about)
    share = limits_for(next(iter(study.methods.values())))["VAR-11"].number
    balance = mass_balance(concentrations, _weights(study), cumulative_doses(study, concentrations), rules["BIO-07"])
    values = animal_values(concentrations)
    proportionality = dose_proportionality(animals, _statuses(concentrations, about), share, values)
    swaps = sample_swaps(animals, [float(number) / 100 for number in rules["BIO-08"].numbers])
    tables = {
        "biodistribution": ratios, "mass_balance": balance, "dose_proportionality": proportionality,
        "targeting": targeting(animals, values), "sample_swaps": swaps,
    }  # fmt: skip
    return Findings(tables, _flags(tables, rules))


def _flags(tables: Mapping[str, pd.DataFrame], rules: Mapping[str, Rule]) -> list[dict[str, object]]:
    """Return the flags of all tables; the order of tissues in biodistribution is flagged with the other study flags."""
    ratios = tables["biodistribution"]
    words = ratios["flag"].str.split(";").map(lambda found: ";".join(word for word in found if word != "rank_broken"))
    group = ratios.group.astype(str) + ", day " + ratios.collection_day.map("{:g}".format)
    who = ratios.subject_id.where(ratios.subject_id != "", group)
    named = ratios.assign(flag=words, tissue=ratios.numerator, who=who)
    text = "{who}: {numerator}/{denominator} {ratio:.3g}"
    rows = flags_of(
        named, "BIO-02, BIO-05", ratio_outlier=text + ", robust z {robust_z:.1f}", liver_plasma_outside=text
    )
    rows += flags_of(
        tables["mass_balance"], "BIO-07", rules["BIO-07"].printed_limit,
        mass_balance="{subject_id}: {burden_mg:.3g} mg in organs, {percent_of_dose:.0f} % of the dose",
    )  # fmt: skip
    rows += flags_of(
        tables["dose_proportionality"], "BIO-06", rules["BIO-06"].printed_limit,
        dose_supraproportional="{treatment}: exponent {exponent:.2f} ({low:.2f} to {high:.2f})",
    )  # fmt: skip
    return rows + flags_of(
        tables["sample_swaps"].assign(tissue=""), "BIO-08", rules["BIO-08"].printed_limit,
        tissue_swap_suspected="{subject_id}: {first}/{second} {observed:.3g}, expected {expected:.3g}",
        animal_swap_suspected="{subject_id}: lies with group {second}, not {first}; {note}",
    )  # fmt: skip


def _animals(concentrations: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Return one row per animal, tissue, day, analyte and method: geometric mean of its pieces, and its dosing."""
    values = animal_values(concentrations)
    values = values.assign(log=np.log(values.ug_per_g))
    keys = ["subject_id", "group", "tissue", *PLACE]
    table = values.groupby(keys, sort=False).log.mean().reset_index()
    for name in ("treatment", "regimen", "formulation", "dose_mg_per_kg"):
        table[name] = table.subject_id.map(about[name])
    return table


def _statuses(concentrations: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Return one row per animal measured: whether it is quantified, with its dosing."""
    judged = concentrations.status.isin([QUANTIFIED, BLQ]) & concentrations.subject_id.isin(about.index)
    keys = ["subject_id", "tissue", *PLACE]
    known = concentrations.loc[judged, [*keys, "status"]]
    table = known.assign(quantified=known.status == QUANTIFIED).groupby(keys, sort=False).quantified.any().reset_index()
    for name in ("treatment", "regimen", "dose_mg_per_kg"):
        table[name] = table.subject_id.map(about[name])
    return table


def _weights(study: Study) -> dict[str, float]:
    return dict(zip(study.samples.sample_id, study.samples.organ_weight_g.astype(float), strict=True))


def cumulative_doses(
    study: Study, concentrations: pd.DataFrame
) -> dict[tuple[str, float, str, str], tuple[float, str]]:
    """Return what each animal was given before a collection, mg on the basis of the concentration, or why not."""
    found: dict[tuple[str, float, str, str], tuple[float, str]] = {}
    keys = concentrations[concentrations.analyte != ""][["subject_id", "collection_day", "analyte", "method_id"]]
    for subject, day, analyte, method_id in keys.drop_duplicates().itertuples(index=False, name=None):
        method = study.methods[method_id]
        about = method.analyte(analyte)
        masses = (about.molar_mass_g_mol, about.salt_molar_mass_g_mol)
        found[subject, day, analyte, method_id] = _cumulative(study, subject, day, method.concentration_basis, masses)
    return found


def _cumulative(
    study: Study, subject: str, day: float, basis: str, masses: tuple[float | None, float | None]
) -> tuple[float, str]:
    if study.dosing is None:
        return np.nan, "no dosing log"
    log = given_doses(study.dosing[study.dosing.subject_id == subject])
    log = log[log.study_day <= day]
    factors = log.dose_basis.map(lambda given: basis_factor(given, basis, *masses)).astype(float)
    if factors.isna().any():
        return np.nan, "doses and concentrations on different bases, and no molar masses to convert them"
    return float((log.dose_mg * factors).sum()), "" if len(log) else "no dose in the log until then"


def dose_proportionality(
    animals: pd.DataFrame, statuses: pd.DataFrame, share: Fraction, behind: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return dose_proportionality.tsv: the exponent of dose per tissue, day and regimen (BIO-06).

    A dose at which fewer than `share` of the animals are quantified is left out: its quantified animals are the high
    ones, and would flatten the line. `behind` are `animal_values`, the rows behind `animals`: curves, and factors of
    several batches, are in the interval. Flags are held against all exponents of the study at once.
    """
    keys = ["treatment", "regimen", "tissue", *PLACE]
    rows: list[dict[str, Any]] = []
    alone: list[dict[str, Any]] = []
    behind = animals.head(0) if behind is None else behind
    for place, here in statuses[statuses.dose_mg_per_kg > 0].groupby(keys, sort=False):
        by_dose = here.groupby("dose_mg_per_kg").quantified.agg(["sum", "size"])
        kept = [dose for dose, (some, all_) in by_dose.iterrows() if some and Fraction(int(some), int(all_)) >= share]
        at_place = np.logical_and.reduce([animals[key] == part for key, part in zip(keys, place, strict=True)])
        values = animals[at_place & animals.dose_mg_per_kg.isin(kept)]
        blq = int((~here.quantified & here.dose_mg_per_kg.isin(kept)).sum())
        row = dict(zip(keys, place, strict=True)) | {"n_blq": blq}
        left = [f"{dose:g}" for dose in by_dose.index if dose not in kept]
        notes = (
            [f"doses of {', '.join(left)} mg/kg left out: fewer than {share} of the animals quantified"] if left else []
        )
        notes += [f"{blq} BLQ left out: the exponent may be low" if blq else ""]
        kind = rows if len(by_dose) > 1 else alone
        kind.append(row | _proportionality(values, notes, behind))
    for row, found in zip(rows, stand_out([row["p"] for row in rows]), strict=True):
        row["flag"] = "dose_supraproportional" if found else ""
    return pd.DataFrame([*rows, *_said_once(alone)], columns=PROPORTIONALITY)


def _said_once(alone: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for all regimens given at one dose in a tissue, which have no exponent."""
    if len(alone) < 2:
        return alone
    same = {
        name: set(row[name] for row in alone) for name in ("treatment", "tissue", "analyte", "method_id", "regimen")
    }
    kept = {name: next(iter(values)) if len(values) == 1 else "" for name, values in same.items()}
    places = f"{count_of(len(alone), 'combination')} of regimen, tissue, day and method"
    note = f"fewer than two doses: no exponent; so in {places}"
    return [kept | {"n": sum(row["n"] for row in alone), "doses": 1, "expected": "", "flag": "", "note": note}]


def _proportionality(values: pd.DataFrame, notes: list[str], behind: pd.DataFrame) -> dict[str, Any]:
    shared = _of_exponent(values, behind) if values.dose_mg_per_kg.nunique() > 1 else []
    found = power_model(values.dose_mg_per_kg, np.exp(values.log), shared=shared)
    return {
        "doses": found.doses, "n": found.n, "exponent": found.exponent, "low": found.low, "high": found.high,
        "expected": "1 or less (house; less than proportional liver is expected)",
        "flag": "", "p": tail(found.exponent - 1, found.standard_error, found.degrees_of_freedom),
        "note": "; ".join(filter(None, [found.note, *notes])),
    }  # fmt: skip


def _of_exponent(values: pd.DataFrame, behind: pd.DataFrame) -> list[tuple[float, float]]:
    """Return what curves and recovery factors add to the variance of an exponent."""
    keys = ["subject_id", "tissue", *PLACE]
    points = pd.Series(np.log(values.dose_mg_per_kg.to_numpy(float)), index=pd.MultiIndex.from_frame(values[keys]))
    return shared_of_slope(behind, keys, points)


def targeting(animals: pd.DataFrame, values: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return targeting.tsv: ratio of tissue ratios between treatments, geometric means with 90 % intervals (Welch).

    A recovery factor that both treatments have in a tissue cancels; curves do not (`shared_of_ratio`). `values` are
    `animal_values`, the rows behind `animals`.

    Treatments are compared at each dose they share; where they share none, in the animals of one regimen, else over all
    doses, and a note says so.
    """
    rows = []
    dosed, values = animals[animals.treatment != VEHICLE], animals if values is None else values
    for place, here in dosed.groupby(PLACE, sort=False):
        own = values[np.logical_and.reduce([values[key] == part for key, part in zip(PLACE, place, strict=True)])]
        for numerator, denominator in PAIRS:
            ratios = _tissue_ratios(here, numerator, denominator)
            for reference, treatment in combinations(dict.fromkeys(ratios.treatment), 2):
                pair = {"treatment": treatment, "reference_treatment": reference}
                pair |= {"numerator": numerator, "denominator": denominator, **dict(zip(PLACE, place, strict=True))}
                rows += [pair | row for row in _indices(ratios, treatment, reference, own, (numerator, denominator))]
    return pd.DataFrame(rows, columns=TARGETING)


def _tissue_ratios(animals: pd.DataFrame, numerator: str, denominator: str) -> pd.DataFrame:
    sides = [animals[animals.tissue == tissue].set_index("subject_id") for tissue in (numerator, denominator)]
    both = sides[0].index.intersection(sides[1].index, sort=False)
    about = sides[0].loc[both, ["treatment", "dose_mg_per_kg", "regimen"]]
    return about.assign(ratio=np.exp(sides[0].log[both] - sides[1].log[both]))


def _indices(
    ratios: pd.DataFrame, treatment: str, reference: str, values: pd.DataFrame, tissues: tuple[str, str]
) -> list[dict[str, Any]]:
    sides = [ratios[ratios.treatment == name] for name in (treatment, reference)]
    shared = [dose for dose in dict.fromkeys(sides[0].dose_mg_per_kg) if dose in set(sides[1].dose_mg_per_kg)]
    rows = []
    alike, words = ([], "") if shared else _alike(sides)
    for dose in shared or [np.nan]:
        here = [side[side.dose_mg_per_kg == dose] if shared else side for side in alike or sides]
        means = [
            Side(sign * above, list(side.index), tissue, np.nan, str(number))
            for number, (above, side) in enumerate(zip((1.0, -1.0), here, strict=True))
            for sign, tissue in zip((1.0, -1.0), tissues, strict=True)
        ]
        found = ratio_of_means(here[0].ratio, here[1].ratio, shared=shared_of_ratio(values, means))
        note = "; ".join(filter(None, [words, found.note]))
        row = {"dose_mg_per_kg": dose, "index": found.ratio, "low": found.low, "high": found.high, "note": note}
        rows.append(row | {"n": len(here[0]), "n_reference": len(here[1])})
    return rows


def _alike(sides: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], str]:
    """Return the animals of the regimens both treatments share, all of them where there is none, and which it is."""
    shared = set(sides[0].regimen) & set(sides[1].regimen)
    if not shared:
        return sides, "no common dose: over all doses of either"
    kept = [side[side.regimen.isin(shared)] for side in sides]
    doses = [", ".join(f"{dose:g}" for dose in dict.fromkeys(side.dose_mg_per_kg)) for side in kept]
    return kept, f"no common dose: {doses[0]} against {doses[1]} mg/kg, same regimen"


def sample_swaps(animals: pd.DataFrame, false_alarms: Sequence[float]) -> pd.DataFrame:
    """Return sample_swaps.tsv: how each animal of a formulation fits its labels (BIO-08).

    `false_alarms` are a study's, of the search for exchanged tissues and of that for exchanged animals: they are shared
    out over its days, analytes, methods and formulations.
    """
    rows = []
    dosed = animals[(animals.treatment != VEHICLE) & animals.tissue.isin({tissue for pair in PAIRS for tissue in pair})]
    searches = dosed.groupby([*PLACE, "formulation"], sort=False)
    for place, here in searches:
        wide = here.pivot(index="subject_id", columns="tissue", values="log")
        wide = wide.reindex(index=list(dict.fromkeys(here.subject_id)), columns=list(dict.fromkeys(here.tissue)))
        groups = here.drop_duplicates("subject_id").set_index("subject_id").group
        each = zip((tissue_swaps, animal_swaps), false_alarms, strict=True)
        found = pd.concat([search(wide, groups, false_alarms=share / searches.ngroups) for search, share in each])
        word = {"tissues": "tissue_swap_suspected", "animals": "animal_swap_suspected"}
        for row in found.to_dict("records"):
            row |= {
                "subject_id": row["animal"],
                "group": groups[row["animal"]],
                **dict(zip(PLACE, place[:3], strict=True)),
            }
            rows.append(row | {"flag": word[row["kind"]] if row["suspected"] else ""})
    return pd.DataFrame(rows, columns=SWAPS)
