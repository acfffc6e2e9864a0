"""Classes of liver findings at their limits; correlation within groups against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from animals_of_study import settings
from numpy.testing import assert_allclose
from scipy import stats

from bioanalysis.exposure.liver_safety import classes_of, correlation, meets
from bioanalysis.study.config import LiverSafety

pytestmark = pytest.mark.requirement("UR-016")

PRESET = classes_of(LiverSafety())


def class_of(test: str, value: float) -> str:
    return next((one.name for one in reversed(PRESET) if one.applies(test, value)), "")


@pytest.mark.parametrize(
    ("test", "value", "name"),
    [
        ("ALT", 2.99, ""), ("ALT", 3.0, "repeat"), ("ast", 4.99, "repeat"), ("AST", 5.0, "interrupt"),
        ("bilirubin", 2.0, ""), ("bilirubin", 2.01, "stop"), ("symptoms", 1, "stop_symptoms"), ("ALP", 9, ""),
        ("ALT", np.nan, ""),
    ],
)  # fmt: skip
def test_classes_of_the_preset_at_their_limits(test, value, name):
    assert class_of(test, value) == name


def test_every_class_of_the_preset_names_its_source():
    assert all(one.source.startswith("house preset") for one in PRESET)


def test_comparisons_are_read_as_written():
    assert meets(3, ">= 3 and < 5")
    assert not meets(5, ">=3 and <5")
    assert meets(0.4, "< 0.5")


def test_a_study_has_its_own_classes():
    own = [{"name": "look", "tests": ["ALT"], "when": "> 1.5", "scale": "control", "source": "protocol 4.2"}]
    found = classes_of(settings(liver_safety={"classes": own}).liver_safety)
    assert [one.source for one in found] == ["protocol 4.2"]
    assert classes_of(LiverSafety(preset="none")) == ()


def test_a_comparison_that_is_none_is_refused():
    own = [{"name": "look", "tests": ["ALT"], "when": "about 3"}]
    with pytest.raises(ValueError, match="comparisons such as"):
        settings(liver_safety={"classes": own})


def test_without_groups_it_is_pearsons_correlation():
    x, y = np.array([1.0, 2, 3, 4, 5.5]), np.array([2.0, 1, 4, 3, 6])
    test = stats.pearsonr(x, y)
    found = correlation(x, y)
    assert_allclose([found.coefficient, found.p_value], [test.statistic, test.pvalue])
    assert_allclose([found.low, found.high], list(test.confidence_interval(0.95)))


def test_a_correlation_made_by_the_dose_vanishes_within_groups():
    # within each group x and y go across each other: (0, 1), (1, 0); between groups both rise
    x = np.array([0.0, 1, 0, 1, 10, 11, 10, 11])
    y = np.array([0.0, 0, 1, 1, 10, 10, 11, 11])
    assert correlation(x, y).coefficient > 0.98
    within = correlation(x, y, ["a"] * 4 + ["b"] * 4)
    assert_allclose(within.coefficient, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "groups", "note"),
    [([1.0, 2], None, "too few to correlate: 2 animals"),
     ([1.0, 2, 3, 4], ["a", "b", "c", "d"], "too few to correlate: 4 animals"),
     ([1.0, 1, 1, 1, 1], None, "no scatter: no correlation")],
)  # fmt: skip
def test_what_has_no_correlation_says_why(x, groups, note):
    found = correlation(x, np.arange(len(x), dtype=float), groups)
    assert np.isnan(found.coefficient)
    assert found.note == note
