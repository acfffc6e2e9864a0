"""What every rule needs: the checked study, its runs, the digest of the code."""

import os

# jobs work in the study folder: a module that lies there (or beside its scripts) is never taken for one of ours
os.environ["PYTHONSAFEPATH"] = "1"

from bioanalysis.kernels import pin_kernels

pin_kernels()

from pathlib import Path

from snakemake.exceptions import WorkflowError

from bioanalysis.errors import BatchError
from bioanalysis.planning import handed_plan

try:
    PLAN = handed_plan(Path.cwd(), Path(workflow.basedir))
except BatchError as error:
    raise WorkflowError(str(error))
RUNS = PLAN.run_ids
LCMS_RUNS = PLAN.of_platform("lcms")
ELISA_RUNS = PLAN.of_platform("elisa")
CODE = PLAN.code


localrules:
    admit,


wildcard_constraints:
    run="[A-Za-z0-9_][A-Za-z0-9._-]*",


def memory(mb):
    """Memory of a job in MB; on a cluster a job that failed is tried again with more."""
    return lambda wildcards, attempt: mb * attempt


def is_lcms(run):
    """Whether a run is one of LC-MS/MS: asked of each job, and a list of 1000 runs is long."""
    return PLAN.platforms.get(run) == "lcms"


def raw_data(wildcards):
    """The matched raw data of a run: traces or wells."""
    name = "traces.npz" if is_lcms(wildcards.run) else "wells.tsv"
    return f"work/{wildcards.run}/{name}"


def responses_of(run):
    """What the responses of a run are made of: peaks (LC-MS/MS) or wells (ELISA)."""
    return f"results/runs/{run}/peaks.tsv" if is_lcms(run) else f"work/{run}/wells.tsv"


def responses_input(wildcards):
    """What the responses of the job's run are made of."""
    return responses_of(wildcards.run)


def acquisitions(wildcards):
    """What the raw files of an LC-MS/MS run say of their own acquisition; nothing for a plate."""
    lcms = wildcards.run in LCMS_RUNS
    return [f"work/{wildcards.run}/acquisitions.tsv"] if lcms else []


def any_of(runs):
    """Pattern that matches just these run ids."""
    import re

    return "|".join(map(re.escape, runs)) or "(?!)"
