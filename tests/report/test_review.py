"""The chromatogram review of a run page: its arithmetic in a browser, and what stands in its data."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from run_by_hand import calibrators, run_by_hand, unknown

from bioanalysis.calibration.models import make_estimator
from bioanalysis.chromatography import integrate_run
from bioanalysis.chromatography.block import Block, value_at
from bioanalysis.chromatography.noise import ion_quantum
from bioanalysis.evaluation.moles import run_in_moles
from bioanalysis.evaluation.peaks import peaks_of
from bioanalysis.evaluation.run import evaluate_run
from bioanalysis.evaluation.run_tables import curve_document
from bioanalysis.flags import flag, flag_table
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.method import Method
from bioanalysis.moles import keys_written
from bioanalysis.report.review import chromatogram_review, embedded, packed, review_data
from bioanalysis.responses import responses_from_peaks
from bioanalysis.results import write_result
from bioanalysis.sheets import read_sheet
from bioanalysis.study.schema import DECISIONS

pytestmark = pytest.mark.requirement("UR-053")

ARITHMETIC = (files("bioanalysis.report") / "review_area.js").read_text(encoding="utf-8")
TRANSITION = SimpleNamespace(name="quan", rt_min=3.0, rt_window_min=0.5, peak_width_s=6.0)
HOSTILE = "<script>alert(1)</script> & \"'"


@pytest.fixture
def page(chromium):
    page = chromium.new_page()
    page.add_script_tag(content=ARITHMETIC)
    yield page
    page.close()


def simulated(rng: np.random.Generator, injections: int, *, lengths: tuple[int, ...], ions: bool) -> RunTraces:
    """Return traces of a peak at 3 min of many sizes on a level of 30 counts; of ions at 10 counts each, or not."""
    pairs = []
    for number in range(injections):
        time = 2.5 + 0.005 * np.arange(lengths[number % len(lengths)]) + rng.uniform(0, 0.002)
        expected = 30 + rng.choice([0, 50, 1e4]) * np.exp(-0.5 * ((time - 3.0) / 0.02) ** 2)
        noisy = 10.0 * rng.poisson(expected / 10) if ions else np.abs(expected + rng.normal(0, 5, time.size))
        pairs.append([(time, noisy)])
    names = [str(number + 1) for number in range(injections)]
    return RunTraces.gather(names, [f"{name}.mzML" for name in names], ["quan"], pairs)


def drawn(rng: np.random.Generator, traces: RunTraces) -> pd.DataFrame:
    """Return boundaries for every trace, some of them at its ends."""
    rows = []
    for number, position in enumerate(traces.positions):
        time, _ = traces.trace(number, 0)
        left, right = np.sort(rng.uniform(time[0], time[-1], 2)).round(4)
        left, right = (time[0], time[-1]) if number % 5 == 0 else (left, max(right, left + 0.001))
        rows.append({"position": position, "transition": "quan", "left_min": left, "right_min": min(right, time[-1])})
    return pd.DataFrame(rows)


@pytest.mark.browser
@pytest.mark.parametrize("ions", [True, False])
@pytest.mark.parametrize("lengths", [(200,), (190, 7, 320)])
def test_the_page_integrates_as_the_workflow_does_to_the_last_bit(page, ions, lengths):
    rng = np.random.default_rng(7)
    traces = simulated(rng, 30, lengths=lengths, ions=ions)
    manual = drawn(rng, traces)
    found = integrate_run(traces, [TRANSITION], manual=manual)
    quantum = ion_quantum(np.concatenate([traces.trace(number, 0)[1] for number in range(30)]))
    assert (quantum == 10.0) == ions
    for number, row in enumerate(manual.itertuples()):
        time, intensity = traces.trace(number, 0)
        settings = {"points": max(lengths), "quantum": quantum, "noiseSd": float(found.noise_sd[number]), "noPeak": 3}
        shown = page.evaluate(
            "([trace, left, right, settings]) => reviewArea.between(trace, left, right, settings)",
            [{"time": time.tolist(), "intensity": intensity.tolist()}, row.left_min, row.right_min, settings],
        )
        assert shown["areaSe"] == found.area_se[number]
        assert shown["height"] == found.height[number]
        assert shown["present"] == np.isfinite(found.area[number])
        assert shown["area"] == found.drop_area[number]


@pytest.mark.browser
def test_values_at_points_between_and_beyond_them_are_those_of_the_workflow_to_the_last_bit(page):
    rng = np.random.default_rng(11)
    traces = [(np.cumsum(rng.uniform(1e-4, 0.02, n)), rng.lognormal(5, 3, n)) for n in rng.integers(1, 40, 60)]
    block = Block.stack(traces)
    for at_min in ("first", "last", "a point", "between", "beyond"):
        at = np.array(
            [{"first": t[0], "last": t[-1], "a point": rng.choice(t), "between": rng.uniform(t[0], t[-1]),
              "beyond": t[-1] + 1e-9}[at_min] for t, _ in traces]
        )  # fmt: skip
        rows = [block.time_s.tolist(), block.intensity.tolist(), (60 * at).tolist()]
        shown = page.evaluate(
            "([times, signals, at]) => at.map((one, n) => reviewArea.valueAt(times[n], signals[n], one))", rows
        )
        assert shown == value_at(block.time_s, block.intensity, 60 * at).tolist()
        if at_min == "last":
            assert shown == [signal[-1] for _, signal in traces]


@pytest.mark.browser
def test_the_page_reads_traces_without_loss(page):
    rng = np.random.default_rng(1)
    time = np.cumsum(rng.uniform(0.001, 0.01, 50))
    given = [(time, rng.lognormal(0, 20, 50)), (time, np.zeros(50)), (time[:3], np.array([0.1, 1e308, 5e-324]))]
    read = page.evaluate(
        "async (packed) => (await reviewArea.traces(packed)).map((one) => [[...one.time], [...one.intensity]])",
        packed(given),
    )
    assert [[list(own), list(counts)] for own, counts in given] == read


@pytest.mark.browser
def test_a_reason_with_tabs_quotes_and_line_breaks_stays_one_cell(page, tmp_path):
    columns = [column.name for column in DECISIONS.columns]
    rows = [
        {"decision_id": "D1", "action": "exclude", "run_id": "LC-1", "position": "3", "reason_code": "SPILL",
         "reason": 'a\tspill\r\nof "half" the vial\u2028!', "author": ' "A" ', "decided_at": "2026-03-11T08:15:00Z"},
        {"decision_id": "D2", "action": "accept_flag", "run_id": "LC-1", "position": "3", "author": "B",
         "reason_code": "SCIENTIFIC_JUSTIFICATION", "reason": '"', "decided_at": "2026-03-11T08:15:00Z"},
    ]  # fmt: skip
    text = page.evaluate("([columns, rows]) => reviewArea.table(columns, rows)", [columns, rows])
    path = tmp_path / "decisions.tsv"
    path.write_text(text, encoding="utf-8")
    sheet = read_sheet(path, path.name)
    assert list(sheet.header) == columns
    cells = [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows]
    assert [cell["reason"] for cell in cells] == ['a spill of "half" the vial !', '"']
    assert [cell["author"] for cell in cells] == ['"A"', "B"]


def test_names_that_look_like_markup_stay_data():
    assert "<" not in embedded({"sample_id": HOSTILE})


def test_equal_times_are_packed_once():
    time = np.linspace(2, 3, 40)
    content = packed([(time, np.ones(40)), (time.copy(), np.zeros(40)), (time + 1, np.ones(40))])
    assert (content["which"], content["points"]) == ([0, 0, 1], [40, 40])
    assert len(zlib.decompress(base64.b64decode(content["time"]))) == 2 * 40 * 8


def run_and_traces(sample: str, decisions=()):
    """Return a run of six calibrators and a sample, with its traces."""
    run = run_by_hand([*calibrators(), unknown(sample)], decisions)
    rng, pairs = np.random.default_rng(3), []
    for number in range(7):
        time = 2.4 + 0.01 * np.arange(140)
        heights = (2e3 * number, 1e3 * number, 1e4)
        pairs.append(
            [(time, 10.0 * rng.poisson(3 + height * np.exp(-0.5 * ((time - t.rt_min) / 0.03) ** 2)))
             for height, t in zip(heights, run.method.transitions, strict=True)]
        )  # fmt: skip
    names = [str(number) for number in range(1, 8)]
    return run, RunTraces.gather(names, names, [t.name for t in run.method.transitions], pairs)


@pytest.fixture
def reviewed():
    """Data of the review, with a flag of the sample's peak, one of its standard, one of the run."""
    run, traces = run_and_traces("S-1")
    flags = flag_table(
        [
            flag("wide", run_id="LC-1", position="7", analyte="mipomersen", observed="2", limit="<= 1.5"),
            flag("is_response_outside", run_id="LC-1", position="7", analyte="mipomersen"),
            flag("rule_failed", run_id="LC-1", analyte="mipomersen"),
        ]
    )
    return review_data(run, traces, peaks_of(run, traces), flags)


def write_curve_and_readings(run, peaks: pd.DataFrame, folder) -> None:
    """Write curve.json and measurements.tsv of a run."""
    found = evaluate_run(run, responses_from_peaks(run, peaks))
    write_result(found.measurements, folder / "measurements.tsv")
    (folder / "curve.json").write_text(json.dumps(curve_document(found.curves)))


def test_a_review_of_a_method_in_moles_reads_its_curve_and_says_its_unit(tmp_path):
    run, traces = run_and_traces("S-1")
    (about,) = run.method.model_dump()["analytes"]
    bare = about | {"lloq_nmol_l": 5.0, "uloq_nmol_l": 5000.0} | dict.fromkeys(("molar_mass_g_mol", "sequence"))
    method = Method.model_validate(run.method.model_dump() | {"concentration_unit": "nmol_l", "analytes": [bare]})
    run = replace(run, method=method)
    (tmp_path / "work/LC-1").mkdir(parents=True)
    traces.save(tmp_path / "work/LC-1/traces.npz")
    peaks = peaks_of(run, traces)
    write_result(peaks, tmp_path / "peaks.tsv")
    write_result(flag_table([]), tmp_path / "flags.tsv")
    found = run_in_moles(evaluate_run(run, responses_from_peaks(run, peaks)), run)
    write_result(found.measurements, tmp_path / "measurements.tsv")
    (tmp_path / "curve.json").write_text(json.dumps(keys_written(curve_document(found.curves))))
    page = chromatogram_review(tmp_path, run, tmp_path)
    assert "on the curve, nmol/L</th>" in page
    assert "ng/mL</th>" not in page


CURVES = [
    ("linear", [5, 50, 500, 1000, 2500, 5000], [0.011, 0.1, 1.02, 1.97, 5.1, 9.9]),
    ("quadratic", [5, 50, 500, 1000, 2500, 5000], [0.011, 0.1, 1.01, 1.95, 4.6, 8.1]),
    ("4pl", [1, 5, 20, 80, 300, 1000], [0.11, 0.31, 0.83, 1.61, 2.13, 2.31]),
    ("5pl", [1, 5, 20, 80, 300, 1000, 3000], [0.11, 0.31, 0.83, 1.61, 2.13, 2.31, 2.38]),
]


@pytest.mark.browser
@pytest.mark.parametrize(("model", "nominal", "response"), CURVES)
def test_the_page_reads_concentrations_off_the_curve_as_the_workflow_does(page, model, nominal, response):
    curve = make_estimator(model).fit(nominal, response)
    readings = np.random.default_rng(5).uniform(min(response), max(response), 200)
    page.add_script_tag(content="const reviewDraw = {}")
    page.add_script_tag(content=(files("bioanalysis.report") / "review_curve.js").read_text(encoding="utf-8"))
    written = curve.to_dict()
    fitted = {
        "model": model,
        "parameters": list(written["parameters"].values()),
        "standards": [curve.lowest_, curve.highest_],
    }
    shown = page.evaluate(
        "([curve, all]) => all.map((one) => reviewCurve.concentration(curve, one))", [fitted, readings.tolist()]
    )
    expected = curve.back_calculate(readings).concentration.to_numpy()
    assert np.isfinite(expected).all()
    if model in ("linear", "quadratic"):
        assert shown == expected.tolist()
    else:  # exp and log of a browser and of a processor differ in the last digit
        np.testing.assert_allclose(shown, expected, rtol=1e-12)


@pytest.mark.browser
def test_names_and_reasons_that_look_like_markup_are_shown_as_they_are(chromium, tmp_path):
    decision = {"action": "exclude", "run_id": "LC-1", "position": "6", "reason": HOSTILE, "author": HOSTILE}
    run, traces = run_and_traces(HOSTILE, [decision])
    (tmp_path / "work/LC-1").mkdir(parents=True)
    traces.save(tmp_path / "work/LC-1/traces.npz")
    flags = flag_table([flag("wide", run_id="LC-1", position="7", analyte="mipomersen", observed=HOSTILE)])
    write_result(peaks_of(run, traces), tmp_path / "peaks.tsv")
    write_result(flags, tmp_path / "flags.tsv")
    write_curve_and_readings(run, peaks_of(run, traces), tmp_path)
    content = f"<!doctype html><html lang=en>{chromatogram_review(tmp_path, run, tmp_path)}</html>"
    (tmp_path / "page.html").write_text(content, encoding="utf-8")
    page, complaints = chromium.new_page(), []
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"file://{tmp_path}/page.html")
    page.wait_for_selector("#chromatograms[data-ready]")
    assert HOSTILE in page.inner_text(".review-title")
    assert HOSTILE in page.inner_text(".review-flags")
    assert page.inner_text(".review-taken tbody").count(HOSTILE) == 2
    assert complaints == []
    page.close()


def words(reviewed, position: str, transition: str) -> list[str]:
    place = [one["position"] for one in reviewed["injections"]].index(position)
    number = [one["name"] for one in reviewed["transitions"]].index(transition)
    here = reviewed["peaks"]["flags"][place * len(reviewed["transitions"]) + number]
    return [one["word"] for one in here if one["state"] == "open"]


def test_flags_stand_at_the_peak_they_are_about(reviewed):
    quantifier, qualifier, standard = (one["name"] for one in reviewed["transitions"])
    assert words(reviewed, "7", quantifier) == ["wide"]
    assert words(reviewed, "7", standard) == ["IS response outside"]
    assert words(reviewed, "7", qualifier) == words(reviewed, "6", quantifier) == []


def test_a_decision_names_the_substance_of_a_quantifier_and_else_the_transition(reviewed):
    assert [one["decided_as"] for one in reviewed["transitions"]] == [
        "mipomersen", reviewed["transitions"][1]["name"], "IS1"
    ]  # fmt: skip


def test_the_codes_are_those_of_the_study(reviewed):
    assert set(reviewed["codes"]) == {"integrate", "exclude", "accept_flag"}
    assert reviewed["columns"] == [column.name for column in DECISIONS.columns]
