"""The life of one sample's values: manifest, readings, decisions, results, and every change of them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.records.audit import Entry, Trail, content_of, read_trail
from bioanalysis.records.beside import DRAWN
from bioanalysis.records.changes import Change, read_changes
from bioanalysis.records.digests import read_listing
from bioanalysis.records.places import CHANGES, CONCENTRATIONS, HEAD, MANIFEST, TRAIL
from bioanalysis.study import Run, Study
from bioanalysis.text_files import did_you_mean
from bioanalysis.words import printable

Row = dict[str, str]
GONE = "no longer among the samples of the study: removed, or given another name"
PLACES = ("run_id", "plate", "position", "sample_id", "extraction_id")


def history(folder: Path, sample: str) -> str:
    """Return the life of a sample as text.

    Raises
    ------
    BatchError
        If the study has no such sample, and the audit trail knows of none that left it.
    """
    study = Study.load(folder)
    known = study.samples["sample_id"].tolist()
    trail = read_trail(content_of(folder / TRAIL), content_of(folder / HEAD))
    if sample not in known and not any(_left(c, sample) for e in trail.entries for c in _changes(folder, e)):
        raise BatchError(
            [Fault("config/samples.tsv", f"no sample '{sample}'", f"a sample_id{did_you_mean(sample, known)}")]
        )
    parts = {
        "manifest": [_manifest(study, sample) if sample in known else GONE],
        "readings": list(_readings(folder, study, sample)),
        "decisions": list(_decisions(study, sample)),
        "results now": list(_results(folder, sample)),
        "in the audit trail": list(_entries(folder, trail, study, sample)) or ["nothing: `bioanalysis run` keeps it"],
    }
    damage = [f"NOT WHAT IT WAS: {finding}" for finding in trail.findings]
    lines = [
        f"{title}:\n" + "\n".join(f"  {printable(line)}" for line in here) for title, here in parts.items() if here
    ]
    return "\n".join([f"sample {sample}", *damage, *lines])


def _left(change: Change, sample: str) -> bool:
    """Return whether a change says that the sample left the manifest under this name."""
    of_manifest = change.file.startswith("config/samples.") and (change.object, change.column) == (sample, "row")
    return of_manifest and bool(change.before)


def _manifest(study: Study, sample: str) -> str:
    row = study.samples[study.samples["sample_id"] == sample].iloc[0]
    cells = {str(name): _shown(value) for name, value in row.items() if name not in ("line", "sample_id")}
    said = ", ".join(f"{name} {value}" for name, value in cells.items() if value)
    return f"line {row['line']} of the sample manifest: {said}"


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:g}"
    return str(value)


def _readings(folder: Path, study: Study, sample: str) -> Iterator[str]:
    """Yield each injection or well: raw file with its recorded digest, response, concentration, verdict of its run."""
    digests = read_listing(content_of(folder / MANIFEST) or b"")[0]
    for run in study.runs:
        rows = [
            row for row in _table(folder / f"results/runs/{run.run_id}/measurements.tsv") if row["sample_id"] == sample
        ]
        for row in rows:
            number = row.get("back_calculated_nmol_l") or row["back_calculated_ng_ml"]
            value = f"{number} {run.method.unit}, " if number else ""
            place = f"plate {row['plate']} " if row["plate"] else ""
            reason = f" ({row['reason']})" if row["reason"] else ""
            method = f"{run.method.method_id} version {run.method.version}"
            said = f"{place}position {row['position']} {row['analyte']}: {value}{row['status']}{reason}"
            yield f"run {run.run_id} ({run.run_date}, {run.analyst}, {method}) {said}; {_raw(run, row, digests)}"


def _raw(run: Run, row: Row, digests: dict[str, str]) -> str:
    here = run.worklist[(run.worklist["position"] == row["position"]) & (run.worklist["plate"] == row["plate"])]
    file = str(here["file"].iloc[0]) if len(here) and here["file"].iloc[0] else ""
    name = f"{run.raw_path}/{file}" if file else run.raw_path
    return f"raw {name} {digests.get(name, 'not recorded')[:12]}"


def _decisions(study: Study, sample: str) -> Iterator[str]:
    for row in study.decisions.to_dict("records"):
        if row["sample_id"] == sample or _points_at(study, row, sample):
            taken = f"{row['decision_id']}: {row['action']} by {row['author']}, {row['decided_at']}"
            yield f"{taken}: {row['reason_code']}, {row['reason']}"


def _points_at(study: Study, row: dict, sample: str) -> bool:
    """Return whether a decision names a position or an extraction of the sample."""
    for run in study.runs:
        if row["run_id"] == run.run_id:
            here = run.worklist[run.worklist["sample_id"] == sample]
            position = here["position"] == row["position"]
            return bool(
                row["position"] and (position & ((here["plate"] == row["plate"]) | (not row["plate"]))).any()
            ) or bool(row["extraction_id"] and (here["extraction_id"] == row["extraction_id"]).any())
    return False


def _interval(row: Row) -> str:
    """Return the interval of a value in its own unit."""
    names = ("value_low", "value_high") if row.get("value_low") else ("tissue_ug_g_low", "tissue_ug_g_high")
    return f" ({row[names[0]]} to {row[names[1]]})"


def _results(folder: Path, sample: str) -> Iterator[str]:
    for row in _table(folder / CONCENTRATIONS):
        if row["sample_id"] == sample:
            value = f" {row['value']} {row['unit']}" if row["value"] else f" ({row['reason']})"
            interval = _interval(row) if row["value"] else ""
            where = f", run {row['run_id']}" if row["run_id"] else ""
            yield f"{row['analyte']} by {row['method_id'] or 'no method'}: {row['status']}{value}{interval}{where}"


def _entries(folder: Path, trail: Trail, study: Study, sample: str) -> Iterator[str]:
    """Yield the entries that concern the sample: its runs, its decisions, its cells, seals and signatures."""
    runs = {run.run_id for run in study.runs if sample in set(run.worklist["sample_id"])}
    for entry in trail.entries:
        head = f"{entry['entry']}. {entry['time']} {entry['user']}: {entry['action']} {entry['object']}"
        if entry["object"] in runs | {"study"} or _concerns(folder, entry, study, sample):
            yield f"{head} ({entry['reason']})" if entry["reason"] else head
        for line in _cells(folder, entry, sample):
            yield f"{head}: {line}"


def _concerns(folder: Path, entry: Entry, study: Study, sample: str) -> bool:
    """Return whether an entry is about all samples, decides about this one (withdrawn since or not), or draws it."""
    if entry["action"].startswith("decision_"):
        decided = dict.fromkeys(PLACES, "") | (entry["after"] or entry["before"] or {})
        return decided["sample_id"] == sample or _points_at(study, decided, sample)
    if entry["action"] == DRAWN:
        return any(row.get("sample_id") == sample for row in _table(folder / entry["object"]))
    return entry["action"] in ("version_sealed", "signed")


def _cells(folder: Path, entry: Entry, sample: str) -> Iterator[str]:
    whole = re.compile(rf"(?<![\w.-]){re.escape(sample)}(?![\w.-])")
    for change in _changes(folder, entry):
        if change.object.split(" ")[0] == sample or whole.search(f"{change.before} {change.after}"):
            row = f" ({change.before or change.after})" if change.column == "row" else ""
            yield f"{change}{row}"


def _changes(folder: Path, entry: Entry) -> Iterator[Change]:
    for name in entry.get("records", {}):
        if name.startswith(f"{CHANGES}/"):
            yield from read_changes(content_of(folder / name) or b"")


def _table(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))
