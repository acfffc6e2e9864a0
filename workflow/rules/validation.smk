"""A method validation: all runs gathered into statistics per experiment, verdicts and the validation report."""


rule judge_validation:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        runs=expand(rules.judge_run.output, run=RUNS),
    output:
        validation="results/study/validation.tsv",
        acceptance="results/study/acceptance.tsv",
        flags="results/study/flags.tsv",
        reconciliation="results/study/reconciliation.tsv",
        document="results/study/validation.json",
    log:
        "logs/judge_validation.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/judge_validation.py"


rule report_validation:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        runs=expand(rules.judge_run.output, run=RUNS),
        tables=rules.judge_validation.output,
    output:
        report="results/study/report.html",
        figures=figures("results/study/figures"),
    log:
        "logs/report_validation.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/report_validation.py"


rule export_validation:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        runs=expand(rules.judge_run.output, run=RUNS),
        peaks=expand(rules.integrate_peaks.output, run=LCMS_RUNS),
        traces=expand("work/{run}/traces.npz", run=LCMS_RUNS),
        tables=rules.judge_validation.output,
    output:
        document="results/study/report.pdf",
        workbook="results/study/report.xlsx",
        summary="results/study/report.json",
    log:
        "logs/export_validation.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/export_validation.py"


STUDY_RESULTS = [
    rules.judge_validation.output,
    rules.report_validation.output,
    rules.export_validation.output,
]
