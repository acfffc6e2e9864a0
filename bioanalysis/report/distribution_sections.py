"""What the report of a study says of distribution, doses, exposure, liver safety and the two platforms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.evaluation.liver_safety import STATEMENT, alt_and_liver, chemistry_values
from bioanalysis.evaluation.method_comparison import NEEDED, method_pairs, paired
from bioanalysis.limits import distribution_rules
from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import Axis, Mark, plain, scatter
from bioanalysis.report.study_stage import Part
from bioanalysis.report.study_tables import require
from bioanalysis.results import read_table
from bioanalysis.study import Study
from bioanalysis.words import QUANTIFIED, count_of

NO_DOSES = (
    "No config/dosing.tsv: doses as given are not known, so there is no mass balance and no prediction from doses."
)
CONCENTRATIONS, CHEMISTRY = "tissue_concentrations.tsv", "config/clinical_chemistry.tsv"
NO_CHEMISTRY = "No config/clinical_chemistry.tsv: nothing to join."
NO_PAIRS = "No sample was measured by LC-MS/MS and by ELISA."
OF_CONCENTRATIONS = (*NEEDED, "group", "method_id", "pool")
ALL, VEHICLE = "all", "vehicle"
PAIR = ["tissue", "analyte", "method_x", "method_y", "pairs_from"]
PAIRS = [
    *PAIR, "n", "n_blq", "n_alq", "n_other", "basis", "correction_x", "correction_y", "error_ratio", "pearson",
    "percent_within_20", "percent_within_30", "note",
]  # fmt: skip
ESTIMATES = {
    "bias_percent": "bias (%)", "ratio_limit_low": "lower limit of agreement (ratio)",
    "ratio_limit_high": "upper limit of agreement (ratio)", "deming_slope": "Deming slope (logarithms)",
    "deming_intercept": "Deming intercept (logarithms)", "passing_bablok_slope": "Passing-Bablok slope (logarithms)",
    "passing_bablok_intercept": "Passing-Bablok intercept (logarithms)", "concordance": "concordance",
}  # fmt: skip


def distribution_parts(study: Study, results: Path) -> Iterator[Part]:
    """Yield title, table, columns and figures of each section, from the tables in results/study."""
    names = (
        "mass_balance", "dose_proportionality", "targeting", "sample_swaps", "dosing_summary", "exposure",
        "liver_safety", "liver_tests", "method_comparison", "tissue_concentrations",
    )  # fmt: skip
    require(results, names)

    def read(name: str) -> pd.DataFrame:
        return read_table(results / f"{name}.tsv")

    concentrations = read_table(results / "tissue_concentrations.tsv", OF_CONCENTRATIONS)
    concentrations = concentrations.assign(collection_day=pd.to_numeric(concentrations.collection_day))
    notes = [] if study.dosing is not None else [_sentence(NO_DOSES)]
    yield _swaps_part(read("sample_swaps"))
    whole = _of_all_organs(read("mass_balance"))
    yield "Amount in organs against doses", whole, None, notes or balance_figures(whole)
    yield "Dose proportionality", read("dose_proportionality"), None, dose_figures(study, concentrations)
    yield "Treatments compared: ratio of tissue ratios", read("targeting"), None, []
    yield "Doses as given", read("dosing_summary"), None, notes
    yield "Exposure over time", read("exposure"), None, []
    safety = read("liver_safety")
    figures = liver_figures(study, concentrations)
    yield f"Liver safety: {STATEMENT}", safety[safety["class"] != ""], None, figures
    yield f"Liver tests between groups: {STATEMENT}", read("liver_tests"), None, []
    compared = read("method_comparison")
    yield "ELISA against LC-MS/MS", compared, PAIRS, comparison_figures(study, concentrations)
    yield "ELISA against LC-MS/MS: estimates with their intervals", estimates(compared), None, []


def _of_all_organs(balance: pd.DataFrame) -> pd.DataFrame:
    return balance[balance.tissue == ALL]


def _swaps_part(swaps: pd.DataFrame) -> Part:
    return "Exchanged samples: suspicions", swaps[swaps["flag"] != ""], None, [_sentence(_swap_words(swaps))]


def estimates(compared: pd.DataFrame) -> pd.DataFrame:
    """Return a row per estimate of a comparison of methods, with its interval: in a row they would not fit on paper."""
    known = [
        (number, compared[PAIR].assign(quantity=words, value=compared[name], low=compared[f"{name}_low"],
                                       high=compared[f"{name}_high"]))
        for number, (name, words) in enumerate(ESTIMATES.items())
    ]  # fmt: skip
    table = pd.concat([rows.assign(place=number) for number, rows in known])
    return table.reset_index(names="pair").sort_values(["pair", "place"]).drop(columns=["pair", "place"])


def _swap_words(swaps: pd.DataFrame) -> str:
    asked, noted = int((swaps.critical != "").sum()), swaps.note[swaps.critical == ""].value_counts()
    left = "; ".join(f"{number} {note}" for note, number in noted.items())
    return f"{asked} questions on animals and pairs of tissues answered" + (f"; not answered: {left}" if left else "")


def balance_figures(whole: pd.DataFrame) -> Iterator[Figure]:
    """Yield the share of the dose found in the organs weighed, animal by animal, per analyte and method."""
    for (analyte, method_id), here in whole.groupby(["analyte", "method_id"], sort=False):
        groups = _places(here.group)
        percent, limit = pd.to_numeric(here.percent_of_dose), float(pd.to_numeric(here.limit_percent).iloc[0])
        marks = [
            Mark(groups[group], value, "fail" if value > limit else "m0", f"{name}: {plain(value)} % of the dose")
            for name, group, value in zip(here.subject_id, here.group, percent, strict=True)
            if value > 0
        ]
        axis = Axis("group", ticks=groups, include=[0.5, len(groups) + 0.5])
        drawn = scatter(marks, axis, Axis("% of the dose", log=True), guides=(limit,))
        words = f"{analyte} by {method_id}: {len(marks)} of {count_of(len(here), 'animal')} drawn."
        yield Figure(drawn, words, {"analyte": str(analyte), "method": str(method_id)}, "mass_balance.tsv")


def dose_figures(study: Study, concentrations: pd.DataFrame) -> Iterator[Figure]:
    """Yield concentration against dose per tissue, a kind of mark for each method."""
    dose = study.subjects.set_index("subject_id").dose_mg_per_kg
    found = concentrations[concentrations.status == QUANTIFIED]
    found = found.assign(dose=found.subject_id.map(dose)).query("dose > 0")
    for (tissue, unit), here in found.groupby(["tissue", "unit"], sort=False):
        methods = list(dict.fromkeys(here.method_id))
        marks = [
            Mark(row.dose, row.value, f"m{methods.index(row.method_id)}", f"{row.sample_id}: {plain(row.value)} {unit}")
            for row in here.itertuples()
        ]
        drawn = scatter(marks, Axis("dose, mg/kg", log=True), Axis(f"{tissue}, {unit}", log=True))
        yield Figure(drawn, f"{tissue}: {_kinds(methods)}.", {"tissue": str(tissue)}, CONCENTRATIONS)


def liver_figures(study: Study, concentrations: pd.DataFrame) -> list[Figure | str]:
    """Return the plot of bilirubin against ALT (highest of each animal) and ALT against liver concentration."""
    if study.clinical_chemistry is None or study.clinical_chemistry.empty:
        return [_sentence(NO_CHEMISTRY)]
    values = chemistry_values(study)
    return [_edish(values), *_alt_figures(alt_and_liver(values, concentrations))]


def _edish(values: pd.DataFrame) -> Figure:
    alt_limit, bilirubin_limit = (float(number) for number in distribution_rules()["LIV-EDISH"].numbers)
    named = {"alt": ("alt",), "bilirubin": ("bilirubin", "total bilirubin", "tbil")}
    highest = {
        kind: values[values.test.str.lower().isin(tests)].groupby("subject_id", sort=False).multiple_of_uln.max()
        for kind, tests in named.items()
    }
    both = pd.DataFrame(highest).dropna()
    marks = [
        Mark(row.alt, row.bilirubin, "fail" if row.alt >= alt_limit and row.bilirubin >= bilirubin_limit else "m0",
             f"{row.Index}: ALT {plain(row.alt)}, bilirubin {plain(row.bilirubin)} x ULN")
        for row in both.itertuples()
    ]  # fmt: skip
    ends = [*both.bilirubin, bilirubin_limit]
    drawn = scatter(
        marks, Axis("highest ALT, x ULN", log=True), Axis("highest bilirubin, x ULN", log=True),
        line=[(alt_limit, min(ends)), (alt_limit, max(ends))] if marks else [], guides=(bilirubin_limit,),
    )  # fmt: skip
    left = values.subject_id.nunique() - len(both)
    words = f"eDISH: lines at {alt_limit:g} x ALT and {bilirubin_limit:g} x bilirubin; {STATEMENT}"
    words += f"; {count_of(left, 'animal')} without both multiples not drawn." if left else "."
    return Figure(drawn, words, {"shows": "eDISH"}, CHEMISTRY)


def _alt_figures(pairs: pd.DataFrame) -> list[Figure]:
    figures = []
    for (analyte, method_id, unit), here in pairs.groupby(["analyte", "method_id", "unit"], sort=False):
        groups = list(dict.fromkeys(here.group))
        marks = [
            Mark(float(np.exp(row.log_liver)), float(np.exp(row.log_alt)), f"m{groups.index(row.group) % 2}",
                 f"{row.subject_id} ({row.group}): ALT {plain(float(np.exp(row.log_alt)))} {unit}")
            for row in here.itertuples()
        ]  # fmt: skip
        drawn = scatter(marks, Axis(f"liver, {here.liver_unit.iloc[0]}", log=True), Axis(f"ALT, {unit}", log=True))
        words = f"{analyte} by {method_id}: {_kinds(groups)}; {STATEMENT}."
        about = {"shows": "ALT", "analyte": str(analyte), "method": str(method_id)}
        figures.append(Figure(drawn, words, about, f"{CHEMISTRY} and {CONCENTRATIONS}"))
    return figures


def comparison_figures(study: Study, concentrations: pd.DataFrame) -> list[Figure | str]:
    """Return, per tissue, the ratio of ELISA to LC-MS/MS against their geometric mean."""
    figures: list[Figure | str] = []
    for lcms, elisa in method_pairs(study):
        pairs = paired(concentrations, lcms, elisa)
        pairs = pairs[(pairs.status_x == QUANTIFIED) & (pairs.status_y == QUANTIFIED) & (pairs.value_y > 0)]
        for (tissue, analyte, unit), here in pairs.groupby(["tissue", "analyte", "unit"], sort=False):
            origins = list(dict.fromkeys(here.pairs_from))
            marks = [
                Mark(float(np.sqrt(row.value_x * row.value_y)), row.value_y / row.value_x,
                     f"m{origins.index(row.pairs_from)}", f"{row.subject_id}: {plain(row.value_y / row.value_x)}")
                for row in here.itertuples()
            ]  # fmt: skip
            mean = Axis(f"{tissue}, geometric mean of both, {unit}", log=True)
            drawn = scatter(marks, mean, Axis("ratio", log=True), guides=(1.0,))
            words = f"{analyte}, {elisa.method_id} over {lcms.method_id}, {tissue}: pairs from {_kinds(origins)}."
            figures.append(Figure(drawn, words, {"tissue": str(tissue), "analyte": str(analyte)}, CONCENTRATIONS))
    return figures or [_sentence(NO_PAIRS)]


def _places(groups: Iterable[str]) -> dict[str, float]:
    return {str(group): float(number) for number, group in enumerate(dict.fromkeys(groups), start=1)}


def _kinds(names: list[str]) -> str:
    filled, open_ = names[::2], names[1::2]
    return f"{', '.join(filled)}" + (f" (filled), {', '.join(open_)} (open)" if open_ else "")


def _sentence(words: str) -> str:
    return f"<p>{escape(words)}</p>"
