"""Which rows of a validation's run count as the run's own controls."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance.validation import ACCURACY
from bioanalysis.calibration.standards import ROUNDING
from bioanalysis.method import Analyte

OF_THE_RUN = ("", "carry_over")


def routine_units(units: pd.DataFrame, analyte: Analyte) -> pd.DataFrame:
    """Return the units a run is judged by: without those of experiments, which the validation judges.

    QCs of accuracy and precision between the ends of the range are the run's controls as well; those at its ends are
    not, since a study run has none there.
    """
    if (units.experiment == "").all():
        return units
    nominal = units.nominal_ng_ml
    inner = (nominal > analyte.lloq_ng_ml * (1 + ROUNDING)) & (nominal < analyte.uloq_ng_ml * (1 - ROUNDING))
    return units[units.experiment.isin(OF_THE_RUN) | ((units.experiment == ACCURACY) & inner)]
