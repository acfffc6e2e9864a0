"""From readings of homogenates to concentrations in tissue, by hand, on the study of four samples."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from small_study import change, make_small_study

from bioanalysis.evaluation.concentrations import MethodContext, tissue_concentrations
from bioanalysis.recovery.estimates import Scatter
from bioanalysis.recovery.study import RecoveryBook
from bioanalysis.study import Study
from bioanalysis.variability.group_summary import group_summary

pytestmark = pytest.mark.requirement("UR-014")

CONFIG, METHOD, SAMPLES = "config/config.yaml", "config/methods/lcms.yaml", "config/samples.tsv"


@pytest.fixture
def folder(tmp_path):
    return make_small_study(tmp_path)


def reading(sample_id: str, ng_ml: float, status: str = "quantified", **more: object) -> dict[str, object]:
    row = {
        "run_id": "LC-01", "plate": "", "position": "8", "sample_type": "unknown", "sample_id": sample_id,
        "tissue": "liver", "analyte": "mipomersen", "method_id": "ASO-LCMS-01", "dilution_factor": 1.0,
        "dilution_steps": 0.0, "extraction_id": f"LC-01:{sample_id}", "repeat_reason": "", "reading_ng_ml": ng_ml,
        "curve_uncertainty": 0.03, "reading_uncertainty": 0.04, "curve_degrees_of_freedom": 10.0,
        "correction_applies": False, "recovery_factor": 1.0, "lloq_in_force": 5.0, "uloq_in_force": 5000.0,
        "status": status, "reason": "" if status == "quantified" else status, "flags": "",
    }  # fmt: skip
    return row | more


def table(folder, *readings: dict[str, object]) -> pd.DataFrame:
    """The concentration table of the study, by sample_id."""
    study = Study.load(folder)
    contexts = {
        name: MethodContext(method, RecoveryBook(pd.DataFrame(), method), {"mipomersen": Scatter(np.nan, np.nan)})
        for name, method in study.methods.items()
    }
    return tissue_concentrations(study, pd.DataFrame(readings), contexts).set_index("sample_id")


def test_added_volume_counts_the_tissue_in(folder):
    # 100.5 mg of 1.06 g/mL in 900 uL: (900 + 100.5 / 1.06) / 100.5 = 9.898619 mL per g
    row = table(folder, reading("S1", 80.0, dilution_factor=2.0)).loc["S1"]
    assert_allclose(row.homogenate_factor_ml_per_g, (900 + 100.5 / 1.06) / 100.5)
    assert_allclose(row.tissue_ug_g, 160 * (900 + 100.5 / 1.06) / 100.5 / 1000)
    assert_allclose(row.lloq_ug_g, 5 * 2 * (900 + 100.5 / 1.06) / 100.5 / 1000)
    assert (row.value, row.unit, row.status) == (row.tissue_ug_g, "ug/g", "quantified")
    assert_allclose(row.relative_uncertainty, 0.05)  # 3 % of the curve and 4 % of the reading


def test_a_weighed_homogenate_counts_per_gram(folder):
    change(folder, METHOD, ("acceptance:", "homogenate: gravimetric\nacceptance:"))
    header, *lines = (folder / SAMPLES).read_text().splitlines()
    cells = ["904.5", "900", "900", ""]
    rows = [f"{line}\t{cell}" for line, cell in zip(lines, cells, strict=True)]
    (folder / SAMPLES).write_text("\n".join([f"{header}\tbuffer_mass_mg", *rows]) + "\n")
    row = table(folder, reading("S1", 80.0)).loc["S1"]
    assert_allclose(row.homogenate_factor_ml_per_g, 10)  # (100.5 + 904.5) / 100.5
    assert_allclose(row.tissue_ug_g, 0.8)


def test_tissue_equivalents_are_read_directly(folder):
    change(folder, METHOD, ("acceptance:", "homogenate: tissue_equivalent\nacceptance:"))
    row = table(folder, reading("S1", 800.0, dilution_factor=2.0)).loc["S1"]
    assert_allclose([row.homogenate_factor_ml_per_g, row.tissue_ug_g], [1, 1.6])


def test_a_fluid_ends_in_nanograms_per_millilitre(folder):
    change(folder, CONFIG, ("liver:", "plasma: {fluid: true}\n  liver:"))
    change(folder, SAMPLES, ("S1 R1 liver 29 100.5 900", "S1 R1 plasma 29  "))
    row = table(folder, reading("S1", 80.0, tissue="plasma", dilution_factor=10.0)).loc["S1"]
    assert (row.unit, row.status) == ("ng/mL", "quantified")
    assert_allclose([row.value, row.lloq, row.uloq], [800, 50, 50_000])
    assert row.value_low < row.value < row.value_high
    assert np.isnan(row[["uncorrected_ug_g", "tissue_ug_g", "tissue_ug_g_low", "lloq_ug_g"]].astype(float)).all()


def test_moles_per_gram_stand_beside_where_the_molar_mass_is_known(folder):
    change(folder, METHOD, ("    lloq_ng_ml: 5\n", "    lloq_ng_ml: 5\n    molar_mass_g_mol: 7177.15\n"))
    row = table(folder, reading("S1", 80.0)).loc["S1"]
    assert_allclose(row.tissue_nmol_g, row.tissue_ug_g * 1000 / 7177.15)  # ug / (g/mol) = umol


def test_every_sample_has_a_row_and_one_without_value_a_reason(folder):
    rows = table(folder, reading("S1", 80.0), reading("S2", 3.0, "BLQ", tissue="kidney"))
    assert rows.status.to_dict() == {"S1": "quantified", "S2": "BLQ", "S3": "not_analysed", "S4": "not_analysed"}
    assert rows.reason.to_dict() == {"S1": "", "S2": "BLQ", "S3": "in no worklist", "S4": "lost"}
    assert np.isnan(rows.value[["S2", "S3", "S4"]].astype(float)).all()
    assert_allclose(rows.lloq_ug_g["S2"], 5 * (900 + 98.2 / 1.05) / 98.2 / 1000)
    assert_allclose(rows.homogenate_factor_ml_per_g["S3"], (900 + 101 / 1.06) / 101)


def test_a_pool_of_both_sexes_has_none(folder):
    change(folder, "config/subjects.tsv", ("R2 rat F G2", "R3 rat M G2 mipomersen 10 free_acid\nR2 rat F G2"))
    (folder / "config/pools.tsv").write_text("pool_id\tsubject_id\nP1\tR2\nP1\tR3\n")
    change(folder, SAMPLES, ("S3 R2 liver", "S3 P1 liver"))
    rows = table(folder, reading("S1", 80.0), reading("S3", 80.0))
    assert (rows.sex["S3"], rows.group["S3"], rows.sex["S1"]) == ("", "G2", "M")


def test_a_pool_has_the_group_of_its_animals_and_is_no_animal(folder):
    change(folder, "config/subjects.tsv", ("R2 rat F G2", "R3 rat F G2 mipomersen 10 free_acid\nR2 rat F G2"))
    (folder / "config/pools.tsv").write_text("pool_id\tsubject_id\nP1\tR2\nP1\tR3\n")
    change(folder, SAMPLES, ("S3 R2 liver", "S3 P1 liver"))
    rows = table(folder, reading("S1", 80.0), reading("S3", 90.0))
    assert (rows.group["S3"], rows.treatment["S3"], rows.pool["S3"], rows.pool["S1"]) == (
        "G2",
        "mipomersen",
        True,
        False,
    )
    summary = group_summary(rows.reset_index(), Fraction(1, 2)).set_index("group")
    assert summary.n.to_dict() == {"G1": 1, "G2": 0}
    assert summary.note["G2"] == "1 pooled sample not counted as an animal"
