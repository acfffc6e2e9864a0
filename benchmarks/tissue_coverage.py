"""Do the intervals of tissue concentrations and of group means hold the truth, over simulated studies?

    python benchmarks/tissue_coverage.py --studies 1000
    python benchmarks/tissue_coverage.py --studies 1000 --batches 5 --lacking 1

Each study has one LC-MS/MS run of its own: a curve of 8 levels, QCs, 5 rows spiked before and 5 after extraction at 3
levels in each of 2 tissues, and 20 samples (2 groups of 5 animals in each tissue, 25 % between animals). Recoveries are
drawn from 0.35 to 0.9 for each tissue and study; extraction scatters by 4 %, a reading by 3 %, and masses, buffer and
dilutions as the method states. Responses are simulated and evaluated by the functions the workflow calls; fresh seeds.
The truth of a mean is the population's. With `--batches` the run is extracted in as many batches, whose recoveries
scatter by 5 %: each has recovery rows of its own (2 and 2 at each level), but for as many as are `--lacking`; animals
go to batches in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from bioanalysis.evaluation.concentrations import tissue_concentrations
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.evaluation.study import RunTables, gather
from bioanalysis.limits import limits_for
from bioanalysis.study import Study
from bioanalysis.variability.group_summary import group_summary

ROOT = Path(__file__).parents[1]
TISSUES, DENSITY = ("liver", "kidney"), {"liver": 1.06, "kidney": 1.05}
MEANS = {"low": 20.0, "high": 60.0}  # ug/g, geometric
ANIMALS, EXTRACTION, READING, SLOPE, BETWEEN = 0.25, 0.04, 0.03, 0.002, 0.05
LEVELS = (5.0, 10.0, 50.0, 200.0, 500.0, 1000.0, 2500.0, 5000.0)
CONFIG = """\
study: {id: COVER, title: Simulated, test_article: mipomersen, status: qualified}
tissues:
  liver: {density_g_ml: 1.06, source: simulated}
  kidney: {density_g_ml: 1.05, source: simulated}
"""


def main() -> None:
    """Simulate, evaluate and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=1)
    parser.add_argument("--lacking", type=int, default=0)
    settings = parser.parse_args()
    n = settings.studies
    rng = np.random.default_rng()
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), settings.batches, settings.lacking)
        found = []
        for number in range(1, n + 1):
            found.append(one_study(study, rng))
            if number % 200 == 0 or number == n:
                summarise(found)


def summarise(found: list[tuple[float | None, float | None]]) -> None:
    """Print the mean share held over the studies, with its standard error over studies."""
    for words, k in (("tissue concentrations", 0), ("group means", 1)):
        held = [share for each in found if (share := each[k]) is not None]
        mean, error = 100 * np.mean(held), 100 * np.std(held, ddof=1) / np.sqrt(len(held))
        print(f"{len(held)} studies: 95 % intervals of {words} hold {mean:.1f} % (se {error:.1f})", flush=True)


def make_study(folder: Path, batches: int, lacking: int) -> Study:
    """Write and load the study whose responses are simulated."""
    for name in ("methods", "worklists"):
        (folder / "config" / name).mkdir(parents=True)
    text = (ROOT / "config/methods/ASO-LCMS-01.yaml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("validation:")]
    (folder / "config/methods/method.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    (folder / "config/config.yaml").write_text(CONFIG, encoding="utf-8")
    animals = [(f"{group}{k}", group) for group in MEANS for k in range(5)]
    tables = {
        "subjects": pd.DataFrame(
            [(animal, "rat", "M", group, "mipomersen") for animal, group in animals],
            columns=["subject_id", "species", "sex", "group", "treatment"],
        ),
        "samples": pd.DataFrame(
            [(f"{animal}-{tissue}", animal, tissue, 29, 100.0, 900.0) for tissue in TISSUES for animal, _ in animals],
            columns=["sample_id", "subject_id", "tissue", "collection_day", "tissue_mass_mg", "buffer_volume_ul"],
        ),
        "runs": pd.DataFrame(
            [("LC-01", "ASO-LCMS-01", "2026-03-10", "sim", "raw")],
            columns=["run_id", "method_id", "run_date", "analyst", "raw_path"],
        ),
        "worklists/LC-01": worklist([animal for animal, _ in animals], batches, lacking),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"config/{name}.tsv", sep="\t", index=False)
    (folder / "raw").mkdir()
    for position in tables["worklists/LC-01"].position:
        shutil.copy(folder / "config/config.yaml", folder / f"raw/{position}.mzML")
    return Study.load(folder)


def worklist(animals: list[str], batches: int, lacking: int) -> pd.DataFrame:
    """Return the injections of the run."""
    rows: list[tuple] = [("blank", "", "", "", 1, "", ""), ("zero", "", "", "", 1, "", "")]
    rows += [("calibrator", "", f"C{k}", level, 1, "", "") for k, level in enumerate(LEVELS, start=1) for _ in range(2)]
    levels = (("L", 15), ("M", 300), ("H", 4000))
    rows += [
        ("qc", "", f"{word}QC", c, 1, "", name) for name in _labels(batches) for word, c in levels for _ in range(2)
    ]
    for tissue in TISSUES:
        for kind in ("recovery_pre", "recovery_post"):
            rows += [
                (kind, "", word, c, 1, tissue, name)
                for name in _labels(batches)[: batches - lacking]
                for word, c in levels
                for _ in range(5 if batches == 1 else 2)
            ]
    rows += [
        ("unknown", f"{animal}-{tissue}", "", "", 10, "", _labels(batches)[k % batches])
        for tissue in TISSUES
        for k, animal in enumerate(animals)
    ]
    columns = ["sample_type", "sample_id", "level", "nominal_ng_ml", "dilution_factor", "tissue", "batch"]
    table = pd.DataFrame(rows, columns=columns)
    position = [str(k) for k in range(1, len(table) + 1)]
    return table.assign(position=position, file=[f"{p}.mzML" for p in position])


def _labels(batches: int) -> list[str]:
    return [""] if batches == 1 else [f"B{k}" for k in range(1, batches + 1)]


def one_study(study: Study, rng: np.random.Generator) -> tuple[float | None, float | None]:
    """Return the shares of concentrations and of means whose interval holds the truth; None where a run failed."""
    run = study.runs[0]
    truth = true_concentrations(study, rng)
    responses, tables = simulated(run.worklist, study, truth, rng), {}
    result = evaluate_run(run, responses)
    tables[run.run_id] = RunTables(
        result.measurements, result.reportable, result.acceptance, result.recovery, result.flags
    )
    reportable, contexts = gather(study, tables)
    table = tissue_concentrations(study, reportable, contexts)
    kept = table[table.status == "quantified"]
    if kept.empty:
        return None, None
    true = kept.sample_id.map(truth)
    held = (kept.tissue_ug_g_low <= true) & (true <= kept.tissue_ug_g_high)
    summary = group_summary(table, limits_for(run.method)["VAR-11"].number)
    expected = summary.group.map(MEANS) * np.sqrt(1 + ANIMALS**2)
    return float(held.mean()), float(((summary.mean_low <= expected) & (expected <= summary.mean_high)).mean())


def true_concentrations(study: Study, rng: np.random.Generator) -> pd.Series:
    """Return the concentration of each sample in ug/g."""
    groups = study.samples.subject_id.map(study.subjects.set_index("subject_id").group)
    logs = rng.normal(np.log(groups.map(MEANS)), np.sqrt(np.log1p(ANIMALS**2)))
    return pd.Series(np.exp(logs), index=study.samples.sample_id)


def simulated(rows: pd.DataFrame, study: Study, truth: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Return the responses of the run."""
    names = sorted(set(rows.batch))
    spread = BETWEEN if len(names) > 1 else 0.0
    recovery = {
        (tissue, name): mean * np.exp(rng.normal(scale=spread))
        for tissue, mean in ((tissue, rng.uniform(0.35, 0.9)) for tissue in TISSUES)
        for name in names
    }
    samples = study.samples.set_index("sample_id").loc[rows.sample_id[rows.sample_type == "unknown"]]
    mass = samples.tissue_mass_mg + rng.normal(scale=0.2, size=len(samples))
    buffer = samples.buffer_volume_ul * (1 + rng.normal(scale=0.01, size=len(samples)))
    whole = buffer + mass / samples.tissue.map(DENSITY)
    pipetted = 1 + rng.normal(scale=0.01, size=len(samples))
    in_well = 1000 * truth.loc[samples.index] * mass / whole / 10 * pipetted
    concentration = rows.nominal_ng_ml.astype(float).to_numpy(copy=True)
    concentration[(rows.sample_type == "unknown").to_numpy()] = in_well.to_numpy()
    lost = rows.sample_type.isin(["recovery_pre", "unknown"])
    places = zip(rows.tissue, rows.batch, strict=True)
    extracted = np.array([recovery.get(place, 1.0) for place in places]) * np.exp(
        rng.normal(scale=EXTRACTION, size=len(rows))
    )
    found = concentration * np.where(lost, extracted, 1.0) * np.exp(rng.normal(scale=READING, size=len(rows)))
    ratio = SLOPE * np.nan_to_num(found)
    empty = rows.sample_type.isin(["blank", "zero"])
    standard = np.where(rows.sample_type == "blank", np.nan, 1e6)
    words = dict.fromkeys(("no_value_reason", "peak_flags", "peak_flag_details", "by_hand", "by_hand_only"), "")
    numbers = {"retention_time_min": 3.1, "signal_to_noise": 1000.0, "asymmetry": 1.0, "points": 20.0,
               "qualifier_ratio": 0.45}  # fmt: skip
    return pd.DataFrame(
        {
            "analyte": "mipomersen", "analyte_area": np.where(empty, np.nan, ratio * 1e6),
            "internal_standard_area": standard, "response": np.where(empty, np.nan, ratio), "no_peak": empty,
            **words, **numbers,
        },
        index=rows.index,
    )  # fmt: skip


if __name__ == "__main__":
    main()
