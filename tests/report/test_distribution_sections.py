"""Sections of the study report on distribution, doses, liver and the two platforms."""

from __future__ import annotations

import pandas as pd
import pytest
from animals_of_study import chemistry, concentrations, dosing, study_of, subjects

from bioanalysis.evaluation.distribution import judge_distribution
from bioanalysis.evaluation.exposure import judge_exposure
from bioanalysis.evaluation.findings import gathered
from bioanalysis.evaluation.liver_safety import judge_liver_safety
from bioanalysis.evaluation.method_comparison import judge_method_comparison
from bioanalysis.report.distribution_sections import (
    ESTIMATES,
    NO_CHEMISTRY,
    NO_DOSES,
    NO_PAIRS,
    distribution_parts,
    estimates,
)
from bioanalysis.results import write_result

pytestmark = pytest.mark.requirement("UR-050")

JUDGES = (judge_distribution, judge_exposure, judge_liver_safety, judge_method_comparison)


def parts(folder, found, **tables):
    animals = subjects(*({"subject_id": name, "group": "g"} for name in dict.fromkeys(found.subject_id)))
    study = study_of(folder, animals, found, **tables)
    made = gathered(judge(study, found) for judge in JUDGES).tables | {"tissue_concentrations": found}
    for name, table in made.items():
        write_result(table, folder / f"{name}.tsv")
    return {title: (table, figures) for title, table, _, figures in distribution_parts(study, folder)}


def markup(figure) -> str:
    return figure if isinstance(figure, str) else figure.html()


def rows(*methods: str):
    return concentrations(
        *({"subject_id": f"R{n}", "group": "g", "tissue": "liver", "value": 10.0 + n, "sample_id": f"L{n}",
           "organ_weight_g": 10.0, "method_id": method} for method in methods for n in range(4))
    )  # fmt: skip


def test_what_is_not_there_is_said_and_nothing_fails(tmp_path):
    made = parts(tmp_path, rows("ASO-LCMS-01"))
    figures = [figure for _, several in made.values() for figure in several]
    for words in (NO_DOSES, NO_CHEMISTRY, NO_PAIRS):
        assert f"<p>{words}</p>" in figures


def test_every_animal_is_drawn_against_its_dose_and_its_alt(tmp_path):
    alt = [(f"R{n}", 28, "ALT", 240.0 if n == 3 else 30.0, 60) for n in range(4)]
    bilirubin = [(f"R{n}", 28, "bilirubin", 9.0 if n == 3 else 2.0, 3) for n in range(4)]
    log = dosing(*((f"R{n}", 1, 0.15) for n in range(4)))
    made = parts(
        tmp_path, rows("ASO-LCMS-01", "ASO-ELISA-01"), dosing=log, clinical_chemistry=chemistry(*alt, *bilirubin)
    )
    # 10 to 13 ug/g x 10 g = 0.10 to 0.13 mg of 0.15 mg
    _, (balance, *_) = made["Amount in organs against doses"]
    assert len(balance.drawing.marks) == 4
    assert "R3: 86.7 % of the dose" in balance.drawing.svg
    table, (edish, against, *_) = made["Liver safety: research flag, not a dosing decision"]
    assert edish.drawing.svg.count('class="fail"') == 1
    assert "R3: ALT 4, bilirubin 3 x ULN" in edish.drawing.svg
    assert len(against.drawing.marks) == 4
    assert sorted(table["class"]) == ["repeat", "stop"]
    _, (ratio,) = made["ELISA against LC-MS/MS"]
    assert len(ratio.drawing.marks) == 4


def test_names_are_text_and_never_markup(tmp_path):
    found = rows("ASO-LCMS-01").assign(group="<b>")
    made = parts(tmp_path, found, dosing=dosing(*((f"R{n}", 1, 0.15) for n in range(4))))
    assert not any("<b>" in markup(figure) for _, several in made.values() for figure in several)


def test_each_estimate_of_a_comparison_of_methods_stands_in_a_row_with_its_interval():
    pair = {"tissue": "liver", "analyte": "A", "method_x": "M1", "method_y": "M2", "pairs_from": "one homogenate"}
    numbers = {
        f"{name}{end}": 100 * place + step
        for place, name in enumerate(ESTIMATES)
        for step, end in enumerate(("", "_low", "_high"))
    }
    table = estimates(pd.DataFrame([pair | numbers, pair | numbers | {"tissue": "kidney"}]))
    assert list(table.tissue) == ["liver"] * len(ESTIMATES) + ["kidney"] * len(ESTIMATES)
    assert list(table.quantity) == [*ESTIMATES.values()] * 2
    assert list(table.value) == [100 * place for place in range(len(ESTIMATES))] * 2
    assert (table.low == table.value + 1).all()
    assert (table.high == table.value + 2).all()
