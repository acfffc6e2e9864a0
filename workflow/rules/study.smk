"""The study: all runs gathered into tissue concentrations, summaries, flags and the report."""


rule judge_study:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        tables=expand(
            "results/runs/{run}/{table}.tsv",
            run=RUNS,
            table=[
                "measurements",
                "reportable",
                "acceptance",
                "recovery",
                "flags",
                "carry_over",
                "internal_standard",
            ],
        ),
        readings=[responses_of(run) for run in PLAN.decided],
    output:
        tissue_concentrations=report(
            "results/study/tissue_concentrations.tsv",
            caption="../report/concentrations.rst",
            category="Study",
            subcategory="Tables",
            labels={
                "about": "tissue concentrations",
                "axes": "",
                "shows": "the result",
            },
        ),
        recovery="results/study/recovery.tsv",
        tissue_summary=report(
            "results/study/tissue_summary.tsv",
            caption="../report/summary.rst",
            category="Study",
            subcategory="Tables",
            labels={"about": "summary by group", "axes": "", "shows": "means"},
        ),
        variance_components="results/study/variance_components.tsv",
        biodistribution="results/study/biodistribution.tsv",
        flags="results/study/flags.tsv",
        reconciliation="results/study/reconciliation.tsv",
        response_variance="results/study/response_variance.tsv",
        acceptance="results/study/acceptance.tsv",
        repeats="results/study/repeats.tsv",
        repeat_counts="results/study/repeat_counts.tsv",
        incurred="results/study/incurred.tsv",
        quality_controls="results/study/quality_controls.tsv",
        storage="results/study/storage.tsv",
        sequences="results/study/sequences.tsv",
        mass_balance="results/study/mass_balance.tsv",
        dose_proportionality="results/study/dose_proportionality.tsv",
        targeting="results/study/targeting.tsv",
        sample_swaps="results/study/sample_swaps.tsv",
        exposure="results/study/exposure.tsv",
        dosing_summary="results/study/dosing_summary.tsv",
        weekly_doses="results/study/weekly_doses.tsv",
        liver_safety="results/study/liver_safety.tsv",
        liver_tests="results/study/liver_tests.tsv",
        method_comparison="results/study/method_comparison.tsv",
        uncertainty="results/study/uncertainty.tsv",
        outliers="results/study/outliers.tsv",
        variability_conclusions="results/study/variability_conclusions.tsv",
        decisions="results/study/decisions.tsv",
    log:
        "logs/judge_study.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/judge_study.py"


rule report_study:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        peaks=expand(rules.integrate_peaks.output, run=LCMS_RUNS),
        runs=expand(
            "results/runs/{run}/{table}",
            run=RUNS,
            table=["acceptance.tsv", "flags.tsv", "measurements.tsv", "curve.json"],
        ),
        tables=[
            "results/study/tissue_concentrations.tsv",
            "results/study/recovery.tsv",
            "results/study/tissue_summary.tsv",
            "results/study/variance_components.tsv",
            "results/study/variability_conclusions.tsv",
            "results/study/outliers.tsv",
            "results/study/uncertainty.tsv",
            "results/study/biodistribution.tsv",
            "results/study/flags.tsv",
            "results/study/decisions.tsv",
            "results/study/reconciliation.tsv",
            "results/study/response_variance.tsv",
            "results/study/acceptance.tsv",
            "results/study/repeats.tsv",
            "results/study/repeat_counts.tsv",
            "results/study/incurred.tsv",
            "results/study/quality_controls.tsv",
            "results/study/storage.tsv",
            "results/study/sequences.tsv",
            "results/study/mass_balance.tsv",
            "results/study/dose_proportionality.tsv",
            "results/study/targeting.tsv",
            "results/study/sample_swaps.tsv",
            "results/study/exposure.tsv",
            "results/study/dosing_summary.tsv",
            "results/study/weekly_doses.tsv",
            "results/study/liver_safety.tsv",
            "results/study/liver_tests.tsv",
            "results/study/method_comparison.tsv",
        ],
    output:
        report="results/study/report.html",
        effects="results/study/flag_effects.tsv",
        figures=figures("results/study/figures"),
    log:
        "logs/report_study.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/report_study.py"


rule export_study:
    input:
        admitted=ancient("work/admitted"),
        study="work/study.json",
        runs=expand(rules.judge_run.output, run=RUNS),
        peaks=expand(rules.integrate_peaks.output, run=LCMS_RUNS),
        traces=expand("work/{run}/traces.npz", run=LCMS_RUNS),
        tables=rules.judge_study.output,
        effects=rules.report_study.output.effects,  # a sheet of the workbook
    output:
        document="results/study/report.pdf",
        workbook="results/study/report.xlsx",
        summary="results/study/report.json",
        concentrations="results/study/send/pc.xpt",
        supplement="results/study/send/supppc.xpt",
        define="results/study/send/define.xml",
        notes="results/study/send/notes.tsv",
    log:
        "logs/export_study.log",
    group:
        "study"
    resources:
        mem_mb=memory(2000),
    params:
        code=CODE,
    script:
        "../scripts/export_study.py"


STUDY_RESULTS = [
    rules.judge_study.output,
    rules.report_study.output,
    rules.export_study.output,
]
