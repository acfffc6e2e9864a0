"""What would run again and why, from what the workflow says and from what changed."""

from __future__ import annotations

import pytest

from bioanalysis.records.changes import Change
from bioanalysis.records.outside import Outside
from bioanalysis.records.plan import Job, plan_in_words, planned_jobs
from bioanalysis.records.standing import Standing

pytestmark = pytest.mark.requirement("UR-060")

# the form of a dry run of Snakemake 9
OUTPUT = """\
Building DAG of jobs...
[Tue Nov 24 11:57:38 2026]
rule read_traces:
    input: work/LC-01/run.json
    output: work/LC-01/traces.npz
    jobid: 3
    reason: Params have changed since last execution: Union of params
    wildcards: run=LC-01
    resources: tmpdir=/tmp, mem_mb=600

[Tue Nov 24 11:57:38 2026]
localrule judge_study:
    input: work/study.json
    reason: Updated input files: work/study.json; Input files updated by another job: results/runs/LC-01/flags.tsv
    resources: tmpdir=/tmp

rule all:
    input: results/study/report.html
    reason: Input files updated by another job: results/study/report.html
"""
BEFORE = Standing({"config/samples.tsv": "1"}, {"raw/a.mzML": "2"}, {})
AFTER = Standing({"config/samples.tsv": "3"}, {"raw/a.mzML": "4", "raw/b.mzML": "5"}, {})
CHANGES = [Change("config/samples.tsv", "S1", "tissue_mass_mg", "100", "101")]


def test_jobs_are_read_with_their_run_and_reason():
    assert planned_jobs(OUTPUT) == [
        Job("read_traces", "LC-01", "Params have changed since last execution: Union of params"),
        Job(
            "judge_study",
            "study",
            "Updated input files: work/study.json; Input files updated by another job: results/runs/LC-01/flags.tsv",
        ),
    ]


@pytest.mark.parametrize(
    ("before", "software", "words"),
    [
        (BEFORE, [], "raw data changed"),
        (BEFORE, ["package numpy: 2.0 -> 2.1"], "the software changed"),
        (AFTER, [], "made with other software or from other raw data than recorded"),  # and back again
    ],
)
def test_what_readings_are_made_from_is_named_by_what_of_it_changed(before, software, words):
    job = Job("read_traces", "LC-01", "Updated input files: work/LC-01/source.json")
    said = plan_in_words([job], before, AFTER, [], [], [], software=software)
    assert said.splitlines()[-1] == f"  run LC-01: {words}"


def test_the_plan_says_what_changed_and_why_each_run_is_concerned():
    said = plan_in_words(planned_jobs(OUTPUT), BEFORE, AFTER, CHANGES, [], [], software=[])
    assert said.splitlines() == [
        "would run: 1 x read_traces, 1 x judge_study",
        "changed since the last recorded run:",
        "  config/samples.tsv, S1: tissue_mass_mg 100 -> 101",
        "  raw/a.mzML: other content",
        "  raw/b.mzML: new",
        "why:",
        "  run LC-01: raw data changed",
        "  the study: settings or tables of the study changed",
    ]


def test_other_software_is_told_as_such():
    said = plan_in_words(planned_jobs(OUTPUT), BEFORE, AFTER, CHANGES, [], [], software=["the software"])
    assert "  the software\n" in said
    assert "run LC-01: the software changed" in said


def test_results_changed_outside_are_part_of_the_plan():
    outside = [str(Outside("results/study/flags.tsv", "1", "2")), str(Outside("results/study/flags.tsv", "1", None))]
    said = plan_in_words([], BEFORE, BEFORE, [], outside, [], software=[])
    assert said.splitlines() == [
        "without an entry in the audit trail:",
        "  results/study/flags.tsv is not what the last run wrote: would be made again",
        "  results/study/flags.tsv is missing, though the last run wrote it: would be made again",
    ]


def test_settings_that_no_result_rests_on_are_part_of_the_plan():
    after = Standing({**BEFORE.config, "config/signers.tsv": "9"}, BEFORE.raw, {})
    assert plan_in_words([], BEFORE, after, [], [], [], software=[]).splitlines() == [
        "would compute nothing, and write down what changed",
        "changed since the last recorded run:",
        "  config/signers.tsv: new",
    ]
    assert plan_in_words([], BEFORE, BEFORE, [], [], [], software=[]) == ""


def test_jobs_that_share_a_submission_are_read_too():
    grouped = """[Tue Nov 24 14:19:40 2026] Group job study (jobs in lexicogr. order):

    [Tue Nov 24 14:19:40 2026]
    rule export_study:
        input: work/study.json
        reason: Input files updated by another job: results/study/flags.tsv
        resources: tmpdir=/tmp
    [Tue Nov 24 14:19:40 2026]
    rule judge_study:
        input: work/study.json
        reason: Updated input files: work/study.json
[Tue Nov 24 14:19:40 2026]
rule all:
    reason: Input files updated by another job: results/study/flags.tsv
"""
    assert planned_jobs(grouped) == [
        Job("export_study", "study", "Input files updated by another job: results/study/flags.tsv"),
        Job("judge_study", "study", "Updated input files: work/study.json"),
    ]


def test_a_run_that_was_refused_is_not_called_never_computed():
    again = [
        Job("read_wells", "P1", "Missing output files: work/P1/refused.json; Params have changed: Union of params")
    ]
    first = [Job("read_wells", "P1", "Missing output files: work/P1/wells.tsv, work/P1/refused.json")]
    assert "run P1: raw data that were refused are read again" in plan_in_words(
        again, None, AFTER, [], [], [], software=[]
    )
    assert "run P1: nothing is computed yet" in plan_in_words(first, None, AFTER, [], [], [], software=[])


def test_a_study_never_computed_is_told_as_that_and_a_table_that_is_missing_by_its_name():
    tables = ["results/study/acceptance.tsv", "results/study/tissue_concentrations.tsv"]
    first = [Job("judge_study", "study", f"Missing output files: {', '.join(tables)}"),
             Job("report_study", "study", "Missing output files: results/study/report.html")]  # fmt: skip
    assert "the study: nothing is computed yet" in plan_in_words(first, None, AFTER, [], [], [], software=[])
    again = [Job("judge_study", "study", f"Missing output files: {tables[0]}")]
    assert f"the study: missing: {tables[0]}" in plan_in_words(again, None, AFTER, [], [], [], software=[])


def test_many_runs_are_told_by_what_they_have_in_common_and_the_study_is_not_cut_off():
    jobs = [Job("read_traces", f"R{number:03d}", "Missing output files: work/x/traces.npz") for number in range(300)]
    jobs += [Job("judge_run", "Z", "Updated input files: work/Z/run.json")]
    jobs += [Job("judge_study", "study", "Input files updated by another job: results/runs/Z/flags.tsv")]
    assert plan_in_words(jobs, None, AFTER, [], [], [], software=[]).splitlines() == [
        "would run: 300 x read_traces, 1 x judge_run, 1 x judge_study",
        "why:",
        "  300 runs (R000, R001, R002 and 297 more): nothing is computed yet",
        "  1 run (Z): worklist, method, decisions or run table row of Z changed",
        "  the study: follows from the runs above",
    ]


def test_of_many_missing_results_a_few_are_named():
    names = ", ".join(f"results/study/t{number}.tsv" for number in (9, 3, 1, 2, 8, 4, 7, 5, 6))
    words = Job("judge_study", "study", f"Missing output files: {names}").why("")
    named = ", ".join(f"results/study/t{number}.tsv" for number in (1, 2, 3, 4, 5, 6))
    assert words == f"missing: {named} and 3 more"
