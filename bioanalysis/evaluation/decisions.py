"""A run with and without the decisions of people: what each exclusion and each integration by hand changed.

Every such decision is taken back by itself, and all of a run together where there are several; the run is then judged
again as if nobody had decided. An integration by hand is taken back to the automatic area beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bioanalysis.acceptance.ledger import FAIL, PASS, RUN
from bioanalysis.evaluation.exclusions import names_of, rows_named
from bioanalysis.evaluation.moles import run_in_moles
from bioanalysis.evaluation.peaks import manual_integrations
from bioanalysis.flags import flag, flag_table
from bioanalysis.limits import Limits, limits_for
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.study import Run
from bioanalysis.study.schema import WITHIN_RUN
from bioanalysis.words import STUDY_SAMPLES

if TYPE_CHECKING:  # a study without such decisions starts without loading what fits curves
    from bioanalysis.evaluation.run import RunEvaluation

SAME = 1e-9  # relative difference below which two values are one
RESTS = {"exclude": "verdict_rests_on_exclusion", "integrate": "verdict_rests_on_integration"}
COLUMNS = [
    "decision_id", "action", "run_id", "plate", "analyte", "position", "sample_type", "level", "sample_id",
    "verdict_with", "verdict_without", "verdict_rests_on_it", "failed_with", "failed_without", "lloq_ng_ml_with",
    "lloq_ng_ml_without", "uloq_ng_ml_with", "uloq_ng_ml_without", "samples_changed", "statuses_changed",
    "largest_change_percent", "largest_change_sample", "reason_code", "reason", "author", "decided_at",
]  # fmt: skip


def judge_run(run: Run, readings: pd.DataFrame, acquisitions: pd.DataFrame | None = None) -> RunEvaluation:
    """Return everything decided within one run, with `decisions`: what it would be without each decision of a person.

    Parameters
    ----------
    readings : DataFrame
        peaks.tsv of the run (LC-MS/MS) or its wells (ELISA), as read.
    acquisitions : DataFrame, optional
        What the raw files of an LC-MS/MS run say of their own acquisition.
    """
    from bioanalysis.evaluation.run import evaluate_run

    result = evaluate_run(run, responses_of(run, readings), acquisitions)
    limits = limits_for(run.method)
    decisions = pd.DataFrame(
        [row for taken in taken_back(run) for row in _effects(taken, run, result, readings, limits)], columns=COLUMNS
    )
    resting = [_resting(row) for row in decisions[decisions.verdict_rests_on_it.astype(bool)].to_dict("records")]
    flags = pd.concat([result.flags, flag_table(resting)], ignore_index=True) if resting else result.flags
    return run_in_moles(replace(result, decisions=decisions, flags=flags), run)


def responses_of(run: Run, readings: pd.DataFrame) -> pd.DataFrame:
    """Return the responses of either platform."""
    return (responses_from_peaks if run.platform == "lcms" else responses_from_wells)(run, readings)


@dataclass(frozen=True)
class TakenBack:
    """Decisions taken back together: their rows, and whether they are all those of the run."""

    decisions: pd.DataFrame
    together: bool = False

    @property
    def about(self) -> dict[str, str]:
        """Who decided what and why, in the columns of the table."""
        rows = self.decisions
        said = {
            name: ";".join(dict.fromkeys(rows[name])) for name in ("decision_id", "action", "reason_code", "author")
        }
        reason = "all decisions within this run together" if self.together else rows.reason.iloc[0]
        return said | {"reason": reason, "decided_at": rows.decided_at.max()}


def taken_back(run: Run) -> Iterator[TakenBack]:
    """Yield the exclusions and integrations of a run one by one, then all together where there are several."""
    rows = run.decisions[run.decisions.action.isin(WITHIN_RUN)]
    for number in range(len(rows)):
        yield TakenBack(rows.iloc[[number]])
    if len(rows) > 1:
        yield TakenBack(rows, together=True)


def without(taken: TakenBack, run: Run, readings: pd.DataFrame) -> tuple[Run, pd.DataFrame]:
    """Return the run and its readings as if these decisions had never been taken."""
    left = run.decisions.drop(index=taken.decisions.index)
    by_hand = taken.decisions[taken.decisions.action == "integrate"]
    if by_hand.empty:
        return replace(run, decisions=left), readings
    meant = manual_integrations(replace(run, decisions=by_hand))
    keys = set(zip(meant.position, meant.transition, strict=True))
    manual = [key in keys for key in zip(readings.position.astype(str), readings.transition, strict=True)]
    area = readings.area.mask(np.array(manual), readings.automatic_area)
    return replace(run, decisions=left), readings.assign(area=area, manual=readings.manual & ~np.array(manual))


def _effects(
    taken: TakenBack, run: Run, result: RunEvaluation, readings: pd.DataFrame, limits: Limits
) -> Iterator[dict[str, object]]:
    """Yield one row for each verdict (analyte and plate) that the decisions bear on."""
    from bioanalysis.evaluation.run import evaluate_run

    undecided, automatic = without(taken, run, readings)
    other = evaluate_run(undecided, responses_of(undecided, automatic))
    verdicts = {(row.analyte, row.plate): row.verdict for row in _runs(result.acceptance).itertuples()}
    others = {(row.analyte, row.plate): row.verdict for row in _runs(other.acceptance).itertuples()}
    for (analyte, plate), verdict in verdicts.items():
        rows = _concerned(taken, run, analyte, plate)
        if rows.empty:
            continue
        failed = _failed(result.acceptance, analyte, plate, limits)
        failed_without = _failed(other.acceptance, analyte, plate, limits)
        gained = others[analyte, plate] == FAIL or set(failed_without) - set(failed)
        yield {
            **taken.about, "run_id": run.run_id, "plate": plate, "analyte": analyte,
            **{name: _listed(rows[name]) for name in ("position", "sample_type", "level", "sample_id")},
            "verdict_with": verdict, "verdict_without": others[analyte, plate],
            "verdict_rests_on_it": verdict == PASS and bool(gained),
            "failed_with": "; ".join(failed), "failed_without": "; ".join(failed_without),
            **_range("with", result, analyte, plate), **_range("without", other, analyte, plate),
            **_changes(result.reportable, other.reportable, analyte),
        }  # fmt: skip


def _runs(acceptance: pd.DataFrame) -> pd.DataFrame:
    return acceptance[acceptance.rule_id == RUN]


def _concerned(taken: TakenBack, run: Run, analyte: str, plate: str) -> pd.DataFrame:
    """Return the worklist rows that the decisions name for this analyte, on this plate."""
    names = names_of(run.method.analyte(analyte), run.method)
    named = np.zeros(len(run.worklist), dtype=bool)
    for decision in taken.decisions.itertuples():
        if decision.analyte == "" or decision.analyte in names:
            named |= rows_named(decision, run.worklist)
    return run.worklist[named & (run.worklist.plate.isin([plate]) | (plate == "")).to_numpy()]


def _listed(column: pd.Series) -> str:
    return ";".join(dict.fromkeys(word for word in column if word))


def _failed(acceptance: pd.DataFrame, analyte: str, plate: str, limits: Limits) -> list[str]:
    """Return the failed rules that reject something: the run, or the batch, tissue or diluted samples named."""
    rows = acceptance[(acceptance.analyte == analyte) & (acceptance.plate == plate) & (acceptance.verdict == FAIL)]
    deciding = [row for row in rows.itertuples() if row.rule_id in limits and limits[row.rule_id].decides]
    return list(dict.fromkeys(" ".join(filter(None, (row.rule_id, row.batch, row.tissue))) for row in deciding))


def _range(word: str, result: RunEvaluation, analyte: str, plate: str) -> dict[str, float]:
    curve = next(curve for curve in result.curves if (curve.analyte, curve.plate) == (analyte, plate))
    return {f"lloq_ng_ml_{word}": curve.lloq_ng_ml, f"uloq_ng_ml_{word}": curve.uloq_ng_ml}


def _changes(reportable: pd.DataFrame, other: pd.DataFrame, analyte: str) -> dict[str, object]:
    """Return how many study samples have another value or another status, and the largest relative change.

    The change is 100 (with - without) / without, of values inside the range whatever the verdict on the run.
    """
    here, there = (
        table[(table.analyte == analyte) & table.sample_type.isin(STUDY_SAMPLES)].set_index(["plate", "position"])
        for table in (reportable, other)
    )
    there = there.reindex(here.index)
    found, other_value = _values(here), _values(there)
    percent = 100 * (found / other_value - 1)
    changed = (percent.abs() > 100 * SAME) | (found.isna() != other_value.isna())
    known = percent[changed & percent.notna()].abs()
    largest = known.reset_index(drop=True).idxmax() if len(known) else None
    place = None if largest is None else known.index[largest]
    return {
        "samples_changed": int(changed.sum()),
        "statuses_changed": int((here.status != there.status).sum()),
        "largest_change_percent": np.nan if place is None else float(percent[place]),
        "largest_change_sample": "" if place is None else str(here.sample_id[place]),
    }


def _values(units: pd.DataFrame) -> pd.Series:
    """Return each value inside the range, diluted and corrected as the run itself can."""
    return (units.reading_ng_ml * units.dilution_factor / units.recovery_factor).where(units.place == "inside")


def _resting(row: dict[str, object]) -> dict[str, object]:
    """Return the flag of a verdict that rests on a decision."""
    word = RESTS["exclude" if "exclude" in str(row["action"]) else "integrate"]
    observed = f"{row['decision_id']}: without it {row['failed_without']} fails"
    where = {name: row[name] for name in ("run_id", "plate", "analyte", "position", "sample_id")}
    return flag(word, observed=observed, source="decisions.tsv", **where)
