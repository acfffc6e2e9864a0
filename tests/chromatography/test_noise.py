"""What the run tells about its noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bioanalysis.chromatography.block import Block
from bioanalysis.chromatography.noise import ion_quantum, variance_per_count

pytestmark = pytest.mark.requirement("UR-010")

DICE = np.random.default_rng(5)


@pytest.mark.parametrize("quantum", [1.0, 40.0, 12.5])
def test_a_counting_detector_shows_its_quantum(quantum):
    assert ion_quantum(quantum * DICE.poisson(3, 5000)) == quantum


def test_the_quantum_survives_a_dead_time_correction_at_the_top():
    counts = DICE.poisson(np.geomspace(0.1, 1e4, 5000))
    assert ion_quantum(40.0 * counts / (1 - 1e-6 * counts * (counts > 500))) == 40.0


def test_an_analogue_detector_shows_none():
    assert ion_quantum(np.abs(DICE.normal(100, 30, 5000))) == 0.0
    assert ion_quantum(np.zeros(100)) == 0.0


@pytest.mark.parametrize("per_count", [0.0, 30.0])
def test_noise_that_grows_with_the_signal_is_measured(per_count):
    time_s = np.arange(0, 120, 0.2)
    shape = np.exp(-0.5 * ((time_s - 60) / 5) ** 2)
    signal = np.geomspace(1e3, 1e5, 60)[:, None] * shape
    noisy = signal + DICE.normal(0, np.sqrt(100.0**2 + per_count * signal))
    block = Block.stack([(time_s / 60, row) for row in noisy])
    found = variance_per_count(block, np.zeros_like(noisy), np.full(60, 100.0**2))
    assert_allclose(found, per_count, rtol=0.25, atol=1.0)
