"""Settings and tables of distribution, exposure and liver safety are refused with file, line and what is expected."""

from __future__ import annotations

import pytest
from small_study import CONFIG, make_small_study, said, table

from bioanalysis.study import Study

pytestmark = pytest.mark.requirement("UR-003")

RATIO = "{numerator: kidney, denominator: liver, low: 2, high: 5}"


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("biodistribution: {reference_profile: custom}", "custom without a profile"),
        (f"biodistribution: {{profile: [{RATIO}]}}", "a profile beside 'by_formulation'"),
        (f"biodistribution: {{reference_profile: custom, profile: [{RATIO.replace('kidney', 'brain')}]}}", "'brain'"),
        (f"biodistribution: {{reference_profile: custom, profile: [{RATIO.replace('5', '1')}]}}", "a number above low"),
        ("exposure: {half_life_days: {brain: {days: 20}}}", "'brain'"),
        ("exposure: {half_life_days: {liver: {days: 0}}}", "a number greater than 0"),
        ("liver_safety: {classes: [{name: a, tests: [ALT], when: high}]}", "comparisons such as '>= 3 and < 5'"),
        ("liver_safety: {preset: none_such}", "'none_such'"),
    ],
)
def test_settings_that_say_nothing_usable_are_refused(tmp_path, block, words):
    folder = make_small_study(tmp_path / "study")
    (folder / "config/config.yaml").write_text(CONFIG + block + "\n")
    (fault,) = said(folder)
    assert fault.startswith("config/config.yaml: line 5")
    assert words in fault


def test_settings_as_documented_are_read(tmp_path):
    folder = make_small_study(tmp_path / "study")
    block = f"biodistribution: {{reference_profile: custom, profile: [{RATIO}]}}\nexposure:\nliver_safety:\n"
    (folder / "config/config.yaml").write_text(CONFIG + block)
    assert Study.load(folder).config.biodistribution.profile[0].high == 5


@pytest.mark.parametrize("weight", ["0", "-1.5"])
def test_an_organ_weighs_more_than_nothing(tmp_path, weight):
    folder = make_small_study(tmp_path / "study")
    path = folder / "config/samples.tsv"
    header, first, *rest = path.read_text().splitlines()
    lines = [f"{header}\torgan_weight_g", f"{first}\t{weight}", *(f"{row}\t" for row in rest)]
    path.write_text("\n".join(lines) + "\n")
    assert said(folder) == [
        f"config/samples.tsv: line 2, organ_weight_g: '{weight}'; expected a number greater than 0",
    ]


def test_a_dose_of_an_unknown_animal_and_a_limit_of_zero_are_faults(tmp_path):
    folder = make_small_study(tmp_path / "study")
    (folder / "config/dosing.tsv").write_text(table("subject_id study_day dose_mg dose_basis\nR9 1 3 free_acid"))
    (folder / "config/clinical_chemistry.tsv").write_text(
        table("subject_id study_day test value unit uln\nR1 1 ALT 30 U/L 0")
    )
    faults = said(folder)
    assert len(faults) == 2
    assert "uln: '0'; expected a number greater than 0" in faults[0]
    assert "config/dosing.tsv: line 2, subject_id: 'R9'" in faults[1]
