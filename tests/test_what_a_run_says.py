"""What `bioanalysis run` says at its end: each verdict of a few runs; of many, how many passed, and which did not.

And the end of `bioanalysis check`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_study import make_small_study

from bioanalysis.cli import check
from bioanalysis.launch import MOST_ACCEPTED, _summary
from bioanalysis.study import Study

HEAD = "rule_id\tplate\tanalyte\tverdict\tobserved\n"


@pytest.fixture
def study(tmp_path):
    make_small_study(tmp_path / "study")
    return Study.load(tmp_path / "study")


def with_verdicts(study, *runs: list[str]) -> Study:
    """Return the study with that many runs; each has a verdict per analyte, as a workflow writes them."""
    results = study.folder / "results"
    (results / "study").mkdir(parents=True)
    (results / "study/tissue_concentrations.tsv").write_text("status\nBLQ\nquantified\nquantified\n")
    for number, verdicts in enumerate(runs, start=1):
        (results / f"runs/R{number}").mkdir(parents=True)
        rows = [f"RUN\t\toligo{place}\t{verdict}\tas told\n" for place, verdict in enumerate(verdicts, start=1)]
        other = "CAL-01\t\toligo1\tfail\tof no concern here\n"
        (results / f"runs/R{number}/acceptance.tsv").write_text(HEAD + other + "".join(rows))
    named = (replace(study.runs[0], run_id=f"R{number}") for number in range(1, len(runs) + 1))
    return replace(study, runs=tuple(named))


def test_of_a_few_runs_every_verdict_is_told(study):
    few = with_verdicts(study, ["pass"], ["fail", "pass"])
    assert _summary(few, few.folder).splitlines() == [
        "run R1 oligo1: accepted (as told)",
        "run R2 oligo1: FAILED (as told)",
        "run R2 oligo2: accepted (as told)",
        "samples: 2 quantified, 1 BLQ",
    ]


def test_of_many_runs_the_accepted_are_counted_and_the_failed_named(study):
    many = with_verdicts(study, *[["pass"]] * MOST_ACCEPTED, ["fail"], ["pass"], ["fail"])
    assert _summary(many, many.folder).splitlines() == [
        "accepted: 21 of 23 runs",
        "run R21 oligo1: FAILED (as told)",
        "run R23 oligo1: FAILED (as told)",
        "samples: 2 quantified, 1 BLQ",
    ]


def test_verdicts_are_not_called_runs_where_runs_have_several(study):
    many = with_verdicts(study, *[["pass", "pass"]] * 11, ["pass", "fail"])
    assert _summary(many, many.folder).splitlines()[:2] == [
        "accepted: 23 of 24 verdicts on 12 runs, by plate and analyte",
        "run R12 oligo2: FAILED (as told)",
    ]


def test_a_check_that_leaves_notes_does_not_end_in_nothing_wrong(study, capsys):
    check(study.folder)
    assert capsys.readouterr().out == "nothing wrong: 4 samples, 2 runs\n"
    path = study.folder / "config/config.yaml"
    path.write_text(path.read_text().replace("1.06", "1060"))
    check(study.folder)
    note, last = capsys.readouterr().out.splitlines()
    assert "liver 1060" in note
    assert last == "nothing stops a run; 1 note to look at: 4 samples, 2 runs"
