"""A method validation: all runs gathered into statistics per experiment, verdicts and the validation report."""


rule judge_validation:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        tables=expand(
            "results/runs/{run}/{table}.tsv",
            run=RUNS,
            table=["measurements", "reportable", "acceptance", "recovery", "flags"],
        ),
    output:
        validation="results/study/validation.tsv",
        acceptance="results/study/acceptance.tsv",
        flags="results/study/flags.tsv",
        reconciliation="results/study/reconciliation.tsv",
        document="results/study/validation.json",
    log:
        "logs/judge_validation.log",
    resources:
        mem_mb=2000,
    params:
        code=CODE,
    script:
        "../scripts/judge_validation.py"


rule report_validation:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        runs=expand(
            "results/runs/{run}/{table}",
            run=RUNS,
            table=["acceptance.tsv", "flags.tsv"],
        ),
        tables=[
            "results/study/validation.tsv",
            "results/study/acceptance.tsv",
            "results/study/flags.tsv",
            "results/study/reconciliation.tsv",
        ],
    output:
        report="results/study/report.html",
    log:
        "logs/report_validation.log",
    resources:
        mem_mb=2000,
    params:
        code=CODE,
    script:
        "../scripts/report_validation.py"


STUDY_RESULTS = [rules.judge_validation.output, rules.report_validation.output]
