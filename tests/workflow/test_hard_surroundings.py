"""A disk that is full, results nobody may write to, two runs at once, another container: all of them real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from elisa_study import make_study, whole_plate

BIOANALYSIS = [sys.executable, "-c", "from bioanalysis.cli import main; main()"]
RIGHTS = [] if os.geteuid() == 0 else ["--map-root-user"]
pytestmark = [pytest.mark.workflow, pytest.mark.requirement("UR-061")]


def bioanalysis(*words: str | Path, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*before, *BIOANALYSIS, *map(str, words)], capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every result; records of who made it and when are left out."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file() and "provenance" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != ".snakemake_timestamp"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hard") / "fresh"
    return make_study(folder, [whole_plate("1", ("S1", 60.0), ("S2", 150.0))])


@pytest.fixture
def study(fresh: Path, tmp_path: Path) -> Path:
    return shutil.copytree(fresh, tmp_path / "study")


def is_resumed(study: Path, plate_of_two: Path, before: tuple[str, ...] = (), view: Path | None = None) -> None:
    """The next run ends the work: in the bytes of a run that nobody disturbed, its records in order."""
    done = bioanalysis("run", study, before=before)
    assert done.returncode == 0, done.stderr
    assert contents(view or study) == contents(plate_of_two)
    said = bioanalysis("verify", study, before=before)
    assert said.returncode == 0, said.stderr


def no_torn_result(left: dict[str, bytes], whole: dict[str, bytes]) -> None:
    """What an interruption leaves in `results/` is whole: the bytes of a run that nobody disturbed."""
    assert {name for name in left if left[name] != whole.get(name)} == set()


class Mounts:
    """A view of the file system in which we may mount: nobody else sees what is mounted, and it ends with the test."""

    def __init__(self) -> None:
        command = ["unshare", *RIGHTS, "--mount", "sh", "-c", "mount -t tmpfs none /mnt && echo may && exec sleep 3600"]
        self.holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.granted = self.holder.stdout.readline() == "may\n"
        user = ["--user", "--preserve-credentials"] if RIGHTS else []
        self.prefix = ("nsenter", "--target", str(self.holder.pid), "--mount", *user)

    def seen(self, path: Path) -> Path:
        """Return where a path of this view is seen from outside."""
        return Path(f"/proc/{self.holder.pid}/root{path}")

    def mount(self, *words: str | Path) -> bool:
        return subprocess.run([*self.prefix, "mount", *words], capture_output=True, check=False).returncode == 0

    def leave_room(self, disk: Path, kilobytes: int) -> None:
        """Fill a disk but for so much room."""
        filler = self.seen(disk) / "filler"
        filler.unlink(missing_ok=True)
        filler.write_bytes(bytes(shutil.disk_usage(filler.parent).free - 1024 * kilobytes))

    def end(self) -> None:
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        pytest.skip("there is no unshare or nsenter here: no disk can be filled")
    mounts = Mounts()
    if not mounts.granted:
        mounts.end()
        pytest.skip("this system lets nobody mount (unshare --mount): no disk can be filled")
    yield mounts
    mounts.end()


def test_a_disk_that_fills_up_leaves_no_torn_result_and_the_next_run_goes_on(fresh, plate_of_two, tmp_path, mounts):
    disk = tmp_path / "disk"
    disk.mkdir()
    assert mounts.mount("-t", "tmpfs", "-o", "size=8m", "none", disk)
    study, seen = disk / "study", mounts.seen(disk / "study")
    shutil.copytree(fresh, seen)
    mounts.leave_room(disk, 4)
    full = bioanalysis("run", study, before=mounts.prefix)
    assert full.returncode == 2
    assert "cannot be written to (No space left on device)" in full.stderr
    assert "nothing was computed" in full.stderr
    assert contents(seen) == {}
    mounts.leave_room(disk, 400)  # of about 1200 that the study needs
    fills = bioanalysis("run", study, before=mounts.prefix)
    assert fills.returncode == 2
    assert fills.stderr.startswith("the workflow stopped: No space left on device; expected a disk with room")
    left = contents(seen)
    assert left
    no_torn_result(left, contents(plate_of_two))
    (mounts.seen(disk) / "filler").unlink()
    is_resumed(study, plate_of_two, mounts.prefix, seen)


def test_results_that_become_read_only_while_they_are_made_are_finished_later(study, plate_of_two, mounts):
    results = study / "results"
    results.mkdir()
    assert mounts.mount("--bind", results, results)
    running = subprocess.Popen(
        [*mounts.prefix, *BIOANALYSIS, "run", study], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (results / "runs/R1/acceptance.tsv").exists():
        assert running.poll() is None
        time.sleep(0.02)
    while not mounts.mount("-o", "remount,bind,ro", results):  # refused while a file is being written
        assert running.poll() is None
    _, said = running.communicate()
    assert running.returncode == 2
    assert "Read-only file system" in said
    no_torn_result(contents(study), contents(plate_of_two))
    assert mounts.mount("-o", "remount,bind,rw", results)
    is_resumed(study, plate_of_two, mounts.prefix)


def test_a_study_nobody_may_write_to_is_read_and_never_touched(plate_of_two, tmp_path, mounts):
    study = shutil.copytree(plate_of_two, tmp_path / "study")
    assert mounts.mount("--bind", study, study)
    assert mounts.mount("-o", "remount,bind,ro", study)
    for words in (("check",), ("verify",)):
        said = bioanalysis(*words, study, before=mounts.prefix)
        assert said.returncode == 0, said.stderr
    path = study / "config/samples.tsv"
    path.write_text(path.read_text().replace("\t100\t900", "\t125\t900", 1))  # through the folder itself
    refused = bioanalysis("run", study, before=mounts.prefix)
    assert refused.returncode == 2
    assert "cannot be written (Read-only file system)" in refused.stderr
    assert contents(study) == contents(plate_of_two)


def test_of_two_runs_started_at_once_one_works_and_the_other_is_told_of_it(study, plate_of_two):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([*BIOANALYSIS, "run", study], **pipes) for _ in range(2)]
    said = {one.pid: one.communicate()[1] for one in both}
    works, refused = sorted(both, key=lambda one: one.returncode)
    assert (works.returncode, refused.returncode) == (0, 2), said
    assert f"another run works on this study: process {works.pid} on" in said[refused.pid]
    assert "wait for it, or end it, then start again" in said[refused.pid]
    assert contents(study) == contents(plate_of_two)
    assert bioanalysis("verify", study).returncode == 0


@pytest.fixture
def lacks_report(plate_of_two: Path, tmp_path: Path) -> Path:
    """A study whose report has to be made again, and document and workbook after it."""
    study = shutil.copytree(plate_of_two, tmp_path / "study")
    (study / "results/study/report.html").unlink()
    return study


@pytest.fixture
def contained(lacks_report: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run of the study in a process table of its own, as a container has it."""
    table = ["unshare", *RIGHTS, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*table, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a process table (unshare --pid)")
    command = [*table, "sh", "-c", '"$@" & wait; exec sleep 3600', "sh", *BIOANALYSIS, "run", lacks_report]
    container = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield container
    container.kill()
    container.wait()


def test_a_run_in_another_container_is_respected_until_command_and_workflow_are_dead(
    lacks_report, plate_of_two, contained
):
    while not (lacks_report / "results/study/report.html").exists():
        assert contained.poll() is None
        time.sleep(0.02)
    inside = psutil.Process(contained.pid).children(recursive=True)
    for one in inside:
        one.send_signal(signal.SIGSTOP)
    command = next(one for one in inside if one.cmdline()[2:3] == BIOANALYSIS[2:3])
    for victim in (None, command):  # both live; the workflow alone lives
        if victim:
            victim.kill()
        refused = bioanalysis("run", lacks_report)
        assert refused.returncode == 2
        assert "another run works on this study: process 2 on" in refused.stderr
        assert "in a container" in refused.stderr
    contained.kill()
    psutil.wait_procs(inside, timeout=60)
    is_resumed(lacks_report, plate_of_two)
