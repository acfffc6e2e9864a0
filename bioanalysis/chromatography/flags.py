"""What a reviewer should look at in a peak, in words."""

from __future__ import annotations

import numpy as np

from bioanalysis.chromatography.measure import Measured
from bioanalysis.chromatography.settings import IntegrationSettings

CLEAR = 10.0  # signal-to-noise from which shape and time can be judged


def flags_of(found: Measured, settings: IntegrationSettings, width_s: float) -> list[tuple[str, ...]]:
    """Return the flags of each peak.

    Parameters
    ----------
    found : Measured
    settings : IntegrationSettings
        The limits.
    width_s : float
        Usual width at half height.

    Notes
    -----
    `no_peak` area below three standard errors; `low_signal_to_noise`; `few_points` from boundary to boundary;
    `cut_by_window` a boundary lies outside the trace; `saturated` flat top; `overlap` a valley before a neighbour;
    `shoulder` wide at a tenth but not at half of the height; `wide`, `narrow` against the calibrators; `rt_shift`;
    `negative_baseline`.
    """
    clear = found.signal_to_noise >= CLEAR
    no_peak = ~(found.area >= settings.detection_sd * found.area_se)
    with np.errstate(invalid="ignore"):
        wide = clear & (found.width_ratio > settings.wide)
        table = {
            "no_peak": no_peak,
            "low_signal_to_noise": ~no_peak & (found.signal_to_noise < settings.weak_signal_to_noise),
            "few_points": found.points < settings.few_points,
            "cut_by_window": found.cut_by_window,
            "saturated": found.saturated,
            "overlap": ~no_peak & found.overlap,
            "shoulder": clear & ~wide & ~found.overlap & (found.tail_ratio > settings.wide),
            "wide": wide,
            "narrow": clear & (found.width_ratio < settings.narrow),
            "rt_shift": clear & (np.abs(found.off_expected_s) > settings.rt_shift_widths * width_s),
            "negative_baseline": found.negative_baseline,
        }
    return [tuple(word for word, raised in table.items() if raised[row]) for row in range(len(found.area))]
