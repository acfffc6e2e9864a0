"""Sequences to formulas and masses, held against published ones and sums by hand."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose
from small_study import LCMS, make_small_study, said

from bioanalysis.oligonucleotides import isobars, oligonucleotide_mass, read_sequence
from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-018")

# the charge states of mipomersen (average m/z) as published for its MRM methods
MIPOMERSEN_MZ = {6: 1195.18, 7: 1024.30, 8: 896.14, 9: 796.45, 10: 716.71, 11: 651.46, 12: 597.09}


def test_mipomersen_has_its_published_formula_and_masses():
    found = oligonucleotide_mass("mipomersen")
    assert found.formula == "C230H324N67O122P19S19"
    assert_allclose(found.average_da, 7177.15, atol=0.005)
    assert_allclose(found.monoisotopic_da, 7172.092, atol=0.0005)
    assert_allclose([found.mz[charge] for charge in MIPOMERSEN_MZ], list(MIPOMERSEN_MZ.values()), atol=0.0051)


def test_its_sodium_salt_holds_nineteen_sodium_ions():
    found = oligonucleotide_mass("mipomersen")
    assert_allclose(found.sodium_salt_da - found.average_da, 19 * (22.98976928 - 1.00794))


def test_another_table_of_atomic_weights_agrees_within_five_parts_per_million():
    from pyopenms import EmpiricalFormula

    found = oligonucleotide_mass("mipomersen")
    formula = EmpiricalFormula(found.formula)
    assert_allclose(found.average_da, formula.getAverageWeight(), rtol=5e-6)
    assert_allclose(found.monoisotopic_da, formula.getMonoWeight(), rtol=1e-8)


# formulas of the free nucleosides and of a dinucleotide as chemical dictionaries give them
@pytest.mark.parametrize(
    ("sequence", "formula"),
    [
        ("Ad", "C10H13N5O3"),
        ("Td", "C10H14N2O5"),
        ("Cr", "C9H13N3O5"),
        ("mUr", "C10H14N2O6"),
        ("Gm", "C11H15N5O5"),
        ("Ue", "C12H18N2O7"),
        ("Al", "C11H13N5O4"),
        ("Uf", "C9H11FN2O5"),
        ("Tdo Td", "C20H27N4O12P"),
        ("Tds Td", "C20H27N4O11PS"),
    ],
)
def test_building_blocks(sequence, formula):
    assert oligonucleotide_mass(sequence).formula == formula


def test_a_conjugate_is_added_as_a_formula():
    bare, conjugated = (oligonucleotide_mass(text) for text in ("Tds Td", "Tds Td + C8H13NO5"))
    assert_allclose(conjugated.average_da - bare.average_da, 8 * 12.0107 + 13 * 1.00794 + 14.0067 + 5 * 15.9994)


def test_blanks_and_hyphens_do_not_matter():
    assert read_sequence("Ges-mCes Ads\tTd") == read_sequence("GesmCesAdsTd")


@pytest.mark.parametrize(
    ("sequence", "says"),
    [
        ("", "no sequence"),
        ("ACGT", "nucleotide 1, 'ACGT', is not understood"),
        ("Ads Xd", "nucleotide 2, 'Xd', is not understood"),
        ("Ad Gd", "nucleotide 1 has no linkage to the next"),
        ("Ads Gds", "nucleotide 2 is the last and has a linkage 's' to nothing"),
        ("Ads Gd + C8Q", "no mass known for Q"),
        ("Ads Gd + 8C", "is no elemental formula"),
    ],
)
def test_a_sequence_that_is_not_understood_names_the_place(sequence, says):
    with pytest.raises(ValueError, match=says):
        read_sequence(sequence)


def test_the_twelvefold_charged_ion_collides_with_a_twelvemer():
    table = isobars(read_sequence("mipomersen"), charges=range(6, 13), window_th=0.3)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row.charge, row.metabolite, row.metabolite_charge) == (12, "3' 12-mer", 7)
    assert_allclose([row.mz, row.metabolite_mz], [597.09, 597.36], atol=0.006)


def test_ions_with_six_to_eleven_charges_are_clean_within_the_quadrupole_window():
    assert isobars(read_sequence("mipomersen"), charges=range(6, 12), window_th=0.7).empty


def test_shortening_leaves_a_free_end():
    chain = read_sequence("Ads Gds Td")
    assert chain.shortened(2, "3'") == read_sequence("Ads Gd")
    assert chain.shortened(2, "5'") == read_sequence("Gds Td")


def with_sequence(folder, text: str, method: str = LCMS) -> None:
    make_small_study(folder)
    changed = method.replace("    internal_standard: IS1\n", f"    internal_standard: IS1\n{text}", 1)
    (folder / "config/methods/lcms.yaml").write_text(changed)


def test_a_molar_mass_that_contradicts_the_sequence_is_a_fault(tmp_path):
    with_sequence(tmp_path, "    sequence: mipomersen\n    molar_mass_g_mol: 7594.8\n")
    (fault,) = said(tmp_path)
    assert "'7594.8'" in fault
    assert "7177.15, the mass of the sequence" in fault


def test_a_faulty_sequence_in_a_method_names_the_place(tmp_path):
    with_sequence(tmp_path, "    sequence: Ads Xd\n")
    (fault,) = said(tmp_path)
    assert "nucleotide 2, 'Xd', is not understood" in fault


def notes(folder) -> str:
    return "\n".join(Study.load(folder).notes)


def test_a_transition_that_is_no_ion_of_the_sequence_is_noted(tmp_path):
    with_sequence(tmp_path, "    sequence: mipomersen\n", LCMS.replace("q1_mz: 651.5", "q1_mz: 655.0"))
    assert "quan at m/z 655 is no ion of the sequence; the nearest is 11- at 651.46" in notes(tmp_path)


def test_a_transition_that_a_metabolite_shares_is_noted(tmp_path):
    with_sequence(tmp_path, "    sequence: mipomersen\n", LCMS.replace("q1_mz: 651.5", "q1_mz: 597.1"))
    assert "quan at m/z 597.1 (12-) also lets pass the metabolite 3' 12-mer (7-, 597.36)" in notes(tmp_path)


def test_a_method_that_agrees_with_its_sequence_is_not_noted(tmp_path):
    with_sequence(tmp_path, "    sequence: mipomersen\n    molar_mass_g_mol: 7177.15\n")
    assert "ion" not in notes(tmp_path)
