"""The integrator with what the method and the decisions say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated_peaks import TIME_MIN, peak
from small_study import make_small_study

from bioanalysis.errors import BatchError
from bioanalysis.evaluation.peaks import integration_settings, peaks_of
from bioanalysis.evaluation.run_flags import _peak_flag
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.report.injections import by_hand
from bioanalysis.responses import responses_from_peaks
from bioanalysis.study import Study

DECISION = {
    "decision_id": "D1", "action": "integrate", "run_id": "LC-01", "position": "3", "analyte": "mipomersen",
    "left_min": 3.0, "right_min": 3.2, "reason_code": "WRONG_BASELINE", "reason": "neighbour taken along",
    "author": "AL", "decided_at": "2026-03-11T09:00:00Z", "line": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Study.load(make_small_study(tmp_path_factory.mktemp("study"))).runs[0]


@pytest.fixture(scope="module")
def traces(run):
    """Traces of all injections: peaks of 1000 to 1e6 counts on a level of 100, SD 5."""
    dice = np.random.default_rng(1)
    rows = run.worklist[run.worklist.not_acquired_reason == ""]
    heights = np.geomspace(1e3, 1e6, len(rows))
    injections = [
        [
            (TIME_MIN, 100 + height * share * peak(3.1 if share < 2 else 2.95) + dice.normal(0, 5, TIME_MIN.size))
            for share in (1.0, 0.5, 2.0)
        ]
        for height in heights
    ]
    names = [transition.name for transition in run.method.transitions]
    return RunTraces.gather(list(rows.position.astype(str)), list(rows.file), names, injections)


def with_integration(run, **settings):
    block = type(run.method.integration)(**settings)
    return replace(run, method=run.method.model_copy(update={"integration": block}))


def decided(run, **changes):
    columns = run.decisions.columns
    row = {name: (DECISION | changes).get(name, "") for name in columns}
    return replace(run, decisions=pd.DataFrame([row], columns=columns))


def test_the_method_says_which_area_is_reported(run, traces):
    for estimate, column in (("drop", "drop_area"), ("template", "template_area")):
        peaks = peaks_of(with_integration(run, estimate=estimate), traces)
        found = peaks[peaks.area.notna()]
        assert (found.area == found[column]).all()


def test_a_limit_of_the_method_raises_its_flag_with_number_and_source(run, traces):
    stated = with_integration(run, flag_limits={"few_points": {"limit": 1000, "source": "validation report 7"}})
    peaks = peaks_of(stated, traces)
    assert peaks["flags"].str.contains("few_points").all()
    first = peaks.iloc[0]
    assert first.flag_details.startswith(f"few_points {first.points} (limit 1000)")
    assert integration_settings(stated.method).limits["few_points"].source == "validation report 7"
    assert not peaks_of(run, traces)["flags"].str.contains("few_points").any()


def test_a_limit_that_is_none_is_refused(run):
    from bioanalysis.contradictions import contradictions_of

    stated = with_integration(run, flag_limits={"wider": {"limit": 2, "source": "x"}})
    ((place, found, _),) = contradictions_of(stated.method)
    assert (place, found) == (("integration", "flag_limits", "wider"), "'wider'")


def test_flags_of_both_peaks_reach_the_response_with_their_numbers(run, traces):
    peaks = peaks_of(run, traces)
    row = (peaks.position == "3") & (peaks.transition == "is_quan")
    peaks.loc[row, ["flags", "flag_details"]] = ["overlap;wide", "overlap 12 (limit 1); wide 1.62 (limit 1.5)"]
    found = responses_from_peaks(run, peaks).set_axis(run.worklist.position.astype(str))
    assert found.peak_flags["3"] == "is_overlap;is_wide"
    raised = _peak_flag("is_wide", found.peak_flag_details["3"], "peaks.tsv")
    assert raised["observed"] == "1.62 (width at half height over that of the standards)"
    assert raised["limit"] == "<= 1.5"
    assert str(raised["meaning"]).startswith("internal standard: the peak is wider")


def test_who_set_boundaries_by_hand_when_and_why_stands_beside_both_areas(run, traces):
    automatic, drawn = peaks_of(run, traces), peaks_of(decided(run), traces)
    row = drawn[(drawn.position == "3") & (drawn.transition == "quan")].iloc[0]
    assert (row.manual_author, row.manual_reason_code) == ("AL", "WRONG_BASELINE")
    assert (row.manual_reason, row.manual_decided_at) == ("neighbour taken along", "2026-03-11T09:00:00Z")
    assert row.estimate == "by_hand"
    assert row.automatic_area == automatic.area[row.name] != row.area
    others = drawn.drop(index=row.name)
    assert (others[["manual_author", "manual_reason"]] == "").all(axis=None)
    words, table = by_hand(drawn)
    assert words == f"Integrated by hand: 1 of {len(drawn)} chromatograms"
    assert table.change_percent.iloc[0] == pytest.approx(100 * (row.area / row.automatic_area - 1))


def test_boundaries_outside_the_trace_are_refused(run, traces):
    from bioanalysis.evaluation.peaks import check_decisions

    with pytest.raises(BatchError, match="within the trace"):
        check_decisions(decided(run, right_min=99.0), traces)
