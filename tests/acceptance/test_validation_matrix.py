"""Selectivity, specificity, matrix effect, surrogate matrix and endogenous analyte, each rule at its boundary."""

from __future__ import annotations

import pytest
from worked_validation import Validation, result, verdicts

from bioanalysis.acceptance.validation_matrix import judge_matrix

pytestmark = pytest.mark.requirement("UR-025")

rule = pytest.mark.rule


def judged(rows: list[dict[str, object]], assay_class: str = "chromatographic") -> dict[str, str]:
    validation = Validation(rows, assay_class)
    ledger = validation.ledger()
    judge_matrix(ledger, validation.table, validation.facts())
    return verdicts(ledger)


def blank(experiment: str, area: float = 0.0, standard: float = 0.0, **cells: object) -> dict[str, object]:
    """Return a blank; the LLOQ sample of these validations has an area of 1000, its internal standard one of 10000."""
    areas = {"analyte_area": area, "internal_standard_area": standard}
    return result(experiment, sample_type="blank", level="", status="measured", **areas, **cells)


def sources(number: int, **cells: object) -> list[dict[str, object]]:
    return [blank("selectivity", lot=f"L{n}", **cells) for n in range(number)]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        pytest.param(7, "pass", marks=rule("SEL-CC-01", "inside")),
        pytest.param(6, "pass", marks=rule("SEL-CC-01", "on")),
        pytest.param(5, "fail", marks=rule("SEL-CC-01", "outside")),
        pytest.param(0, "not_assessable", marks=rule("SEL-CC-01", "not_assessable")),
    ],
)
def test_six_sources(number, verdict):
    assert judged(sources(number))["SEL-CC-01"] == verdict


@pytest.mark.parametrize(
    ("area", "verdict"),
    [
        pytest.param(199.0, "pass", marks=rule("SEL-CC-02", "inside")),
        pytest.param(200.0, "pass", marks=rule("SEL-CC-02", "on")),
        pytest.param(201.0, "fail", marks=rule("SEL-CC-02", "outside")),
    ],
)
def test_a_source_shows_at_most_a_fifth_of_the_lloq(area, verdict):
    assert judged([*sources(5), blank("selectivity", area, lot="L6")])["SEL-CC-02"] == verdict


@pytest.mark.parametrize(
    ("standard", "verdict"),
    [
        pytest.param(499.0, "pass", marks=rule("SEL-CC-03", "inside")),
        pytest.param(500.0, "pass", marks=rule("SEL-CC-03", "on")),
        pytest.param(501.0, "fail", marks=rule("SEL-CC-03", "outside")),
    ],
)
def test_a_source_shows_at_most_a_twentieth_of_the_internal_standard(standard, verdict):
    assert judged([*sources(5), blank("selectivity", standard=standard, lot="L6")])["SEL-CC-03"] == verdict


@rule("SEL-CC-02", "not_assessable")
@rule("SEL-CC-03", "not_assessable")
def test_interference_needs_an_lloq_sample_and_a_blank_without_internal_standard():
    found = judged([blank("selectivity", 10.0, lot="L1", lloq_area=float("nan"))])
    assert found["SEL-CC-02"] == "not_assessable"
    zeros = [{**row, "sample_type": "zero"} for row in sources(6)]
    assert judged(zeros)["SEL-CC-03"] == "not_assessable"


def test_the_worst_of_several_injections_of_a_source_counts():
    assert judged([*sources(5), blank("selectivity", 300.0, lot="L1")])["SEL-CC-02"] == "fail"


@pytest.mark.parametrize(
    ("lipaemic", "haemolysed", "share", "verdict"),
    [
        pytest.param(1, 1, 2.1, "pass", marks=rule("SEL-CC-04", "inside")),
        pytest.param(1, 1, 2.0, "pass", marks=rule("SEL-CC-04", "on")),
        pytest.param(1, 1, 1.9, "fail", marks=rule("SEL-CC-04", "outside")),
        pytest.param(0, 1, 2.0, "not_assessable", marks=rule("SEL-CC-04", "not_assessable")),
        (1, 1, float("nan"), "not_assessable"),
    ],
)
def test_a_lipaemic_and_a_haemolysed_source(lipaemic, haemolysed, share, verdict):
    rows = [blank("selectivity", lot=f"F{n}", source_kind="lipaemic") for n in range(lipaemic)]
    rows += [
        blank("selectivity", lot=f"H{n}", source_kind="haemolysed", haemolysed_percent=share) for n in range(haemolysed)
    ]
    assert judged([*sources(6), *rows])["SEL-CC-04"] == verdict


@pytest.mark.parametrize(
    ("area", "standard", "verdict"),
    [
        pytest.param(199.0, 499.0, "pass", marks=rule("SPE-CC-01", "inside")),
        pytest.param(200.0, 500.0, "pass", marks=rule("SPE-CC-01", "on")),
        pytest.param(201.0, 0.0, "fail", marks=rule("SPE-CC-01", "outside")),
        (0.0, 501.0, "fail"),
    ],
)
def test_a_related_substance_shows_at_neither_retention_time(area, standard, verdict):
    assert judged([blank("specificity", area, standard, interferent="n-1")])["SPE-CC-01"] == verdict


@rule("SPE-CC-01", "not_assessable")
@rule("MAT-CC-01", "not_assessable")
@rule("MAT-EMA-01", "not_assessable")
@rule("SURR-01", "not_assessable")
@rule("ENDO-01", "not_assessable")
@rule("ENDO-02", "not_assessable")
@rule("SEL-CC-04", "not_assessable")
def test_what_was_not_done_is_not_assessable():
    found = judged([])
    assert found.pop("SURR-02") == "not_applicable"
    assert set(found.values()) == {"not_assessable"}
    assert set(found) >= {"SPE-CC-01", "MAT-CC-01", "MAT-EMA-01", "SURR-01", "ENDO-01", "ENDO-02", "SEL-CC-04"}


def in_sources(found: list[float], lots: int, levels: tuple[str, ...] = ("LQC", "HQC")) -> list[dict[str, object]]:
    return [
        result("matrix_effect", value, level=level, lot=f"L{n}")
        for level in levels
        for n in range(lots)
        for value in found
    ]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        pytest.param(in_sources([114.9] * 4, 7), "pass", marks=rule("MAT-CC-01", "inside")),
        pytest.param(in_sources([115.0] * 3, 6), "pass", marks=rule("MAT-CC-01", "on")),
        pytest.param(in_sources([85.0, 100.0, 115.0], 6), "pass", marks=rule("MAT-CC-01", "on")),
        pytest.param(in_sources([115.1] * 3, 6), "fail", marks=rule("MAT-CC-01", "outside")),
        (in_sources([84.9, 100.0, 115.1], 6), "fail"),
        (in_sources([100.0] * 2, 6), "fail"),
        (in_sources([100.0] * 3, 5), "fail"),
        (in_sources([100.0] * 3, 6, ("LQC",)), "fail"),
    ],
)
def test_each_source_keeps_accuracy_and_precision(rows, verdict):
    assert judged(rows)["MAT-CC-01"] == verdict


def extracts(ratios: list[float]) -> list[dict[str, object]]:
    post = {"sample_type": "recovery_post", "level": "LQC", "status": "measured"}
    rows = [result("matrix_effect", lot=f"L{n}", mean_response=ratio, **post) for n, ratio in enumerate(ratios)]
    return [*rows, result("matrix_effect", mean_response=2.0, **(post | {"sample_type": "neat"}))]


@pytest.mark.parametrize(
    ("spread", "lots", "verdict"),
    [
        pytest.param(0.29, 3, "pass", marks=rule("MAT-EMA-01", "inside")),
        pytest.param(0.3, 3, "pass", marks=rule("MAT-EMA-01", "on")),
        pytest.param(0.31, 3, "fail", marks=rule("MAT-EMA-01", "outside")),
        (0.1, 2, "fail"),
    ],
)
def test_the_normalised_matrix_factor_is_that_of_ratios_over_solvent(spread, lots, verdict):
    # ratios 2 - s, 2, 2 + s, each twice, over 2 in solvent: mean 1, SD s / 2 sqrt(4 / 5): s = 0.3 sqrt(5 / 4) is 15 %
    s = spread * (5 / 4) ** 0.5
    assert judged(extracts([2 - s, 2 - s, 2 + s, 2 + s, 2.0, 2.0][: 2 * lots]))["MAT-EMA-01"] == verdict


def lba(rows: list[dict[str, object]]) -> dict[str, str]:
    return judged(rows, "ligand_binding")


def readings(
    number: int, reading: float = 0.0, experiment: str = "selectivity", **cells: object
) -> list[dict[str, object]]:
    """Return blank sources that read so many ng/mL (the LLOQ is 5)."""
    more = {"sample_type": "blank", "level": "", "status": "measured"} | cells
    return [result(experiment, reading, **({"lot": f"L{n}"} | more)) for n in range(number)]


def spiked(number: int, level: str, nominal: float, found: float, first: int = 0) -> list[dict[str, object]]:
    cells = {"level": level, "nominal_ng_ml": nominal}
    return [result("selectivity", found, lot=f"L{n}", **cells) for n in range(first, first + number)]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        pytest.param(11, "pass", marks=rule("SEL-LBA-01", "inside")),
        pytest.param(10, "pass", marks=rule("SEL-LBA-01", "on")),
        pytest.param(9, "fail", marks=rule("SEL-LBA-01", "outside")),
    ],
)
def test_ten_sources_blank_and_spiked(number, verdict):
    rows = [*readings(12), *spiked(12, "LLOQ", 5.0, 5.0), *spiked(number, "HQC", 400.0, 400.0)]
    assert lba(rows)["SEL-LBA-01"] == verdict


@pytest.mark.parametrize(
    ("below", "verdict"),
    [
        pytest.param(9, "pass", marks=rule("SEL-LBA-02", "inside")),
        pytest.param(8, "pass", marks=rule("SEL-LBA-02", "on")),
        pytest.param(7, "fail", marks=rule("SEL-LBA-02", "outside")),
    ],
)
def test_four_blank_sources_in_five_read_below_the_lloq(below, verdict):
    # a source that reads the LLOQ itself does not read below it
    rows = readings(below, 4.99) + readings(10, 5.0)[below:]
    assert lba(rows)["SEL-LBA-02"] == verdict


def test_a_blank_below_the_asymptote_reads_below():
    assert lba(readings(10, float("nan"), place="below"))["SEL-LBA-02"] == "pass"


@pytest.mark.parametrize(
    ("right", "verdict"),
    [
        pytest.param(9, "pass", marks=rule("SEL-LBA-03", "inside")),
        pytest.param(8, "pass", marks=rule("SEL-LBA-03", "on")),
        pytest.param(7, "fail", marks=rule("SEL-LBA-03", "outside")),
    ],
)
def test_four_spiked_sources_in_five_keep_their_limit(right, verdict):
    # 6.25 of 5 is +25 %, allowed at the LLOQ; 480 of 400 is +20 %, allowed above it
    low = spiked(right, "LLOQ", 5.0, 6.25) + spiked(10 - right, "LLOQ", 5.0, 6.26, first=right)
    high = spiked(right, "HQC", 400.0, 480.0) + spiked(10 - right, "HQC", 400.0, 481.0, first=right)
    assert lba([*readings(10), *low, *spiked(10, "HQC", 400.0, 480.0)])["SEL-LBA-03"] == verdict
    assert lba([*readings(10), *high, *spiked(10, "LLOQ", 5.0, 6.25)])["SEL-LBA-03"] == verdict


@rule("SEL-LBA-01", "not_assessable")
@rule("SEL-LBA-02", "not_assessable")
@rule("SEL-LBA-03", "not_assessable")
def test_without_sources_selectivity_of_ligand_binding_is_not_assessable():
    found = lba([])
    assert {found[name] for name in ("SEL-LBA-01", "SEL-LBA-02", "SEL-LBA-03")} == {"not_assessable"}


def related(blank_reading: float, low: float, high: float) -> list[dict[str, object]]:
    cells = {"interferent": "n-1", "lot": ""}
    return [
        *readings(1, blank_reading, "specificity", **cells),
        result("specificity", low, level="LLOQ", nominal_ng_ml=5.0, **cells),
        result("specificity", high, level="ULOQ", nominal_ng_ml=500.0, **cells),
    ]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        pytest.param(related(0.0, 6.24, 500.0), "pass", marks=rule("SPE-LBA-01", "inside")),
        pytest.param(related(4.99, 6.25, 375.0), "pass", marks=rule("SPE-LBA-01", "on")),
        pytest.param(related(0.0, 6.26, 500.0), "fail", marks=rule("SPE-LBA-01", "outside")),
        (related(0.0, 5.0, 374.0), "fail"),
        (related(5.0, 5.0, 500.0), "fail"),
        pytest.param([], "not_assessable", marks=rule("SPE-LBA-01", "not_assessable")),
        (related(0.0, 5.0, 500.0)[:2], "not_assessable"),
    ],
)
def test_a_related_molecule_leaves_blank_lloq_and_uloq_as_they_are(rows, verdict):
    assert lba(rows)["SPE-LBA-01"] == verdict


@pytest.mark.parametrize(
    ("assay_class", "found", "verdict"),
    [
        pytest.param("chromatographic", 114.9, "pass", marks=rule("SURR-01", "inside")),
        pytest.param("chromatographic", 115.0, "pass", marks=rule("SURR-01", "on")),
        pytest.param("chromatographic", 115.1, "fail", marks=rule("SURR-01", "outside")),
        ("ligand_binding", 120.0, "pass"),
        ("ligand_binding", 120.1, "fail"),
    ],
)
def test_qcs_in_the_tissue_are_right_on_the_surrogate_curve(assay_class, found, verdict):
    assert judged([result("surrogate_matrix", found)], assay_class)["SURR-01"] == verdict
    assert judged([result("accuracy_precision", found)], assay_class)["SURR-01"] == verdict
    assert judged([result("accuracy_precision", found, tissue="surrogate")], assay_class)["SURR-01"] == "not_assessable"


@pytest.mark.parametrize(
    ("area", "verdict"),
    [
        pytest.param(199.0, "pass", marks=rule("ENDO-01", "inside")),
        pytest.param(200.0, "fail", marks=rule("ENDO-01", "on")),
        pytest.param(201.0, "fail", marks=rule("ENDO-01", "outside")),
    ],
)
def test_endogenous_signal_lies_below_a_fifth_of_the_lloq(area, verdict):
    assert judged([blank("endogenous", area, lot="L1")])["ENDO-01"] == verdict


@rule("ENDO-02", "pass")
def test_what_the_blank_holds_is_taken_off_the_spiked_sample():
    # 100 spiked into a source that holds 8: 105 measured is 100 (105 - 8) / 100 = 97 %
    held = result("endogenous", 8.0, sample_type="blank", level="", lot="L1", status="measured")
    validation = Validation([held, result("endogenous", 105.0, lot="L1")])
    row = validation.table[validation.table.measure.str.startswith("accuracy after")].iloc[0]
    assert (row["mean"], row.bias_percent) == (97.0, -3.0)
    ledger = validation.ledger()
    judge_matrix(ledger, validation.table, validation.facts())
    assert verdicts(ledger)["ENDO-02"] == "pass"
