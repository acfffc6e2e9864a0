"""Records around the real workflow: started on its own, edited by hand, killed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from bioanalysis.study.run_checks import TAKEN

ROOT = Path(__file__).parents[2]
BIOANALYSIS = str(Path(sys.executable).with_name("bioanalysis"))
CONCENTRATIONS = "results/study/tissue_concentrations.tsv"
pytestmark = pytest.mark.workflow


def bioanalysis(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [BIOANALYSIS, *map(str, words)]
    return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=False)


@pytest.fixture
def study(plate_of_two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(plate_of_two, tmp_path / "study")


def results(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def hears_ctrl_c() -> None:
    """Take back that a shell makes what it starts in the background deaf to Ctrl-C: the tests may be started so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started_again(folder: Path, **settings) -> subprocess.Popen:
    """Throw away what the runs left, start the command again and return once it has read the plate."""
    shutil.rmtree(folder / "work")
    shutil.rmtree(folder / "results/runs")
    return started(folder, folder / "work/R1/wells.tsv", **settings)


def started_at_the_report(folder: Path, **settings) -> subprocess.Popen:
    """Throw away the report, start the command again and return once it stands; document and workbook follow.

    For what is the same wherever a run stops: two jobs have to be done again, not seven.
    """
    page = folder / "results/study/report.html"
    page.unlink()
    return started(folder, page, **settings)


def started(folder: Path, awaited: Path, **settings) -> subprocess.Popen:
    process = subprocess.Popen([BIOANALYSIS, "run", str(folder)], **settings)
    while not awaited.exists():
        assert process.poll() is None
        time.sleep(0.05)
    return process


def actions(folder: Path) -> list[str]:
    lines = (folder / "results/study/provenance/audit.jsonl").read_text().splitlines()
    return [json.loads(line)["action"] for line in lines]


@pytest.mark.requirement("UR-033")
def test_the_workflow_started_on_its_own_is_told_by_verify_and_by_the_next_run(study):
    path = study / "config/samples.tsv"
    path.write_text(path.read_text().replace("\t100\t900", "\t125\t900", 1))
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", study, "-c", "1"]
    subprocess.run([*command, "--workflow-profile", ROOT / "profiles/default"], check=True, capture_output=True)
    made = results(study)
    said = bioanalysis("verify", study)
    assert said.returncode == 3
    assert f"{CONCENTRATIONS}: was changed" in said.stderr
    done = bioanalysis("run", study)
    assert "changed without an entry in the audit trail" in done.stdout
    assert "results_changed_outside" in actions(study)
    assert results(study) == made
    assert bioanalysis("verify", study).returncode == 0


def test_an_edited_and_a_removed_result_are_made_again_byte_by_byte(study):
    before = results(study)
    (study / CONCENTRATIONS).write_text(before[CONCENTRATIONS].decode().replace("S1", "S9"))
    (study / "results/runs/R1/curve.json").unlink()
    (study / next(name for name in before if name.endswith(".svg"))).unlink()
    assert "would be made again" in bioanalysis("run", study, "--dry-run").stdout
    assert bioanalysis("run", study).returncode == 0
    assert results(study) == before
    assert bioanalysis("verify", study).returncode == 0


@pytest.mark.requirement("UR-032")
@pytest.mark.requirement("UR-038")
def test_a_package_of_another_version_computes_all_again_and_is_named(study, tmp_path):
    (tmp_path / "foreign/pypdf-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "foreign/pypdf-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: pypdf\nVersion: 1.0\n")
    with_it = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "foreign"), os.environ.get("PYTHONPATH", "")])}
    change = f"package pypdf: {version('pypdf')} -> 1.0"
    planned = bioanalysis("run", study, "--dry-run", **with_it).stdout
    assert f"  {change}\n" in planned
    assert "  run R1: the software changed\n" in planned
    done = bioanalysis("run", study, **with_it)
    assert done.returncode == 0
    assert (
        f"note: packages other than those this version was tested with: pypdf 1.0 (locked: {version('pypdf')})"
        in done.stdout
    )
    assert bioanalysis("verify", study).returncode == 0
    lines = (study / "results/study/provenance/audit.jsonl").read_text().splitlines()
    acts = [json.loads(line) for line in lines]
    assert [act["reason"] for act in acts if act["action"] == "environment_recorded"][-1] == change
    assert [act["action"] for act in acts[-3:]] == ["code_changed", "environment_recorded", "run_finished"]


@pytest.mark.requirement("UR-061")
def test_a_killed_run_is_resumed_to_the_same_bytes_and_both_stand_in_the_trail(study):
    before = results(study)
    process = started_again(study, start_new_session=True, stdout=subprocess.DEVNULL)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "rule read_wells" in (study / "logs/snakemake.log").read_text()  # what it had said until then
    assert bioanalysis("seal", study).returncode == 2
    done = bioanalysis("run", study)
    assert done.returncode == 0, done.stderr
    assert "taking over and resuming" in done.stdout
    assert results(study) == before
    assert actions(study)[-2:] == ["run_interrupted", "run_finished"]
    assert bioanalysis("verify", study).returncode == 0


@pytest.mark.requirement("UR-061")
def test_a_run_stopped_by_its_user_says_what_becomes_of_it(study):
    before = results(study)
    process = started_at_the_report(
        study, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=hears_ctrl_c
    )
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate()[1].decode() == "stopped: what is finished stands, and the next run goes on from it\n"
    assert process.returncode == 130
    assert bioanalysis("run", study).returncode == 0
    assert results(study) == before
    assert bioanalysis("verify", study).returncode == 0


def test_a_run_stopped_while_it_takes_over_a_killed_one_is_resumed_all_the_same(study):
    before = results(study)
    killed = started_at_the_report(study, start_new_session=True, stdout=subprocess.DEVNULL)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    stopped = subprocess.Popen(
        [BIOANALYSIS, "run", study], start_new_session=True, stdout=subprocess.PIPE, preexec_fn=hears_ctrl_c
    )
    assert b"taking over" in stopped.stdout.readline()
    os.killpg(stopped.pid, signal.SIGINT)
    assert stopped.wait() != 0
    done = bioanalysis("run", study)
    assert done.returncode == 0, done.stderr
    assert results(study) == before
    assert bioanalysis("verify", study).returncode == 0


@pytest.mark.requirement("UR-061")
def test_a_workflow_started_without_the_command_is_told_as_such(study):
    study = study.rename(study.with_name("my study"))  # the line that is printed may be copied all the same
    (study / "config/samples.tsv").write_text(
        (study / "config/samples.tsv").read_text().replace("\t100\t", "\t950\t", 1)
    )
    (study / ".snakemake/locks").mkdir(exist_ok=True)
    (study / ".snakemake/locks/0.output.lock").write_text(f"{CONCENTRATIONS}\n")
    refused = bioanalysis("run", study)
    assert refused.returncode == 2
    assert "is locked by a workflow that was started without `bioanalysis`" in refused.stderr
    (command,) = [line.split("any more: ")[1] for line in refused.stderr.splitlines() if "--unlock" in line]
    subprocess.run([sys.executable, "-m", *shlex.split(command)], check=True, capture_output=True)
    done = bioanalysis("run", study)
    assert done.returncode == 0
    assert "note: MASS LOOKS LIKE BUFFER" in done.stdout  # what `check` would have said


def test_the_command_killed_alone_leaves_a_study_that_is_resumed_to_the_same_bytes(study):
    before = results(study)
    process = started_again(study, stdout=subprocess.DEVNULL)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 300
    while (done := bioanalysis("run", study)).returncode == 2:  # its workflow lives on, and is not to be disturbed
        assert "another run works on this study" in done.stderr
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert done.returncode == 0, done.stderr
    assert results(study) == before
    assert bioanalysis("verify", study).returncode == 0


@pytest.mark.requirement("UR-005")
def test_raw_data_that_change_while_they_are_read_are_named_and_nothing_made_of_them_is_taken_for_done(study):
    before, raw = results(study), study / "raw/plate.txt"
    content = raw.read_bytes()
    process = started_again(study, text=True, stderr=subprocess.PIPE)
    raw.write_bytes(content + b"\n")  # the reader has its signals already; whatever follows rests on other bytes
    _, said = process.communicate()
    assert process.returncode == 2
    assert "raw/plate.txt cannot be used:\n  changes while the study is run" in said
    assert actions(study)[-1] == "run_failed"
    assert bioanalysis("seal", study).returncode in (2, 3)
    raw.write_bytes(content)
    assert bioanalysis("run", study).returncode == 0
    assert results(study) == before
    assert bioanalysis("verify", study).returncode == 0


@pytest.mark.requirement("UR-005")
def test_settings_that_change_while_a_study_is_run_are_named_and_the_next_run_takes_them(study):
    process, samples = started_again(study, text=True, stderr=subprocess.PIPE), study / "config/samples.tsv"
    samples.write_text(samples.read_text().replace("\t100\t900", "\t125\t900", 1))
    _, said = process.communicate()
    assert process.returncode == 2
    assert "config/samples.tsv cannot be used:\n  changes while the study is run" in said
    assert actions(study)[-1] == "run_failed"
    done = bioanalysis("run", study)
    assert done.returncode == 0, done.stderr
    assert actions(study)[-1] == "run_finished"
    assert "tissue_mass_mg" in bioanalysis("history", "S1", study).stdout
    assert bioanalysis("verify", study).returncode == 0


def test_a_run_is_called_like_nothing_that_lies_beside_it(study):
    beside = {path.name for place in ("work", "logs") for path in (study / place).iterdir()}
    assert {name for name in beside - {"R1"} if not name.startswith(".")} <= TAKEN


@pytest.mark.requirement("UR-034")
def test_a_sealed_version_is_followed_by_another_only_with_a_reason(study):
    assert bioanalysis("seal", study).returncode == 0
    path = study / "config/samples.tsv"
    path.write_text(path.read_text().replace("\t100\t900", "\t125\t900", 1))
    refused = bioanalysis("run", study)
    assert refused.returncode == 2
    assert "version 1 is sealed" in refused.stderr
    log = (study / "logs/snakemake.log").read_bytes()
    assert "version 1 is sealed; what follows needs a reason" in bioanalysis("run", study, "--dry-run").stdout
    assert (study / "logs/snakemake.log").read_bytes() == log
    assert bioanalysis("run", study, "--reason", "balance recalibrated").returncode == 0
    assert "version 2 is sealed" in bioanalysis("seal", study).stdout
    listed = (study / "results/study/provenance/versions/2/changes.tsv").read_text()
    assert "S1\ttissue_mass_mg\t100\t125" in listed
    assert "S1 aso M1\tvalue\t" in listed
    assert bioanalysis("archive", study.parent / "study.zip", study).returncode == 0
    assert bioanalysis("verify", study.parent / "study.zip").returncode == 0
