"""Time of judging a run: curve, readings, recovery, every rule, status and flags of every row.

    OMP_NUM_THREADS=1 python benchmarks/judge_run.py [rounds]

Two simulated runs, with fresh numbers each time: an LC-MS/MS run of 500 injections and an ELISA run of four plates,
each with standards, QCs, dilution QCs and recovery rows in three tissues. Printed is the median processor time of
`evaluate_run`, and its ratio to writing the run's tables with pandas and reading them back, measured in turns with it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.evaluation.run import RunEvaluation, evaluate_run
from bioanalysis.method import Method, read_method
from bioanalysis.responses import responses_from_peaks, responses_from_wells
from bioanalysis.sheets import Sheet
from bioanalysis.study import Run
from bioanalysis.study.schema import DECISIONS, WORKLIST
from bioanalysis.study.worklist import resolve

METHODS = Path(__file__).parents[1] / "config" / "methods"
TISSUES = ("liver", "kidney", "spleen")
RECOVERY = {"liver": 0.62, "kidney": 0.7, "spleen": 0.55}
LEVELS = {"lcms": (5, 10, 50, 200, 800, 2000, 4000, 5000), "elisa": (5, 10, 25, 50, 100, 200, 350, 500)}
CONTROLS = {"lcms": {"LQC": 15, "MQC": 2000, "HQC": 4000}, "elisa": {"LQC": 15, "MQC": 50, "HQC": 400}}
TABLES = ("measurements", "reportable", "acceptance", "recovery", "flags")
Row = dict[str, object]


def main() -> None:
    """Print the times of both runs."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    rng = np.random.default_rng()
    for name, run, responses in (lcms_run(500, rng), elisa_run(4, rng)):
        compare(name, run, responses, rounds)


def compare(name: str, run: Run, responses: pd.DataFrame, rounds: int) -> None:
    """Print the time of judging one run beside that of writing and reading its tables."""
    result = evaluate_run(run, responses)
    verdicts = ", ".join(result.acceptance.verdict[result.acceptance.rule_id == "RUN"])
    judging, tables = in_turns(rounds, lambda: evaluate_run(run, responses), lambda: there_and_back(result))
    print(f"{name}: {len(run.worklist)} rows judged in {judging:.3f} s,", end=" ")
    print(f"{judging / tables:.1f} x writing and reading its tables; verdicts: {verdicts}")


def in_turns(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Return the median processor time of each work in seconds, all measured in turns."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, times, strict=True):
            started = time.process_time()
            work()
            taken.append(time.process_time() - started)
    return [float(np.median(taken)) for taken in times]


def there_and_back(result: RunEvaluation) -> None:
    """Write the tables of a run with pandas and read them back."""
    with tempfile.TemporaryDirectory() as folder:
        for name in TABLES:
            path = Path(folder) / f"{name}.tsv"
            getattr(result, name).to_csv(path, sep="\t", index=False)
            pd.read_csv(path, sep="\t")


def lcms_run(injections: int, rng: np.random.Generator) -> tuple[str, Run, pd.DataFrame]:
    """Return an LC-MS/MS run of so many injections and its responses."""
    fixed = [*standards("lcms"), {"sample_type": "blank"}, {"sample_type": "zero"}, *recovery_rows("lcms", 5)]
    fixed += [control("dilution_qc", "DQC", 20000, tissue, 20) for tissue in TISSUES]
    controls = [
        control("qc", level, nominal, tissue) for tissue in TISSUES for level, nominal in CONTROLS["lcms"].items()
    ]
    controls = [*controls, *controls, *controls, *controls]
    samples = unknowns(injections - len(fixed) - len(controls), 1)
    half = len(controls) // 2
    rows = [*fixed, *controls[:half], *samples, *controls[half:]]
    rows = [row | {"position": number, "file": f"{number}.mzML"} for number, row in enumerate(rows, start=1)]
    run = make_run("LC-1", read_method(METHODS / "ASO-LCMS-01.yaml", "ASO-LCMS-01.yaml"), rows)
    amount, standard = amounts(run, rng), 1e5 * np.exp(0.1 * rng.standard_normal(len(rows)))
    noise = np.exp(0.025 * rng.standard_normal(len(rows)))
    areas = {"mipomersen_quan": (0.004 * amount + 0.001) * standard * noise, "is_quan": standard}
    areas["mipomersen_qual"] = 0.5 * areas["mipomersen_quan"]
    peaks = [
        pd.DataFrame({"position": run.worklist.position, "transition": name, "area": area, "flags": ""})
        for name, area in areas.items()
    ]
    return "LC-MS/MS", run, responses_from_peaks(run, pd.concat(peaks, ignore_index=True))


def elisa_run(plates: int, rng: np.random.Generator) -> tuple[str, Run, pd.DataFrame]:
    """Return a run of plates in duplicate wells, each with its own standards, and its responses."""
    rows = []
    for plate in range(1, plates + 1):
        units = [*standards("elisa", 1), {"sample_type": "zero", "sample_id": "Z", "nominal_ng_ml": 0}]
        units += recovery_rows("elisa", 1, "recovery_pre")[:6]
        controls = [control("qc", level, nominal, "liver") for level, nominal in CONTROLS["elisa"].items()]
        dilution = [control("dilution_qc", "DQC", 4000, "liver", 20)]
        samples = unknowns(48 - len(units) - 2 * len(controls) - 1, 1000 * plate, ("liver", "kidney"))
        named = enumerate([*units, *controls, *dilution, *samples, *controls], start=1)
        wells = [{"sample_id": f"{row['sample_type']}-{n}", **row} for n, row in named for _ in range(2)]
        rows += [row | {"plate": f"P{plate}", "position": WELLS[n]} for n, row in enumerate(wells)]
    run = make_run("EL-1", read_method(METHODS / "ASO-HELISA-01.yaml", "ASO-HELISA-01.yaml"), rows)
    amount, well = amounts(run, rng), np.exp(0.03 * rng.standard_normal(len(rows)))
    signal = (3 + (0.05 - 3) / (1 + amount / 100)) * well
    wells = pd.DataFrame({"analyte": "mipomersen", "signal": signal, "word": ""})
    return "ELISA", run, responses_from_wells(run, wells)


WELLS = [f"{letter}{number}" for number in range(1, 13) for letter in "ABCDEFGH"]


def standards(platform: str, times: int = 2) -> list[Row]:
    return [
        {"sample_type": "calibrator", "level": f"C{number}", "nominal_ng_ml": nominal, "tissue": "surrogate"}
        for number, nominal in enumerate(LEVELS[platform], start=1)
        for _ in range(times)
    ]


def recovery_rows(platform: str, times: int, *kinds: str) -> list[Row]:
    return [
        {"sample_type": kind, "level": level, "nominal_ng_ml": nominal, "tissue": tissue}
        for kind in kinds or ("recovery_pre", "recovery_post")
        for tissue in TISSUES
        for level, nominal in CONTROLS[platform].items()
        for _ in range(times)
    ]


def control(kind: str, level: str, nominal: float, tissue: str, factor: float = 1) -> Row:
    return {
        "sample_type": kind, "level": level, "nominal_ng_ml": nominal, "tissue": tissue, "dilution_factor": factor,
        "extracted": "true",
    }  # fmt: skip


def unknowns(count: int, first: int, tissues: Iterable[str] = TISSUES) -> list[Row]:
    """Return study samples, every fifth of them diluted 20 times."""
    tissues = list(tissues)
    return [
        {
            "sample_type": "unknown", "sample_id": f"S{first + number}", "tissue": tissues[number % len(tissues)],
            "dilution_factor": 1 if number % 5 else 20,
        }
        for number in range(count)
    ]  # fmt: skip


def make_run(run_id: str, method: Method, rows: list[Row]) -> Run:
    """Return a run of the worklist rows, defaults filled in."""
    cells = [[str(row.get(name, "")) for name in WORKLIST.names] for row in rows]
    frame, faults = WORKLIST.check(Sheet(f"{run_id}.tsv", WORKLIST.names, 1, cells, list(range(2, len(rows) + 2))))
    if faults:
        raise ValueError(faults)
    tissues = {str(row.get("sample_id")): str(row["tissue"]) for row in rows if row["sample_type"] == "unknown"}
    worklist = resolve(frame, {"run_id": run_id, "extraction_batch": ""}, method, tissues)
    return Run(run_id, method, "2026-01-05", "", "", "", run_id, "", "", worklist, DECISIONS.empty())


def amounts(run: Run, rng: np.random.Generator) -> np.ndarray:
    """Return what each extract holds on the scale of the curve: 4 % scatter of the extraction, losses of the tissue."""
    rows = run.worklist
    found = rows.nominal_ng_ml / rows.dilution_factor
    top = LEVELS[run.platform][-1]
    drawn = np.exp(rng.uniform(np.log(LEVELS[run.platform][0] * 3), np.log(top * 0.8), len(rows)))
    found = found.where(rows.sample_type != "unknown", drawn).fillna(0.0)
    recovered = rows.tissue.map(RECOVERY).fillna(1.0) * np.exp(0.04 * rng.standard_normal(len(rows)))
    return (found * recovered.where(rows.extracted, 1.0)).to_numpy(float)


if __name__ == "__main__":
    main()
