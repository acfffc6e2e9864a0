"""`bioanalysis iq`: is what is installed what was locked and shipped, and does it work here?"""

from __future__ import annotations

from pathlib import Path

from bioanalysis.disk import plain_disk_errors
from bioanalysis.qualification.capabilities import capability_checks
from bioanalysis.qualification.checks import Check
from bioanalysis.qualification.packages import file_checks, package_checks
from bioanalysis.qualification.report import Report, finish
from bioanalysis.qualification.surroundings import place_checks, platform_checks, system_checks

TITLE = "Installation qualification"
ABOUT = (
    "Interpreter, locked packages, the files of every package against the digests its wheel recorded, what it "
    "must be able to do, and the surroundings it runs in. Noted: written down for the file, with nothing to hold it "
    "against."
)


def qualify_installation(output: Path, code: str = "") -> int:
    """Check the installation, write iq.html and iq.json into `output` and return the exit code.

    `code` is the digest of the code as the laboratory noted it.
    """
    with plain_disk_errors():
        output.mkdir(parents=True, exist_ok=True)
        return finish(Report("iq", TITLE, ABOUT, installation_checks(output, code)), output)


def installation_checks(output: Path, code: str = "") -> list[Check]:
    """Return every check of the installation."""
    return [
        *platform_checks(), *file_checks(code), *capability_checks(), *system_checks(output), *place_checks(),
        *package_checks(),
    ]  # fmt: skip
