"""What a reviewer should look at in a peak, in words."""

from __future__ import annotations

import numpy as np

from bioanalysis.chromatography.expectation import Expectation
from bioanalysis.chromatography.measure import Measured
from bioanalysis.chromatography.settings import IntegrationSettings

CLEAR = 10.0  # signal-to-noise from which shape and time can be judged


def flags_of(found: Measured, settings: IntegrationSettings, known: Expectation) -> list[tuple[str, ...]]:
    """Return the flags of each peak.

    Parameters
    ----------
    found : Measured
    settings : IntegrationSettings
        The limits.
    known : Expectation
        Usual width, and scatter of retention times.

    Notes
    -----
    `no_peak` area below three standard errors; `low_signal_to_noise`; `few_points` from boundary to boundary;
    `cut_by_window` a boundary lies outside the trace; `saturated` flat top; `overlap` a valley before a neighbour;
    `estimates_disagree` perpendicular drop and template fit differ beyond noise; `higher_neighbour` within a peak's
    width of the place there is one three times as high; `shoulder` wide at a tenth but not at half of the height;
    `wide`, `narrow` against the calibrators; `rt_shift` off the expected time; `negative_baseline`.
    """
    clear = found.signal_to_noise >= CLEAR
    farthest_s = max(settings.rt_shift_widths * known.width_s, 4 * known.rt_sd_s)
    no_peak = ~((found.area > 0) & (found.area >= settings.detection_sd * found.area_se))
    with np.errstate(invalid="ignore"):
        wide = clear & (found.width_ratio > settings.wide)
        table = {
            "no_peak": no_peak,
            "low_signal_to_noise": ~no_peak & (found.signal_to_noise < settings.weak_signal_to_noise),
            "few_points": found.points < settings.few_points,
            "cut_by_window": found.cut_by_window,
            "saturated": found.saturated,
            "overlap": ~no_peak & found.overlap,
            "estimates_disagree": ~no_peak & found.estimates_disagree,
            "higher_neighbour": found.higher_neighbour,
            "shoulder": clear & ~wide & ~found.overlap & (found.tail_ratio > settings.wide),
            "wide": wide,
            "narrow": clear & (found.width_ratio < settings.narrow),
            "rt_shift": clear & (np.abs(found.off_expected_s) > farthest_s),
            "negative_baseline": found.negative_baseline,
        }
    words, raised = np.array(list(table)), np.stack(list(table.values()), axis=1)
    return [
        tuple(words[row].tolist()) if any_raised else ()
        for row, any_raised in zip(raised, np.any(raised, axis=1).tolist(), strict=True)
    ]
