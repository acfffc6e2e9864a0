"""Oligonucleotides in tissue: from manifests and raw data to concentrations with a verdict on every run."""


include: "workflow/rules/common.smk"
include: "workflow/rules/read.smk"
include: "workflow/rules/run.smk"
include: "workflow/rules/study.smk"


rule all:
    default_target: True
    input:
        expand("results/runs/{run}/report.html", run=RUNS),
        "results/study/report.html",
