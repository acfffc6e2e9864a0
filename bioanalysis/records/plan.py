"""What would run again, and why, in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bioanalysis.records.acts import differing, group_of
from bioanalysis.records.changes import Change
from bioanalysis.records.standing import Standing
from bioanalysis.text_files import listed
from bioanalysis.words import count_of

MOST_LINES, MOST_FILES = 20, 6
NO_RESULT = "would compute nothing, and write down what changed"
SOFTWARE_CHANGED, RAW_CHANGED = "the software changed", "raw data changed"
MADE_OTHERWISE = "made with other software or from other raw data than recorded"
_JOB = re.compile(r"^ *(?:local)?rule (\w+):\n((?: +\w+:.*\n?)+)", re.MULTILINE)  # indented in a group of jobs
_FIRST = re.compile(r"Missing output files: .*\bresults/study/tissue_concentrations\.tsv\b")  # the first of the study
_FOLLOWS = "Input files updated by another job"
_SOURCE = re.compile(r"work/[^/]+/source\.json")
_REFUSED = re.compile(r"(work/[^/]+/refused\.json(, )?)+")  # `admit` takes them away, so that the files are read again


@dataclass(frozen=True)
class Job:
    """A job as the workflow plans it: its rule, its run (`study` for the study's own), and the workflow's reason."""

    rule: str
    group: str
    reason: str

    @property
    def follows(self) -> bool:
        """Whether it only runs because another job does."""
        return self.reason.startswith(_FOLLOWS)

    def why(self, source: str) -> str:
        """Return in plain words what made the job run; `source`: what of raw data and software changed."""
        kind, _, rest = self.reason.split("; ")[0].partition(": ")
        files = _shown(rest)
        if kind.startswith("Missing output"):
            if _REFUSED.fullmatch(rest):
                return "raw data that were refused are read again"
            return f"missing: {files}"
        if kind.startswith(("Params have changed", "Code has changed")) or _SOURCE.fullmatch(rest):
            return source
        if kind.startswith("Updated input"):
            return f"{files} changed"
        if kind.startswith("Set of input files"):
            return "other runs than before"
        if "ncomplete" in kind:
            return "an earlier run did not finish it"
        if kind.startswith("Forced"):
            return "what stands there was changed without an entry"
        return self.reason


def planned_jobs(output: str) -> list[Job]:
    """Return the jobs of a dry run, in the order it names them."""
    jobs = []
    for rule, body in _JOB.findall(output):
        said = dict(re.findall(r"^ +(\w+): (.*)$", body, flags=re.MULTILINE))
        run = re.search(r"run=([^,]+)", said.get("wildcards", ""))
        if rule != "all":
            jobs.append(Job(rule, run[1] if run else "study", said.get("reason", "")))
    return jobs


def plan_in_words(
    jobs: list[Job],
    before: Standing | None,
    after: Standing,
    changes: Iterable[Change],
    outside: Sequence[str],
    gone: Sequence[str],
    software: Sequence[str],
) -> str:
    """Return the plan as text: what would run, what changed since the last recorded run, why each run is concerned.

    Empty where nothing would run and nothing changed.

    Parameters
    ----------
    jobs : list of Job
        Of the dry run.
    before, after : Standing
        At the last recorded run (None without one) and now.
    changes : iterable of Change
        Cells of settings that changed.
    outside : sequence of str
        In words: results changed without an entry, and what becomes of them.
    gone : sequence of str
        Runs that the study no longer has and whose results stand there.
    software : sequence of str
        In words: what of the software is not as recorded.
    """
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.rule] = counts.get(job.rule, 0) + 1
    changed = _changed(before, after, changes, software) if before is not None else []
    lines = ["would run: " + ", ".join(f"{count} x {rule}" for rule, count in counts.items())] if jobs else []
    if changed and not jobs and not outside and not gone:
        lines.append(NO_RESULT)
    lines += _block("changed since the last recorded run:", changed)
    lines += _block("without an entry in the audit trail:", [*outside])
    lines += _block("no longer in the study:", [f"run {run}: its results would be set aside" for run in gone])
    lines += _block("why:", _reasons(jobs, _source_words(before, after, software)))
    return "\n".join(lines)


def _changed(before: Standing, after: Standing, changes: Iterable[Change], software: Sequence[str]) -> list[str]:
    cells = [change for change in changes if change.file in before.config]
    with_cells = {change.file for change in cells}
    lines = [*software, *(str(change) for change in cells)]
    inputs_before, inputs_after = {**before.config, **before.raw}, {**after.config, **after.raw}
    for name, old, new in differing(inputs_before, inputs_after):
        if name not in with_cells:
            lines.append(f"{name}: {'new' if old is None else 'removed' if new is None else 'other content'}")
    return lines


def _source_words(before: Standing | None, after: Standing, software: Sequence[str]) -> str:
    """Return in words what changed of what readings are made from, where a job says that it did."""
    if software:
        return SOFTWARE_CHANGED
    # both as recorded: a run that was killed, or left no record, had others, say packages that were taken back since
    return RAW_CHANGED if before is None or before.raw != after.raw else MADE_OTHERWISE


def _reasons(jobs: list[Job], source: str) -> list[str]:
    """Return one line per run: what sets it off; runs alike in one line where there are many; the study last."""
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        if job.rule != "admit":
            groups.setdefault(job.group, []).append(job)
    study = groups.pop("study", [])
    causes = {run: _causes(groups[run], source) for run in sorted(groups)}
    lines = [f"run {run}: {why}" for run, why in causes.items()]
    if len(lines) >= MOST_LINES:
        alike: dict[str, list[str]] = {}
        for run, why in causes.items():
            alike.setdefault(why, []).append(run)
        lines = [f"{count_of(len(runs), 'run')} ({listed(runs, 3)}): {why}" for why, runs in alike.items()]
    return lines + ([f"the study: {_causes(study, source)}"] if study else [])


def _causes(jobs: list[Job], source: str) -> str:
    """Return in words what sets off the jobs of one run, or of the study."""
    causes = list(dict.fromkeys(job.why(source) for job in jobs if not job.follows))
    if any(cause.startswith("missing: work/") for cause in causes) or any(_FIRST.match(job.reason) for job in jobs):
        return "nothing is computed yet"
    return "; ".join(causes) or "follows from the runs above"


def _shown(files: str) -> str:
    """Return the names of files as the user knows them; what lies in `work/` by what it is made of."""
    words: dict[str, None] = {}
    for name in files.split(", "):
        found = re.fullmatch(r"work/([^/]+)/run\.json", name.strip())
        if found:
            words[f"worklist, method, decisions or run table row of {found[1]}"] = None
        elif name.strip() == "work/study.json":
            words["settings or tables of the study"] = None
        else:
            words[_group_words(name.strip())] = None
    return listed(sorted(words), MOST_FILES)


def _group_words(name: str) -> str:
    if name.startswith("results/runs/") or name.startswith("results/study/"):
        group = group_of(name)
        return name if group == "study" else f"results of {group}"
    return name


def _block(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return [title, *(f"  {line}" for line in lines[:MOST_LINES]), *more]
