"""Worklists: what each row means once the method's defaults are filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bioanalysis.method import Method
from bioanalysis.tables import held_once
from bioanalysis.words import STUDY_SAMPLES

_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9][0-9]?)", re.ASCII)
LIKE_CALIBRATORS = ("qc", "dilution_qc", "blank", "zero", "anchor")
RECOVERY = ("recovery_pre", "recovery_post")
NEVER_EXTRACTED = ("recovery_post", "neat", "carryover_blank", "system_suitability")


def normal_position(position: str, platform: str) -> str | None:
    """Return the position written in one way (`B07` and `b7` are `B7`, `012` is `12`), None where it is none."""
    if platform == "elisa":
        well = _WELL.fullmatch(position)
        return well[1].upper() + well[2] if well else None
    return str(int(position)) if re.fullmatch(r"[0-9]{1,9}", position, re.ASCII) and int(position) > 0 else None


def resolve(
    worklist: pd.DataFrame, run: Mapping[str, str], method: Method, tissue_of: Mapping[str, str]
) -> pd.DataFrame:
    """Return `worklist` with every default of the data contract filled in.

    Parameters
    ----------
    worklist : DataFrame
        As checked by the table declaration.
    run : mapping
        Row of the run table: `run_id` and `extraction_batch` are used.
    method : Method
        The run's method: platform, matrix and extraction of its calibrators.
    tissue_of : mapping
        Tissue of each sample of the manifest.
    """
    frame = worklist.copy()
    positions = [normal_position(position, method.platform) or position for position in frame["position"].tolist()]
    frame["position"] = held_once(positions)
    frame["plate"] = _plates(frame) if method.platform == "elisa" else ""
    frame["plate"] = frame["plate"].astype("str")
    frame["batch"] = _filled(frame["batch"], run["extraction_batch"] or run["run_id"])
    given = frame["tissue"].to_numpy(dtype=object)
    frame["tissue"] = _tissues(frame, method, tissue_of)
    frame["extracted"] = _extracted(frame, given, method)
    steps = frame["dilution_steps"].to_numpy()
    diluted = np.where(frame["dilution_factor"] > 1, 1.0, 0.0)
    frame["dilution_steps"] = np.where(np.isnan(steps), diluted, steps)
    frame["extraction_id"] = _extraction_ids(frame, run["run_id"], method)
    return frame


def _plates(frame: pd.DataFrame) -> pd.Series:
    """Plate `1` where none is named; a row that never had a well stands with the first plate of the run."""
    nowhere = (frame["plate"] == "") & (frame["position"] == "")
    plates = _filled(frame["plate"], "1")
    return plates.mask(nowhere, plates[~nowhere].iloc[0] if not nowhere.all() else "1")


def _filled(column: pd.Series, default: str) -> pd.Series:
    return column.where(column != "", default)


def _tissues(frame: pd.DataFrame, method: Method, tissue_of: Mapping[str, str]) -> pd.Series:
    matrix = method.extraction.calibrator_matrix
    like_calibrators = "" if matrix == "tissue" else matrix
    recovered = tissue_of_calibrators(frame) if matrix == "tissue" else matrix
    tissues = []
    columns = (frame[name].tolist() for name in ("sample_type", "sample_id", "tissue"))
    for kind, sample, tissue in zip(*columns, strict=True):
        if kind in STUDY_SAMPLES:
            tissues.append(tissue_of.get(sample, tissue))
        elif kind == "neat":
            tissues.append(tissue or "neat")
        elif kind in RECOVERY:
            tissues.append(tissue or recovered)
        else:
            tissues.append(tissue or like_calibrators)
    return pd.Series(tissues, dtype="str")


def tissue_of_calibrators(frame: pd.DataFrame) -> str:
    """Return the tissue that all calibrators of a worklist name; '' where they name none or several."""
    named = set(frame["tissue"][frame["sample_type"] == "calibrator"])
    return str(named.pop()) if len(named) == 1 else ""


def _extracted(frame: pd.DataFrame, tissue_given: np.ndarray, method: Method) -> pd.Series:
    kinds = frame["sample_type"].to_numpy(dtype=object)
    no_tissue = np.isin(tissue_given.astype(str), ["", "surrogate", "neat"])
    as_calibrators = (kinds == "calibrator") | (np.isin(kinds.astype(str), LIKE_CALIBRATORS) & no_tissue)
    default = ~np.isin(kinds.astype(str), NEVER_EXTRACTED)
    default[as_calibrators] = method.extraction.calibrators_extracted
    said = frame["extracted"].to_numpy(dtype=object)
    return pd.Series(np.where(said == "", default, said == "true").astype(bool))


def _extraction_ids(frame: pd.DataFrame, run_id: str, method: Method) -> pd.Series:
    """One per row for LC-MS/MS; for ELISA one per sample (or label), dilution and extraction batch."""
    if method.platform == "lcms":
        places = zip(frame["position"].tolist(), frame["line"].tolist(), strict=True)
        default = [f"{run_id}:{position or f'line {line}'}" for position, line in places]
    else:
        labels = zip(_labels(frame), frame["dilution_factor"].tolist(), strict=True)
        names = pd.Series([f"{run_id}:{label}:{factor:g}" for label, factor in labels], index=frame.index)
        several = frame["batch"].groupby(names).transform("nunique") > 1
        default = names.mask(several, names + ":" + frame["batch"]).tolist()
    given = frame["extraction_id"]
    return held_once(given.where(given != "", pd.Series(default, dtype="str")))


def _labels(frame: pd.DataFrame) -> list[str]:
    """What a well holds: its sample; without that its kind, level, tissue and lot together."""
    names = ("sample_id", "sample_type", "level", "nominal_ng_ml")
    more = ("tissue", "lot", "experiment", "interferent", "condition", "series")
    labels = []
    for row in zip(*(frame[name].tolist() for name in (*names, *more)), strict=True):
        sample, kind, level, nominal, *others = row
        amount = level or ("" if np.isnan(nominal) else f"{nominal:g}")
        labels.append(sample or ":".join(part for part in (kind, amount, *others) if part))
    return labels
