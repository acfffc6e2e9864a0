"""Start Snakemake for a study: lock, progress bar, one plain message where the input must be put right."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bioanalysis.cluster import end_jobs_left_behind, find_profile, forget_run_id, note_run_id
from bioanalysis.disk import disk_trouble, plain_disk_errors, require_writable
from bioanalysis.errors import BatchError, Fault, plain_message, read_refusals
from bioanalysis.installed import note_on_packages, read_anew
from bioanalysis.lock import WORKFLOWS_OWN, locked, share_lock, workflow_locks, workflows_in
from bioanalysis.orphans import end_orphans, killed_from_outside
from bioanalysis.planning import Plan, load_with_runs, plan_of, software_digest, workflow_folder
from bioanalysis.records.audit import now
from bioanalysis.records.outside import left_behind_message, outside_message
from bioanalysis.records.recorder import Outcome, Recorder, clear_torn_results
from bioanalysis.records.seal import remove_torn_seal, sealed_version
from bioanalysis.records.standing import config_changed_since, config_now, raw_changed_since, raw_now
from bioanalysis.settled import note_settled, settled_summary
from bioanalysis.study import Study
from bioanalysis.text_files import listed, plain

if TYPE_CHECKING:  # what is settled is said without loading it
    import pandas as pd

PROGRESS = re.compile(r"^(\d+) of (\d+) steps", re.MULTILINE)
BEGINS, DONE_BEFORE = "Building DAG of jobs", "Nothing to be done"  # words of Snakemake
MOST_ACCEPTED = 20  # lines for accepted runs: with more, the failed ones would be looked for
NOTHING = "nothing to do: results are up to date"
REASON_FOR_THE_NEXT = 'a reason for the next version: bioanalysis run --reason "..."'
RUNS_PER_SECOND = 20  # 100 runs take some five minutes, and five seconds more


def run_study(
    folder: Path, *, cores: int, profile: str, dry_run: bool, reason: str = "", take_over: bool = False
) -> int:
    """Run (or plan) the workflow on a study and return the exit code.

    Raises
    ------
    BatchError
        Where tables or methods must be put right, another run holds the study, or a sealed version asks for a reason.
    RecordsDamaged
        Where the audit trail is not what it was.
    """
    reason, profile_folder = plain(reason), find_profile(profile)
    if (summary := settled_summary(folder, workflow_folder())) is not None:
        return _nothing_to_do(folder, "" if dry_run else summary)
    read = config_now(folder)
    study = load_with_runs(folder)
    with plain_disk_errors(), locked(folder, resumes=True, insists=take_over) as taken_over:
        shutil.rmtree(folder / "work" / "refused", ignore_errors=True)
        command = [*_command(folder, profile_folder, cores), *_pace(profile, len(study.runs))]
        if taken_over:
            _clear_up(folder, command)
        if not dry_run:
            end_jobs_left_behind(folder)
        records = Recorder(folder, workflow_folder(), reason)
        if changed := config_changed_since(read, folder):
            raise _unsteady(changed)
        if taken_over:
            remove_torn_seal(folder, records.audit.trail)
            records.note_interruption(taken_over)
        if dry_run:
            return _plan(study, records, command)
        require_writable(folder)
        clear_torn_results(folder)
        version = sealed_version(records.audit.trail)
        if version and (records.inputs_changed(study) or (reason and records.left_the_seal(version))):
            _require_reason(records, version, reason)
        if outside := records.set_aside_what_changed_outside():
            print(outside_message(outside))
        if gone := records.set_aside_what_was_left_behind(study):
            print(left_behind_message(gone))
        try:
            return _run(study, records, command)
        except OSError as error:  # its own words: something was computed
            if not (words := disk_trouble(str(error))):
                raise
            print(words, file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("stopped: what is finished stands, and the next run goes on from it", file=sys.stderr)
            raise


def _plan(study: Study, records: Recorder, command: list[str]) -> int:
    planned, plan = [*command, "--dry-run"], plan_of(study, records.workflow_folder)
    again = records.would_be_made_again()
    code, output = _snakemake([*planned, *(["--forcerun", *again] if again else [])], records.folder, plan, show=False)
    if code and again:  # one of them belongs to a run that the study no longer has
        code, output = _snakemake(planned, records.folder, plan, show=False)
    if code:
        return _failed(records.folder, output)
    print(records.plan(study, output) or NOTHING)
    version = sealed_version(records.audit.trail)
    if version and records.inputs_changed(study):
        print(f"version {version} is sealed; what follows needs {REASON_FOR_THE_NEXT}")
    return 0


def _run(study: Study, records: Recorder, command: list[str]) -> int:
    for note in notes_on(study):
        print(f"note: {note}", flush=True)
    started, code, output, plan = now(), None, "", None
    raw, changed = raw_now(records.folder, study), list[str]()
    try:
        plan = plan_of(study, records.workflow_folder)
        code, output = _worked_off(command, records.folder, plan)
        if code < 0:
            _clear_up(records.folder, command)
            output += f"\nthe workflow was killed (signal {-code}); `bioanalysis run` goes on from what is finished\n"
    finally:
        changed = config_changed_since(records.config, records.folder) + raw_changed_since(raw, records.folder, study)
        if plan is not None and _other_software(plan, records.workflow_folder):
            changed.append("the software")
        done = code == 0 and not changed
        stopped = f"{listed(changed)} changed while it ran" if changed else "stopped before it was done"
        words = "done" if done else stopped
        records.write(study, Outcome(done, started, words), raw)
    if changed:
        raise _unsteady(changed)
    if code:
        return _failed(records.folder, output)
    if DONE_BEFORE in output:
        print(NOTHING)
    summary = _summary(study, records.folder)
    note_settled(records.folder, records.workflow_folder, summary)
    _say(summary, records.folder)
    return 0


def notes_on(study: Study) -> list[str]:
    """Return what is to be said before anything is computed: of the study, and of the packages to compute it with."""
    return [*study.notes, *filter(None, [note_on_packages(workflow_folder())])]


def _other_software(plan: Plan, workflow_folder: Path) -> bool:
    """Return whether code or packages are no longer those of the plan: jobs that started since ran with others."""
    read_anew()
    return software_digest(workflow_folder) != plan.code


def _unsteady(changed: list[str]) -> BatchError:
    """What follows from files that change under a run may rest on either content."""
    expected = "settings, raw data and software that nobody writes to; then run again"
    return BatchError(Fault(name, "changes while the study is run", expected) for name in changed)


def _nothing_to_do(folder: Path, summary: str) -> int:
    print(NOTHING)
    if summary:
        _say(summary, folder)
    return 0


def _say(summary: str, folder: Path) -> None:
    print(summary)
    print(f"report: {folder / 'results' / 'study' / 'report.html'}")


def _clear_up(folder: Path, command: list[str]) -> None:
    """End what a killed workflow left at work here, and take away the lock it left.

    Raises
    ------
    BatchError
        Where a living workflow, started without us, may hold it: `--unlock` takes away every lock.
    """
    end_orphans(folder)
    if not workflow_locks(folder):
        return
    if workflows_in(folder):
        raise BatchError([_other_workflow(folder)])
    subprocess.run([*command, "--unlock"], env=_environment(), capture_output=True, check=False)


def _require_reason(records: Recorder, version: int, reason: str) -> None:
    """A sealed version is only followed by another with a reason."""
    if not reason:
        found = f"version {version} is sealed, and what it rests on has changed"
        raise BatchError([Fault("the study", found, REASON_FOR_THE_NEXT)])
    records.open_version(version + 1)


def _failed(folder: Path, output: str) -> int:
    if faults := read_refusals(folder / "work" / "refused"):
        print(plain_message(faults), file=sys.stderr)
        return 2
    if words := disk_trouble(output) or killed_from_outside(output):
        print(words, file=sys.stderr)
        return 2
    if "LockException" in output:
        print(plain_message([_other_workflow(folder)]), file=sys.stderr)
        return 2
    print(output[-4000:], file=sys.stderr)
    print("the workflow stopped by a fault of the software; the logs are in logs/", file=sys.stderr)
    return 1


def _other_workflow(folder: Path) -> Fault:
    """What follows from a workflow's lock without one of ours: who started it nobody noted; it may live unseen."""
    if living := workflows_in(folder):
        found = f"is locked, and a workflow that was started without `bioanalysis` is at work (process {living[0]})"
        return Fault(WORKFLOWS_OWN, found, "no other workflow: wait for its end, or end it, then start again")
    found = "is locked by a workflow that was started without `bioanalysis`, or was killed"
    snakefile = workflow_folder() / "Snakefile"
    unlock = shlex.join(["snakemake", "--snakefile", str(snakefile), "--directory", str(folder), "--unlock"])
    return Fault(WORKFLOWS_OWN, found, f"no other workflow: wait for its end; where none runs any more: {unlock}")


def _command(folder: Path, profile: Path, cores: int) -> list[str]:
    return [
        sys.executable, "-P", "-m", "snakemake", "--snakefile", str(workflow_folder() / "Snakefile"),
        "--directory", str(folder), "--workflow-profile", str(profile), "--cores", str(cores), "--rerun-incomplete",
    ]  # fmt: skip


def _pace(profile: str, runs: int) -> list[str]:
    """Return how seldom Snakemake looks for jobs to start, besides where one has ended.

    Each of its looks brings another one about a second later, and so does each job that ends: with a hundred runs it
    looked so often that it took a fifth of the time. The second is a setting, and how long it lingers at its end.
    """
    seconds = runs // RUNS_PER_SECOND
    return [f"--max-jobs-per-timespan={10**6}/{seconds}s"] if profile == "default" and seconds > 1 else []


def _environment() -> dict[str, str]:
    """Return the environment without settings that would slip a foreign profile into Snakemake.

    Python looks for modules in the folder it works in first; that is the study's, whose files are data and no code. The
    same folder is meant by what is empty in PYTHONPATH (a colon too many), and what is relative would be looked for
    there: jobs find the packages of this process.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SNAKEMAKE_")}
    if "PYTHONPATH" in kept:
        places = filter(None, kept["PYTHONPATH"].split(os.pathsep))
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, places))
    return {**kept, "PYTHONSAFEPATH": "1"}


def _worked_off(command: list[str], folder: Path, plan: Plan) -> tuple[int, str]:
    """Run Snakemake until no step is left; return its exit code and output.

    Told to go on beside failed jobs, its scheduler ends as if all were done also where jobs are left and none is ready
    (its source says so; once, after a kill, results were missing that way). Started again it looks for them anew.
    """
    code, output = _snakemake(command, folder, plan, show=True)
    if code == 0 and not is_whole(output):
        print("the workflow ended before all its steps were done: going on", flush=True)
        code, output = _snakemake(command, folder, plan, show=True)
    if code == 0 and not is_whole(output):
        return 1, f"{output}\nthe workflow ended, as if all were done, before all its steps were\n"
    return code, output


def is_whole(output: str) -> bool:
    """Return whether a workflow that ended well did all its steps, by its own count; a quiet one tells none."""
    steps = PROGRESS.findall(output)
    if steps:
        return steps[-1][0] == steps[-1][1]
    return DONE_BEFORE in output or BEGINS not in output


def _snakemake(command: list[str], folder: Path, plan: Plan, *, show: bool) -> tuple[int, str]:
    """Run Snakemake with a progress bar; return its exit code and output, which its log holds as it comes."""
    from rich.progress import Progress

    lines: list[str] = []
    log = folder / "logs" / ("snakemake.log" if show else "dry_run.log")
    log.parent.mkdir(exist_ok=True)
    with log.open("wb", buffering=0) as live, Progress(disable=not (show and sys.stdout.isatty())) as progress:
        process = subprocess.Popen(
            command, cwd=folder, env={**_environment(), **plan.handed_on}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            close_fds=False,  # the study's lock stays held while the workflow lives, also where we are killed
        )  # fmt: skip
        task = progress.add_task("running", total=None)
        try:
            share_lock(folder, process.pid)
            for line in process.stdout or ():
                lines.append(line)
                with contextlib.suppress(OSError):  # a full disk: it is said below, when the workflow has ended
                    live.write(line.encode())
                note_run_id(folder, line)
                if found := PROGRESS.match(line):
                    progress.update(task, completed=int(found[1]), total=int(found[2]))
        finally:
            code = process.wait()  # also where we are interrupted: it must not write on beside its records
    if code >= 0:  # a negative one: it was killed, and its jobs on a cluster live on
        forget_run_id(folder)
    log.write_text("".join(lines), encoding="utf-8")
    return code, "".join(lines)


def _summary(study: Study, folder: Path) -> str:
    """Return in words the runs accepted, and samples by status or the verdict on each method."""
    lines = _verdicts(study, folder)
    if study.config.study.kind == "validation":
        table = _rows(folder, "study/acceptance.tsv")
        verdicts = table[table.rule_id == "VALIDATION"].itertuples()
        lines += [f"validation {row.subject or row.analyte}: {row.verdict} ({row.observed})" for row in verdicts]
    else:
        counts = _rows(folder, "study/tissue_concentrations.tsv").status.value_counts().items()
        lines.append("samples: " + ", ".join(f"{count} {status}" for status, count in counts))
    return "\n".join(lines)


def _verdicts(study: Study, folder: Path) -> list[str]:
    """Return one line per verdict on a run, plate and analyte; of many, the accepted ones by their number."""
    lines, accepted, failed = list[str](), list[str](), list[str]()
    for run in study.runs:
        table = _rows(folder, f"runs/{run.run_id}/acceptance.tsv")
        for row in table[table.rule_id == "RUN"].itertuples():
            plate = f" plate {row.plate}" if row.plate else ""
            word = "accepted" if row.verdict == "pass" else "FAILED"
            lines.append(f"run {run.run_id}{plate} {row.analyte}: {word} ({row.observed})")
            (accepted if row.verdict == "pass" else failed).append(lines[-1])
    if len(accepted) <= MOST_ACCEPTED:
        return lines
    of_what = "runs" if len(lines) == len(study.runs) else f"verdicts on {len(study.runs)} runs, by plate and analyte"
    return [f"accepted: {len(accepted)} of {len(lines)} {of_what}", *failed]


def _rows(folder: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(folder / "results" / name, sep="\t", dtype=str, keep_default_na=False)
