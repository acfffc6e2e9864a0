"""The document of a validation: what was not done is told from what the runs themselves show."""

from __future__ import annotations

import pandas as pd
import pytest

from bioanalysis.acceptance.ledger import FAIL, NOT_ASSESSABLE, PASS
from bioanalysis.export.validation_document import JUDGED_BY_RUN, RULES, _experiment

pytestmark = pytest.mark.requirement("UR-051")


@pytest.mark.parametrize(
    ("verdict", "note"), [(PASS, JUDGED_BY_RUN), (FAIL, JUDGED_BY_RUN), (NOT_ASSESSABLE, "not done")]
)
def test_an_experiment_without_rows_is_not_done_unless_the_runs_were_judged(verdict, note):
    acceptance = pd.DataFrame([dict.fromkeys(RULES, "") | {"rule_id": "CAR-01", "verdict": verdict}])
    table, rules = _experiment("Carry-over", pd.DataFrame(), acceptance, ("CAR-",))
    assert table["note"] == note
    assert [row[0] for row in rules["rows"]] == ["CAR-01"]
