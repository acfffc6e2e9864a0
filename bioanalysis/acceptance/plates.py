"""Verdict on how the plates of a run share their standards: rule CAL-LBA-11."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance.ledger import Ledger
from bioanalysis.calibration.standards import StandardCurve


def judge_plates(ledger: Ledger, curve: StandardCurve, units: pd.DataFrame) -> None:
    """Enter whether a plate has its own standards and QCs, or several share those of first and last, with QCs on all.

    Parameters
    ----------
    units : DataFrame
        All units read off the curve, in the order of the worklist: plate, sample_type, counted.
    """
    if "CAL-LBA-11" not in ledger.limits:
        return
    plates = list(dict.fromkeys(units.plate))
    with_standards = set(curve.points.plate[curve.points.kind == "calibrator"])
    with_controls = set(units.plate[(units.sample_type == "qc") & units.counted])
    without = ", ".join(str(plate) for plate in plates if plate not in with_controls)
    lacking = [str(plate) for plate in dict.fromkeys((plates[0], plates[-1])) if plate not in with_standards]
    words = ["own calibrators and QCs" if len(plates) == 1 else f"{len(plates)} plates on one curve"]
    words += [f"no calibrators on plate {', '.join(lacking)}"] * bool(lacking)
    words += [f"no QCs on plate {without}"] * bool(without)
    ledger.add(ledger.limits["CAL-LBA-11"], not lacking and not without, "; ".join(words))
