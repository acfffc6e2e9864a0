"""Homogenates by other conventions, fluids, pools, and prepared concentrations in other units."""

from __future__ import annotations

import shutil

import pytest
from numpy.testing import assert_allclose
from small_study import LCMS, change, faults_of, make_small_study, said

from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-003")

SAMPLES, LC = "config/samples.tsv", "config/worklists/LC-01.tsv"
CONVENTION = ("acceptance: {profile: ich_m10_chromatographic}", "acceptance: {profile: ich_m10_chromatographic}\n")


@pytest.fixture
def folder(tmp_path):
    return make_small_study(tmp_path)


def with_column(folder, file: str, name: str, cells: dict[int, str]) -> None:
    """Append a column; `cells` by line."""
    header, *lines = (folder / file).read_text().splitlines()
    rows = [f"{line}\t{cells.get(number, '')}" for number, line in enumerate(lines, start=2)]
    (folder / file).write_text("\n".join([f"{header}\t{name}", *rows]) + "\n")


def method_says(folder, text: str) -> None:
    (folder / "config/methods/lcms.yaml").write_text(LCMS + text + "\n")


@pytest.mark.parametrize(
    ("convention", "column"), [("final_volume", "homogenate_volume_ul"), ("gravimetric", "buffer_mass_mg")]
)
def test_a_convention_asks_for_its_own_columns(folder, convention, column):
    method_says(folder, f"homogenate: {convention}")
    expected = "empty; expected a number greater than 0, or a not_available_reason"
    assert said(folder) == [f"{SAMPLES}: line {line}, {column}: {expected}" for line in (2, 3)]
    with_column(folder, SAMPLES, column, {2: "1000", 3: "1000"})
    assert faults_of(folder) == []


def test_a_buffer_in_millilitres_is_noted(folder):
    change(folder, SAMPLES, ("100.5 900", "100.5 0.9"))
    assert any("1 sample with a homogenate outside 1.1 to 100 mL/g" in note for note in Study.load(folder).notes)


def test_recovery_rows_left_out_of_the_batch_of_the_samples_are_noted(folder):
    apart = "LC-01: recovery rows stand in batch LC-01, samples without any in B1: if they were extracted together, "
    with_column(folder, LC, "batch", {9: "B1", 10: "B1"})  # the samples alone: the others are of the run's own batch
    assert Study.load(folder).notes == (apart + "the worklist must give them one batch",)
    method_says(folder, "recovery: {source: validation, factors: {liver: {factor: 0.6, relative_uncertainty: 0.05}}}")
    assert not any("recovery rows" in note for note in Study.load(folder).notes)


def test_a_dilution_factor_that_says_the_share_is_noted(folder):
    assert not any("dilution_factor" in note for note in Study.load(folder).notes)
    change(folder, LC, ("S2   10", "S2   0.1"))
    notes = [note for note in Study.load(folder).notes if "dilution_factor" in note]
    words = (
        "1 sample with a dilution_factor below 1, less diluted than the calibrators (10 is 1 part in 10; 0.1 is not)"
    )
    assert notes == [f"{words}: S2"]


def test_masses_and_buffers_that_changed_places_are_noted_first_and_are_no_fault(folder):
    change(folder, SAMPLES, ("tissue_mass_mg buffer_volume_ul", "buffer_volume_ul tissue_mass_mg"))
    first, second, *_ = Study.load(folder).notes
    assert first.startswith(
        "MASS LOOKS LIKE BUFFER: more tissue than buffer in 3 of 3 samples (S1: 900 mg in 100.5 uL)"
    )
    # 900 mg of 1.06 g/mL and 100.5 uL make 949.6 uL: 1.055 mL/g
    assert second.startswith("3 samples with a homogenate outside 1.1 to 100 mL/g")


def test_a_homogenate_of_equal_parts_is_no_exchange(folder):
    change(folder, SAMPLES, ("100.5 900", "900 900"))
    assert not any("MASS LOOKS LIKE BUFFER" in note for note in Study.load(folder).notes)


def test_a_density_in_other_units_is_noted(folder):
    assert not any("density" in note for note in Study.load(folder).notes)
    change(folder, "config/config.yaml", ("density_g_ml: 1.06", "density_g_ml: 1060"))
    notes = [note for note in Study.load(folder).notes if "density" in note]
    assert notes == [
        "1 tissue with a density_g_ml outside 0.2 to 2.5 g/mL (water has 1; 1060 would be kg/m3): liver 1060"
    ]


def test_calibrators_in_another_unit_than_the_range_are_noted(folder):
    assert not any("calibrator" in note for note in Study.load(folder).notes)
    change(folder, LC, ("C1 5", "C1 0.005"), ("C2 5000", "C2 5.5"))  # one of two outside is no majority
    assert not any("outside the range" in note for note in Study.load(folder).notes)
    change(folder, LC, ("C2 5.5", "C2 4.9"))
    notes = [note for note in Study.load(folder).notes if "calibrator" in note]
    assert notes == ["LC-01: 2 of 2 calibrators (0.005 to 4.9) outside the range of mipomersen in ASO-LCMS-01, "
                     "5 to 5000 ng/mL: is one in another unit?"]  # fmt: skip


def test_a_level_with_two_nominal_values_is_noted(folder):
    assert not any("values of" in note for note in Study.load(folder).notes)
    change(folder, LC, ("calibrator  C2 5000", "calibrator  C1 50"))
    notes = [note for note in Study.load(folder).notes if "values of" in note]
    assert notes == ["LC-01: calibrator C1 has 2 values of nominal_ng_ml: 5 (line 3), 50 (line 4)"]


def test_levels_of_two_tissues_may_differ(folder):
    change(folder, LC, ("qc  LQC 15", "qc  MQC 15"))  # the other MQC is of kidney: 300 ng/mL
    assert not any("values of" in note for note in Study.load(folder).notes)


def test_a_sample_in_two_runs_without_a_reason_is_noted(folder):
    change(folder, "config/runs.tsv", ("LC-01 ASO-LCMS-01 2026-03-10 AL raw/LC-01",
                                       "LC-01 ASO-LCMS-01 2026-03-10 AL raw/LC-01\n"
                                       "LC-02 ASO-LCMS-01 2026-03-11 AL raw/LC-02"))  # fmt: skip
    shutil.copytree(folder / "raw/LC-01", folder / "raw/LC-02")
    (folder / "config/worklists/LC-02.tsv").write_text((folder / LC).read_text())
    what = "2 samples in two runs of one method without a repeat_reason: S1 (LC-01, LC-02), S2 (LC-01, LC-02)"
    assert what in Study.load(folder).notes
    with_column(folder, "config/worklists/LC-02.tsv", "repeat_reason", {9: "RUN_FAIL", 10: "RUN_FAIL"})
    assert not any("two runs" in note for note in Study.load(folder).notes)


def test_tissue_equivalents_ask_for_no_mass(folder):
    method_says(folder, "homogenate: tissue_equivalent")
    change(folder, SAMPLES, ("R1 liver 29 100.5 900", "R1 liver 29  "))
    assert faults_of(folder) == []


def test_a_fluid_asks_for_no_mass_and_no_density(folder):
    change(folder, "config/config.yaml", ("liver:", "plasma: {fluid: true}\n  liver:"))
    change(folder, SAMPLES, ("S1 R1 liver 29 100.5 900", "S1 R1 plasma 29  "))
    study = Study.load(folder)
    assert study.config.tissues["plasma"].fluid
    worklist = study.runs[0].worklist
    assert worklist.tissue[worklist.sample_id == "S1"].tolist() == ["plasma"]


def pools(folder, *rows: tuple[str, str]) -> None:
    text = "".join(f"{pool}\t{animal}\n" for pool, animal in rows)
    (folder / "config/pools.tsv").write_text("pool_id\tsubject_id\n" + text)


def test_a_sample_may_come_from_a_pool_of_animals(folder):
    change(folder, "config/subjects.tsv", ("R2 rat F G2", "R3 rat F G2 mipomersen 10 free_acid\nR2 rat F G2"))
    pools(folder, ("P1", "R2"), ("P1", "R3"))
    change(folder, SAMPLES, ("S3 R2 liver", "S3 P1 liver"))
    study = Study.load(folder)
    assert study.pools.subject_id.tolist() == ["R2", "R3"]


def test_a_pool_holds_known_animals_of_one_group(folder):
    pools(folder, ("P1", "R1"), ("P1", "R2"), ("P1", "R9"), ("R1", "R1"))
    text = "\n".join(said(folder))
    assert "line 3, subject_id: 'R2'; expected animals of one group in a pool" in text
    assert "line 4, subject_id: 'R9'; expected a subject_id of config/subjects.tsv" in text
    assert "line 5, pool_id: 'R1'; expected the name of a pool" in text


@pytest.mark.requirement("UR-006")
def test_moles_become_nanograms_by_the_molar_mass(folder):
    # 2 nmol/L of 7177.15 g/mol are 2 x 7177.15 ng/L = 14.3543 ng/mL
    method = LCMS.replace(
        "    internal_standard: IS1\n", "    internal_standard: IS1\n    molar_mass_g_mol: 7177.15\n", 1
    )
    (folder / "config/methods/lcms.yaml").write_text(method + "concentration_unit: nmol_l\n")
    change(folder, LC, ("qc  LQC 15", "qc  LQC "))
    with_column(folder, LC, "nominal_nmol_l", {5: "2"})
    worklist = Study.load(folder).runs[0].worklist
    assert_allclose(worklist.nominal_ng_ml[worklist.level == "LQC"], 14.3543)


@pytest.mark.requirement("UR-006")
def test_moles_without_a_molar_mass_are_refused(folder):
    change(folder, LC, ("qc  LQC 15", "qc  LQC "))
    with_column(folder, LC, "nominal_nmol_l", {5: "2"})
    assert f"{LC}: line 5, nominal_nmol_l: '2'; expected nominal_ng_ml, or the molar mass" in "\n".join(said(folder))


def test_a_method_in_moles_without_a_molar_mass_takes_nmol_per_litre_alone(folder):
    own = LCMS.replace("lloq_ng_ml", "lloq_nmol_l").replace("uloq_ng_ml", "uloq_nmol_l")
    (folder / "config/methods/lcms.yaml").write_text(own + "concentration_unit: nmol_l\n")
    assert f"{LC}: line 3, nominal_ng_ml: '5'; expected nominal_nmol_l: method" in "\n".join(said(folder))
    change(folder, LC, ("nominal_ng_ml", "nominal_nmol_l"))
    run = Study.load(folder).runs[0]
    assert run.method.unit == "nmol/L"
    assert_allclose(run.worklist.nominal_ng_ml.dropna(), run.worklist.nominal_nmol_l.dropna())
    change(folder, LC, ("LQC 15", "LQC "))
    assert said(folder) == [f"{LC}: line 5, nominal_nmol_l: empty; expected the prepared concentration in nmol/L"]


def test_a_range_in_nanograms_is_refused_where_no_mass_converts_it(folder):
    method_says(folder, "concentration_unit: nmol_l")
    expected = "lloq_ng_ml: '5'; expected lloq_nmol_l, or the molar mass of each analyte: the method counts nmol/L"
    assert expected in "\n".join(said(folder))


def test_tissue_equivalents_may_be_labelled_in_micrograms_per_gram(folder):
    method_says(folder, "homogenate: tissue_equivalent")
    change(folder, LC, ("qc  LQC 15", "qc  LQC "))
    with_column(folder, LC, "nominal_ug_g", {5: "0.015"})
    worklist = Study.load(folder).runs[0].worklist
    assert_allclose(worklist.nominal_ng_ml[worklist.level == "LQC"], 15)


def test_a_label_per_gram_needs_a_method_that_counts_per_gram(folder):
    change(folder, LC, ("qc  LQC 15", "qc  LQC "))
    with_column(folder, LC, "nominal_ng_g", {5: "15"})
    assert "expected nominal_ng_ml: method ASO-LCMS-01 counts by volume" in "\n".join(said(folder))


NO_TISSUE = ("recovery_pre  MQC 300  liver", "recovery_pre  MQC 300  ")


def test_a_recovery_row_without_tissue_is_as_the_calibrators(folder):
    change(folder, LC, NO_TISSUE)
    rows = Study.load(folder).runs[0].worklist
    assert rows.tissue[rows.sample_type == "recovery_pre"].tolist() == ["surrogate"]


def test_calibrators_in_a_tissue_give_it_to_recovery_rows_and_must_name_one(folder):
    method = (folder / "config/methods/lcms.yaml").read_text().replace("matrix: surrogate", "matrix: tissue")
    (folder / "config/methods/lcms.yaml").write_text(method)
    change(folder, LC, NO_TISSUE)
    expected = "the tissue whose recovery the row measures: the calibrators name none, or several"
    assert f"{LC}: line 7, tissue: empty; expected {expected}" in said(folder)
    change(folder, LC, ("C1 5  ", "C1 5  liver"), ("C2 5000  ", "C2 5000  liver"))
    rows = Study.load(folder).runs[0].worklist
    assert rows.tissue[rows.sample_type == "recovery_pre"].tolist() == ["liver"]


@pytest.mark.requirement("UR-006")
def test_two_units_in_one_row_are_refused(folder):
    method_says(folder, "homogenate: gravimetric")
    with_column(folder, SAMPLES, "buffer_mass_mg", {2: "900", 3: "900"})
    with_column(folder, LC, "nominal_ng_g", {5: "15"})
    assert said(folder) == [f"{LC}: line 5, nominal_ng_g: '15'; expected the prepared concentration in one unit only"]


def test_a_unit_for_one_analyte_is_only_there_for_ng_per_ml(folder):
    with_column(folder, LC, "nominal_ng_g[mipomersen]", {5: "15"})
    assert said(folder) == [
        f"{LC}: line 1, nominal_ng_g[mipomersen]: unknown column; expected nominal_ng_ml[<analyte>]"
    ]
