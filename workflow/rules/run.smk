"""One run: peaks, curve, verdicts, report. A run is accepted or rejected as a whole, hence one job each."""


rule integrate_peaks:
    input:
        admitted=ancient("work/admitted"),
        run="work/{run}/run.json",
        traces="work/{run}/traces.npz",
    output:
        peaks="results/runs/{run}/peaks.tsv",
    log:
        "logs/{run}/integrate_peaks.log",
    wildcard_constraints:
        run=any_of(LCMS_RUNS),
    group:
        "run"
    resources:
        mem_mb=memory(600),
    params:
        code=CODE,
    script:
        "../scripts/integrate_peaks.py"


rule judge_run:
    input:
        admitted=ancient("work/admitted"),
        run="work/{run}/run.json",
        readings=responses_input,
        acquisitions=acquisitions,
    output:
        measurements="results/runs/{run}/measurements.tsv",
        reportable="results/runs/{run}/reportable.tsv",
        curve="results/runs/{run}/curve.json",
        acceptance="results/runs/{run}/acceptance.tsv",
        recovery="results/runs/{run}/recovery.tsv",
        flags="results/runs/{run}/flags.tsv",
        decisions="results/runs/{run}/decisions.tsv",
        dilutions="results/runs/{run}/dilutions.tsv",
        positions="results/runs/{run}/positions.tsv",
        carry_over="results/runs/{run}/carry_over.tsv",
        internal_standard="results/runs/{run}/internal_standard.tsv",
    log:
        "logs/{run}/judge_run.log",
    group:
        "run"
    resources:
        mem_mb=memory(600),
    params:
        code=CODE,
    script:
        "../scripts/judge_run.py"


rule report_run:
    input:
        admitted=ancient("work/admitted"),
        run="work/{run}/run.json",
        raw=raw_data,
        measurements="results/runs/{run}/measurements.tsv",
        readings=responses_input,
        acquisitions=acquisitions,
        curve="results/runs/{run}/curve.json",
        acceptance="results/runs/{run}/acceptance.tsv",
        recovery="results/runs/{run}/recovery.tsv",
        flags="results/runs/{run}/flags.tsv",
        decisions="results/runs/{run}/decisions.tsv",
        dilutions="results/runs/{run}/dilutions.tsv",
        positions="results/runs/{run}/positions.tsv",
        carry_over="results/runs/{run}/carry_over.tsv",
        internal_standard="results/runs/{run}/internal_standard.tsv",
    output:
        report="results/runs/{run}/report.html",
        figures=figures("results/runs/{run}/figures"),
    log:
        "logs/{run}/report_run.log",
    group:
        "run"
    resources:
        mem_mb=memory(600),
    params:
        code=CODE,
    script:
        "../scripts/report_run.py"
