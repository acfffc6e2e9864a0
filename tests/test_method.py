"""A method file means what it says, or is refused with the place and the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from small_study import ELISA, LCMS

from bioanalysis.errors import BatchError
from bioanalysis.method import Method, Plate, admissible_corrections, read_method

pytestmark = pytest.mark.requirement("UR-003")


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> Method:
        path = tmp_path / "method.yaml"
        path.write_text(text)
        return read_method(path, "config/methods/method.yaml")

    return read


@pytest.fixture
def said(read):
    def said(text: str) -> list[str]:
        with pytest.raises(BatchError) as error:
            read(text)
        return [str(fault) for fault in sorted(error.value.faults, key=lambda fault: fault.line or 0)]

    return said


def test_attributes_are_the_keys_of_the_file(read):
    method = read(LCMS)
    assert method.method_id == "ASO-LCMS-01"
    assert method.analyte("mipomersen").calibration.weighting == "1/x^2"
    assert method.quantifier("mipomersen").q1_mz == 651.5
    assert method.internal_standard_quantifier("mipomersen").name == "is_quan"
    assert method.extraction.calibrators_extracted is False


def test_defaults_are_those_of_the_contract(read):
    method = read(LCMS)
    assert method.mz_tolerance == 0.3
    assert (method.transitions[0].rt_window_min, method.transitions[0].peak_width_s) == (0.5, 6)
    assert method.plate.replicate_statistic == "mean_of_concentrations"
    assert method.plate.max_replicate_cv_percent is None
    assert method.recovery.source == "run"
    assert method.repeat_rule is None
    assert method.uncertainty.between_batch_cv is None


def test_every_optional_key_of_the_contract_is_read(read):
    method = read(
        LCMS.replace("acceptance: {profile: ich_m10_chromatographic}", "")
        + """
acceptance: {profile: exploratory, overrides: {CAL-CC-02: {limit: 20, source: report 7}}}
mz_tolerance: 0.4
homogenate: added_volume
replicates: {injections: 1, extractions: 1, combine: geometric_mean, max_cv_percent: 20}
repeat_rule: median_of_three
recovery: {source: validation, factors: {liver: {factor: 0.6, relative_uncertainty: 0.05, degrees_of_freedom: 5}}}
minimum_dilution: {kidney: 10}
uncertainty: {balance_mg: 0.2, buffer_percent: 1, pipette_percent_per_step: 1, between_batch_cv: 0.03, source: SOP 4}
stability: {liver: {days: 365, temperature_c: -70, freeze_thaw_cycles: 3, source: report 8}}
concentration_unit: ng_ml
tissues: {}
"""
    )
    assert method.acceptance.overrides["CAL-CC-02"].limit == 20
    assert method.recovery.factors["liver"].factor == 0.6
    assert method.minimum_dilution == {"kidney": 10}
    assert method.uncertainty.between_batch_cv == 0.03
    assert method.stability["liver"].temperature_c == -70


@pytest.mark.parametrize(("written", "read_as"), [("2", "2"), ("1.10", "1.10"), ('"3"', "3"), ("v4", "v4")])
def test_a_version_keeps_its_digits(read, written, read_as):
    assert read(LCMS.replace('version: "2"', f"version: {written}")).version == read_as


@pytest.mark.parametrize("number", ["5e0", "5.0", '"5"', "+5"])
def test_a_number_may_be_written_as_people_write_it(read, number):
    assert read(LCMS.replace("lloq_ng_ml: 5\n", f"lloq_ng_ml: {number}\n")).analytes[0].lloq_ng_ml == 5


def test_a_plate_reader_is_named_as_the_readers_name_themselves():
    from bioanalysis.instruments.plates import READERS

    assert set(get_args(Plate.model_fields["reader"].annotation)) == {"auto", *READERS}


def test_the_digest_depends_on_what_is_said_and_not_on_how(read):
    plain = read(LCMS)
    assert read("# a remark\n" + LCMS.replace("{profile: ich", "{ profile:   ich")).digest == plain.digest
    assert read(LCMS + "mz_tolerance: 0.3\n").digest == plain.digest  # the default, written out
    assert read(LCMS + "mz_tolerance: 0.31\n").digest != plain.digest


def test_a_method_goes_through_json_unchanged(read):
    for text in (LCMS, ELISA):
        method = read(text)
        assert Method(**json.loads(json.dumps(method.model_dump(mode="json")))) == method


def test_a_method_cannot_be_changed(read):
    with pytest.raises(ValueError, match="frozen"):
        read(LCMS).version = "3"


# (text of the file, what stands there instead, line, message)
FAULTS = {
    "an unknown key": (
        LCMS, "lloq_ng_ml: 5\n", "lloq_ng_ml: 5\n    lloq: 4\n",
        "line 10, analytes[mipomersen].lloq: unknown key (did you mean 'lloq_ng_ml'?); expected one of",
    ),
    "a key missing": (
        LCMS, "concentration_basis: free_acid\n", "",
        "concentration_basis: missing; expected free_acid or sodium_salt: what every concentration",
    ),
    "a wrong word": (
        LCMS, "model: linear", "model: liner",
        "line 11, analytes[mipomersen].calibration.model: 'liner'; "
        "expected one of linear, quadratic, 4pl, 5pl (did you mean 'linear'?)",
    ),
    "text for a number": (
        LCMS, "q1_mz: 651.5", "q1_mz: 651,5", "line 13, transitions[quan].5: unknown key; expected one of",
    ),
    "a negative limit": (
        LCMS, "lloq_ng_ml: 5\n", "lloq_ng_ml: -5\n",
        "line 9, analytes[mipomersen].lloq_ng_ml: '-5'; expected a number greater than 0",
    ),
    "no number at all": (
        LCMS, "lloq_ng_ml: 5\n", "lloq_ng_ml: .nan\n",
        "line 9, analytes[mipomersen].lloq_ng_ml: '.nan'; "
        "expected a number",
    ),
    "infinite": (
        LCMS, "uloq_ng_ml: 5000\n", "uloq_ng_ml: inf\n",
        "line 10, analytes[mipomersen].uloq_ng_ml: 'inf'; "
        "expected a number",
    ),
    "nothing": (
        LCMS, "lloq_ng_ml: 5\n", "lloq_ng_ml:\n", "line 9, analytes[mipomersen].lloq_ng_ml: empty; expected a number",
    ),
    "a range upside down": (
        LCMS, "uloq_ng_ml: 5000", "uloq_ng_ml: 5",
        "line 10, analytes[mipomersen].uloq_ng_ml: '5'; expected a number above lloq_ng_ml (5)",
    ),
    "no analytes": (
        ELISA, ELISA[ELISA.index("analytes:"):ELISA.index("extraction:")], "analytes: []\n",
        "line 6, analytes: a list; expected at least 1 of them",
    ),
    "an override without source": (
        LCMS, "{profile: ich_m10_chromatographic}", "{profile: exploratory, overrides: {QC-02: {limit: 2/3}}}",
        "line 22, acceptance.overrides.QC-02.source: missing; expected the source of this limit",
    ),
    "a profile there is not": (
        LCMS, "ich_m10_chromatographic", "ich_m9",
        "line 22, acceptance.profile: 'ich_m9'; expected one of ",
    ),
    "a profile of the other class": (
        LCMS, "ich_m10_chromatographic", "ich_m10_ligand_binding",
        "line 22, acceptance.profile: 'ich_m10_ligand_binding'; "
        "expected a profile of a chromatographic method, or exploratory",
    ),
    "a chromatographic ELISA": (
        ELISA.replace("ich_m10_ligand_binding", "exploratory"),
        "assay_class: ligand_binding", "assay_class: chromatographic",
        "line 4, assay_class: 'chromatographic'; expected ligand_binding for an ELISA",
    ),
    "an ELISA with internal standard": (
        ELISA, "lloq_ng_ml: 5\n", "internal_standard: IS1\n    lloq_ng_ml: 5\n",
        "line 8, analytes[mipomersen].internal_standard: 'IS1'; expected no key: an ELISA has none",
    ),
    "an ELISA with transitions": (
        ELISA, "extraction:",
        "transitions: [{name: a, analyte: mipomersen, role: quantifier, q1_mz: 9, q3_mz: 9, rt_min: 1}]\nextraction:",
        "line 11, transitions: transitions; expected no key: an ELISA has none",
    ),
    "no quantifier": (
        LCMS, "analyte: mipomersen, role: quantifier", "analyte: mipomersen, role: qualifier",
        "line 7, analytes[mipomersen].name: 0 quantifier transitions of 'mipomersen'; "
        "expected exactly one in transitions",
    ),
    "two quantifiers": (
        LCMS, "role: qualifier", "role: quantifier",
        "line 7, analytes[mipomersen].name: 2 quantifier transitions of 'mipomersen'; "
        "expected exactly one in transitions",
    ),
    "an internal standard that is not monitored": (
        LCMS, "internal_standard: IS1\n", "internal_standard: IS2\n",
        "line 8, analytes[mipomersen].internal_standard: 0 quantifier transitions of 'IS2'; expected exactly one",
    ),
    "a transition of nothing": (
        LCMS, "name: qual, analyte: mipomersen,", "name: qual,",
        "line 14, transitions[qual]: neither of analyte and internal_standard; expected either",
    ),
    "a transition of an unknown analyte": (
        LCMS, "name: qual, analyte: mipomersen", "name: qual, analyte: mipomersan",
        "line 14, transitions[qual].analyte: 'mipomersan'; expected one of mipomersen",
    ),
    "a transition twice": (
        LCMS, "name: qual,", "name: quan,",
        "line 14, transitions[quan].name: 'quan' a second time; "
        "expected each name once",
    ),
    "two transitions that claim one trace": (
        LCMS, "q1_mz: 716.7", "q1_mz: 651.5",
        "line 14, transitions[qual]: the same masses as 'quan' in overlapping time windows; expected",
    ),
    "an internal standard of no kind": (
        LCMS, "internal_standard_kind: analog", "internal_standard_kind: none",
        "line 19, extraction.internal_standard_kind: 'none'; expected analog or stable_label",
    ),
    "an internal standard that is never added": (
        LCMS, "internal_standard_added: after_extraction", "internal_standard_added: none",
        "line 20, extraction.internal_standard_added: 'none'; "
        "expected what agrees with internal_standard_kind 'analog'",
    ),
    "extracted solvent": (
        LCMS.replace("extraction_recovery", "none"), "surrogate\n  calibrators_extracted: false",
        "neat\n  calibrators_extracted: true",
        "line 18, extraction.calibrators_extracted: 'true' for neat calibrators; expected false",
    ),
    "a validated recovery without factors": (
        LCMS, "acceptance:", "recovery: {source: validation}\nacceptance:",
        "line 22, recovery.source: 'validation' without factors; expected recovery.factors with one per tissue",
    ),
    "a percentage for a fraction": (
        LCMS, "acceptance:", "uncertainty: {extraction_cv_floor: 4}\nacceptance:",
        "line 22, uncertainty.extraction_cv_floor: '4'; expected a number of at most 1",
    ),
    "a name that cannot be a file": (
        LCMS, "method_id: ASO-LCMS-01", "method_id: ../ASO",
        "line 1, method_id: '../ASO'; expected letters, digits, '.', '_' and '-', not beginning with '.' or '-'",
    ),
    "wider for a tissue": (LCMS, "acceptance:", "tissues: {kidney: {lloq_ng_ml: 1}}\nacceptance:",
                           "line 22, tissues.kidney.lloq_ng_ml: 1 to 5000 ng/mL; expected a range inside 5 to 5000"),
    "twice for a tissue": (LCMS, "acceptance:",
                           "tissues: {kidney: {extraction: {recovery_correction: is_normalised}}}\nacceptance:",
                           "line 22, tissues.kidney.extraction.recovery_correction: 'is_normalised' would correct"),
    "moles by volume, counted per gram": (
        LCMS.replace("_ng_ml", "_nmol_l"), "acceptance:",
        "concentration_unit: nmol_l\nhomogenate: gravimetric\nacceptance:",
        "concentration_unit: 'nmol_l'; expected ng_ml: homogenate gravimetric counts per gram"),
    "a range in moles of a method in grams": (
        LCMS, "uloq_ng_ml: 5000", "uloq_ng_ml: 5000\n    lloq_nmol_l: 1", "concentration_unit: nmol_l in the method"),
    "a range in both units": (
        LCMS + "concentration_unit: nmol_l\n", "uloq_ng_ml: 5000",
        "uloq_ng_ml: 5000\n    lloq_nmol_l: 1\n    molar_mass_g_mol: 7000",
        "'5' beside 1 nmol/L; expected one of lloq_ng_ml and lloq_nmol_l"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_said_with_its_place(said, name):
    text, old, new, message = FAULTS[name]
    assert old in text
    (fault,) = said(text.replace(old, new, 1))
    assert message in fault


def test_all_faults_are_said_at_once(said):
    text = (
        LCMS.replace("lloq_ng_ml: 5\n", "lloq_ng_ml: x\n")
        .replace("lcms\n", "lc\n")
        .replace("role: qualifier", "role: q")
    )
    assert [line.split(":")[0] for line in said(text)] == [
        "line 3, platform",
        "line 9, analytes[mipomersen].lloq_ng_ml",
        "line 14, transitions[qual].role",
    ]


def test_an_analyte_without_internal_standard_cannot_be_normalised_to_it(said):
    second = """\
  - name: metabolite
    lloq_ng_ml: 5
    uloq_ng_ml: 500
    calibration: {model: linear, weighting: none}
transitions:
  - {name: meta, analyte: metabolite, role: quantifier, q1_mz: 600, q3_mz: 94.9, rt_min: 2}
"""
    text = LCMS.replace("transitions:\n", second).replace("added: after_", "added: before_")
    text = text.replace("correction: extraction_recovery", "correction: is_normalised")
    assert said(text) == [
        "line 12, analytes[metabolite].name: 'metabolite' without internal_standard; "
        "expected one: is_normalised divides by it"
    ]


class TestAdmissibleCorrections:
    """The table of which correction counts a loss only once."""

    @pytest.mark.parametrize("added", ["none", "before_extraction", "after_extraction"])
    def test_extracted_calibrators_carry_a_loss_of_their_own(self, added):
        assert admissible_corrections("tissue", True, added) == ("none",)
        assert admissible_corrections("surrogate", True, added) == ("none", "apparent")

    @pytest.mark.parametrize("matrix", ["tissue", "surrogate", "neat"])
    def test_a_standard_added_before_extraction_shares_the_loss(self, matrix):
        assert admissible_corrections(matrix, False, "before_extraction") == ("none", "is_normalised")

    @pytest.mark.parametrize("added", ["none", "after_extraction"])
    def test_otherwise_the_loss_is_in_no_ratio(self, added):
        assert admissible_corrections("tissue", False, added) == ("none", "extraction_recovery", "apparent")
        assert admissible_corrections("surrogate", False, added) == ("none", "extraction_recovery", "apparent")
        assert admissible_corrections("neat", False, added) == ("none", "process_efficiency", "apparent")

    def test_nothing_is_admitted_that_the_method_would_refuse(self, read, said):
        corrections = ("none", "extraction_recovery", "process_efficiency", "apparent", "is_normalised")
        for added in ("before_extraction", "after_extraction"):
            text = LCMS.replace("internal_standard_added: after_extraction", f"internal_standard_added: {added}")
            for correction in corrections:
                changed = text.replace("recovery_correction: extraction_recovery", f"recovery_correction: {correction}")
                if correction in admissible_corrections("surrogate", False, added):
                    assert read(changed).extraction.recovery_correction == correction
                else:
                    assert "would correct twice" in said(changed)[0]


def test_a_method_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(BatchError, match=r"config/methods/x.yaml cannot be used:\n  missing; expected a file"):
        read_method(Path(tmp_path / "x.yaml"), "config/methods/x.yaml")
