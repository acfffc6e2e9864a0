"""Kill a study's run at random moments, resume it, and hold the result against that of a run left alone.

python benchmarks/kill_and_resume.py [kills=50] [seed]

The study is one LC-MS/MS run and one ELISA run of the demonstration. Each round kills (SIGKILL) one of: all processes
of a first run, of a rerun after a changed weight, of the resume as well; the command alone, its workflow living on; one
job of the workflow; all processes of `seal`, `sign` or `archive`. After each, `bioanalysis run` (and the command that
was killed) must end in the same bytes of every table and curve, `bioanalysis verify` in 0, and nothing half-written may
pass as whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
BIOANALYSIS = [sys.executable, "-c", "from bioanalysis.cli import main; main()"]
RUNS = ("LC-01", "ELISA-01")
POLL_S = 0.01
CHANGE = ("\t108.0\t", "\t109.0\t")  # a weight in config/samples.tsv


def make_study(folder: Path) -> Path:
    """Write the study: two runs of the demonstration with a signer."""
    shutil.copytree(ROOT / "config", folder / "config")
    for name in RUNS:
        raw = next((ROOT / "test_data/raw").glob(f"{name}*"))
        (shutil.copytree if raw.is_dir() else _copy)(raw, folder / "test_data/raw" / raw.name)
    header, *rows = (folder / "config/runs.tsv").read_text().splitlines(keepends=True)
    (folder / "config/runs.tsv").write_text("".join([header, *(row for row in rows if row.startswith(RUNS))]))
    for path in (folder / "config/worklists").iterdir():
        if path.stem not in RUNS:
            path.unlink()
    (folder / "config/decisions.tsv").unlink()
    key = folder.parent / "key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signer = f"SD\tS. Dorn\tstudy director\t{key.with_suffix('.pub').read_text()}"
    (folder / "config/signers.tsv").write_text(f"signer\tname\trole\tpublic_key\n{signer}")
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every table and curve."""
    files = [path for path in (folder / "results").rglob("*") if path.suffix == ".tsv" or path.name == "curve.json"]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if "provenance" not in path.parts
    }


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command of bioanalysis to its end."""
    return subprocess.run([*BIOANALYSIS, *map(str, words)], capture_output=True, text=True, check=False)


def start(*words: str | Path) -> subprocess.Popen[bytes]:
    """Start a command of bioanalysis."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*BIOANALYSIS, *map(str, words)], start_new_session=True, **quiet)


def tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return a process and all it started."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def processor_s(process: subprocess.Popen[bytes]) -> float:
    """Return the processor time that a process and all it started have used: its progress, whatever else is running."""
    used = 0.0
    for one in tree(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            used += sum(one.cpu_times()[:4])  # its own, and that of its children that have ended
    return used


def stop(victims: list[psutil.Process]) -> None:
    """Stop all of them, so that none goes on or starts another."""
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.suspend()


def kill(victims: list[psutil.Process]) -> None:
    """Kill all of them, and wait until they are gone."""
    stop(victims)
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    psutil.wait_procs(victims, timeout=60)


class Late(Exception):
    """A command ended before its moment came: nothing was killed, the round is drawn again."""


def killed_at(used_s: float, *words: str | Path, whom: str = "all", rng: random.Random) -> None:
    """Start a command and kill it once it has used that much processor time."""
    process = start(*words)
    while process.poll() is None and processor_s(process) < used_s:
        time.sleep(POLL_S)
    victims = {"all": tree(process), "command": tree(process)[:1], "one": _one_of(tree(process)[1:], rng)}[whom]
    stop(victims)
    if process.poll() is not None or not any(map(_lives, victims)):
        process.wait()
        raise Late
    kill(victims)
    for _ in range(3 if whom == "all" else 0):  # what was started while we looked
        kill([one for one in psutil.process_iter() if _of_session(one, process.pid)])
    process.wait()


def _one_of(processes: list[psutil.Process], rng: random.Random) -> list[psutil.Process]:
    return [rng.choice(processes)] if processes else []


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _of_session(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess, PermissionError):
        return False


def resumed(study: Path, *, wait_s: float = 120) -> None:
    """Run the study to its end; while a workflow that outlived its command still works, it must be refused."""
    for _ in range(int(wait_s)):
        done = command("run", study, "--reason", "resumed")
        if done.returncode == 0:
            return
        assert done.returncode == 2, done.stderr
        assert "another run works on this study" in done.stderr, done.stderr
        time.sleep(1)
    raise AssertionError("the workflow that outlived its command does not end")


class Bench:
    """A study, what comes of it, and the processor time from which and to which each of its commands works on it."""

    def __init__(self, place: Path, rng: random.Random) -> None:
        self.place, self.rng, self.number = place, rng, 0
        self.fresh = make_study(place / "fresh")
        self.whole = self.copy(self.fresh, "whole")
        self.works: dict[str, tuple[float, float]] = {}
        self.measure("run", self.whole, self.whole)
        self.first = digests(self.whole)
        changed = self.changed(self.copy(self.whole, "changed"))
        self.measure("rerun", changed, "run", changed, "--reason", "weighed again")
        self.second = digests(changed)
        sealed = self.copy(self.whole, "sealed")
        self.measure("seal", sealed, sealed)
        self.measure("sign", sealed, "sign", "SD", "approved", sealed, "--key", place / "key")
        self.measure("archive", sealed, "archive", place / "whole.zip", sealed)
        self.sealed = sealed

    def measure(self, name: str, study: Path, *words: str | Path) -> None:
        """Run a command that must succeed; keep the processor time it has used when it takes the lock, and at its end.

        Without `words` it is the one named, on the study.
        """
        words = words if len(words) > 1 else (name, study)
        before = os.times()
        process, begins = start(*words), 0.0
        while process.poll() is None:
            if not begins and (study / "work/run.lock").exists():
                begins = processor_s(process)
            time.sleep(POLL_S)
        after = os.times()
        assert process.returncode == 0, f"{name} failed"
        assert begins, f"{name} takes no lock"
        ends = after.children_user + after.children_system - before.children_user - before.children_system
        self.works[name] = begins, ends

    def copy(self, study: Path, name: str = "") -> Path:
        """Return a copy of a study; times stay, as the workflow goes by them."""
        self.number += 1
        target = self.place / (name or f"round{self.number}")
        shutil.copytree(study, target)
        return target

    def changed(self, study: Path) -> Path:
        """Change a weight in a study."""
        path = study / "config/samples.tsv"
        assert CHANGE[0] in path.read_text()
        path.write_text(path.read_text().replace(*CHANGE, 1))
        return study

    def moment(self, what: str) -> float:
        """Return a moment while the command works, in processor time it has used by then."""
        return self.rng.uniform(*self.works[what])

    def judged(self, study: Path, expected: dict[str, str]) -> None:
        """Hold a study that was resumed against one left alone."""
        assert digests(study) == expected, "other bytes"
        said = command("verify", study)
        assert said.returncode == 0, said.stderr


def first_run(bench: Bench, whom: str = "all") -> None:
    """Kill a first run."""
    study = bench.copy(bench.fresh)
    killed_at(bench.moment("run"), "run", study, whom=whom, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)


def rerun(bench: Bench) -> None:
    """Kill a run over results of an earlier one, after a weight was changed."""
    study = bench.changed(bench.copy(bench.whole))
    killed_at(bench.moment("rerun"), "run", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.second)


def resume(bench: Bench) -> None:
    """Kill a run, then the one that resumes it."""
    study = bench.copy(bench.fresh)
    begins, ends = bench.works["run"]
    first = bench.moment("run")
    killed_at(first, "run", study, rng=bench.rng)
    killed_at(bench.rng.uniform(begins, begins + ends - first), "run", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)


def command_alone(bench: Bench) -> None:
    """Kill the command alone."""
    first_run(bench, "command")


def one_job(bench: Bench) -> None:
    """Kill one process below the command, as a machine short of memory does."""
    first_run(bench, "one")


def seal(bench: Bench) -> None:
    """Kill `seal`."""
    study = bench.copy(bench.whole)
    killed_at(bench.moment("seal"), "seal", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)
    assert command("seal", study).returncode == 0
    bench.judged(study, bench.first)


def sign(bench: Bench) -> None:
    """Kill `sign`: afterwards the version is signed whole or not at all."""
    study = bench.copy(bench.sealed)
    killed_at(bench.moment("sign"), "sign", "SD", "reviewed", study, "--key", bench.place / "key", rng=bench.rng)
    resumed(study)
    said = command("verify", study)
    assert said.returncode == 0, said.stderr
    assert "approved by S. Dorn" in said.stdout or said.stdout.count("signature holds") == 1


def archive(bench: Bench) -> None:
    """Kill `archive`: there is no archive then, or a whole one."""
    study = bench.copy(bench.sealed)
    target = bench.place / f"{study.name}{bench.rng.choice(['.zip', '-bag'])}"
    killed_at(bench.moment("archive"), "archive", target, study, rng=bench.rng)
    if target.exists():
        assert command("verify", target).returncode == 0
    resumed(study)
    bench.judged(study, bench.first)
    if not target.exists():
        done = command("archive", target, study)
        assert done.returncode == 0, done.stderr
    assert command("verify", target).returncode == 0


KINDS: tuple[tuple[Callable[[Bench], None], int], ...] = (
    (first_run, 5), (rerun, 3), (resume, 3), (command_alone, 2), (one_job, 2), (seal, 2), (sign, 1), (archive, 2),
)  # fmt: skip


def round_of(bench: Bench, kind: Callable[[Bench], None]) -> int:
    """Kill and resume once; return how often the moment came too late and was drawn again."""
    for late in range(20):
        before = set(bench.place.iterdir())
        try:
            kind(bench)
            return late
        except Late:
            continue
        finally:
            for path in set(bench.place.iterdir()) - before:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    raise AssertionError("no kill landed")


def main(kills: int = 50, seed: int = 0) -> int:
    """Kill, resume, count."""
    seed = seed or int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    print(f"seed {seed}", flush=True)
    turns = [kind for kind, share in KINDS for _ in range(share)]
    rounds = [kind for _ in range(-(-kills // len(turns))) for kind in rng.sample(turns, len(turns))][:kills]
    failed, landed, late = [], Counter[str](), 0
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), rng)
        for number, kind in enumerate(rounds, start=1):
            try:
                late += round_of(bench, kind)
                landed[kind.__name__] += 1
                print(f"{number} {kind.__name__}", flush=True)
            except AssertionError as wrong:
                failed.append(f"round {number}, {kind.__name__}: {wrong}")
                print(failed[-1], flush=True)
    print(
        f"{kills - len(failed)} of {kills} killed while working, resumed to the same bytes, `verify` 0: {dict(landed)}"
    )
    print(f"{late} moments came after the end and were drawn again")
    return len(failed)


if __name__ == "__main__":
    sys.exit(min(1, main(*map(int, sys.argv[1:]))))
