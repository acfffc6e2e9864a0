"""A small study with records, without the workflow: its results are written by hand."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from small_study import make_small_study

from bioanalysis.planning import workflow_folder
from bioanalysis.records.audit import now
from bioanalysis.records.recorder import Outcome, Recorder
from bioanalysis.records.sealing import seal
from bioanalysis.records.standing import raw_now
from bioanalysis.study import Study

VALUES = {"S1": "2.5", "S2": "0.75", "S3": "3.125"}
HEADER = "sample_id\tanalyte\tmethod_id\tstatus\tvalue\tunit\ttissue_ug_g_low\ttissue_ug_g_high\treason\trun_id\n"
MEASUREMENTS = "run_id\tplate\tposition\tsample_id\tanalyte\tback_calculated_ng_ml\tstatus\treason\n"


def write_results(folder: Path, values: dict[str, str] = VALUES) -> None:
    """Write what a workflow would have made of the study."""
    rows = [
        f"{name}\tmipomersen\tASO-LCMS-01\tquantified\t{value}\tug/g\t0.5\t9.5\t\tLC-01\n"
        for name, value in values.items()
    ]
    files = {
        "study/tissue_concentrations.tsv": HEADER + "".join(rows),
        "study/report.html": "<p>report</p>\n",
        "runs/LC-01/measurements.tsv": MEASUREMENTS
        + f"LC-01\t\t8\tS1\tmipomersen\t{values['S1']}\tquantified\t\n"
        + "LC-01\t\t9\tS2\tmipomersen\t15.0\tquantified\t\n",
        "runs/EL-01/curve.json": "{}\n",
    }
    for name, text in files.items():
        path = folder / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def record(folder: Path, reason: str = "") -> Recorder:
    """Record the study as it stands, as a run does that has just ended."""
    recorder = Recorder(folder, workflow_folder(), reason)
    loaded = Study.load(folder)
    recorder.write(loaded, Outcome(True, now(), "done"), raw_now(folder, loaded))
    return recorder


@cache
def _recorded() -> tempfile.TemporaryDirectory[str]:
    """Make the recorded study that tests get copies of, once in a process."""
    kept = tempfile.TemporaryDirectory()
    folder = make_small_study(Path(kept.name) / "study")
    write_results(folder)
    record(folder)
    return kept


def recorded_study(folder: Path) -> Path:
    """Return the study with results, recorded, at `folder`."""
    return shutil.copytree(Path(_recorded().name) / "study", folder)


def entries(folder: Path) -> list[dict]:
    """Return the entries of the audit trail."""
    return Recorder(folder, workflow_folder()).audit.trail.entries


def actions(folder: Path) -> list[str]:
    """Return action and object of each entry."""
    return [f"{entry['action']} {entry['object']}" for entry in entries(folder)]


PEOPLE = {"AL": ("A. Lind", "analyst"), "RV": ("R. Vogt", "reviewer"), "SD": ("S. Dorn", "study director")}


def make_keys(folder: Path) -> Path:
    """Make an OpenSSH key for each of the `PEOPLE`."""
    for name in PEOPLE:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder


def sealed_for(study: Path, keys: Path, **others: tuple[str, str]) -> Path:
    """Seal a study whose signers are an analyst (of run LC-01), a reviewer and a study director, or `others`."""
    people = {**PEOPLE, **others}
    rows = [f"{s}\t{name}\t{role}\t{(keys / s).with_suffix('.pub').read_text()}" for s, (name, role) in people.items()]
    (study / "config/signers.tsv").write_text("signer\tname\trole\tpublic_key\n" + "".join(rows))
    record(study)
    seal(study, workflow_folder(), "")
    return study
