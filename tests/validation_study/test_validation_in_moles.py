"""A validation of a method in nmol/L: the numbers of one in ng/mL, in columns and words of its own unit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from numpy.testing import assert_allclose
from small_study import change, said
from small_validation import evaluated_validation

from bioanalysis.study.validated import Range

pytestmark = pytest.mark.requirement("UR-025")

ROOT = Path(__file__).parents[2]
LIGAND_BINDING = ROOT / "test_data/validation/ligand_binding"
METHOD = "config/methods/VAL-ELISA.yaml"
MOLAR_MASS = 7177.15


def in_moles(folder: Path, *, mass: str = "") -> Path:
    """Copy the validation of the ELISA, every prepared concentration and the range stated in nmol/L."""
    shutil.copytree(LIGAND_BINDING, folder)
    for path in (folder / "config/worklists").iterdir():
        path.write_text(path.read_text().replace("nominal_ng_ml", "nominal_nmol_l", 1))
    ends = "lloq_ng_ml: 5, uloq_ng_ml: 500"
    moles = ends.replace("ng_ml", "nmol_l") + mass
    change(folder, METHOD, (ends, moles), ("acceptance:", "concentration_unit: nmol_l\nacceptance:"))
    return folder


@pytest.fixture(scope="module")
def grams():
    return evaluated_validation(LIGAND_BINDING)


@pytest.fixture(scope="module")
def moles(tmp_path_factory):
    return evaluated_validation(in_moles(tmp_path_factory.mktemp("moles") / "study"))


def test_the_statistics_are_the_same_numbers_in_nmol_per_litre(grams, moles):
    here, there = moles.validation, grams.validation
    assert here.nominal_ng_ml.isna().all()
    assert_allclose(here.nominal_nmol_l, there.nominal_ng_ml)
    for column in ("mean", "sd", "bias_percent", "cv_percent"):
        assert_allclose(here[column].astype(float), there[column].astype(float))
    assert set(here.measure) == {word.replace("ng/mL", "nmol/L") for word in there.measure}
    assert moles.acceptance.verdict.tolist() == grams.acceptance.verdict.tolist()


def test_no_word_of_it_says_nanograms(moles):
    tables = (moles.validation, moles.acceptance, moles.flags, moles.reconciliation)
    words = "\n".join(table.to_csv(sep="\t") for table in tables) + json.dumps(moles.document)
    assert "nmol/L" in words
    assert "ng/mL" not in words
    assert moles.document["methods"]["VAL-ELISA"]["range"] == {"mipomersen": {"lloq_nmol_l": 5.0, "uloq_nmol_l": 500.0}}


def test_with_a_molar_mass_everything_is_counted_in_nanograms(grams, tmp_path):
    found = evaluated_validation(in_moles(tmp_path / "study", mass=f", molar_mass_g_mol: {MOLAR_MASS}"))
    assert "nominal_nmol_l" not in found.validation
    # nmol/L x g/mol / 1000 = ng/mL
    assert_allclose(found.validation.nominal_ng_ml, grams.validation.nominal_ng_ml * MOLAR_MASS / 1000)
    assert_allclose(found.validation.bias_percent.astype(float), grams.validation.bias_percent.astype(float), atol=1e-6)


def test_methods_of_one_validation_count_in_one_unit(tmp_path):
    folder = in_moles(tmp_path / "study")
    other = (LIGAND_BINDING / METHOD).read_text().replace("VAL-ELISA", "VAL-OTHER")
    (folder / "config/methods/VAL-OTHER.yaml").write_text(other)
    faults = [fault for fault in said(folder) if "concentration_unit" in fault]
    assert len(faults) == 1
    assert faults[0].endswith(
        "'nmol_l' without a molar mass; expected the molar mass of each analyte, or a validation of its own: "
        "VAL-OTHER counts ng/mL"
    )


@pytest.mark.parametrize(
    ("ends", "unit"),
    [({"lloq_ng_ml": 5, "uloq_ng_ml": 500}, "ng/mL"), ({"lloq_nmol_l": 5, "uloq_nmol_l": 500}, "nmol/L")],
)
def test_a_validated_range_is_read_in_its_unit(ends, unit):
    found = Range.model_validate(ends)
    assert (found.low, found.high, found.unit) == (5.0, 500.0, unit)


@pytest.mark.parametrize("ends", [{"lloq_ng_ml": 5}, {"lloq_ng_ml": 5, "uloq_nmol_l": 500}, {}])
def test_half_a_range_is_refused(ends):
    with pytest.raises(ValueError, match="both ends of a range"):
        Range.model_validate(ends)
