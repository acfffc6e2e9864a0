"""What integration is told, the same for every standard, QC and sample of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bioanalysis.limits.peaks import PeakLimit, peak_limits

ESTIMATES = ("drop", "template", "by_signal_to_noise")


@dataclass(frozen=True)
class IntegrationSettings:
    """Settings of the integration (house values), and the limits at which a peak is flagged.

    Parameters
    ----------
    estimate : {'by_signal_to_noise', 'drop', 'template'}
        Which area is reported: the perpendicular drop, the fit of the run's own peak shape, or the fit below a
        signal-to-noise of `template_below` and where a valley leads to a neighbour, else the drop. Both are computed in
        any case.
    template_below : float
        Signal-to-noise.
    template_with_neighbour : bool
    strong_signal_to_noise : float
        Peaks above it teach retention time and shape.
    learning_windows : float
        The part of a trace that teaches, in half-widths of the method's window about its retention time.
    boundary_level : float
        Boundaries stand where the learned peak has fallen to this fraction of its height.
    reach : float
        The baseline is taken from this many peak widths (boundary to boundary) on either side.
    exclusion_sd : float
        Points this many SD above the baseline do not belong to it.
    search_widths : float
        A peak is looked for within this many widths at half height of its expected time (or six times the scatter of
        retention times, where that is more).
    limits : mapping
        Flag -> its limit.
    """

    estimate: Literal["by_signal_to_noise", "drop", "template"] = "by_signal_to_noise"
    template_below: float = 20.0
    template_with_neighbour: bool = True
    strong_signal_to_noise: float = 20.0
    learning_windows: float = 1.5
    boundary_level: float = 0.004
    reach: float = 3.0
    exclusion_sd: float = 4.0
    search_widths: float = 0.75
    limits: Mapping[str, PeakLimit] = field(default_factory=peak_limits)

    def __post_init__(self) -> None:
        if self.estimate not in ESTIMATES:
            raise ValueError(f"estimate is {self.estimate!r}; it must be one of {', '.join(ESTIMATES)}")
