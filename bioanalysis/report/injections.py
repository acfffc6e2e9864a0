"""Figures of every injection of a run: the internal standard, and what the injection before may have left."""

from __future__ import annotations

import pandas as pd

from bioanalysis.limits import Limits
from bioanalysis.report.figures import Figure
from bioanalysis.report.plots import Axis, Mark, plain, scatter
from bioanalysis.report.said import said
from bioanalysis.words import count_of

OUTSIDE = "is_response_outside"


def standard_figures(table: pd.DataFrame, limits: Limits) -> list[Figure]:
    """Return, for each analyte, the internal standard of each injection with the bands it is held to.

    Parameters
    ----------
    table : DataFrame
        internal_standard.tsv of a run.
    """
    figures = []
    for (analyte, standard), here in table.groupby(["analyte", "internal_standard"], sort=False):
        marks = [
            Mark(float(row.position), row.percent_of_mean, _kind(row.flag, row.reference),
                 f"{row.position} {row.sample_id or row.level} ({said(row.sample_type)}): "
                 f"{plain(row.percent_of_mean)} %")
            for row in here[here.percent_of_mean.notna()].itertuples()
        ]  # fmt: skip
        guides = [100.0, *(float(number) for number in limits["IS-03"].numbers)]
        drawn = scatter(marks, Axis("injection"), Axis(f"{standard}, % of the mean"), guides=guides)
        missing = int(here.percent_of_mean.isna().sum())
        words = (
            f"{standard} of {analyte}: accepted calibrators and QCs (open), other injections (filled), outside (red)"
        )
        words += f"; {missing} without a value not drawn." if missing else "."
        about = {"analyte": str(analyte), "internal standard": str(standard)}
        figures.append(Figure(drawn, words, about, "internal_standard.tsv"))
    return figures


def by_hand(peaks: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Return how many chromatograms were integrated by hand, in words, and each of them before and after.

    Parameters
    ----------
    peaks : DataFrame
        peaks.tsv of a run.
    """
    drawn = peaks[peaks.manual.astype(str).str.lower() == "true"]
    change = 100 * (drawn.area.astype(float) / drawn.automatic_area.astype(float) - 1)
    table = drawn.assign(change_percent=change).rename(columns=lambda name: name.removeprefix("manual_"))
    return f"Integrated by hand: {len(drawn)} of {count_of(len(peaks), 'chromatogram')}", table


def carry_over_figures(table: pd.DataFrame) -> list[Figure]:
    """Return, for each analyte, the share of each study sample that the injection before it may have left.

    Parameters
    ----------
    table : DataFrame
        carry_over.tsv of a run.
    """
    figures = []
    for analyte, here in table.groupby("analyte", sort=False):
        samples = here[here.sample_type.isin(["unknown", "incurred"]) & here.impact_percent.notna()]
        marks = [
            Mark(float(row.position), row.impact_percent, _kind(row.flag, False),
                 f"{row.position} {row.sample_id}: {plain(row.impact_percent)} % from position {row.previous_position}")
            for row in samples.itertuples()
        ]  # fmt: skip
        guides = sorted(set(samples.limit_percent))
        drawn = scatter(marks, Axis("injection"), Axis("from the injection before, %"), guides=guides)
        words = f"{analyte}: largest possible share of carry-over in each study sample."
        figures.append(Figure(drawn, words, {"analyte": str(analyte)}, "carry_over.tsv"))
    return figures


def _kind(flag: str, reference: bool) -> str:
    if flag in (OUTSIDE, "carry_over_suspected"):
        return "fail"
    return "m1" if reference else "m0"
