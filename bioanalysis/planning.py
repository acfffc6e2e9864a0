"""What a plan of the workflow needs: the checked study, one file per run, digests of raw data and code."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.installed import packages_digest
from bioanalysis.study import Run, Study
from bioanalysis.study.inside import require_inside
from bioanalysis.study.schema import WITHIN_RUN
from bioanalysis.tables import write_whole

PLAN = "work/plan.json"
TABLES = ("subjects", "samples", "decisions", "pools", "dosing", "clinical_chemistry", "materials")
HANDED = "BIOANALYSIS_PLAN"  # in the environment of Snakemake: the digest of a plan that was made just before
CODE_SUFFIXES = (".py", ".tsv", ".html", ".css", ".js", ".smk", ".yaml", ".json", ".typ", ".jinja")
NOT_CODE = {"__pycache__", "_qualification"}  # studies and tests that an installed package carries compute no result


@dataclass(frozen=True)
class Plan:
    """Runs with platform, those with decisions on them, digest of the software, kind of the study."""

    platforms: dict[str, str]
    code: str
    kind: str = "study"
    decided: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the plan as canonical JSON; the runs keep their order."""
        return json.dumps(asdict(self), indent=0, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan written by `to_json`."""
        content = json.loads(text)
        return cls(**{**content, "decided": tuple(content["decided"])})

    @property
    def handed_on(self) -> dict[str, str]:
        """Return what in the environment of Snakemake says that this plan holds."""
        return {HANDED: hashlib.sha256(self.to_json().encode("utf-8")).hexdigest()}

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


def handed_plan(folder: Path, workflow_folder: Path) -> Plan:
    """Return the plan that whoever started Snakemake made just before, else a new one.

    A study of 1000 runs takes ten seconds to read: once is enough, also where each job of a cluster starts a Snakemake
    of its own. A plan whose digest is not the one handed on is none.
    """
    path = folder / PLAN
    text = path.read_text(encoding="utf-8") if HANDED in os.environ and path.is_file() else ""
    plan = Plan.from_json(text) if text else None
    return plan if plan and plan.handed_on[HANDED] == os.environ[HANDED] else plan_study(folder, workflow_folder)


def plan_study(folder: Path, workflow_folder: Path) -> Plan:
    """Check the study, leave what each job reads in `work/`, and return the plan.

    Raises
    ------
    BatchError
        With every fault of the study; nothing is written then.
    """
    return plan_of(load_with_runs(folder), workflow_folder)


def plan_of(study: Study, workflow_folder: Path) -> Plan:
    """Leave what each job of a checked study reads in `work/`, and return the plan.

    A file in `work/` is only written where its content changes, so that its time stamp tells Snakemake what to rerun.
    """
    code = software_digest(workflow_folder)
    write_if_changed(study.folder / "work" / "study.json", study_text(study))
    for run in study.runs:
        write_if_changed(study.folder / "work" / run.run_id / "run.json", run.to_json())
        raw = digest_of_run(raw_digests(run, study.folder))
        write_if_changed(study.folder / source_file(run.run_id), source_text(raw, code))
    plan = Plan(
        platforms={run.run_id: run.platform for run in study.runs},
        code=code,
        kind=study.config.study.kind,
        decided=tuple(run.run_id for run in study.runs if run.decisions.action.isin(WITHIN_RUN).any()),
    )
    write_if_changed(study.folder / PLAN, plan.to_json())
    return plan


def source_file(run_id: str) -> str:
    """Return the path of what the readings of a run are made from."""
    return f"work/{run_id}/source.json"


def source_text(raw: str, code: str) -> str:
    """Return what the readings of a run are made from: digests of its raw files and of the software.

    A file, since Snakemake keeps parameters in a hidden folder: where that is lost, as in a copied study, old readings
    would be taken for those of a raw file that has changed.
    """
    return json.dumps({"code": code, "raw": raw}, sort_keys=True, indent=0) + "\n"


def load_with_runs(folder: Path) -> Study:
    """Return the study in `folder`; BatchError also where it has no runs yet, or results would be written elsewhere."""
    study = Study.load(folder)
    require_inside(folder, study.config.allowed_roots)
    if not study.runs:
        raise BatchError([Fault("config/runs.tsv", "no rows", "one row per analytical run: nothing can be run yet")])
    return study


def write_if_changed(path: Path, text: str) -> None:
    """Write `text` unless the file holds it already."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text.encode("utf-8"))


def study_text(study: Study) -> str:
    """Return all that the study's tables depend on beside its runs, as canonical JSON; of its own tables the digest."""
    content = {
        "config": study.config.model_dump(mode="json"),
        "runs": [[run.run_id, run.method.digest] for run in study.runs],
        "validations": {name: validated.shown.model_dump(mode="json") for name, validated in study.validations.items()},
        **{name: _table_digest(getattr(study, name)) for name in TABLES},
    }
    return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def _table_digest(table: pd.DataFrame | None) -> str:
    """Return the SHA-256 of a table, taken a part at a time: the text of 50 000 samples is large."""
    if table is None:
        return ""
    whole = hashlib.sha256(json.dumps(list(table)).encode())
    for start in range(0, len(table), 1000):
        part = table.iloc[start : start + 1000]
        whole.update(part.to_json(orient="values", double_precision=15).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def raw_digests_file(run_id: str) -> str:
    """Return the path of what is known of the raw files of a run: size, times and SHA-256 by name."""
    return f"work/{run_id}/raw.json"


def raw_digests(run: Run, folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each raw file of a run; files known by size and times are not read again."""
    path = folder / raw_digests_file(run.run_id)
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    seen = {name: _seen(folder / name, known.get(name)) for name in raw_files(run)}
    if seen != known:
        write_whole(path, (json.dumps(seen, sort_keys=True, indent=0) + "\n").encode("utf-8"))
    return {name: entry[-1] for name, entry in seen.items()}


def _seen(path: Path, known: list | None) -> list:
    stat = path.stat()
    # the last of these cannot be set back by tools that set a file's times
    key = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
    return known if known and known[:-1] == key else [*key, _digest(path)]


def digest_of_run(digests: dict[str, str]) -> str:
    """Return one SHA-256 over the names and digests of the raw files of a run."""
    whole = hashlib.sha256()
    for name, digest in digests.items():
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


def software_digest(workflow_folder: Path) -> str:
    """Return one SHA-256 over our code and the versions of the packages it needs: either, changed, reruns what it made.

    Else a study would hold results of two NumPys, side by side and told apart by nothing.
    """
    return hashlib.sha256(f"{code_digest(workflow_folder)}\n{packages_digest()}\n".encode()).hexdigest()


def code_digest(workflow_folder: Path) -> str:
    """Return one SHA-256 over the package and the workflow."""
    whole = hashlib.sha256()
    for path in code_files(workflow_folder):
        whole.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()
