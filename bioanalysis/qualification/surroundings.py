"""What the software stands on: interpreter, file system, locale and time zone."""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.specifiers import SpecifierSet

from bioanalysis.installed import NAME
from bioanalysis.qualification.checks import FAIL, NOTED, PASS, Check, attempt
from bioanalysis.qualification.study_runs import own_environment
from bioanalysis.text_files import own_table, write_whole

PLATFORM, SYSTEM, HERE_AND_THERE = "Python and platform", "File system", "Locale and time zone"
GIGABYTE = 1e9
PLACES = (
    {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "271828"},
)
SENTENCE = "from bioanalysis.qualification.surroundings import table_digest; print(table_digest())"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def platform_checks() -> Iterator[Check]:
    """Yield interpreter and platform."""
    wanted = str(metadata.metadata(NAME)["Requires-Python"] or "")
    version = platform.python_version()
    verdict = PASS if SpecifierSet(wanted).contains(version, prereleases=True) else FAIL
    yield Check(PLATFORM, "UR-070", "Python", wanted, version, verdict, "metadata of the package")
    yield _same(PLATFORM, "interpreter", "CPython", platform.python_implementation())
    yield _same(PLATFORM, "width of a pointer", "64 bit", f"{8 * struct.calcsize('P')} bit")
    yield Check(PLATFORM, "UR-038", "platform", "for the file", platform.platform(), NOTED)
    yield Check(PLATFORM, "UR-038", "interpreter's place", "for the file", sys.executable, NOTED)
    keys = shutil.which("ssh-keygen") or "not found: signatures can neither be made nor checked here"
    yield Check(PLATFORM, "UR-035", "ssh-keygen, for signatures", "for the file", keys, NOTED)


def system_checks(folder: Path) -> Iterator[Check]:
    """Yield what the file system of `folder` does: replacing in one step, writing through, room."""
    yield attempt(SYSTEM, "UR-061", "a file is replaced in one step", "new content, no part left",
                  lambda: _replaced(folder))  # fmt: skip
    yield attempt(
        SYSTEM, "UR-061", "a file and its folder are written through (fsync)", "done", lambda: _synced(folder)
    )
    row = next(row for row in own_table(__package__, "installation.tsv") if row["check"] == "free_space")
    free = shutil.disk_usage(folder).free / GIGABYTE
    verdict = PASS if free >= float(row["number"]) else FAIL
    expected = f"at least {row['number']} {row['unit']}"
    yield Check(
        SYSTEM, "UR-070", "free space where reports are written", expected, f"{free:.1f} GB", verdict, row["source"]
    )


def place_checks() -> Iterator[Check]:
    """Yield whether a table comes out in the same bytes under another locale, time zone and hash seed."""
    expected = "the same bytes in both"
    said = "; ".join(" ".join(f"{key}={value}" for key, value in place.items()) for place in PLACES)

    def observed() -> str:
        found = [ask(SENTENCE, one_thread() | place) for place in PLACES]
        return expected if len(set(found)) == 1 and len(found[0]) == 64 else " and ".join(found)

    yield attempt(HERE_AND_THERE, "UR-037", f"a fitted curve and a table, computed under {said}", expected, observed)


def table_digest() -> str:
    """Return the SHA-256 of a small table with text, numbers of a fit and missing values."""
    import hashlib
    import tempfile

    import numpy as np
    import pandas as pd

    from bioanalysis.calibration import WeightedLinear
    from bioanalysis.tables import write_table

    nominal = np.array([5.0, 10, 50, 100, 500, 1000])
    curve = WeightedLinear(weighting="1/x^2").fit(nominal, nominal * [1.01, 0.98, 1.02, 0.99, 1.03, 0.97])
    words = sorted({"Iı", "iİ", "liver", "Leber", "Ä"})
    table = pd.DataFrame({"word": pd.Series(words), "value": [curve.slope_, curve.intercept_, np.nan, 1234.5, 1e-9]})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.tsv"
        write_table(table, path)
        return hashlib.sha256(path.read_bytes()).hexdigest()


def one_thread() -> dict[str, str]:
    """Return the settings the workflow gives every job."""
    return dict.fromkeys(ONE_THREAD, "1")


def ask(code: str, settings: Mapping[str, str]) -> str:
    """Return what a fresh interpreter prints, in surroundings changed by `settings`; its error where it stops."""
    surroundings = own_environment({"PYTHONDONTWRITEBYTECODE": "1", **settings})
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=surroundings, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else done.stderr[-300:]


def _same(part: str, checked: str, expected: str, observed: str) -> Check:
    return Check(part, "UR-070", checked, expected, observed, PASS if observed == expected else FAIL)


def _replaced(folder: Path) -> str:
    path = folder / f".probe-{os.getpid()}"
    try:
        write_whole(path, b"old")
        write_whole(path, b"new")
        content = path.read_bytes().decode()
        parts = [part.name for part in folder.glob(f".{path.name}.*.part")]
        return f"{content} content, {', '.join(parts) or 'no part'} left"
    finally:
        path.unlink(missing_ok=True)


def _synced(folder: Path) -> str:
    path = folder / f".probe-{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
        return "done"
    finally:
        path.unlink(missing_ok=True)
