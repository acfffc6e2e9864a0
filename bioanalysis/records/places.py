"""Where the records of a study lie."""

from __future__ import annotations

PROVENANCE = "results/study/provenance"
TRAIL = f"{PROVENANCE}/audit.jsonl"
HEAD = f"{PROVENANCE}/head.json"
MANIFEST = f"{PROVENANCE}/manifest.sha256"
ENVIRONMENT = f"{PROVENANCE}/environment.json"
KEPT = f"{PROVENANCE}/kept"
CHANGES = f"{PROVENANCE}/changes"
SET_ASIDE = f"{PROVENANCE}/set_aside"
VERSIONS = f"{PROVENANCE}/versions"
SIGNATURES = f"{PROVENANCE}/signatures"
CONCENTRATIONS = "results/study/tissue_concentrations.tsv"
MAIN_RESULTS = (CONCENTRATIONS, "results/study/validation.tsv")  # of a study, of a method validation
METADATA = "ro-crate-metadata.json"  # of an archive, below data/
SIGNERS = "config/signers.tsv"
TIME_STAMP = ".snakemake_timestamp"  # Snakemake's own, in a folder that is an output


def is_result(name: str) -> bool:
    """Return whether a path of the study is a result (and no record about results)."""
    return name.startswith("results/") and not name.startswith(f"{PROVENANCE}/")


def is_config(name: str) -> bool:
    """Return whether a path of the study is a setting, a table or a method."""
    return name.startswith("config/")


def outside_name(name: str) -> str:
    """Return where an archive holds a file: raw data from outside the study folder lie under `outside/`."""
    parts = name.split("/")
    if not name.startswith("/") and ".." not in parts:
        return name
    return "/".join(["outside", *("up" if part == ".." else part for part in parts if part)])
