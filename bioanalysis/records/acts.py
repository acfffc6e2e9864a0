"""From what stood before and stands now to the entries of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bioanalysis.planning import raw_files
from bioanalysis.records.audit import Act, Trail
from bioanalysis.records.changes import Change
from bioanalysis.records.digests import digest_of_list
from bioanalysis.records.places import CONCENTRATIONS
from bioanalysis.records.standing import Standing
from bioanalysis.study import Study

Digests = Mapping[str, str]
MOST_CELLS = 20
NO_SUCH_RUN = "no longer among the runs of the study"
NO_REASON = "no reason given"


def differing(before: Digests, after: Digests) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield path, digest before and digest after of everything that is not the same."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def config_acts(before: Digests, after: Digests, changes: Iterable[Change], reason: str) -> list[Act]:
    """Return one act per settings file, table or method file that changed, with its cells."""
    cells: dict[str, list[str]] = {}
    for change in changes:
        cells.setdefault(change.file, []).append(str(change))
    acts = []
    for name, old, new in differing(before, after):
        word = "added" if old is None else "removed" if new is None else "changed"
        said = cells.get(name, [])
        more = [f"and {len(said) - MOST_CELLS} more"] if len(said) > MOST_CELLS else []
        now = {"sha256": new, **({"cells": said[:MOST_CELLS] + more} if said else {})}
        acts.append(Act(f"config_{word}", name, old and {"sha256": old}, new and now, reason))
    return acts


def method_acts(trail: Trail, study: Study, reason: str) -> list[Act]:
    """Return one act per validated method that is new or not the one last recorded."""
    acts = []
    for name, method in sorted(study.methods.items()):
        after = {"version": method.version, "digest": method.digest}
        last = trail.last("method_recorded", "method_changed", subject=name)
        if last is None:
            acts.append(Act("method_recorded", name, None, after, "first used"))
        elif last["after"] != after:
            acts.append(Act("method_changed", name, last["after"], after, reason))
    return acts


def decision_acts(trail: Trail, study: Study) -> list[Act]:
    """Return one act per decision that is new, changed or withdrawn, with the reason its author gave."""
    known: dict[str, Any] = {}
    for entry in trail.entries:
        if entry["action"] in ("decision_taken", "decision_changed", "decision_withdrawn"):
            known[entry["object"]] = entry["after"]
    now = {row["decision_id"]: row for row in (_words(row) for row in study.decisions.to_dict("records"))}
    acts = []
    for name, row in now.items():
        before = known.get(name)
        if before != row:
            reason = f"{row['reason_code']}: {row['reason']}"
            acts.append(Act("decision_changed" if before else "decision_taken", name, before, row, reason))
    for name, before in known.items():
        if before and name not in now:
            acts.append(Act("decision_withdrawn", name, before, None, "no longer in the decisions of the study"))
    return acts


def _words(row: Mapping[Any, Any]) -> dict[str, str]:
    """Return what a decision says, without its line and its empty cells."""
    cells = {str(key): "" if value != value else str(value) for key, value in row.items() if key != "line"}
    return {key: value for key, value in cells.items() if value}


def raw_acts(before: Digests, after: Digests, study: Study, reason: str) -> list[Act]:
    """Return one act per run whose raw files are all new, and one per single file that came, went or changed."""
    acts, told = [], set()
    for run in study.runs:
        names = raw_files(run)
        if not any(name in before for name in names):
            digest = digest_of_list({name: after[name] for name in names})
            acts.append(Act("raw_added", run.run_id, None, {"files": len(names), "sha256_of_list": digest}, "new run"))
            told |= set(names)
    for name, old, new in differing(before, after):
        if name not in told:
            word = "added" if old is None else "removed" if new is None else "changed"
            acts.append(Act(f"raw_{word}", name, old and {"sha256": old}, new and {"sha256": new}, reason))
    return acts


def software_acts(trail: Trail, environment: dict[str, Any], digest: str, packages: Sequence[str]) -> list[Act]:
    """Return the acts of new code and of a new environment.

    `digest`: of the environment's text; `packages`: in words, which of those it computes with have changed.
    """
    acts = []
    code = environment["software"]
    last = trail.last("code_recorded", "code_changed")
    if last is None or last["after"] != code:
        word = "code_changed" if last else "code_recorded"
        acts.append(Act(word, "bioanalysis", last and last["after"], code, "other software than before" * bool(last)))
    last = trail.last("environment_recorded")
    if last is None or last["after"]["sha256"] != digest:
        after = {"sha256": digest, "python": environment["python"], "lock_sha256": environment["lock_sha256"]}
        acts.append(Act("environment_recorded", "environment", last and last["after"], after, "; ".join(packages)))
    return acts


def group_of(name: str) -> str:
    """Return the run a result belongs to, or `study`."""
    parts = name.split("/")
    return parts[2] if parts[1] == "runs" and len(parts) > 3 else "study"


def computed_acts(before: Digests, after: Digests, why: Mapping[str, str]) -> list[Act]:
    """Return one act per run (and for the study) whose results are not what they were."""
    groups = dict.fromkeys(group_of(name) for name, _, _ in differing(before, after))
    acts = []
    for group in sorted(groups, key=lambda name: (name == "study", name)):
        old = {name: digest for name, digest in before.items() if group_of(name) == group}
        new = {name: digest for name, digest in after.items() if group_of(name) == group}
        word = "results_removed" if not new else "recomputed" if old else "computed"
        acts.append(Act(word, group, _summary(old), _summary(new), why.get(group, "what it rests on changed")))
    return acts


def _summary(digests: Digests) -> dict[str, Any] | None:
    return {"files": len(digests), "sha256_of_list": digest_of_list(digests)} if digests else None


def value_acts(before: Digests, after: Digests, changes: list[Change], reason: str, where: str) -> list[Act]:
    """Return the act of values that changed in the study's result, by sample and analyte."""
    values = [change for change in changes if change.file == CONCENTRATIONS]
    old, new = before.get(CONCENTRATIONS), after.get(CONCENTRATIONS)
    if not values or old is None or new is None:
        return []
    count = len({change.object for change in values})
    return [
        Act(
            "values_changed",
            CONCENTRATIONS,
            {"sha256": old},
            {"sha256": new, "results": count, "listed_in": where},
            reason,
        )
    ]


def why_computed(before: Standing, after: Standing, study: Study, acts: Iterable[Act]) -> dict[str, str]:
    """Return in words, by run (and `study`), what made it be computed again."""
    said: dict[str, list[str]] = {}
    actions = list(acts)
    names_of = {run.run_id: set(raw_files(run)) for run in study.runs}
    methods = {run.run_id: run.method.method_id for run in study.runs}
    changed_raw = {name for name, _, _ in differing(before.raw, after.raw)}
    changed_config = [name for name, _, _ in differing(before.config, after.config)]
    code = any(act.action == "code_changed" for act in actions)
    for run_id, names in names_of.items():
        if not any(group_of(name) == run_id for name in before.results):
            said[run_id] = ["first computed"]
            continue
        said[run_id] = ["the software changed"] * code + [f"{name} changed" for name in sorted(names & changed_raw)]
        said[run_id] += [
            f"config/worklists of {run_id} changed" for name in changed_config if _is_worklist(name, run_id)
        ]
        changed_methods = [act.object for act in actions if act.action == "method_changed"]
        said[run_id] += [f"method {name} changed" for name in changed_methods if methods[run_id] == name]
        decided = [a for a in actions if a.action.startswith("decision") and run_id in str(a.after or a.before)]
        said[run_id] += [f"decision {act.object}" for act in decided]
    said |= {group: [NO_SUCH_RUN] for group in {group_of(name) for name in before.results} - {*names_of, "study"}}
    if not any(group_of(name) == "study" for name in before.results):
        return {**{group: ", ".join(words) for group, words in said.items() if words}, "study": "first computed"}
    said["study"] = ["the software changed"] * code + [f"{name} changed" for name in changed_config]
    return {group: ", ".join(words) for group, words in said.items() if words}


def _is_worklist(name: str, run_id: str) -> bool:
    return name.rsplit(".", 1)[0] == f"config/worklists/{run_id}"
