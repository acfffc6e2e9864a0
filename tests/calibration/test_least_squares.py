"""NIST's certified nonlinear regressions: parameters and standard deviations, from both starts.

Data: NIST/ITL StRD, https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml (public domain).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bioanalysis.calibration.least_squares import fit_least_squares, unbounded

pytestmark = pytest.mark.requirement("UR-011")

NIST = Path(__file__).parent / "nist"


def rational(x, b, top, bottom):
    """Return value and Jacobian of a ratio whose numerator and denominator are sums of b * basis."""
    numerator, denominator = b[: len(top)] @ top, 1 + b[len(top) :] @ bottom
    gradient = np.concatenate([top / denominator, -numerator / denominator**2 * bottom])
    return numerator / denominator, gradient.T


def chwirut2(x, b):
    decay, line = np.exp(-b[0] * x), b[1] + b[2] * x
    return decay / line, np.stack([-x * decay / line, -decay / line**2, -x * decay / line**2], axis=1)


def eckerle4(x, b):
    z = (x - b[2]) / b[1]
    bell = np.exp(-0.5 * z**2) / b[1]
    return b[0] * bell, np.stack([bell, b[0] * bell * (z**2 - 1) / b[1], b[0] * bell * z / b[1]], axis=1)


def mgh09(x, b):
    top, bottom = x**2 + x * b[1], x**2 + x * b[2] + b[3]
    columns = [top / bottom, b[0] * x / bottom, -b[0] * top * x / bottom**2, -b[0] * top / bottom**2]
    return b[0] * top / bottom, np.stack(columns, axis=1)


def misra1a(x, b):
    decay = np.exp(-b[1] * x)
    return b[0] * (1 - decay), np.stack([1 - decay, b[0] * x * decay], axis=1)


def rat42(x, b):
    share = 1 / (1 + np.exp(b[1] - b[2] * x))
    return b[0] * share, np.stack([share, -b[0] * share * (1 - share), b[0] * x * share * (1 - share)], axis=1)


def rat43(x, b):
    power = np.exp(b[1] - b[2] * x)
    share = (1 + power) ** (-1 / b[3])
    slope = -b[0] / b[3] * share * power / (1 + power)
    return b[0] * share, np.stack([share, slope, -x * slope, b[0] * share * np.log1p(power) / b[3] ** 2], axis=1)


def thurber(x, b):
    return rational(x, b, np.stack([x**0, x, x**2, x**3]), np.stack([x, x**2, x**3]))


MODELS = {
    "Chwirut2": chwirut2,
    "Eckerle4": eckerle4,
    "MGH09": mgh09,
    "Misra1a": misra1a,
    "Rat42": rat42,
    "Rat43": rat43,
    "Thurber": thurber,
}


def read_nist(name):
    """Return y, x, starts (2, p), certified parameters and standard deviations of one set."""
    text = (NIST / f"{name}.dat").read_text()
    rows = [line.split("=")[1].split() for line in re.findall(r"^\s*b\d+ =.*$", text, re.MULTILINE)]
    numbers = np.array(rows, dtype=float)
    last_header = re.search(r"^Data:\s+y\s+x\s*$", text, re.MULTILINE)
    y, x = np.array(text[last_header.end() :].split(), dtype=float).reshape(-1, 2).T
    return y, x, numbers[:, :2].T, numbers[:, 2], numbers[:, 3]


def correct_digits(found, certified):
    """Return the fewest correct digits, -log10 of the relative error (NIST's LRE), at most 11 as certified."""
    with np.errstate(divide="ignore"):
        return float(np.min(np.minimum(11, -np.log10(np.abs(found - certified) / np.abs(certified)))))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("start", "digits"), [(0, 9), (1, 9)])
def test_nist_certified_regressions_are_met_from_both_starts(name, start, digits):
    y, x, starts, certified, certified_sd = read_nist(name)

    def model(parameters):
        fitted, jacobian = MODELS[name](x, parameters[0])
        return fitted[None], jacobian[None]

    problem = unbounded(model, y[None], len(certified))
    solution = fit_least_squares(problem, starts[None, start])
    residual_sd = np.sqrt(solution.sum_of_squares[0] / (len(y) - len(certified)))
    inverse = np.linalg.inv(solution.factor[0])
    sd = residual_sd * np.linalg.norm(inverse, axis=1)

    lre = correct_digits(solution.parameters[0], certified), correct_digits(sd, certified_sd)
    print(f"{name} start {start + 1}: LRE of parameters {lre[0]:.1f}, of standard deviations {lre[1]:.1f}")
    assert min(lre) >= digits
