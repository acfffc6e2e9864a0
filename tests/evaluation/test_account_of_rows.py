"""What became of every row put in: lines as they stand in the files, decisions with and without effect."""

from __future__ import annotations

import pandas as pd
import pytest
from elisa_study import make_study, whole_plate

from bioanalysis.evaluation.reconciliation import reconcile
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.instruments.run import read_wells_of
from bioanalysis.responses import responses_from_wells
from bioanalysis.study import Study

DECISIONS = """\
decision_id\taction\trun_id\tsample_id\treason_code\treason\tauthor\tdecided_at
D1\taccept_flag\tR1\tS1\tSCIENTIFIC_JUSTIFICATION\tseen\tKM\t2026-02-01T10:00:00Z
"""


@pytest.mark.parametrize(("accepting", "outcome"), [({"D1"}, "applied"), (set(), "without effect")])
def test_rows_have_their_own_lines_and_a_decision_says_whether_it_did_anything(tmp_path, accepting, outcome):
    folder = make_study(tmp_path, [whole_plate("1", ("S1", 100.0))])
    runs = folder / "config/runs.tsv"
    head, row = runs.read_text().splitlines()
    runs.write_text(f"{head}\n\n\n{row}\n")  # the run stands in line 4
    (folder / "config/decisions.tsv").write_text(DECISIONS)
    study = Study.load(folder)
    run = study.runs[0]
    measured = evaluate_run(run, responses_from_wells(run, read_wells_of(run, folder).wells)).measurements
    results = pd.DataFrame([{"sample_id": "S1", "status": "quantified", "reason": "", "chosen": ""}])
    account = reconcile(study, {"R1": measured}, results, accepting).set_index(["table", "id"])
    assert account.line["runs", "R1"] == 4
    assert account.outcome["decisions", "D1"] == outcome
