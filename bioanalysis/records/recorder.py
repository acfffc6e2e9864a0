"""What `bioanalysis run` writes down: what it found, what it changed, and why."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioanalysis.errors import RecordsDamaged
from bioanalysis.records.acts import (
    NO_REASON,
    computed_acts,
    config_acts,
    decision_acts,
    differing,
    group_of,
    method_acts,
    raw_acts,
    software_acts,
    value_acts,
    why_computed,
)
from bioanalysis.records.audit import Act, AuditTrail, now
from bioanalysis.records.changes import Change, text_of
from bioanalysis.records.digests import sha256_of_text, sha256_or_reason
from bioanalysis.records.environment import changed_packages, environment, environment_text, software
from bioanalysis.records.made import made, readings_digest
from bioanalysis.records.outside import (
    Outside,
    changed_since,
    changed_since_killed,
    half_made,
    left_behind,
    output_of,
    remove,
    set_aside,
    set_aside_left_behind,
)
from bioanalysis.records.places import CHANGES, ENVIRONMENT, MANIFEST
from bioanalysis.records.plan import plan_in_words, planned_jobs
from bioanalysis.records.restart import start_again
from bioanalysis.records.seal import OPENED, folder_of
from bioanalysis.records.standing import (
    Standing,
    cell_changes,
    config_now,
    kept_names,
    raw_now,
    readings_now,
    recorded,
    results_now,
)
from bioanalysis.study import Study
from bioanalysis.study.reading import StudyFolder
from bioanalysis.study.schema import RUNS

READ_AGAIN = "is not what a job read from raw data: they would be read again"
NOTHING_YET = Standing({}, {}, {})
ENDS = ("run_finished", "run_failed")
FOUND = ("run_interrupted", "results_changed_outside", "results_removed_outside", "results_added_outside")


@dataclass(frozen=True)
class Outcome:
    """How the workflow ended: whether all of it was done, when it began, in words what it was."""

    done: bool
    started: str
    words: str


class Recorder:
    """Keeps the records of one run of the workflow; the caller holds the study's lock.

    Parameters
    ----------
    folder : Path
        The study folder.
    workflow_folder : Path
        Where the software's workflow lies.
    reason : str
        Why the study is run again, as the user gave it.

    Raises
    ------
    RecordsDamaged
        If the audit trail or the manifest is not what it was, and no reason was given to start again from here.
    """

    def __init__(self, folder: Path, workflow_folder: Path, reason: str = "") -> None:
        self.folder, self.workflow_folder = folder, workflow_folder
        self.reason = reason or NO_REASON
        self.audit = AuditTrail(folder)
        try:
            self.audit.require_whole()
            self.recorded = recorded(folder, self.audit.trail)
        except RecordsDamaged as damaged:
            if not reason:
                raise
            self.audit.trail.findings = damaged.findings
            start_again(folder, self.audit, reason)
            self.recorded = None
        self.config = config_now(folder)
        self.stood_before = len(results_now(folder)) if self.recorded is None else 0
        self.started = now()

    def changed_outside(self) -> list[Outside]:
        """Return the results nobody vouches for: neither the last recorded run nor the jobs of one that was killed."""
        present = results_now(self.folder)
        if self._unrecorded_work():
            recorded = self.recorded.results if self.recorded else {}
            return changed_since_killed(recorded, made(self.folder), present)
        assert self.recorded is not None
        return changed_since(self.recorded.results, made(self.folder), present)

    def changed_readings(self) -> list[str]:
        """Return what jobs read from raw data and is not what they noted, or not what the audit trail vouches for."""
        noted, present = made(self.folder), readings_now(self.folder)
        last = self.audit.trail.last(*ENDS)
        said = last["after"].get("readings_sha256") if last and not self._unrecorded_work() else None
        if said not in (None, readings_digest(noted)):
            return list(present)
        return [name for name, digest in present.items() if noted.get(name) != digest]

    def would_be_made_again(self) -> list[str]:
        """Return the outputs of the workflow that stand there and that a run would take away first."""
        standing = [one.name for one in self.changed_outside() if None not in (one.made, one.now)]
        return [*dict.fromkeys(map(output_of, standing)), *self.changed_readings()]

    def set_aside_what_changed_outside(self) -> list[str]:
        """Take away what nobody vouches for, so that it is made again; results are written down and kept."""
        remove(self.folder, self.changed_readings())
        if self._unrecorded_work():
            remove(self.folder, half_made(made(self.folder), results_now(self.folder)))
        if found := self.changed_outside():
            set_aside(self.folder, self.audit, found)
        self._remove_figures_beside([one.name for one in found if one.made is not None])
        return [one.name for one in found]

    def _left_behind(self, study: Study) -> dict[str, str]:
        found = left_behind(results_now(self.folder), [run.run_id for run in study.runs])
        others = {one.name for one in self.changed_outside()} if found else set()
        return {name: digest for name, digest in found.items() if name not in others}

    def set_aside_what_was_left_behind(self, study: Study) -> dict[str, list[str]]:
        """Take away results of runs that the study no longer has; they are written down and kept.

        Returns the runs, and of each the files that stay: those that are no results.
        """
        return set_aside_left_behind(self.folder, self.audit, self._left_behind(study))

    def _other_readings(self) -> bool:
        last = self.audit.trail.last(*ENDS)
        return last is not None and last["after"].get("readings_sha256") != readings_digest(made(self.folder))

    def _unrecorded_work(self) -> bool:
        """Return whether the workflow may have made results since the last entry: a killed run, or none recorded."""
        return self.recorded is None or self._interrupted()

    def _interrupted(self) -> bool:
        last = self.audit.trail.last("run_interrupted", *ENDS)
        return last is not None and last["action"] == "run_interrupted"

    def _remove_figures_beside(self, names: list[str]) -> None:
        """Remove each folder of figures of which one is no longer there: they are made together or not at all.

        Those of a run that the study no longer has are made by nobody: they stay, to be set aside.
        """
        figures = dict.fromkeys((name for name in names if output_of(name) != name), "")
        if not figures:
            return
        gone = left_behind(figures, StudyFolder(self.folder).table("config/runs", RUNS).cells("run_id"))
        for place in {output_of(name) for name in figures if name not in gone}:
            shutil.rmtree(self.folder / place, ignore_errors=True)

    def _pending(self) -> str:
        """Return what was found after the last run ended and has not been put right by a further one, else nothing."""
        last = self.audit.trail.last(*ENDS, *FOUND)
        return last["action"] if last is not None and last["action"] in FOUND else ""

    def inputs_changed(self, study: Study) -> bool:
        """Return whether settings, raw data or software are not those of the last recorded run."""
        before = self.recorded or NOTHING_YET
        other_data = before.config != self.config or before.raw != raw_now(self.folder, study)
        return other_data or bool(self._other_software())

    def left_the_seal(self, version: int) -> bool:
        """Return whether the last recorded run left something else than the version sealed last."""
        sealed = sha256_or_reason(self.folder / folder_of(version) / "manifest.sha256")
        return self.recorded is not None and sealed != sha256_of_text(self.recorded.text)

    def _other_software(self) -> list[str]:
        """Return in words what of the software is not what was recorded last."""
        last = self.audit.trail.last("code_recorded", "code_changed")
        if last is None or last["after"] == (now_here := software(self.workflow_folder)):
            return []
        other_code = last["after"]["code_sha256"] != now_here["code_sha256"]
        return ["the software"] * other_code + changed_packages(self.folder) or ["the software"]

    def plan(self, study: Study, output: str) -> str:
        """Return in plain words what would run again and why, empty where nothing would."""
        before, outside = self.recorded, [str(one) for one in self.changed_outside()]
        outside += [f"{name} {READ_AGAIN}" for name in self.changed_readings()]
        jobs, gone = planned_jobs(output), sorted({group_of(name) for name in self._left_behind(study)})
        after = Standing(self.config, raw_now(self.folder, study), results_now(self.folder))
        changes = cell_changes(self.folder, before.config, after.config) if before else []
        return plan_in_words(jobs, before, after, changes, outside, gone, self._other_software())

    def note_interruption(self, words: str) -> None:
        """Write down, in these words, that the last run ended before it was done, and which results it left changed."""
        before = self.recorded or NOTHING_YET
        left = [name for name, _, _ in differing(before.results, results_now(self.folder))]
        after = {"results_it_left": left} if left else None
        self.audit.add(Act("run_interrupted", "workflow", None, after, words))

    def open_version(self, number: int) -> None:
        """Write down that a sealed version is followed by another, and why."""
        self.audit.add(Act(OPENED, str(number), {"sealed": number - 1}, {"open": number}, self.reason))

    def write(self, study: Study, outcome: Outcome, raw: dict[str, str]) -> None:
        """Write down what the run changed; nothing where it changed nothing.

        `raw`: digests of the raw files that it worked on.
        """
        before = self.recorded or NOTHING_YET
        results = results_now(self.folder)
        config, raw = (self.config, raw) if outcome.done else (before.config, before.raw)
        after = Standing(config, raw, results)
        acts, files = self._acts(study, before, after, outcome)
        if self.recorded is None and not outcome.done and not results:
            return
        if acts or after.all != before.all or self._pending() or self._other_readings():
            acts += [self._run_act(before, after, outcome)]
            self.audit.add(*acts, files={**files, MANIFEST: after.text.encode("utf-8", "surrogateescape")})
            self.recorded = after

    def _acts(
        self, study: Study, before: Standing, after: Standing, outcome: Outcome
    ) -> tuple[list[Act], dict[str, bytes]]:
        files: dict[str, bytes] = {}
        changes = cell_changes(self.folder, before.all, after.all)
        acts = self._first_act(study, after) if self.recorded is None else []
        acts += self._input_acts(study, before, after, changes, files) if outcome.done else []
        why = why_computed(before, after, study, acts) if outcome.done else {}
        acts += computed_acts(before.results, after.results, why)
        where = f"{CHANGES}/{len(self.audit.trail.entries) + len(acts) + 1:04d}.tsv"
        acts += value_acts(before.results, after.results, changes, why.get("study", self.reason), where)
        if changes:
            files[where] = text_of(changes)
        files.update(self._kept(after))
        return acts, files

    def _input_acts(
        self, study: Study, before: Standing, after: Standing, changes: list[Change], files: dict[str, bytes]
    ) -> list[Act]:
        trail = self.audit.trail
        surroundings = environment(self.workflow_folder)
        text = environment_text(surroundings)
        of_software = software_acts(
            trail, surroundings, hashlib.sha256(text).hexdigest(), changed_packages(self.folder)
        )
        if of_software:
            files[ENVIRONMENT] = text
        acts = of_software
        acts += config_acts(before.config, after.config, changes, self.reason if before.config else "first recorded")
        acts += method_acts(trail, study, self.reason)
        acts += decision_acts(trail, study)
        acts += raw_acts(before.raw, after.raw, study, self.reason)
        return acts

    def _first_act(self, study: Study, after: Standing) -> list[Act]:
        summary = {"config": len(after.config), "raw": len(after.raw), "results": len(after.results)}
        stood = {"results_without_a_record": self.stood_before} if self.stood_before else None
        return [Act("study_recorded", study.config.study.id, stood, summary, "the record begins here")]

    def _kept(self, after: Standing) -> dict[str, bytes]:
        """Return content not yet kept: what the next run needs to say what changed."""
        kept: dict[str, bytes] = {}
        known = self.audit.trail.records
        for name, place in kept_names(after.all).items():
            if place in known or place in kept:
                continue
            content = (self.folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() == Path(place).name:
                kept[place] = content
        return kept

    def _run_act(self, before: Standing, after: Standing, outcome: Outcome) -> Act:
        old = {"manifest_sha256": sha256_of_text(before.text)} if self.recorded else None
        new: dict[str, Any] = {
            "manifest_sha256": sha256_of_text(after.text),
            "started": outcome.started,
            "ended": now(),
            "readings_sha256": readings_digest(made(self.folder)),
        }
        word = "run_finished" if outcome.done else "run_failed"
        return Act(word, "workflow", old, {**new, "outcome": outcome.words}, self.reason)


def clear_torn_results(folder: Path) -> None:
    """Remove what a killed job left half-written beside its results (never under a result's own name)."""
    for path in (folder / "results").rglob(".*.part"):
        path.unlink(missing_ok=True)
