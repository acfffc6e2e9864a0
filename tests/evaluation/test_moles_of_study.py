"""A method in nmol/L without molar mass: the numbers of a method in ng/mL, in columns and words of its own unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.evaluation.decisions import judge_run
from bioanalysis.evaluation.study_decisions import judge_study
from bioanalysis.instruments.run import read_wells_of
from bioanalysis.method import Method
from bioanalysis.moles import as_counted, as_written
from bioanalysis.results import read_curves, read_run_of_study, write_run
from bioanalysis.study import Study

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The plates of the demonstration judged by its method, and by one with the same range in nmol/L and no mass."""
    study = Study.load(ROOT)
    run = next(run for run in study.runs if run.platform == "elisa")
    wells = read_wells_of(run, study.folder).wells
    keys = run.method.model_dump()
    (about,) = keys["analytes"]
    moles = {name.replace("ng_ml", "nmol_l"): about[name] for name in ("lloq_ng_ml", "uloq_ng_ml")}
    bare = about | moles | dict.fromkeys(("molar_mass_g_mol", "salt_molar_mass_g_mol", "sequence"))
    own = {
        "grams": run.method,
        "moles": Method.model_validate(keys | {"concentration_unit": "nmol_l", "analytes": [bare]}),
    }
    found = {}
    for name, method in own.items():
        here = replace(run, method=method)
        folder = tmp_path_factory.mktemp(name)
        evaluation = judge_run(here, wells)
        names = [*evaluation.__dataclass_fields__, "curve"]
        write_run(evaluation, SimpleNamespace(**{each: folder / f"{each}.tsv" for each in names}))
        one = replace(study, runs=(here,), methods={method.method_id: method})
        tables = judge_study(one, {run.run_id: read_run_of_study(folder, here, one)}, {run.run_id: wells})
        found[name] = SimpleNamespace(folder=folder, study=tables, run=evaluation)
    return SimpleNamespace(**found)


def test_a_result_is_in_nmol_per_gram_and_nothing_in_grams(judged):
    grams, moles = (side.study.tissue_concentrations for side in (judged.grams, judged.moles))
    assert set(moles.unit[moles.analyte != ""]) == {"nmol/g"}
    for here, there in (
        ("value", "value"),
        ("value_low", "value_low"),
        ("lloq", "lloq"),
        ("tissue_nmol_g", "tissue_ug_g"),
    ):
        assert_allclose(moles[here], grams[there])
    assert_allclose(moles.homogenate_nmol_l, grams.homogenate_ng_ml)
    assert (
        moles[["homogenate_ng_ml", "uncorrected_ug_g", "tissue_ug_g", "tissue_ug_g_high", "lloq_ug_g"]]
        .isna()
        .all()
        .all()
    )
    # nmol/L x mL/g / 1000 = nmol/g
    assert_allclose(moles.uncorrected_nmol_g, moles.homogenate_nmol_l * moles.homogenate_factor_ml_per_g / 1000)
    assert not moles.reason.str.contains("ng/mL").any()
    assert moles.reason.str.contains("nmol/L").any()


def test_tables_of_a_run_say_nmol_per_litre_and_leave_nanograms_empty(judged):
    rows = judged.moles.run.measurements
    assert rows.filter(like="_ng_ml").isna().all().all()
    assert_allclose(rows.curve_reading_nmol_l, judged.grams.run.measurements.curve_reading_ng_ml)
    words = "\n".join(path.read_text() for path in judged.moles.folder.iterdir())
    assert "nmol/L" in words
    assert "ng/mL" not in words
    assert {curve["concentration_unit"] for curve in read_curves(judged.moles.folder / "curve.tsv")} == {"nmol/L"}


def test_without_a_mass_organs_hold_no_milligrams(judged):
    organs = judged.moles.study.mass_balance
    assert organs.burden_mg.isna().all()
    assert organs.note.str.contains("no molar mass: no amount in mg").any()


def test_what_people_wrote_keeps_its_unit():
    said = "spilt, held about 5 ng/mL"
    table = pd.DataFrame({"reason": [f"{said}; below 7 ng/mL", "below 7 ng/mL"], "nominal_ng_ml": [1.0, 2.0]})
    written = as_written(table, [True, False], [said])
    assert written.reason.tolist() == [f"{said}; below 7 nmol/L", "below 7 ng/mL"]
    assert written.nominal_nmol_l.tolist()[0] == 1.0
    assert written.nominal_ng_ml.tolist()[1] == 2.0
    assert as_counted(written).nominal_ng_ml.tolist() == [1.0, 2.0]
