"""Run a study as a user does, and say whether it ran."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bioanalysis.qualification.checks import FAIL, PASS, Check

PART = "Studies run"
ELSEWHERE = {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "271828"}
START = "from bioanalysis.cli import main; main()"


def own_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment, changed by `settings`, of a process that imports this package wherever it works."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"PYTHONPATH": paths} | dict(settings or {})


def bioanalysis(*words: str, settings: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run this installation's command line in a process of its own."""
    command = [sys.executable, "-c", START, *words]
    return subprocess.run(command, env=own_environment(settings), capture_output=True, text=True, check=False)


def run_quietly(folder: Path, cores: int, words: str, settings: Mapping[str, str] | None = None) -> Check:
    """Run the study in `folder` and return the check that it ended well."""
    done = bioanalysis("run", str(folder), "--cores", str(cores), settings=settings)
    observed = f"exit {done.returncode}" + (f": {done.stderr.strip()[-500:]}" if done.returncode else "")
    verdict = PASS if done.returncode == 0 else FAIL
    return Check(PART, "UR-060", f"{words}, from raw data to reports, {cores} at once", "exit 0", observed, verdict)
