"""What a plan of the workflow needs: the checked study, one file per run, digests of raw data and code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.study import Run, Study
from bioanalysis.study.raw_files import RawFiles
from bioanalysis.study.schema import WITHIN_RUN
from bioanalysis.tables import write_whole

DIGESTS = "work/digests.json"
CODE_SUFFIXES = (".py", ".tsv", ".html", ".css", ".js", ".smk", ".yaml", ".json", ".typ", ".jinja")
NOT_CODE = {"__pycache__", "_qualification"}  # studies and tests that an installed package carries compute no result


@dataclass(frozen=True)
class Plan:
    """Runs with platform, those with decisions on them, digest of the code, kind of the study."""

    platforms: dict[str, str]
    code: str
    kind: str = "study"
    decided: tuple[str, ...] = ()

    @property
    def run_ids(self) -> list[str]:
        return list(self.platforms)

    def of_platform(self, platform: str) -> list[str]:
        """Return the run ids of one platform."""
        return [run_id for run_id, name in self.platforms.items() if name == platform]


def workflow_folder() -> Path:
    """Return the folder with Snakefile, workflow and profiles: inside an installed package, else the repository."""
    package = Path(__file__).resolve().parent
    inside = package / "_workflow"
    return inside if inside.is_dir() else package.parent


def plan_study(folder: Path, workflow_folder: Path) -> Plan:
    """Check the study, leave what each job reads in `work/`, and return the plan.

    A file in `work/` is only written where its content changes, so that its time stamp tells Snakemake what to rerun.

    Raises
    ------
    BatchError
        With every fault of the study; nothing is written then.
    """
    study = load_with_runs(folder)
    for run in study.runs:
        write_if_changed(folder / "work" / run.run_id / "run.json", run.to_json())
    write_if_changed(folder / "work" / "study.json", study_text(study))
    code = code_digest(workflow_folder)
    for run_id, raw in raw_digests(study).items():
        write_if_changed(folder / source_file(run_id), source_text(raw, code))
    return Plan(
        platforms={run.run_id: run.platform for run in study.runs},
        code=code,
        kind=study.config.study.kind,
        decided=tuple(run.run_id for run in study.runs if run.decisions.action.isin(WITHIN_RUN).any()),
    )


def source_file(run_id: str) -> str:
    """Return the path of what the readings of a run are made from."""
    return f"work/{run_id}/source.json"


def source_text(raw: str, code: str) -> str:
    """Return what the readings of a run are made from: digests of its raw files and of the code.

    A file, since Snakemake keeps parameters in a hidden folder: where that is lost, as in a copied study, old readings
    would be taken for those of a raw file that has changed.
    """
    return json.dumps({"code": code, "raw": raw}, sort_keys=True, indent=0) + "\n"


def load_with_runs(folder: Path) -> Study:
    """Return the study in `folder`; BatchError also where it has no runs yet, or results would be written elsewhere."""
    study = Study.load(folder)
    if leaving := RawFiles.of(folder, study.config.allowed_roots).link_faults("results", "work", "logs"):
        raise BatchError(leaving)
    if not study.runs:
        raise BatchError([Fault("config/runs.tsv", "no rows", "one row per analytical run: nothing can be run yet")])
    return study


def write_if_changed(path: Path, text: str) -> None:
    """Write `text` unless the file holds it already."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text.encode("utf-8"))


def study_text(study: Study) -> str:
    """Return all that the study's tables depend on beside its runs, as canonical JSON."""
    tables = {name: getattr(study, name) for name in ("subjects", "samples", "decisions")}
    content = {
        "config": study.config.model_dump(mode="json"),
        "runs": [[run.run_id, run.method.digest] for run in study.runs],
        "validations": {name: validated.shown.model_dump(mode="json") for name, validated in study.validations.items()},
        **{name: json.loads(table.to_json(orient="records", double_precision=15)) for name, table in tables.items()},
    }
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def raw_digests(study: Study) -> dict[str, str]:
    """Return one SHA-256 per run over the content of its raw files; files known by size and time are not read again."""
    cache_path = study.folder / DIGESTS
    try:
        known = json.loads(cache_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    seen: dict[str, list] = {}
    digests = {run.run_id: _run_digest(run, study.folder, known, seen) for run in study.runs}
    write_if_changed(cache_path, json.dumps(seen, sort_keys=True, indent=0) + "\n")
    return digests


def _run_digest(run: Run, folder: Path, known: dict, seen: dict[str, list]) -> str:
    whole = hashlib.sha256()
    for name in raw_files(run):
        path = folder / name
        stat = path.stat()
        # the last of these cannot be set back by tools that set a file's times
        key = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        entry = known.get(name)
        digest = entry[-1] if entry and entry[:-1] == key else _digest(path)
        seen[name] = [*key, digest]
        whole.update(f"{name}\0{digest}\n".encode())
    return whole.hexdigest()


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def raw_files(run: Run) -> list[str]:
    """Return the raw files of a run, relative to the study folder."""
    names = [name for name in dict.fromkeys(run.worklist.file) if name]
    if run.platform == "elisa" and names == [Path(run.raw_path).name]:
        return [run.raw_path]  # the export itself, named once more in the worklist
    return [f"{run.raw_path}/{name}" for name in names] if names else [run.raw_path]


def code_files(workflow_folder: Path) -> list[Path]:
    """Return the files of the package and of the workflow, sorted."""
    package = Path(__file__).parent
    files = {path for path in package.rglob("*") if not NOT_CODE & set(path.parts)}
    files |= set((workflow_folder / "workflow").rglob("*")) | {workflow_folder / "Snakefile"}
    known = (path for path in files if path.suffix in CODE_SUFFIXES or path.name == "Snakefile")
    return sorted(path for path in known if path.is_file())


def code_digest(workflow_folder: Path) -> str:
    """Return one SHA-256 over the package and the workflow: edited code reruns what it made."""
    whole = hashlib.sha256()
    for path in code_files(workflow_folder):
        whole.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
