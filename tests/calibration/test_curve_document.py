"""A curve written to JSON and read again is the same curve, whatever JSON does to the order of its keys."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bioanalysis.calibration import curve_from_dict, make_estimator

pytestmark = pytest.mark.requirement("UR-012")

NOMINAL = np.array([1.0, 3, 10, 30, 100, 300, 1000, 1, 3, 10, 30, 100, 300, 1000])


@pytest.mark.parametrize("model", ["linear", "quadratic", "4pl", "5pl"])
def test_a_curve_survives_json_with_sorted_keys(model):
    response = 0.05 + 2.5 / (1 + (90 / NOMINAL) ** 1.1) * np.tile([1.01, 0.99], 7)
    if model in ("linear", "quadratic"):
        response = 0.01 + 0.002 * NOMINAL * np.tile([1.01, 0.99], 7)
    curve = make_estimator(model, "none").fit(NOMINAL, response)
    again = curve_from_dict(json.loads(json.dumps(curve.to_dict(), sort_keys=True)))
    np.testing.assert_array_equal(again.predict(NOMINAL), curve.predict(NOMINAL))
    readings = curve.back_calculate(response[:3]), again.back_calculate(response[:3])
    np.testing.assert_array_equal(readings[0].low, readings[1].low)
