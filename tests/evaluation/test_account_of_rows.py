"""What became of every row put in: lines as they stand in the files, decisions with and without effect."""

from __future__ import annotations

import pandas as pd
import pytest
from elisa_study import make_study, whole_plate

from bioanalysis.evaluation.reconciliation import reconcile
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.evaluation.side_rows import side_rows
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


SIDE = {
    "pools": "pool_id\tsubject_id\nP1\tA1\n",
    "dosing": "subject_id\tstudy_day\tdose_mg\tdose_basis\tgiven\nA1\t1\t2\tfree_acid\t\nA1\t8\t2\tfree_acid\tfalse\n",
    "clinical_chemistry": "subject_id\tstudy_day\ttest\tvalue\tunit\tuln\n"
    "A1\t8\tALT\t400\tU/L\t40\nA1\t8\tHDL\t1\tmM\t\n",
    "materials": "material\tkind\tlot\texpiry\nbuffer\treagent\tL1\t2020-01-01\nIS\tinternal standard\tL2\t2099-01-01\n"
    "water\treagent\tL3\t\n",
}


def test_rows_of_the_optional_tables_end_with_an_outcome_and_a_reason(tmp_path):
    folder = make_study(tmp_path, [whole_plate("1", ("S1", 100.0))])
    subject = Study.load(folder).subjects.subject_id[0]
    for name, text in SIDE.items():
        (folder / f"config/{name}.tsv").write_text(text.replace("A1", subject))
    study = Study.load(folder)
    last = study.runs[0].run_date
    judged = pd.DataFrame({"class": ["severe", ""], "note": ["10 x ULN", ""]})
    account = [tuple(row.values()) for row in side_rows(study, judged)]
    assert account == [
        ("pools", 2, f"P1: {subject}", "0 samples", "no sample of the pool in the manifest"),
        ("dosing", 2, f"{subject}, day 1", "given", "counted in dosing_summary.tsv"),
        ("dosing", 3, f"{subject}, day 8", "not given", "counted as missed"),
        ("clinical_chemistry", 2, f"{subject}, day 8, ALT", "class severe", "10 x ULN"),
        ("clinical_chemistry", 3, f"{subject}, day 8, HDL", "in no class", "no class of liver findings applies"),
        ("materials", 2, "buffer, lot L1", "expired", f"expired 2020-01-01, before the last run of {last}"),
        ("materials", 3, "IS, lot L2", "listed", "expires 2099-01-01, not before the last run"),
        ("materials", 4, "water, lot L3", "listed", "no expiry given"),
    ]
