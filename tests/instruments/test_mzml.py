"""Traces come back as they were written, or not at all and with a plain reason."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import zlib
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mzml_writer import SIGNAL, TIME_MIN, array, chromatogram, document, term
from numpy.testing import assert_allclose, assert_array_equal

from bioanalysis.errors import BatchError
from bioanalysis.instruments.matching import match_transitions
from bioanalysis.instruments.mzml import read_lcms_run, read_traces
from bioanalysis.instruments.openms import _pyopenms
from bioanalysis.instruments.traces import RunTraces

pytestmark = pytest.mark.requirement("UR-001")


def transition(**changes):
    usual = dict(name="quan", q1_mz=651.5, q3_mz=94.9, polarity=None, rt_min=3.0, rt_window_min=0.5, peak_width_s=6.0)
    return SimpleNamespace(**usual | changes)


@pytest.fixture
def written(tmp_path):
    def write(content: bytes, name: str = "inj01.mzML") -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


def refusal(path: Path, *transitions) -> str:
    """Return what the user is told about a file that must be refused."""
    with pytest.raises(BatchError) as refused:
        match_transitions(read_traces(path, "raw/run1/inj01.mzML"), transitions, 0.3, "raw/run1/inj01.mzML")
    assert str(refused.value).startswith("raw/run1/inj01.mzML cannot be used:")
    return str(refused.value)


def test_a_trace_comes_back_as_it_was_written(written):
    (trace,) = read_traces(written(document(chromatogram(polarity="negative"))), "inj01")
    assert (trace.q1_mz, trace.q3_mz, trace.polarity) == (651.5, 94.9, "negative")
    assert_allclose(trace.time_min, TIME_MIN, rtol=1e-12, atol=0)
    assert_array_equal(trace.intensity, SIGNAL)
    assert trace.time_min.dtype == trace.intensity.dtype == np.float64


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("time_size", [4, 8])
def test_minutes_and_seconds_are_told_apart_by_their_unit(written, compressed, time_size):
    coded = dict(compressed=compressed, time_size=time_size)
    in_minutes = chromatogram(TIME_MIN, unit="minute", **coded)
    in_seconds = chromatogram(60 * TIME_MIN, unit="second", q1_mz=500.0, **coded)
    first, second = read_traces(written(document(in_minutes, in_seconds)), "inj01")
    assert_allclose(first.time_min, TIME_MIN, rtol=2e-7)
    assert_allclose(second.time_min, TIME_MIN, rtol=2e-7)


def test_gzipped_files_are_read(written):
    path = written(gzip.compress(document(chromatogram())), "inj01.mzML.gz")
    assert_array_equal(read_traces(path, "inj01")[0].intensity, SIGNAL)


def test_a_correct_checksum_passes_and_a_changed_file_does_not(written):
    whole = document(chromatogram(compressed=False), indexed=True)
    assert len(read_traces(written(whole), "inj01")) == 1
    place = whole.index(b"<binary>") + 400
    changed = whole[:place] + (b"A" if whole[place : place + 1] != b"A" else b"B") + whole[place + 1 :]
    assert "SHA-1" in refusal(written(changed))


def test_a_total_ion_current_is_listed_and_belongs_to_no_transition(written):
    total = chromatogram(q1_mz=None, q3_mz=None, kind="MS:1000235")
    traces = read_traces(written(document(total, chromatogram())), "inj01")
    matched, left_over = match_transitions(traces, [transition()], 0.3, "inj01")
    assert matched["quan"] is traces[1]
    assert left_over == [traces[0]]
    assert np.isnan(traces[0].q1_mz)


DAMAGED = {
    "cut in the middle": (document(chromatogram())[:-5000], "breaks off"),
    "cut before the last tag": (document(chromatogram())[:-8], "breaks off"),
    "cut inside indexedmzML": (document(chromatogram(), indexed=True)[:-20], "breaks off"),
    "a table": (b"well,signal\nA1,0.3\n", "begins with 'well,signal'"),
    "empty": (b"", "it is empty"),
    "an archive": (b"PK\x03\x04" + bytes(100), "zip archive or an office document"),
    "another XML": (b"<html><body/></html>", "outermost element is <html>"),
    "entities": (b'<!DOCTYPE x [<!ENTITY a "b">]>' + document(chromatogram()).partition(b"?>")[2], "DOCTYPE"),
    "fewer chromatograms than announced": (document(chromatogram(), count=4), "announces 4 chromatograms and holds 1"),
    "no chromatograms": (document(), "0 spectra and no chromatograms"),
    "fewer points than announced": (document(chromatogram(points=1600)), "1500 of 1600 points"),
    "arrays of unequal length": (document(chromatogram(intensity=SIGNAL[:900])), "900 of 1500 points of the intensity"),
    "not a number": (document(chromatogram(intensity=np.where(TIME_MIN > 5.9, np.nan, SIGNAL))), "not finite"),
    "infinite": (document(chromatogram(intensity=np.where(TIME_MIN > 5.9, np.inf, SIGNAL))), "not finite"),
    "negative": (document(chromatogram(intensity=SIGNAL - 300)), "intensities are negative"),
    "times that run backwards": (document(chromatogram(TIME_MIN[::-1])), "time runs backwards after point 1"),
    "no Q3": (document(chromatogram(q3_mz=None)), "Q1 or Q3 is missing"),
    "a broken gzip": (gzip.compress(document(chromatogram()))[:-300], "truncated or damaged"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_with_the_reason(written, damage):
    content, reason = DAMAGED[damage]
    assert reason in refusal(written(content))


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_saved_as_utf_16_is_told_so(written, codec):
    text = document(chromatogram()).decode()
    for declared in (text, re.sub('encoding="[^"]*"', 'encoding="UTF-16"', text, count=1)):
        said = refusal(written(declared.encode(codec)))
        assert "the text is UTF-16 or binary; expected an mzML file in UTF-8" in said


def test_text_that_is_not_base64_is_refused(written):
    whole = document(chromatogram(compressed=False))
    place = whole.index(b"<binary>") + 400
    assert "not base64" in refusal(written(whole[:place] + b"!" + whole[place + 1 :]))


def test_a_flipped_bit_in_compressed_data_is_refused(written):
    whole = document(chromatogram())
    place = whole.index(b"<binary>") + 400
    swapped = b"A" if whole[place : place + 1] != b"A" else b"B"
    assert "cannot be decoded" in refusal(written(whole[:place] + swapped + whole[place + 1 :]))


@pytest.mark.requirement("UR-063")
def test_small_files_that_expand_to_huge_ones_are_refused(written):
    bomb = gzip.compress(bytes(10**8), 1)
    assert "expands to more than 67,108,864" in refusal(written(bomb, "bomb.mzML.gz"))
    packed = b64encode(zlib.compress(bytes(10**8), 9))
    whole = document(chromatogram())
    start, end = whole.index(b"<binary>") + 8, whole.index(b"</binary>")
    said = refusal(written(whole[:start] + packed + whole[end:]))
    assert "chromatogram 1" in said
    assert "time array expands to more than the 12,000 bytes announced" in said
    huge = document(chromatogram(points=99_999_999_999))
    assert "announces 99,999,999,999 points" in refusal(written(huge))


def test_names_and_numbers_of_a_file_are_shown_short(written):
    whole = document(chromatogram())
    for old, new in ((b'List count="1" defaultDataP', b'List count="%s" defaultDataP'), (b"Q1=651.5 Q3", b"Q1=%s Q3")):
        assert old in whole
        said = refusal(written(whole.replace(old, new % (b"9" * 6000))), transition(q1_mz=1.0))
        assert len(said) < 400


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "cannot be opened (No such file or directory)" in refusal(tmp_path / "nothing.mzML")
    assert "cannot be opened" in refusal(tmp_path)


@pytest.mark.requirement("UR-004")
def test_transitions_find_their_trace_by_both_masses_and_time(written):
    late, other = chromatogram(TIME_MIN + 6), chromatogram(q3_mz=319.1)
    traces = read_traces(written(document(late, other, chromatogram())), "inj01")
    matched, left_over = match_transitions(traces, [transition()], 0.3, "inj01")
    assert matched == {"quan": traces[2]}
    assert left_over == traces[:2]


def test_the_tolerance_is_inclusive(written):
    traces = read_traces(written(document(chromatogram(q1_mz=651.8))), "inj01")
    assert match_transitions(traces, [transition()], 0.3, "inj01")[0]["quan"] is traces[0]
    assert "no trace has Q1 651.50" in refusal(written(document(chromatogram(q1_mz=651.81))), transition())


def test_polarity_tells_traces_apart_only_where_both_sides_name_it(written):
    both = document(chromatogram(polarity="positive"), chromatogram(polarity="negative"))
    traces = read_traces(written(both), "inj01")
    assert match_transitions(traces, [transition(polarity="negative")], 0.3, "f")[0]["quan"] is traces[1]
    assert "2 traces have" in refusal(written(both), transition())
    silent = read_traces(written(document(chromatogram())), "inj01")
    assert match_transitions(silent, [transition(polarity="negative")], 0.3, "f")[0]["quan"] is silent[0]


@pytest.mark.requirement("UR-004")
def test_two_traces_for_one_transition_are_a_fault_naming_both(written):
    message = refusal(written(document(chromatogram(), chromatogram(q1_mz=651.7))), transition())
    assert "transition quan: 2 traces have Q1 651.50 and Q3 94.90 within 0.3 Th" in message
    assert "SRM Q1=651.5" in message
    assert "SRM Q1=651.7" in message


@pytest.mark.requirement("UR-004")
def test_a_missing_transition_names_the_nearest_trace(written):
    message = refusal(written(document(chromatogram(), chromatogram(q1_mz=400.0))), transition(name="is", q1_mz=402.0))
    assert "transition is: no trace has Q1 402.00" in message
    assert "nearest: 'SRM Q1=400.0 Q3=94.9'" in message


def test_mistaken_time_units_do_not_pass(written):
    as_seconds = document(chromatogram(TIME_MIN, unit="second"))
    assert "does not reach 2.500 to 3.500 min" in refusal(written(as_seconds), transition())
    as_minutes = document(chromatogram(60 * TIME_MIN, unit="minute"))
    assert "points 14.4 s apart" in refusal(written(as_minutes), transition())


def test_an_empty_trace_matters_only_to_the_transition_it_belongs_to(written):
    path = written(document(chromatogram([], []), chromatogram(q1_mz=500.0)))
    assert len(match_transitions(read_traces(path, "f"), [transition(q1_mz=500.0)], 0.3, "f")[1]) == 1
    assert "has no points" in refusal(path, transition())


def test_all_faults_of_all_files_of_a_run_come_at_once(written, tmp_path):
    written(document(chromatogram(q1_mz=400.0)), "a.mzML")
    written(b"", "b.mzML")
    files = [(1, "a.mzML", "raw/a.mzML"), (2, "b.mzML", "raw/b.mzML"), (3, "c.mzML", "raw/c.mzML")]
    with pytest.raises(BatchError) as refused:
        read_lcms_run(tmp_path, files, [transition(), transition(name="is", q1_mz=300.0)], 0.3)
    assert [fault.file for fault in refused.value.faults] == ["raw/a.mzML", "raw/a.mzML", "raw/b.mzML", "raw/c.mzML"]


def test_a_run_is_saved_and_loaded_without_loss(written, tmp_path):
    written(document(chromatogram(), chromatogram(TIME_MIN[:900], SIGNAL[:900], q1_mz=500.0)), "a.mzML")
    written(document(chromatogram(q1_mz=500.0), chromatogram(), chromatogram(q1_mz=300.0)), "b.mzML")
    wanted = [transition(), transition(name="is", q1_mz=500.0)]
    run = read_lcms_run(tmp_path, [(1, "a.mzML", "raw/a.mzML"), (2, "b.mzML", "raw/b.mzML")], wanted, 0.3)
    run.save(tmp_path / "traces.npz")
    again = RunTraces.load(tmp_path / "traces.npz")
    assert list(again.positions) == ["1", "2"]
    assert list(again.files) == ["a.mzML", "b.mzML"]
    assert [len(again.trace(i, k)[0]) for i in (0, 1) for k in (0, 1)] == [1500, 900, 1500, 1500]
    assert again.unmatched.tolist() == [["raw/b.mzML", "SRM Q1=300.0 Q3=94.9"]]
    for name, values in vars(run).items():
        assert_array_equal(values, getattr(again, name))


@pytest.mark.requirement("UR-007")
def test_a_file_says_what_its_run_is_called_and_when_it_started(written, tmp_path):
    plain = document(chromatogram()).decode()
    stamped = plain.replace('id="r"', 'id="LC-01_007" startTimeStamp="2026-03-03T08:30:00.25+02:00"')
    written(stamped.encode(), "a.mzML")
    written(gzip.compress(stamped.replace("LC-01_007", "x" * 1000).encode()), "b.mzML.gz")
    written(plain.encode(), "c.mzML")
    files = [(place, name, name) for place, name in enumerate(["a.mzML", "b.mzML.gz", "c.mzML"], start=1)]
    found = read_lcms_run(tmp_path, files, [transition()], 0.3).acquisitions
    assert found.position.tolist() == ["1", "2", "3"]
    assert found.own_name.tolist() == ["LC-01_007", "x" * 255, "r"]
    assert found.started_at.tolist() == ["2026-03-03T08:30:00.25+02:00", "2026-03-03T08:30:00.25+02:00", ""]


FUZZ = """
import random, sys
from pathlib import Path
from bioanalysis.errors import BatchError
from bioanalysis.instruments.mzml import read_traces

source, folder, variants, sealed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "sealed"
whole, dice, path = source.read_bytes(), random.Random(4), folder / "variant.mzML"
truth = [(t.q1_mz, t.time_min.tolist(), t.intensity.tolist()) for t in read_traces(source, "f")]
refused = 0
for number in range(variants):
    place, length = dice.randrange(len(whole)), dice.choice([1, 1, 2, 7, 60, 900])
    insert = [
        bytes(dice.randrange(256) for _ in range(length)),
        b"",
        whole[place : place + length] * 2,
        bytes([whole[place] ^ (1 << dice.randrange(8))]) + whole[place + 1 : place + length],
    ][number % 4]
    path.write_bytes(whole[:place] if number % 10 == 9 else whole[:place] + insert + whole[place + length :])
    try:
        found = [(t.q1_mz, t.time_min.tolist(), t.intensity.tolist()) for t in read_traces(path, "f")]
    except BatchError:
        refused += 1
        continue
    assert found == truth or not sealed, number
print(refused)
"""


@pytest.mark.requirement("UR-004")
@pytest.mark.parametrize("seal", ["sealed", "open"])
def test_250_ways_to_damage_a_file_end_in_a_refusal_or_the_right_traces(written, tmp_path, seal):
    # With a checksum every change must be noticed; without one, at least nothing but a refusal may be raised.
    short = (
        chromatogram(TIME_MIN[::10], SIGNAL[::10]),
        chromatogram(TIME_MIN[::10], SIGNAL[::10], compressed=False, q1_mz=500),
    )
    source = written(document(*short, indexed=seal == "sealed"))
    command = [sys.executable, "-c", FUZZ, str(source), str(tmp_path), "250", seal]
    ended = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert 150 < int(ended.stdout) <= 250
    assert ended.stderr == ""


@pytest.mark.reference
def test_real_files_tell_times_in_seconds_and_come_out_in_minutes(reference):
    path = reference / "lcms/dog_dilution/mzML/EchoMicroTestMixDog011.mzML"
    traces = {trace.q1_mz: trace for trace in read_traces(path, path.name)}
    assert len(traces) == 8
    imipramine = traces[281.3]
    assert imipramine.time_min[-1] == pytest.approx(89.81 / 60, abs=1e-4)  # an analysis of 1.5 min
    assert imipramine.time_min[np.argmax(imipramine.intensity)] == pytest.approx(0.8885, abs=0.003)  # as reviewed


def test_what_pyopenms_reads_is_what_is_read_here(tmp_path):
    import pyopenms

    from bioanalysis.instruments.openms import load_chromatograms
    from bioanalysis.instruments.outline import Outline

    both = chromatogram(time_size=4), chromatogram(60 * TIME_MIN, unit="second", q1_mz=500.0, compressed=False)
    (tmp_path / "inj01.mzML").write_bytes(document(*both))
    experiment = pyopenms.MSExperiment()
    pyopenms.MzMLFile().load(str(tmp_path / "inj01.mzML"), experiment)
    pyopenms.MzMLFile().store(str(tmp_path / "again.mzML"), experiment)  # as another program writes it
    for name in ("inj01.mzML", "again.mzML"):
        text = (tmp_path / name).read_bytes()
        theirs = load_chromatograms(text, Outline(text), 2**30)
        ours = read_traces(tmp_path / name, name)
        for chromatogram_of, trace, (time_min, intensity) in zip(
            experiment.getChromatograms(), ours, theirs, strict=True
        ):
            assert (trace.q1_mz, trace.q3_mz) == (
                chromatogram_of.getPrecursor().getMZ(),
                chromatogram_of.getProduct().getMZ(),
            )
            assert_allclose(trace.time_min, time_min, rtol=2e-7)  # it takes minutes to seconds in 32 bits
            assert_array_equal(trace.intensity, intensity)


def test_all_digits_of_64_bit_intensities_are_kept(written):
    fine = SIGNAL + 1 / 3
    text = document(chromatogram(compressed=False))
    narrow, wide = (array(values, "MS:1000515", size=size) for values, size in ((SIGNAL, 4), (fine, 8)))
    plain = array(SIGNAL, "MS:1000515", size=4, compressed=False).encode()
    assert plain in text
    (trace,) = read_traces(written(text.replace(plain, wide.encode())), "f")
    assert_array_equal(trace.intensity, fine)
    (trace,) = read_traces(written(text.replace(plain, narrow.encode())), "f")
    assert_array_equal(trace.intensity, SIGNAL)


def test_base64_broken_into_lines_and_terms_in_a_group_are_read(written):
    whole = document(chromatogram(compressed=False))
    start = whole.index(b"<binary>") + 8
    end = whole.index(b"</binary>")
    lines = b"\n".join(whole[start:end][at : at + 76] for at in range(0, end - start, 76))
    assert_allclose(read_traces(written(whole[:start] + lines + whole[end:]), "f")[0].time_min, TIME_MIN)
    group = (
        b'<referenceableParamGroupList count="1"><referenceableParamGroup id="g">'
        + (term("MS:1000523") + term("MS:1000576")).encode()
        + b"</referenceableParamGroup></referenceableParamGroupList>"
    )
    own = (term("MS:1000523") + term("MS:1000576")).encode()
    assert own in whole
    grouped = whole.replace(own, b'<referenceableParamGroupRef ref="g"/>').replace(
        b"<softwareList", group + b"<softwareList"
    )
    assert_allclose(read_traces(written(grouped), "f")[0].time_min, TIME_MIN)


def test_an_unknown_packing_is_refused_by_name(written):
    strange = document(chromatogram()).replace(b"MS:1000574", b"MS:1003780")
    assert "of an unknown type or packing (MS:1000523, MS:1000595, MS:1003780)" in refusal(written(strange))


@pytest.mark.parametrize("kind", ["none", "linear", "pic", "slof"])
@pytest.mark.parametrize("zlib_too", [True, False])
def test_numpress_arrays_come_back_within_their_own_precision(tmp_path, kind, zlib_too):
    import pyopenms

    written_by = pyopenms.MzMLFile()
    options = written_by.getOptions()
    options.setCompression(zlib_too)
    if kind != "none":
        for use, name in (
            (options.setNumpressConfigurationMassTime, "linear"),
            (options.setNumpressConfigurationIntensity, kind),
        ):
            config = pyopenms.NumpressConfig()
            config.estimate_fixed_point = True
            config.setCompression(name)
            use(config)
    written_by.setOptions(options)
    recorded, precursor, product = pyopenms.MSChromatogram(), pyopenms.Precursor(), pyopenms.Product()
    precursor.setMZ(651.5)
    product.setMZ(94.9)
    recorded.setPrecursor(precursor)
    recorded.setProduct(product)
    recorded.set_peaks((60 * TIME_MIN, SIGNAL))
    experiment = pyopenms.MSExperiment()
    experiment.addChromatogram(recorded)
    written_by.store(str(tmp_path / "inj01.mzML"), experiment)
    (trace,) = read_traces(tmp_path / "inj01.mzML", "inj01")
    assert_allclose(trace.time_min, TIME_MIN, atol=1e-8)
    assert_allclose(trace.intensity, SIGNAL, rtol=2e-4)  # slof keeps four digits


def test_an_installation_that_does_not_work_is_not_blamed_on_the_file(tmp_path, monkeypatch):
    (tmp_path / "pyopenms.py").write_text("raise ImportError('libOpenMS.so: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pyopenms", raising=False)
    _pyopenms.cache_clear()
    with pytest.raises(BatchError, match=r"^pyOpenMS cannot be used:\n  does not work \(ImportError: libOpenMS.so"):
        _pyopenms()
