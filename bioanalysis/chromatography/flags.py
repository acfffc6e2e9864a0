"""What a reviewer should look at in a peak: words, each with the number that raised it and its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bioanalysis.chromatography.block import Floats, Mask
from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.measure import Measured
from bioanalysis.chromatography.settings import IntegrationSettings
from bioanalysis.limits.peaks import PeakLimit, said


@dataclass(frozen=True, eq=False)
class Raised:
    """One flag over all injections, shape (n_injections,) each: where it is raised, by what, beyond what."""

    word: str
    where: Mask
    observed: Floats
    limit: Floats
    both: bool = False

    def details(self, row: int) -> str:
        """Return the flag of one injection with its numbers."""
        return said(self.word, float(self.observed[row]), float(abs(self.limit[row]) if self.both else self.limit[row]))


def flags_of(found: Measured, settings: IntegrationSettings, known: Expectation) -> list[Raised]:
    """Return all flags that peaks can carry, `no_peak` first.

    Parameters
    ----------
    found : Measured
    settings : IntegrationSettings
        With the limits.
    known : Expectation
        Usual width, and scatter of retention times.

    Notes
    -----
    `no_peak` area below three standard errors; `low_signal_to_noise`; `few_points` from boundary to boundary;
    `cut_by_window` a boundary lies outside the trace; `saturated` flat top; `overlap` a valley before a neighbour;
    `estimates_disagree` perpendicular drop and template fit differ beyond noise; `shape_differs` what the template
    leaves is more than noise; `broadened` wide as the template fits it; `uneven_baseline` the points outside the peak
    stray from the line more than from each other; `open_edge` the signal beside the boundaries is not that of the
    baseline; `higher_neighbour` within a peak's width there is a much higher one; `shoulder` wide at a tenth but not at
    half of the height; `wide`, `narrow`, `asymmetry` against the standards; `rt_shift` off the expected time;
    `negative_baseline`.
    """
    judge = _Judge(found, settings)
    peak, clear = judge.peak, judge.clear
    wide = judge.raised("wide", found.width_ratio, clear)
    alone = np.isnan(found.valley)
    return [
        judge.no_peak,
        judge.raised("low_signal_to_noise", found.signal_to_noise, peak),
        judge.raised("few_points", found.points.astype(float), None),
        judge.raised("cut_by_window", found.beyond_trace_s, None),
        judge.raised("saturated", found.flat_points, peak),
        judge.raised("overlap", 100 * found.valley, peak),
        judge.raised("estimates_disagree", *_disagreement(found), peak),
        judge.raised("shape_differs", found.misfit, np.sqrt(2 / np.maximum(found.freedom, 1)), peak),
        judge.raised("broadened", found.fitted_width, found.fitted_width_sd, peak & alone),
        judge.raised("uneven_baseline", 100 * found.stray, peak),
        judge.raised("open_edge", 100 * found.edge, 100 * found.edge_sd, peak & alone),
        judge.raised("higher_neighbour", found.higher_neighbour, None),
        judge.raised("shoulder", found.tail_ratio, clear & ~wide.where & alone),
        wide,
        judge.raised("narrow", found.width_ratio, clear),
        judge.raised("asymmetry", _either_way(found.asymmetry_ratio), clear & alone),
        judge.raised("rt_shift", found.off_expected_s / known.width_s, known.rt_sd_s / known.width_s, clear),
        judge.raised("negative_baseline", found.baseline_sd, None),
    ]


def _disagreement(found: Measured) -> tuple[Floats, Floats]:
    """Return by how many percent the template differs from the drop, and the SD of that.

    The fit is the more precise one, so the variance of the difference is the difference of the variances (Hausman,
    Econometrica 46 (1978) 1251); never taken for less than a quarter of the drop's.
    """
    size = np.maximum(np.maximum(np.abs(found.drop_area), found.drop_se), 1e-150)
    variance = np.fmax(found.drop_se**2 - found.template_se**2, found.drop_se**2 / 4)
    return 100 * (found.template_area - found.drop_area) / size, 100 * np.sqrt(variance) / size


def _either_way(ratio: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.fmax(ratio, 1 / ratio)


class _Judge:
    """Holds what was measured against the limits."""

    def __init__(self, found: Measured, settings: IntegrationSettings) -> None:
        self.limits = settings.limits
        self.number = len(found.area)
        with np.errstate(divide="ignore", invalid="ignore"):
            above_noise = np.where(found.area > 0, found.area / found.area_se, 0.0)
        self.no_peak = self.raised("no_peak", above_noise, None)
        self.peak = ~self.no_peak.where
        self.clear = found.signal_to_noise >= self.limits["shape_signal_to_noise"].limit

    def raised(self, word: str, observed: Floats, *rest: Floats | float | Mask | None) -> Raised:
        """Return where `observed` is beyond the limit; `rest` is the SD of it (0 without), and where to look."""
        sd, where = rest if len(rest) == 2 else (0.0, rest[0])
        limit = self.limits[word]
        beyond = _reach(limit, np.asarray(observed, dtype=float), np.broadcast_to(np.asarray(sd, float), self.number))
        with np.errstate(invalid="ignore"):
            found = _beyond(limit, np.asarray(observed, dtype=float), beyond)
        raised = found if where is None else found & np.asarray(where, dtype=bool)
        return Raised(word, raised, observed, beyond, limit.direction == "both")


def _reach(limit: PeakLimit, observed: Floats, sd: Floats) -> Floats:
    """Return the limit with its allowance, on the side where `observed` lies."""
    allowed = limit.limit + limit.allowance_sd * sd
    return np.where(observed < 0, -allowed, allowed) if limit.direction == "both" else allowed


def _beyond(limit: PeakLimit, observed: Floats, beyond: Floats) -> Mask:
    if limit.direction == "both":
        return np.asarray(np.abs(observed) > np.abs(beyond))
    return np.asarray(observed < beyond if limit.direction == "min" else observed > beyond)


def words_of(raised: list[Raised]) -> list[tuple[str, ...]]:
    """Return the words of the flags of each injection."""
    words: list[tuple[str, ...]] = [()] * len(raised[0].where)
    for row, flags in _by_injection(raised):
        words[row] = tuple(raised[number].word for number in flags)
    return words


def details_of(raised: list[Raised]) -> list[str]:
    """Return the flags of each injection with their numbers, joined by '; '."""
    details = [""] * len(raised[0].where)
    for row, flags in _by_injection(raised):
        details[row] = "; ".join(raised[number].details(row) for number in flags)
    return details


def _by_injection(raised: list[Raised]) -> Iterator[tuple[int, list[int]]]:
    """Yield each injection that has flags, with their numbers."""
    where = np.stack([one.where for one in raised], axis=1)
    for row in np.flatnonzero(where.any(axis=1)).tolist():
        yield row, np.flatnonzero(where[row]).tolist()
