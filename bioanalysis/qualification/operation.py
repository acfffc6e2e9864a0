"""`bioanalysis oq`: shipped studies and acceptance boundaries, run here, against expected results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bioanalysis.disk import plain_disk_errors
from bioanalysis.qualification.boundaries import (
    boundary_checks,
    requirement_checks,
    run_shipped_tests,
    unreadable_checks,
)
from bioanalysis.qualification.checks import Check
from bioanalysis.qualification.expectations import expected_cells, truth_checks
from bioanalysis.qualification.records_kept import digests, record_checks, same_bytes
from bioanalysis.qualification.report import Report, finish
from bioanalysis.qualification.shipped import copy_shipped, require_shipped, shipped_folder
from bioanalysis.qualification.study_runs import ELSEWHERE, run_quietly

TITLE = "Operational qualification"
ABOUT = (
    "The shipped studies, run here from their raw data and held against the truth of their simulation and against what "
    "was planted in them; every acceptance rule just inside, on and just outside its limit; records. "
    "Expected results are the truth of a simulation, certified or published values, or sums a reader can redo; each "
    "names its source."
)
VALIDATIONS = ("chromatographic", "ligand_binding")


def qualify_operation(output: Path, cores: int) -> int:
    """Run the shipped studies and tests in a temporary folder, write oq.html and oq.json and return the exit code.

    Raises
    ------
    BatchError
        Where the studies and tests are not installed.
    """
    shipped = shipped_folder()
    require_shipped(shipped)
    with plain_disk_errors(), tempfile.TemporaryDirectory(prefix="bioanalysis-oq-") as scratch:
        output.mkdir(parents=True, exist_ok=True)
        checks = list(operation_checks(shipped, Path(scratch), cores))
        return finish(Report("oq", TITLE, ABOUT, checks), output)


def operation_checks(shipped: Path, scratch: Path, cores: int) -> Iterator[Check]:
    """Yield every check of the operation; `scratch` is an empty folder."""
    tests = scratch / "tests"
    copy_shipped(shipped, tests)
    yield from _demonstration(tests, scratch, cores)
    for name in VALIDATIONS:
        print(f"running the shipped validation: {name}", flush=True)
        folder = scratch / name
        shutil.copytree(tests / "test_data" / "validation" / name, folder)
        yield run_quietly(folder, cores, f"the {name} validation")
        yield from expected_cells(folder, name)
    print("running the tests that hold rules and requirements", flush=True)
    outcomes = run_shipped_tests(tests, cores)
    yield from unreadable_checks(outcomes)
    yield from boundary_checks(outcomes)
    yield from requirement_checks(outcomes)


def _demonstration(shipped: Path, scratch: Path, cores: int) -> Iterator[Check]:
    """Run the demonstration twice, here and in other surroundings; hold it against truth, plants and records."""
    here, there = scratch / "demonstration", scratch / "elsewhere, in a földer"
    for folder, settings, words in ((here, {}, "the demonstration"), (there, ELSEWHERE, "the demonstration elsewhere")):
        print(f"running the shipped study: {words}", flush=True)
        for name in ("config", "test_data/raw", "test_data/truth"):
            shutil.copytree(shipped / name, folder / name)
        yield run_quietly(folder, cores if folder == here else 1, words, settings)
    yield from expected_cells(here, "demonstration")
    yield from truth_checks(here)
    yield same_bytes(digests(here), digests(there))
    yield from record_checks(here)
