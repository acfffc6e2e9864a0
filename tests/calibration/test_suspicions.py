"""Standards that do not go with the rest are named."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.calibration import FourParameterLogistic, WeightedLinear
from bioanalysis.calibration.suspicions import FALSE_ALARMS

pytestmark = pytest.mark.requirement("UR-011")

LEVELS = np.repeat([1.0, 2.5, 6, 15, 40, 100, 250, 600], 2)


def plate(seed=0, zero=0.08, infinite=2.8):
    truth = infinite + (zero - infinite) / (1 + (LEVELS / 30) ** 1.2)
    return truth + 0.02 * np.random.default_rng(seed).standard_normal(16)


@pytest.mark.parametrize(("zero", "infinite"), [(0.08, 2.8), (2.8, 0.08)])
@pytest.mark.parametrize("weighting", ["none", "1/x"])
def test_a_hook_is_suspected_at_the_top(zero, infinite, weighting):
    response = plate(zero=zero, infinite=infinite)
    response[-2:] -= 0.25 * (infinite - zero)
    messages = FourParameterLogistic(weighting).fit(LEVELS, response).messages_
    assert len(messages) == 1
    assert messages[0].startswith("the highest standard (600) reads")
    assert messages[0].endswith("a hook?")


def test_a_bad_well_is_named_with_what_it_should_read():
    response = plate()
    response[8] = 3.0  # a well of standard 40, whose truth is 1.67
    (message,) = FourParameterLogistic().fit(LEVELS, response).messages_
    assert message.startswith("a well of standard 40 read 3, the others put it at 1.5")
    assert message.endswith("a bad well or standard?")


def test_a_wrongly_made_standard_is_named():
    response = plate()
    response[4:6] = plate()[6:8]  # 6 was spiked as 15
    messages = FourParameterLogistic().fit(LEVELS, response).messages_
    assert any(message.startswith("all wells of standard 6 read") for message in messages)


def test_a_saturated_reader_is_suspected():
    messages = FourParameterLogistic().fit(LEVELS, np.minimum(plate(), 2.0)).messages_
    assert messages[0] == "6 standards (100, 250, 600) all read 2, the highest response: a saturated reader?"


def test_sound_plates_are_seldom_suspected():
    alarms = sum(bool(FourParameterLogistic().fit(LEVELS, plate(seed)).messages_) for seed in range(100))
    assert alarms <= 100 * FALSE_ALARMS + 3


def test_an_exact_curve_is_not_suspected():
    exact = 2.8 - 2.7 / (1 + (LEVELS / 30) ** 1.2)
    assert FourParameterLogistic().fit(LEVELS, exact).messages_ == ()


def test_what_the_others_say_is_the_fit_without_it():
    # for a straight line the deletion is exact: leave the standard out, fit again, predict
    nominal, response = np.arange(1.0, 11), np.arange(1.0, 11) + 0.01 * np.cos(7 * np.arange(10))
    response[3] += 5
    (message,) = WeightedLinear().fit(nominal, response).suspicions(nominal, response)
    without = WeightedLinear().fit(np.delete(nominal, 3), np.delete(response, 3)).predict([4])[0]
    assert_allclose(float(message.split("put it at ")[1].split(":")[0]), without, rtol=1e-3)


def test_a_curve_through_saturated_standards_gives_values_without_intervals():
    levels = np.repeat([1.0, 2, 5, 10, 20, 50, 100, 200], 2)
    noise = 1 + 0.01 * np.random.default_rng(5).standard_normal(len(levels))
    response = np.minimum((3 - 2.9 / (1 + levels / 30)) * noise, 1.9)  # what 50 ng/mL reads
    curve = FourParameterLogistic().fit(levels, response)
    found = curve.back_calculate([1.0])
    assert np.isfinite(found.concentration[0])
    assert found[["low", "high"]].isna().all(axis=None)
    assert found.reason[0].startswith("no interval: ")
    assert found.reason[0].endswith("all read 1.9, the highest response: a saturated reader? Leave them out of the fit")
