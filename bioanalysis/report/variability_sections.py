"""What the report of a study says of variability: why values vary, outliers, recovery on areas, uncertainty."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import Axis, Mark, plain, scatter
from bioanalysis.report.study_stage import Part
from bioanalysis.report.study_tables import require
from bioanalysis.results import read_table
from bioanalysis.tables import read_stretches

# fmt: off
WORDS = ["tissue", "method_id", "topic", "conclusion", "check_first", "evidence", "analyte"]
OUTLIERS = ["tissue", "method_id", "analyte", "subject_id", "group", "collection_day", "value", "unit", "fold",
            "p_value", "adjusted_p", "flag", "note"]
DIAGNOSTICS = ["tissue", "batch", "kind", "level", "factor", "low", "high", "relative_uncertainty", "n", "rows", "note",
               "analyte"]
# fmt: on
OF_BUDGET = ("tissue", "analyte", "method_id", "contribution", "percent")
LOOK_AT = 10  # animals farthest from their groups that the report shows


def variability_parts(results: Path) -> Iterator[Part]:
    """Yield title, table, columns and figures of each section, from the tables in results/study."""
    require(results, ("variability_conclusions", "variance_components", "outliers", "uncertainty", "recovery"))
    yield "Why the values vary", read_table(results / "variability_conclusions.tsv"), WORDS, []
    components = read_table(results / "variance_components.tsv")
    components = components.assign(component=components.component.str.replace("+", " + "))
    yield "Variance components", components, None, share_figures(components)
    outliers = farthest(read_table(results / "outliers.tsv"))
    yield f"Animals apart from their group: the {LOOK_AT} farthest", outliers, OUTLIERS, []
    budget = budget_by_tissue(read_stretches(results / "uncertainty.tsv", ["percent"], OF_BUDGET))
    yield "Uncertainty: median share of each step, percent of the variance", budget, None, []
    recovery = read_table(results / "recovery.tsv")
    diagnostics = recovery[~is_factor(recovery)]
    yield "Recovery on areas and against concentration: never applied", diagnostics, DIAGNOSTICS, []


def farthest(outliers: pd.DataFrame) -> pd.DataFrame:
    """Return the animals farthest from their groups; many an adjusted p is 1, and the p itself orders those."""
    return outliers.sort_values(["adjusted_p", "p_value"], key=pd.to_numeric, kind="stable").head(LOOK_AT)


def is_factor(recovery: pd.DataFrame) -> pd.Series:
    """Return which rows of recovery.tsv are factors of the declared mode; the others are diagnostics."""
    diagnostic = recovery.kind.str.startswith(("area_", "internal_standard_", "is_normalised_"))
    return ~(diagnostic | recovery.kind.str.endswith("_change_per_tenfold"))


def budget_by_tissue(uncertainty: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the median share of each contribution by tissue, analyte and method, a column each.

    `uncertainty`: uncertainty.tsv, a stretch at a time: it has some rows for each value of the study.
    """
    keys, step = ["tissue", "analyte", "method_id"], "contribution"
    shares: dict[tuple[str, ...], array[float]] = {}
    for rows in uncertainty:
        for key, percent in rows.groupby([*keys, step], sort=False).percent:
            shares.setdefault(key, array("d")).extend(percent)
    medians = [(*key, pd.Series(percent).median()) for key, percent in shares.items()]
    table = pd.DataFrame(medians, columns=[*keys, step, "percent"])
    if table.empty:
        return table[keys]
    wide = table.dropna().pivot_table(index=keys, columns=step, values="percent", sort=False)
    return wide.reindex(columns=table[step].unique()).reset_index()


def share_figures(components: pd.DataFrame) -> list[Figure]:
    """Return, per tissue, the CV of each step by REML with its interval's ends, methods side by side."""
    reml = components[components.estimator == "reml"]
    columns = {name: pd.to_numeric(reml[name]) for name in ("variance", "low", "high", "geometric_cv_percent")}
    reml = reml.assign(**columns)
    return [_figure(str(tissue), here) for tissue, here in reml[reml.variance > 0].groupby("tissue", sort=False)]


def _figure(tissue: str, here: pd.DataFrame) -> Figure:
    places = [f"{row.component}" for row in here.itertuples()]
    methods = list(dict.fromkeys(here.method_id))
    ticks = {str(number): float(number) for number in range(1, len(here) + 1)}
    marks = [
        Mark(float(at), row.geometric_cv_percent, f"m{min(methods.index(row.method_id), 1)}",
             f"{row.method_id}, {row.component}: CV {plain(row.geometric_cv_percent)} %")
        for at, row in enumerate(here.itertuples(), start=1)
    ]  # fmt: skip
    drawn = scatter(marks, Axis(f"step ({tissue})", ticks=ticks, include=[0.5, len(here) + 0.5]), Axis("CV %"))
    listed = "; ".join(
        f"{number} {place} ({method})"
        for number, (place, method) in enumerate(zip(places, here.method_id, strict=True), start=1)
    )
    return Figure(drawn, f"{tissue}, REML: {listed}.", {"tissue": tissue}, "variance_components.tsv")
