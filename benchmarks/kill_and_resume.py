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


def kill(victims: list[psutil.Process]) -> None:
    """Stop all of them, so that none starts another, then kill them, and wait until they are gone."""
    for act in (psutil.Process.suspend, psutil.Process.kill):
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                act(victim)
    psutil.wait_procs(victims, timeout=60)


def killed_at(moment_s: float, *words: str | Path, whom: str = "all", rng: random.Random) -> bool:
    """Start a command and kill it after a while; return whether it still ran."""
    process = start(*words)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(moment_s)
        return False
    victims = tree(process)
    if whom == "all":
        for _ in range(3):  # what is started while we look
            kill(victims)
            victims = [one for one in psutil.process_iter() if _of_session(one, process.pid)]
    elif whom == "command":
        kill(victims[:1])
    elif victims[1:]:
        kill([rng.choice(victims[1:])])
    process.wait()
    return True


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
    """A study, what comes of it, and how long its commands take."""

    def __init__(self, place: Path, rng: random.Random) -> None:
        self.place, self.rng, self.number = place, rng, 0
        self.fresh = make_study(place / "fresh")
        self.whole = self.copy(self.fresh, "whole")
        self.takes: dict[str, float] = {}
        self.timed("run", self.whole)
        self.first = digests(self.whole)
        changed = self.changed(self.copy(self.whole, "changed"))
        self.timed("run", changed, "--reason", "weighed again", name="rerun")
        self.second = digests(changed)
        sealed = self.copy(self.whole, "sealed")
        self.timed("seal", sealed)
        self.timed("sign", "SD", "approved", sealed, "--key", place / "key")
        self.timed("archive", place / "whole.zip", sealed)
        self.sealed = sealed

    def timed(self, *words: str | Path, name: str = "") -> None:
        """Run a command that must succeed, and keep how long it took."""
        began = time.perf_counter()
        done = command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        self.takes[name or str(words[0])] = time.perf_counter() - began

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
        """Return a moment while the command works."""
        return self.rng.uniform(0.05, 1.0) * self.takes[what]

    def judged(self, study: Path, expected: dict[str, str]) -> None:
        """Hold a study that was resumed against one left alone."""
        assert digests(study) == expected, "other bytes"
        said = command("verify", study)
        assert said.returncode == 0, said.stderr


def first_run(bench: Bench, whom: str = "all") -> bool:
    """Kill a first run."""
    study = bench.copy(bench.fresh)
    hit = killed_at(bench.moment("run"), "run", study, whom=whom, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)
    return hit


def rerun(bench: Bench) -> bool:
    """Kill a run over results of an earlier one, after a weight was changed."""
    study = bench.changed(bench.copy(bench.whole))
    hit = killed_at(bench.moment("rerun"), "run", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.second)
    return hit


def resume(bench: Bench) -> bool:
    """Kill a run, then the one that resumes it, soon after its start."""
    study = bench.copy(bench.fresh)
    hit = killed_at(bench.moment("run"), "run", study, rng=bench.rng)
    hit |= killed_at(bench.rng.uniform(0.2, 0.5) * bench.takes["run"], "run", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)
    return hit


def command_alone(bench: Bench) -> bool:
    """Kill the command alone."""
    return first_run(bench, "command")


def one_job(bench: Bench) -> bool:
    """Kill one process below the command, as a machine short of memory does."""
    return first_run(bench, "one")


def seal(bench: Bench) -> bool:
    """Kill `seal`."""
    study = bench.copy(bench.whole)
    hit = killed_at(bench.moment("seal"), "seal", study, rng=bench.rng)
    resumed(study)
    bench.judged(study, bench.first)
    assert command("seal", study).returncode == 0
    bench.judged(study, bench.first)
    return hit


def sign(bench: Bench) -> bool:
    """Kill `sign`: afterwards the version is signed whole or not at all."""
    study = bench.copy(bench.sealed)
    words = ("sign", "SD", "reviewed", study, "--key", bench.place / "key")
    hit = killed_at(bench.moment("sign"), *words, rng=bench.rng)
    resumed(study)
    said = command("verify", study)
    assert said.returncode == 0, said.stderr
    assert "approved by S. Dorn" in said.stdout or said.stdout.count("signature holds") == 1
    return hit


def archive(bench: Bench) -> bool:
    """Kill `archive`: there is no archive then, or a whole one."""
    study = bench.copy(bench.sealed)
    target = bench.place / f"{study.name}{bench.rng.choice(['.zip', '-bag'])}"
    hit = killed_at(bench.moment("archive"), "archive", target, study, rng=bench.rng)
    if target.exists():
        assert command("verify", target).returncode == 0
    resumed(study)
    bench.judged(study, bench.first)
    if not target.exists():
        done = command("archive", target, study)
        assert done.returncode == 0, done.stderr
    assert command("verify", target).returncode == 0
    return hit


KINDS: tuple[tuple[Callable[[Bench], bool], int], ...] = (
    (first_run, 5), (rerun, 3), (resume, 3), (command_alone, 2), (one_job, 2), (seal, 2), (sign, 1), (archive, 2),
)  # fmt: skip


def main(kills: int = 50, seed: int = 0) -> int:
    """Kill, resume, count."""
    seed = seed or int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    turns = [kind for kind, share in KINDS for _ in range(share)]
    failed, hits = [], Counter()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), rng)
        for number in range(kills):
            kind = turns[number] if kills == len(turns) else rng.choice(turns)
            rounds = set(Path(place).glob("round*"))
            try:
                hits[kind.__name__] += kind(bench)
            except AssertionError as wrong:
                failed.append(f"kill {number + 1}, {kind.__name__}: {wrong}")
                print(failed[-1], flush=True)
            for path in set(Path(place).glob("round*")) - rounds:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(f"seed {seed}: {kills} rounds, {sum(hits.values())} of them killed while working: {dict(hits)}")
    print(f"{kills - len(failed)} of {kills} ended in the same bytes and in `verify` 0")
    return len(failed)


if __name__ == "__main__":
    sys.exit(min(1, main(*map(int, sys.argv[1:]))))
