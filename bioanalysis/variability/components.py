"""Where the scatter comes from: variance of animals, pieces, extractions, injections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from bioanalysis.variability.mean_squares import Interval, MeanSquares, mean_squares
from bioanalysis.variability.nesting import Nesting, read_nesting
from bioanalysis.variability.reml import fit_reml
from bioanalysis.words import count_of

Method = Literal["reml", "anova"]
COLUMNS = ["component", "variance", "degrees_of_freedom", "low", "high", "percent", "note"]


def variance_components(
    table: pd.DataFrame,
    value: str,
    nested: Sequence[str] = ("animal", "piece"),
    fixed: Sequence[str] = ("group",),
    method: Method = "reml",
    level: float = 0.95,
    *,
    crossed: str | None = None,
) -> pd.DataFrame:
    """Return the variance that each level of a nested design adds to `value`.

    Parameters
    ----------
    table : DataFrame (n_rows, ...)
        One row per measured value. Rows whose value is missing are left out and counted in the note.
    value : str
        Column of values, used as they are: pass ln C for coefficients of variation.
    nested : sequence of str
        Columns of labels, outermost first. Nesting goes by the full path: piece 1 of one animal is not piece 1 of
        the next. The outermost label means the same animal wherever it stands.
    fixed : sequence of str
        Columns whose combinations present each have a mean of their own; may be empty.
    method : {"reml", "anova"}
        Restricted maximum likelihood, exactly zero at the boundary; or unbiased estimates from the sequential
        (type-1) mean squares, which may be negative and are kept so.
    level : float
        Confidence of the two-sided intervals.
    crossed : str, optional
        Column of a random factor that lies across the nesting: the run, where samples were measured in several. It
        is told apart by what was measured in more than one of its levels.

    Returns
    -------
    DataFrame
        `component` (names of `nested`, then `crossed`, then ``"residual"``), `variance` in squared units of `value`,
        `degrees_of_freedom` of the sequential mean square behind it, `low` and `high`, `percent` of the sum of all
        components, `note`. A level without replication is joined to the one below and named so
        (``"extraction+residual"``); one that the fixed cells use up (one animal per group) has no number but a note.
        ``attrs`` hold `method`, `rows`, `rows_without_value`, `fixed_cells` and, for REML, `log_likelihood`.

    Raises
    ------
    ValueError
        For an unknown method or column, a missing label, a value that is a word or infinite, or no value at all.

    Notes
    -----
    Intervals are modified large sample intervals (Ting et al. 1990), exact for the residual; for REML the mean
    squares are taken at what the estimates make them expect. They hold 95 % well in balanced designs, approximately
    in unbalanced ones, and are cut off at zero.

    References
    ----------
    Searle, Casella & McCulloch, Variance Components (1992); Ting, Burdick, Graybill, Jeyaratnam & Lu, J Stat Comput
    Simul 35 (1990) 135.
    """
    if method not in ("reml", "anova"):
        raise ValueError(f"method is {method!r}; it must be 'reml' or 'anova'")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1")
    nested, fixed = _names(nested), _names(fixed)
    present = _with_value(table, value)
    design = read_nesting(present, value, nested, fixed, crossed)
    squares = mean_squares(design)
    variances, likelihood = _estimate(design, squares, method)
    result = _assemble(design, squares, variances, level)
    left_out = len(table) - len(present)
    if left_out:
        result.loc[len(result) - 1, "note"] = _joined(
            result["note"].iloc[-1], f"rows without a value left out: {left_out}"
        )
    result.attrs = {
        "method": method,
        "rows": len(present),
        "rows_without_value": left_out,
        "fixed_cells": design.n_cells,
    }
    if likelihood is not None:
        result.attrs["log_likelihood"] = likelihood
    return result


def _names(columns: Sequence[str]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _with_value(table: pd.DataFrame, value: str) -> pd.DataFrame:
    if value not in table:
        raise ValueError(f"no column {value!r}; the table has {', '.join(map(str, table.columns))}")
    numbers = pd.to_numeric(table[value], errors="coerce").astype(float)
    words = table[value][numbers.isna() & table[value].notna()]
    if len(words):
        raise ValueError(f"{value} holds {words.iloc[0]!r} and must hold numbers, or nothing where there is none")
    if np.isinf(numbers).any():
        raise ValueError(f"{value} holds {int(np.isinf(numbers).sum())} infinite values (the logarithm of zero?)")
    if numbers.isna().all():
        raise ValueError(f"{value} holds no value at all ({count_of(len(table), 'row')})")
    return table.assign(**{value: numbers})[numbers.notna()]


def _estimate(design: Nesting, squares: MeanSquares, method: Method) -> tuple[np.ndarray, float | None]:
    """Return the variance of each level, NaN where it cannot be separated, and the REML log likelihood."""
    variances = squares.variances()
    if method == "anova" or not squares.separable[-1]:
        return variances, None
    if _replicates_agree(design, squares):
        if design.crossed is not None:
            raise ValueError("replicates agree exactly: check rounding or copied values")
        return _without_residual(design)
    estimated, likelihood = fit_reml(design, squares)
    return np.where(squares.separable, estimated, np.nan), likelihood


def _replicates_agree(design: Nesting, squares: MeanSquares) -> bool:
    """Return True where the residual mean square is nothing but rounding."""
    spread = np.mean((design.measured - design.measured.mean()) ** 2)
    return bool(squares.squares[-1] <= 1e-26 * spread or spread == 0)


def _without_residual(design: Nesting) -> tuple[np.ndarray, float | None]:
    """Return the limit of REML where the residual is zero: the fit to one value per lowest node."""
    if not design.depth:
        return np.zeros(1), None
    first = np.flatnonzero(np.diff(design.nodes[-1], prepend=-1))
    above = Nesting(
        measured=design.measured[first],
        cell=design.cell[first],
        levels=design.levels[:-1],
        nodes=tuple(node[first] for node in design.nodes[:-1]),
    )
    variances, _ = _estimate(above, mean_squares(above), "reml")
    return np.append(variances, 0.0), None


def _assemble(design: Nesting, squares: MeanSquares, variances: np.ndarray, level: float) -> pd.DataFrame:
    bounds = iter(squares.intervals(variances, level))
    separable = squares.separable
    ends = [next(bounds) if kept else Interval(np.nan, np.nan) for kept in separable]
    total = np.nansum(variances)
    percent = 100 * variances / total if total > 0 else np.where(separable, 0.0, np.nan)
    notes = [_note(design, i, separable[i], variances[i]) for i in range(len(variances))]
    degrees = squares.degrees_of_freedom
    columns = [list(design.levels), variances, degrees, [e.low for e in ends], [e.high for e in ends], percent, notes]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _note(design: Nesting, position: int, separable: bool, variance: float) -> str:
    name, last = design.levels[position], position == len(design.levels) - 1
    crossed = design.crossed is not None and position == design.depth
    words = []
    if "+" in name:
        words.append(f"{', '.join(name.split('+'))} cannot be told apart: no replication between them")
    if not separable and crossed:
        words.append(f"not estimable: nothing was measured in more than one {name}")
    elif not separable:
        what = "the fixed cells" if position == 0 else "the fixed cells and the levels above"
        words.append(f"not estimable: {what} leave no degree of freedom for it")
    elif variance < 0:
        words.append("negative estimate, to be read as zero")
    elif variance == 0:
        words.append("replicates agree exactly: check rounding or copied values" if last else "at the boundary: zero")
    if position == 0 and not crossed and not design.cell_is_unique:
        words.append(f"the same {name} label in several fixed cells was taken as one {name}")
    return "; ".join(words)


def _joined(*words: str) -> str:
    return "; ".join(word for word in words if word)
