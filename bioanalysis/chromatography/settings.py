"""What integration is told, the same for every standard, QC and sample of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class IntegrationSettings:
    """Settings of the integration and the limits at which a peak is flagged (house values).

    Parameters
    ----------
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
    estimate : {'perpendicular_drop', 'template'}
        Which area is reported. With 'template' both are computed, and the fit of the run's own peak shape is reported
        for peaks below `template_below`.
    template_below : float
        Signal-to-noise.
    disagreement, disagreement_sd : float
        Flag where the two differ by more than this fraction of the area plus this many standard errors.
    detection_sd : float
        An area below this many of its standard errors is no peak (data contract).
    weak_signal_to_noise : float
        Below it, flag `low_signal_to_noise`.
    few_points : int
        With fewer points from boundary to boundary, flag `few_points`.
    wide, narrow : float
        Width at half height over that of the calibrators beyond which to flag.
    rt_shift_widths : float
        Distance from the expected retention time, in widths at half height, beyond which to flag.
    """

    strong_signal_to_noise: float = 20.0
    learning_windows: float = 1.5
    boundary_level: float = 0.004
    reach: float = 3.0
    exclusion_sd: float = 4.0
    estimate: Literal["perpendicular_drop", "template"] = "perpendicular_drop"
    template_below: float = float("inf")
    disagreement: float = 0.05
    disagreement_sd: float = 4.0
    detection_sd: float = 3.0
    weak_signal_to_noise: float = 5.0
    few_points: int = 8
    wide: float = 1.5
    narrow: float = 0.6
    rt_shift_widths: float = 0.5

    def __post_init__(self) -> None:
        if self.estimate not in ("perpendicular_drop", "template"):
            raise ValueError(f"estimate is {self.estimate!r}; it must be 'perpendicular_drop' or 'template'")
