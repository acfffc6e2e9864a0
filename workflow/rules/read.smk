"""Raw data: every file of every run is opened and matched before any job that owns a result starts."""


rule read_traces:
    input:
        run="work/{run}/run.json",
        source="work/{run}/source.json",
    output:
        traces="work/{run}/traces.npz",
        acquisitions="work/{run}/acquisitions.tsv",
        refused="work/{run}/refused.json",
    log:
        "logs/{run}/read_traces.log",
    wildcard_constraints:
        run=any_of(LCMS_RUNS),
    group:
        "read"
    resources:
        mem_mb=memory(600),
    params:
        code=CODE,
    script:
        "../scripts/read_traces.py"


rule read_wells:
    input:
        run="work/{run}/run.json",
        source="work/{run}/source.json",
    output:
        wells="work/{run}/wells.tsv",
        notes="work/{run}/wells_notes.tsv",
        refused="work/{run}/refused.json",
    log:
        "logs/{run}/read_wells.log",
    wildcard_constraints:
        run=any_of(ELISA_RUNS),
    group:
        "read"
    resources:
        mem_mb=memory(600),
    params:
        code=CODE,
    script:
        "../scripts/read_wells.py"


# A job that refuses a raw file ends well and says so in `refused`: one that fails is tried again on a cluster, and a
# refusal is final. Snakemake removes a rule's outputs before it runs: results of earlier runs are only touched once all
# input is known to be readable.
rule admit:
    input:
        expand("work/{run}/traces.npz", run=LCMS_RUNS),
        expand("work/{run}/wells.tsv", run=ELISA_RUNS),
        refused=expand("work/{run}/refused.json", run=RUNS),
    output:
        update("work/admitted"),
    log:
        "logs/admit.log",
    retries: 0
    params:
        code=CODE,
    script:
        "../scripts/admit.py"
