"""What both validations have in common: rows of a worklist, and what is truly in each tube."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

TISSUE = "liver"
COLUMNS = [
    "position", "plate", "file", "sample_type", "sample_id", "level", "nominal_ng_ml", "dilution_factor", "tissue",
    "lot", "experiment", "source_kind", "haemolysed_percent", "interferent", "condition", "condition_days",
    "condition_hours", "condition_cycles", "hours_frozen", "condition_c", "series", "diluent",
]  # fmt: skip


def tube(kind: str, level: str = "", nominal: float = 0.0, share: float = 1.0, **cells: object) -> dict:
    """One row: what it is called and prepared to hold, and under `true_share` which part of that it truly holds."""
    amounts = {"nominal_ng_ml": nominal or "", "true_share": share, "tissue": TISSUE}
    return {"sample_type": kind, "level": level, **amounts, **cells}


def replicates(number: int, levels: dict[str, float], kind: str = "qc", share: float = 1.0, **cells: object) -> list:
    """The same preparation of every level, so many times."""
    return [tube(kind, level, nominal, share, **cells) for level, nominal in levels.items() for _ in range(number)]


def calibrators(levels: tuple[float, ...]) -> list[dict]:
    """One calibrator of each level, C1 the lowest."""
    return [tube("calibrator", f"C{n}", nominal) for n, nominal in enumerate(levels, 1)]


def truth(rows: list[dict], rng: np.random.RandomState, batch_sd: float, tube_sd: float) -> np.ndarray:
    """What each tube holds in ng/mL as it is read: the day shifts all but the calibrators, each tube scatters."""
    table = pd.DataFrame(rows)
    nominal = pd.to_numeric(table.nominal_ng_ml, errors="coerce").fillna(0.0).to_numpy()
    if "true_ng_ml" in table:
        nominal = np.where(table.true_ng_ml.isna(), nominal, table.true_ng_ml)
    factor = pd.to_numeric(table.get("dilution_factor", 1.0), errors="coerce")
    diluted = nominal / np.where(np.isnan(factor), 1.0, factor)
    day = np.where(table.sample_type == "calibrator", 1.0, np.exp(batch_sd * rng.standard_normal()))
    return diluted * table.true_share.to_numpy(float) * day * np.exp(tube_sd * rng.standard_normal(len(table)))


def write_worklist(rows: list[dict], path: Path) -> None:
    """Write the rows as a worklist, without what a laboratory would not know."""
    table = pd.DataFrame(rows)
    write_table(table.reindex(columns=[name for name in COLUMNS if name in table]), path)


def write_runs(runs: dict[str, str], method_id: str, raw: dict[str, str], path: Path) -> None:
    """Write the run table from the day of each run."""
    rows = [(name, method_id, day, "A. Lindqvist", raw[name]) for name, day in runs.items()]
    write_table(pd.DataFrame(rows, columns=["run_id", "method_id", "run_date", "analyst", "raw_path"]), path)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write tab-separated text with the same line ends everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep="\t", index=False, lineterminator="\n")
