"""Recovery factors of one run: of each extraction batch by its own rows, and those its samples are divided by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from bioanalysis.limits import Limits
from bioanalysis.method import Method
from bioanalysis.recovery.batches import MEAN, BatchFactor, batch_factors
from bioanalysis.recovery.sets import (
    ALL_LEVELS,
    PRE,
    extraction_batches,
    own_factors,
    recovery_sets,
    single_recoveries,
)
from bioanalysis.words import STUDY_SAMPLES

COLUMNS = ["tissue", "batch", "kind", "level", "factor", "relative_uncertainty", "degrees_of_freedom", "n", "source"]
EVIDENCE = ["low", "high", "rows"]
OF_BATCH = [
    "run_id",
    "own",
    "extraction_batch",
    "reference_of",
    "reference_uncertainty",
    "shared_uncertainty",
    "shared_by",
]
OWN_ROWS = "own rows"
CORRECTED = (*STUDY_SAMPLES, "qc", "dilution_qc")


def run_recovery(
    units: pd.DataFrame, method: Method, run_id: str, batches: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the recovery factors of one run and analyte, per tissue and extraction batch.

    Parameters
    ----------
    units : DataFrame
        Units of the run: sample_type, tissue, batch, lot, level, nominal_ng_ml, dilution_factor, mean_response,
        reading_ng_ml, position, extracted.
    batches : sequence of str, optional
        Labels of the extraction batches, where `units` are not all of the run; default those of `units`.

    Returns
    -------
    DataFrame
        tissue, batch (the run, or ``run:label`` where it has several), kind, level, factor (fraction),
        relative_uncertainty (one standard deviation), degrees_of_freedom, n (rows spiked before extraction), source,
        note, low and high (95 %), rows (positions spiked before extraction, a slash, those they are held against),
        used, sign_off (why a person must sign for it); own (what the batch's rows say by themselves), extraction_batch
        (label, '' for the mean over batches), reference_of (whose rows they are held against), reference_uncertainty,
        shared_uncertainty (the part several batches have in common) and shared_by.

        Level ``all`` holds the factor samples of a batch are divided by. In a run of several batches that is pooled
        over them (`batch_factors`), ``own rows`` is what went in, and the batch that is named as the run their mean.
    """
    batches = extraction_batches(units) if batches is None else batches
    parts = []
    for tissue in sorted(set(units.tissue[(units.sample_type == PRE) & units.mean_response.notna()])):
        own = _own_rows(units, tissue, batches, method, run_id)
        parts += [own] if len(batches) < 2 else [own, _applied(units, own, tissue, batches, method, run_id)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    frame = frame.reindex(columns=[*COLUMNS, "note", *EVIDENCE, *OF_BATCH])
    frame = frame.assign(note=frame.note.fillna(""), own=frame.own.eq(True), run_id=run_id)
    return frame.assign(used=frame.factor.notna(), sign_off="")


def _own_rows(units: pd.DataFrame, tissue: str, batches: Sequence[str], method: Method, run_id: str) -> pd.DataFrame:
    """Return what the rows of each batch say by themselves; in a run of several the total is called `own rows`."""
    own, found = method.of_tissue(tissue), []
    several = len(batches) > 1
    for batch in batches:
        sets = recovery_sets(units, tissue, batch if several else None, method)
        if sets.pre.empty:
            continue
        name = f"{run_id}:{batch}" if several else run_id
        where = {"tissue": tissue, "batch": name, "extraction_batch": batch, "source": f"recovery rows of {name}",
                 "reference_of": f"{run_id}:{sets.reference_of}" if sets.reference_of else run_id, "own": True,
                 "shared_uncertainty": 0.0, "shared_by": ""}  # fmt: skip
        rows = own_factors(sets, own)
        rows[-1]["level"] = OWN_ROWS if several else ALL_LEVELS
        found += [{**row, **where} for row in rows]
    return with_interval(pd.DataFrame(found))


def _applied(
    units: pd.DataFrame, own: pd.DataFrame, tissue: str, batches: Sequence[str], method: Method, run_id: str
) -> pd.DataFrame:
    """Return the factors that samples of each batch are divided by, in a run of several batches."""
    known = own[(own.level == OWN_ROWS) & own.factor.notna()].assign(batch=lambda rows: rows.extraction_batch)
    if known.empty:
        return own.iloc[:0]
    needed = units.batch[units.sample_type.isin(CORRECTED) & (units.tissue == tissue) & units.extracted.astype(bool)]
    lacking = [batch for batch in batches if batch in set(needed) - set(known.extraction_batch)]
    singles = {batch: single_recoveries(units, tissue, batch, method) for batch in known.extraction_batch}
    between = method.uncertainty.between_batch_cv
    factors = batch_factors(known, by_batch(singles), lacking, between, itself=True)
    rows = pooled_rows(factors, known, f"batches of {run_id}")
    return rows.assign(extraction_batch=rows.batch, batch=[f"{run_id}:{b}" if b else run_id for b in rows.batch])


def by_batch(singles: dict[str, pd.Series]) -> pd.Series:
    """Return single recoveries of several batches as one series, indexed by batch."""
    index = np.repeat(np.array(list(singles), dtype=object), [len(part) for part in singles.values()])
    return pd.Series(np.concatenate([part.to_numpy(float) for part in singles.values()]), index=index)


def pooled_rows(factors: Sequence[BatchFactor], own: pd.DataFrame, whose: str) -> pd.DataFrame:
    """Return rows of recovery.tsv, level `all`, for the factors that batches came to together.

    Parameters
    ----------
    own : DataFrame
        Rows of the batches by themselves: tissue, batch, kind, n, rows.
    whose : str
        Which batches these are, in words ("batches of the study").
    """
    first, by_name = own.iloc[0], own.set_index("batch")
    every = " | ".join(f"{name}: {rows}" for name, rows in zip(own.batch, own.rows, strict=True))
    pooled = f"{len(own)} {whose if len(own) > 1 else whose.replace('batches', 'batch', 1)}"
    found = []
    for one in factors:
        drawn = one.batch in by_name.index and len({f.factor for f in factors}) > 1
        found.append({
            "tissue": first.tissue, "batch": one.batch, "kind": first.kind, "level": ALL_LEVELS, "factor": one.factor,
            "relative_uncertainty": one.relative_uncertainty, "degrees_of_freedom": one.degrees_of_freedom,
            "n": int(by_name.n[one.batch] if drawn else own.n.sum()), "note": one.note, "own": False,
            "source": f"{pooled}: {one.batch}" if one.batch != MEAN else pooled,
            "rows": by_name.rows[one.batch] if drawn else every,
            "shared_uncertainty": one.shared_uncertainty, "shared_by": whose,
        })  # fmt: skip
    return with_interval(pd.DataFrame(found))


def with_interval(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with low and high."""
    numbers = zip(rows.factor, rows.relative_uncertainty, rows.degrees_of_freedom, strict=True)
    bounds = [factor_interval(*map(float, each)) for each in numbers]
    return rows.assign(low=[low for low, _ in bounds], high=[high for _, high in bounds])


def factor_interval(factor: float, relative: float, degrees: float, level: float = 0.95) -> tuple[float, float]:
    """Return the multiplicative interval of a factor, NaN where its uncertainty is not estimable."""
    if not np.isfinite([factor, relative]).all() or np.isnan(degrees):
        return np.nan, np.nan
    spread = float(np.exp(stdtrit(degrees, (1 + level) / 2) * relative)) if relative else 1.0
    return factor / spread, factor * spread


def guard_note(factor: float, relative_uncertainty: float, limits: Limits) -> str:
    """Return why a factor needs sign-off, or ''."""
    low, high = (float(number) for number in limits["RCV-05"].numbers)
    notes = []
    if not low <= factor <= high:
        notes.append(f"recovery {factor:.3g} outside {low:g} to {high:g}")
    if 100 * relative_uncertainty > limits["RCV-08"].number:
        limit = float(limits["RCV-08"].number)
        notes.append(f"relative uncertainty {100 * relative_uncertainty:.3g} % above the limit of {limit:g} %")
    return "; ".join(notes)
