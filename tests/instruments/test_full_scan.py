"""Traces extracted from full scans: sums of ions that can be done on paper, and refusals."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from mzml_writer import chromatogram, document, spectrum
from numpy.testing import assert_allclose

from bioanalysis.chromatography import integrate
from bioanalysis.errors import BatchError
from bioanalysis.full_scan_ions import ions_mz
from bioanalysis.instruments.mzml import read_injection, read_lcms_run
from bioanalysis.method import Transition
from bioanalysis.oligonucleotides import oligonucleotide_mass

pytestmark = pytest.mark.requirement("UR-001")

MIPOMERSEN_DA = 7172.092  # monoisotopic
STATED = {
    "name": "quan", "analyte": "mipomersen", "role": "quantifier", "rt_min": 3.0, "ms_level": 1,
    "neutral_mass_da": MIPOMERSEN_DA, "charges": [8, 9], "isotopes": [2, 3, 4], "polarity": "negative",
}  # fmt: skip
STARTS = np.arange(150, 210, 0.8) / 60


def transition(**changes):
    return Transition(**STATED | changes)


def scans(heights, ions, **changes):
    """Return scans in which each ion has its share of a height, beside points of 5000 counts 30 ppm above each."""
    mz = np.sort(np.concatenate([ions, np.asarray(ions) * (1 + 30e-6)]))
    beside = np.isin(mz, ions, invert=True)
    return tuple(
        spectrum(start, mz, np.where(beside, 5000.0, height / len(ions)), number=number, **changes)
        for number, (start, height) in enumerate(zip(STARTS, heights, strict=True))
    )


@pytest.fixture
def read(tmp_path):
    def reader(content: bytes, *wanted):
        (tmp_path / "inj01.mzML").write_bytes(content)
        return read_injection(tmp_path / "inj01.mzML", "raw/inj01.mzML", wanted or [transition()], 0.3).matched

    return reader


def refusal(read, content: bytes, *wanted) -> str:
    with pytest.raises(BatchError) as refused:
        read(content, *wanted)
    return str(refused.value)


def test_ions_of_charge_states_and_isotopes():
    # 9-: (7172.092 - 9 x 1.00728) / 9 = 795.892; isotopes lie 1.003 / 9 = 0.1114 apart
    assert_allclose(ions_mz({"neutral_mass_da": MIPOMERSEN_DA, "charges": [9]}), [795.892], atol=0.001)
    two = ions_mz({"neutral_mass_da": MIPOMERSEN_DA, "charges": [9], "isotopes": [0, 1]})
    assert_allclose(np.diff(two), 1.003 / 9, atol=1e-4)
    (plus,) = ions_mz({"neutral_mass_da": 281.2, "charges": [1], "polarity": "positive"})
    assert_allclose(plus, 281.2 + 1.00728, atol=1e-4)
    assert_allclose(oligonucleotide_mass("mipomersen").monoisotopic_da, MIPOMERSEN_DA, atol=0.001)


def test_all_ions_within_their_windows_are_summed_and_nothing_else(read):
    heights = 1000.0 * np.arange(1, len(STARTS) + 1)
    trace = read(document(spectra=scans(heights, transition().ions_mz)))["quan"]
    assert len(transition().ions_mz) == 6
    assert_allclose(trace.intensity, heights, rtol=1e-6)
    assert_allclose(trace.time_min, STARTS, rtol=1e-12)


def test_a_wide_window_takes_the_neighbours_along(read):
    trace = read(document(spectra=scans(np.zeros(len(STARTS)), transition().ions_mz)), transition(mz_tolerance_ppm=40))
    assert_allclose(trace["quan"].intensity, 6 * 5000.0)


def test_windows_that_overlap_count_each_point_once(read):
    # 1.003 / 9 Th apart, and 150 ppm of 796 on either side: 0.119 Th
    wide = transition(charges=[9], isotopes=[0, 1, 2], mz_tolerance_ppm=150)
    content = document(spectra=scans(np.full(len(STARTS), 3000.0), wide.ions_mz))
    assert_allclose(read(content, wide)["quan"].intensity, 3000 + 3 * 5000.0, rtol=1e-6)


def test_scans_of_the_other_polarity_and_of_fragments_are_left_aside(read):
    ours = scans(np.full(len(STARTS), 700.0), transition().ions_mz)
    others = [scans(np.full(len(STARTS), 9e5), transition().ions_mz, **change) for change in
              ({"polarity": "positive"}, {"level": 2})]  # fmt: skip
    mixed = [scan for three in zip(ours, *others, strict=True) for scan in three]
    assert_allclose(read(document(spectra=tuple(mixed)))["quan"].intensity, 700.0, rtol=1e-6)


def test_the_area_is_that_of_the_summed_ions(read):
    sigma_s = 3.0
    heights = 1e6 * np.exp(-0.5 * ((60 * STARTS - 180) / sigma_s) ** 2)
    trace = read(document(spectra=scans(heights, transition().ions_mz)))["quan"]
    found = integrate(trace.time_min, trace.intensity, rt_min=3.0, peak_width_s=12)
    assert found.area == pytest.approx(1e6 * sigma_s * np.sqrt(2 * np.pi), rel=0.005)


def test_full_scans_and_monitored_reactions_of_one_file_go_the_same_road(tmp_path):
    content = document(chromatogram(), spectra=scans(np.full(len(STARTS), 700.0), transition().ions_mz))
    (tmp_path / "a.mzML").write_bytes(content)
    monitored = SimpleNamespace(
        name="is", q1_mz=651.5, q3_mz=94.9, polarity=None, rt_min=3.0, rt_window_min=0.5, peak_width_s=6.0
    )
    run = read_lcms_run(tmp_path, [(1, "a.mzML", "a.mzML")], [transition(), monitored], 0.3)
    assert [len(run.trace(0, number)[0]) for number in (0, 1)] == [len(STARTS), 1500]


def test_what_keeps_scans_from_being_summed_is_said_with_the_scan(read):
    good = scans(np.full(len(STARTS), 700.0), transition().ions_mz)
    profile = scans(np.full(len(STARTS), 700.0), transition().ions_mz, profile=True)
    said = refusal(read, document(spectra=(*good[:10], profile[10], *good[11:])))
    assert "spectrum 'scan=11': a profile spectrum; expected centroided spectra" in said
    assert "time runs backwards" in refusal(read, document(spectra=good[::-1]))
    nan = spectrum(STARTS[5], [700.0, 701.0], [1.0, np.nan], number=5)
    assert "spectrum 'scan=6': m/z or intensities that are not finite" in refusal(
        read, document(spectra=(*good[:5], nan, *good[6:]))
    )
    short = document(spectra=good).replace(f'spectrumList count="{len(good)}"'.encode(), b'spectrumList count="99"')
    assert f"announces 99 spectra and holds {len(good)}" in refusal(read, short)
    assert "0 spectra, none of MS level 1" in refusal(read, document(chromatogram()))


def test_minutes_taken_for_seconds_are_noticed(read):
    as_seconds = scans(np.full(len(STARTS), 700.0), transition().ions_mz, unit="second")
    assert "does not reach 2.500 to 3.500 min" in refusal(read, document(spectra=as_seconds))
    too_far = tuple(spectrum(60 * start, [700.0], [1.0], number=number) for number, start in enumerate(STARTS))
    assert "does not reach" in refusal(read, document(spectra=too_far))


@pytest.mark.parametrize(
    ("change", "place"),
    [({"charges": []}, "charges"), ({"neutral_mass_da": None}, "neutral_mass_da"), ({"isotopes": [-1]}, "isotopes")],
)
def test_a_full_scan_transition_without_ions_is_refused(change, place):
    with pytest.raises(ValueError, match=place):
        transition(**change)


def test_a_transition_of_two_masses_needs_both():
    with pytest.raises(ValueError, match="q3_mz"):
        Transition(name="quan", analyte="a", role="quantifier", rt_min=3.0, q1_mz=500.0)
