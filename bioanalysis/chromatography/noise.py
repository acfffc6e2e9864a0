"""How noisy a point is, learned from all traces of a transition.

Variance of a point = that of the baseline + `per_count` x signal. Where the detector counts ions, every intensity is a
multiple of what one ion gives, and `per_count` is that; otherwise it is estimated from how the scatter of points grows
with the signal over the run.
"""

from __future__ import annotations

import numpy as np

from bioanalysis.chromatography.block import Block, Floats, middle_of

LEVELS, MOST_TRACES = 12, 40
GRID_VALUES, SEEN, MOST_VALUES = 10, 3, 4000


def ion_quantum(intensity: Floats) -> float:
    """Return the intensity of one ion, or 0 where the detector does not seem to count.

    Parameters
    ----------
    intensity : ndarray
        Of a whole run and transition; the `GRID_VALUES` smallest positive values must be multiples of the smallest,
        with few multiples left out, and each be seen `SEEN` times on average.
    """
    some = intensity[..., :: 1 + intensity.size // (20 * MOST_VALUES)]
    positive = some[some > 0]
    values, times_seen = np.unique(positive[:: 1 + positive.size // MOST_VALUES], return_counts=True)
    values, times_seen = values[:GRID_VALUES], times_seen[:GRID_VALUES]
    if times_seen.sum() < SEEN * values.size or not values.size:
        return 0.0
    multiples = values / values[0]
    on_grid = np.abs(multiples - np.round(multiples)) < 1e-3
    return float(values[0]) if on_grid.all() and multiples[-1] <= 2 * values.size else 0.0


def variance_per_count(block: Block, baseline: Floats, baseline_variance: Floats) -> float:
    """Return by how much the variance of a point grows per count of signal above the baseline.

    Fourth differences of neighbouring points (variance 70 times that of a point) are binned by the signal; their mean
    squares are fitted by constant + slope x signal + curve x signal^2 without negative terms. The last term takes what
    the shape of sharp peaks leaves in the differences, and is not noise.

    Parameters
    ----------
    block : Block
    baseline : ndarray, shape (n_traces, n_points)
    baseline_variance : ndarray, shape (n_traces,)
    """
    from scipy.optimize import nnls

    if block.time_s.shape[1] < 5:
        return 0.0
    above = np.where(block.valid, block.intensity - baseline, 0.0)
    rows = np.argsort(above.max(axis=1), kind="stable")[:: 1 + len(above) // MOST_TRACES]  # of all heights
    above = above[rows]
    signal = (above[:, 1:-3] + above[:, 2:-2] + above[:, 3:-1]) / 3
    sd = np.sqrt(np.maximum(baseline_variance[rows], 1e-150))[:, None]
    used = block.valid[rows, 4:] & (signal > 3 * sd)
    if used.sum() < 5 * LEVELS:
        return 0.0
    rough = np.diff(above, n=4, axis=1) ** 2 / 70
    order = np.argsort(signal[used], kind="stable")
    groups = np.array_split(order, LEVELS)
    level = np.array([signal[used][group].mean() for group in groups])
    spread = np.array([rough[used][group].mean() for group in groups])
    floor = middle_of(baseline_variance)
    scale = np.maximum(spread, 1e-150)
    design = np.column_stack([np.full(LEVELS, floor), level, level**2]) / scale[:, None]
    norms = np.maximum(np.linalg.norm(design, axis=0), 1e-150)
    terms, _ = nnls(design / norms, np.ones(LEVELS))
    return float(terms[1] / norms[1])
