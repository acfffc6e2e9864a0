"""A small ELISA study written from what its wells hold, for tests of whole runs without the workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bioanalysis.evaluation.run import RunEvaluation, evaluate_run
from bioanalysis.instruments.run import RunWells, read_wells_of
from bioanalysis.responses import responses_from_wells
from bioanalysis.study import Run, Study

LEVELS = (5.0, 10, 25, 50, 100, 200, 350, 500)
CONTROLS = {"LQC": 15.0, "MQC": 50.0, "HQC": 340.0}
CONFIG = "study: {id: S, title: t, test_article: a, status: exploratory}\ntissues: {liver: {density_g_ml: 1.06}}\n"
METHOD = """
method_id: M1
version: "1"
platform: elisa
assay_class: ligand_binding
concentration_basis: free_acid
analytes: [{name: aso, lloq_ng_ml: 5, uloq_ng_ml: 500, calibration: {model: 4pl, weighting: "1/y^2"}}]
extraction:
  {calibrator_matrix: surrogate, calibrators_extracted: true, internal_standard_kind: none,
   internal_standard_added: none, recovery_correction: none}
acceptance: {profile: ich_m10_ligand_binding}
"""


def response(concentration: float) -> float:
    """Return the absorbance of a concentration on the curve of these studies."""
    return 3.0 - 2.95 / (1 + (concentration / 120) ** 1.1)


@dataclass
class Plate:
    """Wells filled in their order: what each holds, and what it reads."""

    label: str = "1"
    rows: list[dict[str, object]] = field(default_factory=list)
    signals: list[float | str] = field(default_factory=list)

    def add(self, kind: str, sample: str, *signals: float | str, **more: object) -> Plate:
        """Put one sample into as many wells as there are signals."""
        for signal in signals:
            self.rows.append({"sample_type": kind, "sample_id": sample, **more})
            self.signals.append(signal)
        return self

    def calibrators(self, scatter: float = 0.01, wells: int = 2, levels: Sequence[float] = LEVELS) -> Plate:
        """Put in the calibrators, their wells apart by `scatter` to either side."""
        for number, level in enumerate(levels, start=1):
            signs = [1 - 2 * (k % 2) for k in range(wells)]
            readings = [response(level) * (1 + scatter * sign) for sign in signs]
            name = f"C{number}"
            self.add("calibrator", f"{name}-{self.label}", *readings, level=name, nominal_ng_ml=level)
        return self

    def controls(self, name: str = "a", factor: float = 1.0) -> Plate:
        """Put in one set of QCs in duplicate, reading `factor` times their nominal."""
        for level, nominal in CONTROLS.items():
            reading = response(factor * nominal)
            sample = f"{level}-{name}-{self.label}"
            self.add("qc", sample, reading, reading, level=level, nominal_ng_ml=nominal)
        return self

    def sample(self, sample: str, concentration: float, dilution_factor: float = 1.0) -> Plate:
        """Put in a study sample in duplicate, the concentration being that of the undiluted homogenate."""
        reading = response(concentration / dilution_factor)
        return self.add("unknown", sample, reading, reading, dilution_factor=dilution_factor)

    def well(self, number: int) -> str:
        return f"{'ABCDEFGH'[number // 12]}{number % 12 + 1}"


def whole_plate(label: str = "1", *samples: tuple[str, float]) -> Plate:
    """Return a plate with calibrators, QCs before and after, and samples in between."""
    plate = Plate(label).calibrators().controls("a")
    for name, concentration in samples:
        plate.sample(name, concentration)
    return plate.controls("b")


def make_study(folder: Path, plates: Sequence[Plate], plate_keys: str = "", method: str = METHOD) -> Path:
    """Write a study of one run of these plates; `plate_keys` is what stands in the method's block `plate`."""
    for name in ("config/methods", "config/worklists", "raw"):
        (folder / name).mkdir(parents=True)
    columns = ["sample_type", "sample_id", "level", "nominal_ng_ml", "dilution_factor"]
    named = {name for plate in plates for row in plate.rows for name in row}
    columns += [name for name in ("tissue", "batch", "lot") if name in named]
    worklist = ["position\tplate\t" + "\t".join(columns)]
    tidy = ["plate\twell\tsignal"]
    for plate in plates:
        for number, (row, signal) in enumerate(zip(plate.rows, plate.signals, strict=True)):
            cells = "\t".join(str(row.get(name, "")) for name in columns)
            worklist.append(f"{plate.well(number)}\t{plate.label}\t{cells}")
            tidy.append(f"{plate.label}\t{plate.well(number)}\t{signal}")
    rows = [row for plate in plates for row in plate.rows]
    samples = dict.fromkeys(str(row["sample_id"]) for row in rows if row["sample_type"] == "unknown")
    manifest = "".join(f"{name}\tR1\tliver\t{number}\t1\t100\t900\n" for number, name in enumerate(samples))
    block = f"plate: {{{plate_keys}}}\n" if plate_keys else ""
    texts: Mapping[str, str] = {
        "config/config.yaml": CONFIG,
        "config/methods/m.yaml": method + block,
        "config/subjects.tsv": "subject_id\tspecies\tgroup\ttreatment\nR1\trat\tg\taso\n",
        "config/samples.tsv": "sample_id\tsubject_id\ttissue\tpiece\tcollection_day\ttissue_mass_mg\tbuffer_volume_ul\n"
        + manifest,
        "config/runs.tsv": "run_id\tmethod_id\trun_date\tanalyst\traw_path\nR1\tM1\t2026-01-01\tx\traw/plate.txt\n",
        "config/worklists/R1.tsv": "\n".join(worklist) + "\n",
        "raw/plate.txt": "\n".join(tidy) + "\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def only_run(folder: Path) -> tuple[Run, RunWells]:
    """Return the run of the study and its wells."""
    run = Study.load(folder).runs[0]
    return run, read_wells_of(run, folder)


def evaluated(folder: Path, plates: Sequence[Plate], plate_keys: str = "", method: str = METHOD) -> RunEvaluation:
    """Return the evaluated run of a study of these plates."""
    run, reading = only_run(make_study(folder, plates, plate_keys, method))
    return evaluate_run(run, responses_from_wells(run, reading.wells))
