"""A flag is closed by a decision with reason and author alone, and stays in the table."""

from __future__ import annotations

import pandas as pd
import pytest
from small_study import make_small_study, said

from bioanalysis.evaluation.study_flags import accept
from bioanalysis.flags import flag, flag_table
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-041")

COLUMNS = ["decision_id", "action", "run_id", "sample_id", "reason_code", "reason", "author", "decided_at"]
WHOLE = {
    "decision_id": "D1", "action": "accept_flag", "run_id": "LC-01", "sample_id": "S1",
    "reason_code": "TECHNICAL_CAUSE_EXCLUDED", "reason": "injector serviced", "author": "KM",
    "decided_at": "2026-03-12T10:00:00Z",
}  # fmt: skip


def decide(folder, *decisions: dict[str, str]) -> None:
    rows = ["\t".join(COLUMNS), *("\t".join(one[name] for name in COLUMNS) for one in decisions)]
    (folder / "config/decisions.tsv").write_text("\n".join(rows) + "\n")


def flags() -> pd.DataFrame:
    """Two flags of S1 in LC-01, one of S2 there, one of S1 elsewhere."""
    places = [("is_outside", "LC-01", "S1"), ("rt_outside", "LC-01", "S1"), ("is_outside", "LC-01", "S2"),
              ("is_outside", "EL-01", "S1")]  # fmt: skip
    return flag_table([flag(word, run_id=run, sample_id=sample) for word, run, sample in places])


def decisions_of(folder) -> pd.DataFrame:
    return Study.load(folder).decisions


@pytest.mark.parametrize("column", ["author", "reason", "reason_code", "decided_at"])
def test_a_decision_without_author_reason_or_time_is_refused(tmp_path, column):
    folder = make_small_study(tmp_path)
    decide(folder, WHOLE | {column: ""})
    (fault,) = said(folder)
    assert fault.startswith(f"config/decisions.tsv: line 2, {column}: empty")


def test_the_code_of_another_action_closes_no_flag(tmp_path):
    folder = make_small_study(tmp_path)
    decide(folder, WHOLE | {"reason_code": "SPILL"})
    expected = "expected a code of 'accept_flag': TECHNICAL_CAUSE_EXCLUDED, SCIENTIFIC_JUSTIFICATION"
    assert said(folder) == [f"config/decisions.tsv: line 2, reason_code: 'SPILL'; {expected}"]


def test_only_the_flags_it_names_are_closed_and_all_stay(tmp_path):
    folder = make_small_study(tmp_path)
    decide(folder, WHOLE)
    found, closed = flags(), accept(flags(), decisions_of(folder))
    assert closed.state.tolist() == ["accepted", "accepted", "open", "open"]
    assert closed.decision_id.tolist() == ["D1", "D1", "", ""]
    rest = [name for name in found if name not in ("state", "decision_id")]
    pd.testing.assert_frame_equal(closed[rest], found[rest])


def test_other_actions_close_nothing(tmp_path):
    folder = make_small_study(tmp_path)
    decide(folder, WHOLE | {"action": "exclude", "reason_code": "SPILL"})
    assert set(accept(flags(), decisions_of(folder)).state) == {"open"}


def test_a_closed_flag_keeps_the_decision_that_closed_it(tmp_path):
    folder = make_small_study(tmp_path)
    decide(folder, WHOLE, WHOLE | {"decision_id": "D2", "run_id": "", "author": "AL"})
    closed = accept(flags(), decisions_of(folder))
    assert closed.decision_id.tolist() == ["D1", "D1", "", "D2"]
