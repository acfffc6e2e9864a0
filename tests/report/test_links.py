"""The way from a row of the study to the report of its run."""

from __future__ import annotations

import pandas as pd
import pytest

from bioanalysis.report.links import Ways
from bioanalysis.report.sections import Cell
from bioanalysis.report.study_tables import ROWS, Stacked

pytestmark = pytest.mark.requirement("UR-050")


@pytest.mark.parametrize("batch", ["LC-01", "LC-01:E1"])
def test_a_batch_leads_to_the_recovery_of_its_run(batch):
    ways = Ways(frozenset({"LC-01"}), frozenset(), Stacked("run_id", *ROWS).table())
    table = pd.DataFrame({"batch": [batch, "elsewhere"], "run_id": ["LC-01", ""]})
    assert list(ways.linked(table).batch) == [Cell(batch, "../runs/LC-01/report.html#Recovery"), "elsewhere"]
