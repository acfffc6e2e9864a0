"""Codes of ours in words; what a laboratory wrote stays as it is."""

from __future__ import annotations

import pandas as pd
import pytest

from bioanalysis.flags import catalogue
from bioanalysis.report.heads import head
from bioanalysis.report.said import in_words, said, said_each
from bioanalysis.report.sections import Cell, ranges, section

pytestmark = pytest.mark.requirement("UR-050")


@pytest.mark.parametrize(
    ("code", "words"),
    [("matrix_effect_not_compensated", "matrix effect not compensated"), ("qc_failed", "QC failed"),
     ("is_response_outside", "IS response outside"), ("is_no peak", "IS: no peak"), ("isr_flyer", "ISR flyer"),
     ("is_normalised_recovery", "IS normalised recovery"), ("is_rt_shift", "IS: RT shift"),
     ("not_reported", "not reported"), ("ich_m10_ligand_binding", "ICH M10 ligand binding"), ("BLQ", "BLQ")],
)  # fmt: skip
def test_a_code_is_said_in_words(code, words):
    assert said(code) == words


def test_every_flag_of_the_catalogue_is_said_without_an_underscore_and_in_words_of_its_own():
    words = {said(code) for code in catalogue()}
    assert len(words) == len(catalogue())
    assert not any("_" in word for word in words)
    assert said_each("qc_failed;is_no peak") == "QC failed; IS: no peak"


@pytest.mark.parametrize(
    ("sentence", "words"),
    [("RUN_FAIL: the plate P3 failed QC-05", "the plate P3 failed QC-05"),
     ("19 analyses: 19 not_assessable; at most 28 days", "19 analyses: 19 not assessable; at most 28 days"),
     ("no sign of it in tissue_mass_mg, piece", "no sign of it in tissue mass (mg), piece"),
     ("flagged control_quantified.", "flagged control quantified."),
     ("flag_effects.tsv, not_reported.tsv, a/not_reported", "flag_effects.tsv, not_reported.tsv, a/not_reported"),
     ("animal_not_reported_7", "animal_not_reported_7")],
)  # fmt: skip
def test_codes_in_a_sentence_are_said_and_nothing_else_is_touched(sentence, words):
    assert in_words(sentence) == words


def test_what_a_laboratory_wrote_is_shown_as_it_is():
    names = {"sample_id": "not_reported", "group": "qc_failed", "comment": "RUN_FAIL: true", "run_id": "free_acid"}
    (row,) = section("T", pd.DataFrame([names]))["rows"]
    assert all(f">{name}<" in row for name in names.values())


def test_a_column_of_codes_is_said_and_coloured_as_before():
    (row,) = section("T", pd.DataFrame({"sample_id": ["S1"], "status": ["not_reported"], "flyer": ["true"]}))["rows"]
    assert row.endswith('<td class="fail">not reported</td><td>yes</td></tr>')


@pytest.mark.parametrize(
    ("positions", "words"),
    [("31;32;33;34;36 / 58;59", "31 to 34, 36 / 58, 59"), ("H3;H4;A5", "H3, H4, A5"), ("7", "7"), ("", ""),
     ("3;2;1", "3, 2, 1"), ("9;10;11", "9 to 11")],
)  # fmt: skip
def test_positions_next_to_each_other_are_drawn_together(positions, words):
    assert ranges(positions) == words


def test_what_is_the_same_in_every_row_is_said_once_and_units_stay_beside_their_numbers():
    table = pd.DataFrame({"sample_id": ["S1", "S2", "S3"], "analyte": ["a_b"] * 3, "unit": ["ug/g"] * 3})
    made = section("T", table, filters=["analyte"])
    assert (made["columns"], made["said_once"], made["filters"]) == (["sample", "unit"], "analyte a_b", [])
    assert section("T", table[:2])["columns"] == ["sample", "analyte", "unit"]
    linked = table.assign(analyte=[Cell("a", "#x")] * 3)
    assert section("T", linked)["columns"] == ["sample", "analyte", "unit"]


def test_a_missing_value_is_an_empty_cell_in_every_kind_of_column():
    nothing = float("nan")
    rows = section("T", pd.DataFrame({"flag": ["x", "y"], "group": ["low", nothing], "flags": [nothing, "z"]}))["rows"]
    assert not any("nan" in row for row in rows)


@pytest.mark.parametrize(
    ("column", "words"),
    [("organ_weight_g", "organ weight (g)"), ("tissue_ug_g", "tissue (ug/g)"), ("dose_mg_per_kg", "dose (mg/kg)"),
     ("nominal_ng_g", "nominal (ng/g)"), ("multiple_of_uln", "multiple of ULN"), ("uln", "ULN")],
)  # fmt: skip
def test_units_and_abbreviations_of_heads(column, words):
    assert head(column) == words
