"""Incurred sample reanalysis: pairs by hand, and each rule at its boundary."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from study_ledger import ledger_of, observed, verdict

from bioanalysis.acceptance.incurred import (
    incurred_pairs,
    judge_flyers,
    judge_incurred,
    judge_originals_kept,
    required_number,
    thirds_of,
)
from bioanalysis.limits import read_catalogue

pytestmark = pytest.mark.requirement("UR-024")

RULE = read_catalogue()["ISR-01"]


def first(sample_id: str = "S1", value: float = 100.0, **more: object) -> dict:
    row = {
        "sample_id": sample_id, "subject_id": f"animal of {sample_id}", "species": "rat", "group": "mid",
        "treatment": "A",
        "tissue": "liver", "collection_day": 29.0, "analyte": "mipomersen", "run_id": "A", "position": "7",
        "extraction_id": f"A:{sample_id}", "date": "2026-03-03", "status": "quantified", "reason": "",
        "value_ng_ml": value, "value": value,
    }  # fmt: skip
    return row | more


def second(sample_id: str = "S1", value: float = 100.0, **more: object) -> dict:
    row = {
        "sample_id": sample_id, "tissue": "liver", "analyte": "mipomersen", "run_id": "B", "position": "8",
        "extraction_id": f"B:{sample_id}", "date": "2026-03-10", "status": "quantified", "reason": "",
        "value_ng_ml": value, "storage": "pass",
    }  # fmt: skip
    return row | more


def paired(initial: list[dict], again: list[dict], limit: float = 20.0) -> pd.DataFrame:
    columns = list(second())
    return incurred_pairs(pd.DataFrame(initial), pd.DataFrame(again, columns=columns), limit, 50.0)


def judged(initial: list[dict], again: list[dict], n: int | None = None, assay_class: str = "chromatographic"):
    ledger = ledger_of(assay_class)
    limit = float(ledger.rule("ISR-03", "ISR-04").numbers[1])
    judge_incurred(ledger, paired(initial, again, limit), pd.DataFrame(initial), len(initial) if n is None else n)
    return ledger


def with_difference(percent: float) -> float:
    """Return the second value that differs from 100 by `percent` of the mean of both."""
    return 100 * (200 + percent) / (200 - percent)


# ISR-02: the difference


@pytest.mark.rule("ISR-02", "pass")
def test_the_difference_is_in_percent_of_the_mean():
    # 90 and 110: 20 of a mean of 100
    pair = paired([first(value=90.0)], [second(value=110.0)]).iloc[0]
    assert_allclose((pair.mean_ng_ml, pair.difference_percent), (100, 20))
    assert pair.within_limit is True
    assert verdict(judged([first()], [second()]), "ISR-02") == "pass"


def test_exchanging_both_values_changes_the_sign_alone():
    one, other = (paired([first(value=a)], [second(value=b)]).iloc[0] for a, b in ((80.0, 130.0), (130.0, 80.0)))
    assert_allclose(one.difference_percent, -other.difference_percent)


@pytest.mark.rule("ISR-02", "not_assessable")
@pytest.mark.parametrize(
    ("initial", "again", "reason", "within"),
    [
        ({}, {"status": "BLQ"}, "first result quantified, reanalysis BLQ: no difference, counts as outside", False),
        ({"status": "BLQ"}, {"status": "BLQ"}, "both BLQ", None),
        ({}, {"status": "not_reported", "reason": "RUN_FAIL"}, "reanalysis not_reported: RUN_FAIL", None),
        ({"status": "ALQ", "reason": "above"}, {}, "first result ALQ: above", None),
        ({}, {"value_ng_ml": np.nan}, "one of both has no recovery factor: not on the same footing", None),
        ({"sample_id": "other"}, {}, "no first result by this method", None),
    ],
)
def test_a_pair_without_a_difference_says_why(initial, again, reason, within):
    pairs = paired([first(**initial)], [second(**again)])
    assert pairs.reason.item() == reason
    assert pairs.within_limit.item() is within
    assert np.isnan(pairs.difference_percent.item())
    assert verdict(judged([first(**initial)], [second(**again)]), "ISR-02") == "not_assessable"


def test_of_several_reanalyses_the_first_that_says_something_counts():
    again = [second(status="not_reported", reason="WELL_CV"), second(value=200.0), second(value=101.0)]
    pairs = paired([first()], again)
    assert pairs.counted.tolist() == [False, True, False]
    assert pairs.reason.tolist()[2] == "a further reanalysis: shown, not counted"


# ISR-01: the number


@pytest.mark.parametrize(
    ("n", "needed"),
    [(1, 1), (10, 1), (11, 2), (80, 8), (990, 99), (991, 100), (1000, 100), (1001, 101), (1020, 101), (1021, 102),
     (3000, 200)],
)  # fmt: skip
def test_ten_percent_of_the_first_thousand_and_five_beyond(n, needed):
    assert required_number(n, RULE) == needed


@pytest.mark.parametrize(
    ("n_analysed", "expected"),
    [
        pytest.param(19, "pass", marks=pytest.mark.rule("ISR-01", "inside")),
        pytest.param(20, "pass", marks=pytest.mark.rule("ISR-01", "on")),
        pytest.param(21, "fail", marks=pytest.mark.rule("ISR-01", "outside")),
        pytest.param(0, "not_assessable", marks=pytest.mark.rule("ISR-01", "not_assessable")),
    ],
)
def test_two_reanalyses_do_for_twenty_samples(n_analysed, expected):
    ledger = judged([first("S1"), first("S2")], [second("S1"), second("S2")], n_analysed)
    assert verdict(ledger, "ISR-01") == expected


# ISR-03, ISR-04: two thirds


def three_pairs(difference: float, outside: int = 1) -> tuple[list[dict], list[dict]]:
    """Three pairs: `outside` of them far apart, one at `difference`, the rest equal."""
    values = [200.0] * outside + [with_difference(difference)] + [100.0] * (2 - outside)
    names = ["S1", "S2", "S3"]
    return [first(name) for name in names], [second(name, value) for name, value in zip(names, values, strict=True)]


@pytest.mark.parametrize(
    ("rule_id", "assay_class", "difference", "expected"),
    [
        pytest.param("ISR-03", "chromatographic", 19.9, "pass", marks=pytest.mark.rule("ISR-03", "inside")),
        pytest.param("ISR-03", "chromatographic", 20.0, "pass", marks=pytest.mark.rule("ISR-03", "on")),
        pytest.param("ISR-03", "chromatographic", -20.0, "pass", marks=pytest.mark.rule("ISR-03", "on")),
        pytest.param("ISR-03", "chromatographic", 20.1, "fail", marks=pytest.mark.rule("ISR-03", "outside")),
        pytest.param("ISR-03", "chromatographic", -20.1, "fail", marks=pytest.mark.rule("ISR-03", "outside")),
        pytest.param("ISR-04", "ligand_binding", 29.9, "pass", marks=pytest.mark.rule("ISR-04", "inside")),
        pytest.param("ISR-04", "ligand_binding", 30.0, "pass", marks=pytest.mark.rule("ISR-04", "on")),
        pytest.param("ISR-04", "ligand_binding", 30.1, "fail", marks=pytest.mark.rule("ISR-04", "outside")),
    ],
)
def test_two_of_three_are_two_thirds(rule_id, assay_class, difference, expected):
    assert verdict(judged(*three_pairs(difference), assay_class=assay_class), rule_id) == expected


@pytest.mark.rule("ISR-03", "not_assessable")
@pytest.mark.rule("ISR-04", "not_assessable")
@pytest.mark.parametrize(("rule_id", "assay_class"), [("ISR-03", "chromatographic"), ("ISR-04", "ligand_binding")])
def test_without_a_pair_there_is_no_share(rule_id, assay_class):
    lost = second(status="not_reported", reason="RUN_FAIL")
    assert verdict(judged([first()], [lost], assay_class=assay_class), rule_id) == "not_assessable"
    assert verdict(judged([first()], [], assay_class=assay_class), rule_id) == "not_assessable"


# ISR-05: a reanalysis is one


@pytest.mark.parametrize(
    ("again", "expected", "word"),
    [
        pytest.param({}, "pass", "1 pair", marks=pytest.mark.rule("ISR-05", "pass")),
        pytest.param({"run_id": "A"}, "fail", "same run", marks=pytest.mark.rule("ISR-05", "fail")),
        pytest.param({"date": "2026-03-03"}, "fail", "same day", marks=pytest.mark.rule("ISR-05", "fail")),
        pytest.param({"extraction_id": "A:S1"}, "fail", "same extract", marks=pytest.mark.rule("ISR-05", "fail")),
        pytest.param({"storage": "fail"}, "fail", "stored beyond", marks=pytest.mark.rule("ISR-05", "fail")),
        pytest.param(
            {"storage": "not_assessable"}, "not_assessable", "storage of 1",
            marks=pytest.mark.rule("ISR-05", "not_assessable"),
        ),
    ],
)  # fmt: skip
def test_a_reanalysis_is_another_extract_in_another_run_on_another_day(again, expected, word):
    ledger = judged([first()], [second(**again)])
    assert verdict(ledger, "ISR-05") == expected
    assert word in observed(ledger, "ISR-05")


# ISR-06, ISR-10, ISR-11: what is represented

SIX = [first(f"S{n}", 10.0 * n, group=group, tissue=tissue) for n, group, tissue in
       [(1, "low", "liver"), (2, "low", "liver"), (3, "mid", "liver"), (4, "mid", "kidney"), (5, "high", "kidney"),
        (6, "high", "kidney")]]  # fmt: skip


def test_thirds_go_by_rank_within_the_tissue():
    # livers 10, 20, 30 and kidneys 40, 50, 60
    assert thirds_of(pd.DataFrame(SIX)).tolist() == ["lower", "", "upper", "lower", "", "upper"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("S1", "S3", "S6"), "pass", marks=pytest.mark.rule("ISR-06", "pass")),
        pytest.param(("S2", "S3", "S6"), "fail", marks=pytest.mark.rule("ISR-06", "fail")),  # no lower third
        pytest.param(("S1", "S3", "S4"), "fail", marks=pytest.mark.rule("ISR-06", "fail")),  # no high group
        pytest.param((), "not_assessable", marks=pytest.mark.rule("ISR-06", "not_assessable")),
    ],
)
def test_groups_days_and_both_ends_of_the_concentrations_are_represented(names, expected):
    assert verdict(judged(SIX, [second(name) for name in names]), "ISR-06") == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("S1", "S3", "S4", "S5"), "pass", marks=pytest.mark.rule("ISR-11", "pass")),
        pytest.param(("S1", "S3", "S5"), "fail", marks=pytest.mark.rule("ISR-11", "fail")),
        pytest.param((), "not_assessable", marks=pytest.mark.rule("ISR-11", "not_assessable")),
    ],
)
def test_each_tissue_of_each_group_and_day_is_represented(names, expected):
    ledger = judged(SIX, [second(name) for name in names])
    assert verdict(ledger, "ISR-11") == expected
    assert expected != "fail" or observed(ledger, "ISR-11").endswith("none of: kidney mid 29")


@pytest.mark.parametrize(
    ("species", "names", "expected"),
    [
        pytest.param("rat", ("S1",), "pass", marks=pytest.mark.rule("ISR-10", "pass")),
        pytest.param("monkey", ("S1",), "fail", marks=pytest.mark.rule("ISR-10", "fail")),
        pytest.param("rat", (), "not_assessable", marks=pytest.mark.rule("ISR-10", "not_assessable")),
    ],
)
def test_every_species_is_reanalysed_once(species, names, expected):
    initial = [first("S1"), first("S2", species=species)]
    assert verdict(judged(initial, [second(name) for name in names]), "ISR-10") == expected


# ISR-07, ISR-08: the first result stands


@pytest.mark.parametrize(
    ("run_id", "expected"),
    [
        pytest.param("A", "pass", marks=pytest.mark.rule("ISR-07", "pass")),
        pytest.param("B", "fail", marks=pytest.mark.rule("ISR-07", "fail")),
    ],
)
def test_a_reanalysis_never_takes_the_place_of_the_first_result(run_id, expected):
    ledger = ledger_of()
    reported = pd.DataFrame([first(run_id=run_id, position="8")])
    judge_originals_kept(ledger, reported, pd.DataFrame([second()]))
    assert verdict(ledger, "ISR-07") == expected


def flyer_ledger(difference: float, later: str):
    ledger = ledger_of()
    pairs = paired([first()], [second(value=with_difference(difference))])
    analyses = pd.DataFrame([{"sample_id": "S1", "date": "2026-03-03"}, {"sample_id": "S1", "date": later}])
    judge_flyers(ledger, pairs, analyses)
    return ledger


@pytest.mark.parametrize(
    ("difference", "later", "expected"),
    [
        pytest.param(49.9, "2026-03-17", "pass", marks=pytest.mark.rule("ISR-08", "inside")),
        pytest.param(50.0, "2026-03-17", "pass", marks=pytest.mark.rule("ISR-08", "on")),
        pytest.param(50.1, "2026-03-17", "fail", marks=pytest.mark.rule("ISR-08", "outside")),
        pytest.param(50.1, "2026-03-04", "pass", marks=pytest.mark.rule("ISR-08", "inside")),
    ],
)
def test_a_flyer_is_listed_and_not_analysed_again(difference, later, expected):
    assert verdict(flyer_ledger(difference, later), "ISR-08") == expected


@pytest.mark.rule("ISR-08", "not_assessable")
def test_without_a_difference_there_is_no_flyer():
    ledger = ledger_of()
    judge_flyers(ledger, paired([first()], []), pd.DataFrame(columns=["sample_id", "date"]))
    assert verdict(ledger, "ISR-08") == "not_assessable"


# ISR-09, ISR-BIAS: patterns


def two_animals(*values: float) -> tuple[list[dict], list[dict]]:
    """Pairs of two animals in turn, the second values as given."""
    names = [f"S{n}" for n in range(len(values))]
    initial = [first(name, subject_id=f"R{n % 2}") for n, name in enumerate(names)]
    return initial, [second(name, value) for name, value in zip(names, values, strict=True)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param((100, 100, 200, 100), "pass", marks=pytest.mark.rule("ISR-09", "pass")),
        pytest.param((200, 100, 200, 100), "fail", marks=pytest.mark.rule("ISR-09", "fail")),  # both of R0
        pytest.param((200, 100), "not_assessable", marks=pytest.mark.rule("ISR-09", "not_assessable")),
    ],
)
def test_an_animal_whose_pairs_all_lie_outside_is_a_pattern(values, expected):
    assert verdict(judged(*two_animals(*values)), "ISR-09", subject="animal") == expected


@pytest.mark.parametrize(
    ("assay_class", "difference", "expected"),
    [
        pytest.param("chromatographic", 9.9, "pass", marks=pytest.mark.rule("ISR-BIAS", "inside")),
        pytest.param("chromatographic", 10.0, "pass", marks=pytest.mark.rule("ISR-BIAS", "on")),
        pytest.param("chromatographic", -10.1, "fail", marks=pytest.mark.rule("ISR-BIAS", "outside")),
        pytest.param("ligand_binding", 15.0, "pass", marks=pytest.mark.rule("ISR-BIAS", "on")),
        pytest.param("ligand_binding", 15.1, "fail", marks=pytest.mark.rule("ISR-BIAS", "outside")),
    ],
)
def test_a_shift_common_to_all_pairs_is_seen(assay_class, difference, expected):
    values = [with_difference(difference)] * 4
    assert verdict(judged(*two_animals(*values), assay_class=assay_class), "ISR-BIAS") == expected


@pytest.mark.rule("ISR-BIAS", "not_assessable")
def test_one_difference_has_no_mean():
    assert verdict(judged([first()], [second()]), "ISR-BIAS") == "not_assessable"


@pytest.mark.rule("ISR-02", "not_assessable")
def test_a_study_without_reanalysis_is_told_so_by_every_rule():
    ledger = judged([first()], [])
    assert set(ledger.table().verdict) == {"not_assessable"}
    assert "no incurred sample reanalysis (1 sample analysed)" in observed(ledger, "ISR-01")
