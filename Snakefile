"""Oligonucleotides in tissue: from manifests and raw data to concentrations with a verdict on every run."""


include: "workflow/rules/common.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/read.smk"
include: "workflow/rules/run.smk"
include: f"workflow/rules/{PLAN.kind}.smk"  # study or validation


# every result is named, not the reports alone: one that was removed or set aside is made again
rule all:
    default_target: True
    input:
        expand(rules.integrate_peaks.output, run=LCMS_RUNS),
        expand(rules.judge_run.output, run=RUNS),
        expand(rules.report_run.output, run=RUNS),
        STUDY_RESULTS,
