"""Variance components against sums done by hand and against independent software."""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bioanalysis.variability import variance_components

pytestmark = pytest.mark.requirement("UR-015")


def digits(ours, theirs) -> float:
    """Return the number of digits in which the worst of our values agrees."""
    worst = np.max(np.abs(np.asarray(ours) / np.asarray(theirs) - 1))
    return 15.0 if worst < 1e-15 else -np.log10(worst)


@pytest.fixture
def two_animals_per_group() -> pd.DataFrame:
    # group means 10 and 20; animals 1 off their group's mean; injections 0.5 off their animal's
    rows = [
        (group, animal, centre + shift + error)
        for group, centre in (("low", 10.0), ("high", 20.0))
        for animal, shift in ((f"{group}1", -1.0), (f"{group}2", 1.0))
        for error in (-0.5, 0.5)
    ]
    return pd.DataFrame(rows, columns=["group", "animal", "value"])


@pytest.mark.parametrize("method", ["anova", "reml"])
def test_balanced_design_by_hand(two_animals_per_group, method):
    # residual: 8 squares of 0.25 over 4 df = 0.5; animals: 8 squares of 1 over 2 df = 4 = 0.5 + 2 x 1.75
    result = variance_components(two_animals_per_group, "value", nested=("animal",), method=method)
    assert list(result["component"]) == ["animal", "residual"]
    assert_allclose(result["variance"], [1.75, 0.5])
    assert list(result["degrees_of_freedom"]) == [2, 4]
    assert_allclose(result["percent"], [100 * 1.75 / 2.25, 100 * 0.5 / 2.25])
    assert list(result["note"]) == ["", ""]


def test_the_residual_interval_is_chi_square(two_animals_per_group):
    result = variance_components(two_animals_per_group, "value", nested=("animal",), method="anova").iloc[-1]
    # 4 df x 0.5 over the 97.5 % and 2.5 % points of chi-square with 4 df
    assert_allclose([result["low"], result["high"]], [4 * 0.5 / 11.14328678, 4 * 0.5 / 0.48441856])


def test_without_fixed_cells_the_dose_inflates_the_animals(two_animals_per_group):
    alone = variance_components(two_animals_per_group, "value", nested=("animal",), fixed=())
    # animal means 9, 11, 19, 21: mean square 2 x (36 + 16 + 16 + 36) / 3 = 0.5 + 2 x 34.4166...
    assert_allclose(alone["variance"], [(2 * 104 / 3 - 0.5) / 2, 0.5])


def test_a_negative_estimate_is_kept_by_anova_and_zero_by_reml():
    # equal animal means: mean square between is 0, inside 2, so the animals get (0 - 2) / 2
    table = pd.DataFrame({"animal": list("aabbcc"), "value": [1.0, 3.0] * 3})
    anova = variance_components(table, "value", nested=("animal",), fixed=(), method="anova")
    reml = variance_components(table, "value", nested=("animal",), fixed=(), method="reml")
    assert_allclose(anova["variance"], [-1.0, 2.0])
    assert "negative" in anova["note"][0]
    assert reml["variance"][0] == 0.0
    assert "boundary" in reml["note"][0]
    assert_allclose(reml["variance"][1], 6 / 5)  # all squares over n - 1


def test_the_same_piece_label_in_every_animal_is_another_piece():
    rng = np.random.default_rng(11)
    rows = [(a, p, rng.normal(a)) for a in range(6) for p in (1, 2) for _ in range(2)]
    table = pd.DataFrame(rows, columns=["animal", "piece", "value"])
    own_labels = table.assign(piece=table["animal"].astype(str) + "-" + table["piece"].astype(str))
    results = [variance_components(each, "value", fixed=()) for each in (table, own_labels)]
    pd.testing.assert_frame_equal(*results)


@pytest.mark.parametrize("method", ["anova", "reml"])
def test_neither_order_of_rows_nor_a_shift_matters_and_scale_enters_squared(method):
    rng = np.random.default_rng(12)
    rows = [(a % 2, a, p, rng.normal(a)) for a in range(8) for p in range(rng.integers(1, 4)) for _ in range(2)]
    table = pd.DataFrame(rows, columns=["group", "animal", "piece", "value"])
    moved = table.assign(value=1000 + 3 * table["value"]).sample(frac=1, random_state=5)
    plain = variance_components(table, "value", method=method)
    other = variance_components(moved, "value", method=method)
    for column in ("variance", "low", "high"):
        assert_allclose(other[column], 9 * plain[column], rtol=1e-9, atol=1e-12)


def test_levels_without_replication_are_joined_and_named():
    rng = np.random.default_rng(13)
    rows = [(a, 1, e, rng.normal(a)) for a in range(5) for e in (1, 2)]  # one piece each, one injection each
    table = pd.DataFrame(rows, columns=["animal", "piece", "extraction", "value"])
    result = variance_components(table, "value", nested=("animal", "piece", "extraction"), fixed=())
    assert list(result["component"]) == ["animal+piece", "extraction+residual"]
    assert all("cannot be told apart" in note for note in result["note"])


def test_one_animal_per_group_has_a_sentence_and_no_number(two_animals_per_group):
    table = two_animals_per_group[two_animals_per_group["animal"].isin(["low1", "high1"])]
    animal, residual = variance_components(table, "value", nested=("animal",)).to_dict("records")
    assert np.isnan(animal["variance"])
    assert "not estimable" in animal["note"]
    assert_allclose(residual["variance"], 0.5)


def test_nothing_left_for_anything_is_said():
    table = pd.DataFrame({"group": list("ab"), "animal": list("xy"), "value": [1.0, 2.0]})
    result = variance_components(table, "value", nested=("animal",))
    assert result["variance"].isna().all()
    assert "not estimable" in result["note"][0]


def test_copied_replicates_leave_a_residual_of_zero():
    table = pd.DataFrame({"animal": list("aabbcc"), "value": [1.0, 1.0, 2.0, 2.0, 6.0, 6.0]})
    result = variance_components(table, "value", nested=("animal",), fixed=())
    assert_allclose(result["variance"], [7.0, 0.0])  # variance of 1, 2, 6
    assert "copied" in result["note"][1]


def test_missing_values_are_left_out_and_counted(two_animals_per_group):
    table = two_animals_per_group.copy()
    table.loc[len(table)] = ["low", "low1", np.nan]
    result = variance_components(table, "value", nested=("animal",))
    assert_allclose(result["variance"], [1.75, 0.5])
    assert result["note"].iloc[-1] == "rows without a value left out: 1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "weight"}, "no column 'weight'; the table has group, animal, value"),
        ({"method": "ml"}, "it must be 'reml' or 'anova'"),
        ({"level": 95}, "it must lie between 0 and 1"),
    ],
)
def test_misuse_is_named(two_animals_per_group, change, words):
    settings = {"value": "value", "nested": ("animal",), **change}
    with pytest.raises(ValueError, match=words):
        variance_components(two_animals_per_group, **settings)


def test_a_missing_label_and_an_infinite_value_are_refused(two_animals_per_group):
    with pytest.raises(ValueError, match="animal is missing in 1 row"):
        variance_components(
            two_animals_per_group.replace({"animal": {"low1": None}}).drop(index=0), "value", ("animal",)
        )
    with pytest.raises(ValueError, match="value holds 'BLQ' and must hold numbers"):
        variance_components(two_animals_per_group.astype(object).replace({"value": {8.5: "BLQ"}}), "value", ("animal",))
    with pytest.raises(ValueError, match="1 infinite values"):
        variance_components(two_animals_per_group.replace({"value": {8.5: -np.inf}}), "value", ("animal",))


def test_fixed_cells_may_cross_the_animals():
    # each animal on both days: residuals are what remains after animal and day, (n_animals - 1) df
    table = pd.DataFrame({"animal": list("aabbcc"), "day": [1, 2] * 3, "value": [1.0, 2.0, 3.0, 4.5, 5.0, 6.0]})
    result = variance_components(table, "value", nested=("animal",), fixed=("day",), method="anova")
    # differences 1, 1.5, 1: their variance 1/12 is twice the residual; means 1.5, 3.75, 5.5 hold animal + residual/2
    assert_allclose(result["variance"], [np.var([1.5, 3.75, 5.5], ddof=1) - 1 / 48, 1 / 24])
    assert "same animal label" in result["note"][0]


def test_reml_agrees_with_a_dense_likelihood():
    rng = np.random.default_rng(14)
    rows = [
        (rng.integers(3), a, p, rng.normal(scale=2) + rng.normal())
        for a in range(7)
        for p in range(rng.integers(1, 4))
        for _ in range(rng.integers(1, 4))
    ]
    table = pd.DataFrame(rows, columns=["day", "animal", "piece", "value"])  # days cross animals and pieces
    result = variance_components(table, "value", fixed=("day",))
    best = result.attrs["log_likelihood"]
    assert_allclose(best, dense_likelihood(table, result["variance"]), rtol=1e-12)
    for at in range(3):
        for factor in (0.98, 1.02):
            near = result["variance"].to_numpy().copy()
            near[at] = max(near[at] * factor, 1e-3)
            assert dense_likelihood(table, near) < best


def dense_likelihood(table: pd.DataFrame, variances) -> float:
    animal = pd.factorize(table["animal"])[0]
    piece = pd.factorize(table["animal"] * 10 + table["piece"])[0]
    x = np.eye(3)[pd.factorize(table["day"])[0]]
    between = [np.equal.outer(codes, codes).astype(float) for codes in (animal, piece)]
    v = sum(s * z for s, z in zip(variances, [*between, np.eye(len(table))], strict=True))
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    residual = table["value"] - x @ np.linalg.solve(information, x.T @ inverse @ table["value"])
    determinants = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    return -(determinants + residual @ inverse @ residual + (len(table) - 3) * np.log(2 * np.pi)) / 2


DESIGNS = {
    "vc_dyestuff": ("Yield", ("Batch",), ()),
    "vc_dyestuff2": ("Yield", ("Batch",), ()),
    "vc_rail": ("travel", ("Rail",), ()),
    "vc_pastes": ("strength", ("batch", "cask"), ()),
    "vc_pastes_unbalanced": ("strength", ("batch", "cask"), ()),
    "vc_ep05a2_1": ("y", ("day", "run"), ()),
    "vc_ep05a3_ms1": ("y", ("site", "day"), ()),
    "vc_tissue_sim_unbalanced": ("log_conc", ("animal", "piece", "extraction"), ("group",)),
}


@pytest.mark.reference
@pytest.mark.parametrize("name", DESIGNS)
def test_anova_of_independent_software(reference, name):
    value, nested, fixed = DESIGNS[name]
    table, known = read_case(reference, name)
    rows = known.get("anova_type1_vcaMM") or known["anova_type1"]["aov_table_negative_kept"]
    theirs = [row for row in rows if row["component"] != "total"]
    ours = variance_components(table, value, nested, fixed, method="anova")
    agreement = digits(ours["variance"], [row["VC"] for row in theirs])
    print(f"{name}: ANOVA {agreement:.1f} digits")
    assert agreement > 8
    assert list(ours["degrees_of_freedom"]) == [row["DF"] for row in theirs]
    assert_allclose(ours["percent"], 100 * ours["variance"] / ours["variance"].sum())


@pytest.mark.reference
@pytest.mark.parametrize("name", DESIGNS)
def test_reml_of_independent_software(reference, name):
    value, nested, fixed = DESIGNS[name]
    table, known = read_case(reference, name)
    theirs = np.array(list(known["reml_fisher_scoring_python"]["components"].values()))
    ours = variance_components(table, value, nested, fixed)
    assert ours["variance"][theirs == 0].eq(0).all()
    agreement = digits(ours["variance"][theirs > 0], theirs[theirs > 0])
    print(f"{name}: REML {agreement:.1f} digits")
    assert agreement > 8
    assert_allclose(ours.attrs["log_likelihood"], known["reml"]["logLik"], rtol=1e-9)


@pytest.mark.reference
def test_groups_taken_as_random(reference):
    table, known = read_case(reference, "vc_tissue_sim_unbalanced")
    levels = ("group", "animal", "piece", "extraction")
    anova = variance_components(table, "log_conc", levels, (), method="anova")["variance"]
    reml = variance_components(table, "log_conc", levels, ())
    assert digits(anova, [row["VC"] for row in known["fully_random_anova_group_random"][1:]]) > 8
    # their optimiser stopped a little early: our likelihood is the higher one
    theirs = known["reml_group_random"]
    names = ["group", "animal", "animal:piece", "animal:piece:extraction", "Residual"]
    assert reml.attrs["log_likelihood"] > theirs["logLik"]
    assert_allclose(reml["variance"], [theirs["components"][name] for name in names], rtol=3e-6)


@pytest.mark.reference
@pytest.mark.parametrize("name", ["SiRstv", "SmLs01", "SmLs02", "SmLs04"])
def test_components_of_nist_one_way_data(reference, name):
    table, known = read_case(reference, f"nist_anova_{name}")
    ours = variance_components(table, "y", ("treatment",), (), method="anova")["variance"]
    assert digits(ours, [known["derived"]["between_group_variance_anova"], known["within"]["ms"]]) > 9


def read_case(reference, name: str) -> tuple[pd.DataFrame, dict]:
    folder = reference / "stats" / name
    return pd.read_csv(folder / "data.csv"), json.loads((folder / "reference.json").read_text())


def test_many_rows_take_seconds_and_few_take_none():
    rng = np.random.default_rng(15)
    animal, piece = np.repeat(np.arange(2000), 10), np.tile([1, 1, 1, 1, 1, 2, 2, 2, 2, 2], 2000)
    table = pd.DataFrame({"animal": animal, "piece": piece, "group": animal % 8})
    table["value"] = rng.normal(size=2000)[animal] + rng.normal(size=4000)[animal * 2 + piece - 1] / 2
    table["value"] += rng.normal(size=len(table)) / 4
    started = time.perf_counter()
    result = variance_components(table, "value")
    assert time.perf_counter() - started < 6  # 20 000 rows; the design allows 100 000 in 30 s
    assert_allclose(result["variance"], [1, 1 / 4, 1 / 16], rtol=0.1)
