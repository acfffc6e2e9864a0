"""Points against their limits: scores, EWMA, CUSUM, signals; steps at lots; drift within runs; two methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from simulated_studies import days, elisa_study, leave_results, make_study, write_rows

from bioanalysis.errors import BatchError
from bioanalysis.limits import trend_rules
from bioanalysis.trends.agreement import agreement
from bioanalysis.trends.control import chart, signals
from bioanalysis.trends.drift import drift_signals, within_runs
from bioanalysis.trends.limits import FixedLimits
from bioanalysis.trends.lots import is_below, step_signals, steps
from bioanalysis.trends.reading import RunResults, read_runs
from bioanalysis.trends.series import POINTS

pytestmark = pytest.mark.requirement("UR-026")

SERIES = "QC bias, M, a, LQC"


def runs_of(n):
    return [RunResults("S", f"R{i + 1:02}", day, "", None, {}, pd.DataFrame(), Path()) for i, day in enumerate(days(n))]


def points_of(values, states=None, lots=None):
    n = len(values)
    rows = pd.DataFrame({"value": np.asarray(values, dtype=float)}).assign(
        kind="qc_bias", series=SERIES, unit="percent", study="S", run_id=[f"R{i + 1:02}" for i in range(n)], plate="",
        run_date=days(n), n=2, note="", state=states or "accepted", nominal=0.0, method_low=-15.0, method_high=15.0,
        lots=lots or "",
    )  # fmt: skip
    return rows[POINTS]


def charted(values, n_phase_one=0, states=None, centre=0.0, sd=1.0):
    """Return the chart of `values` with limits fixed from the first `n_phase_one` runs."""
    runs = runs_of(len(values))
    names = tuple(run.name for run in runs[:n_phase_one])
    last = runs[max(n_phase_one - 1, 0)].order
    return chart(points_of(values, states), runs, {SERIES: [FixedLimits(1, SERIES, centre, sd, names, last)]})


def rules_fired(table):
    return [(row["rule"], row["run_id"]) for row in signals(table)]


def test_scores_are_counted_from_the_fixed_centre():
    found = charted([12, 8, 14], 1, centre=10, sd=2)
    assert_allclose(found.z, [1, -1, 2])
    assert found.phase.tolist() == ["1", "2", "2"]


def test_accumulated_charts_begin_anew_with_phase_2():
    found = charted([1.0, 1.0, 1.0, 1.0], 2)
    assert_allclose(found.ewma, [0.2, 0.36, 0.2, 0.36])  # 0.2 x 1; 0.2 x 1 + 0.8 x 0.2
    assert_allclose(found.ewma_high, 2.962 * np.array([0.2, np.hypot(0.2, 0.16)] * 2))
    assert_allclose(found.cusum_high, [0.5, 1.0, 0.5, 1.0])


def test_a_failed_run_keeps_its_score_and_stands_outside_every_sequence():
    found = charted([2.5, 9.0, 2.5, 0.0], 1, ["accepted", "failed", "accepted", "accepted"])
    assert found.z[1] == 9
    assert found.westgard.tolist() == ["1-2s", "1-2s 1-3s", "1-2s", ""]
    assert np.isnan(found.ewma[1])
    assert_allclose(found.ewma[2:], [0.5, 0.4])


@pytest.mark.parametrize(
    ("value", "fires"),
    [
        pytest.param(2.961, False, marks=pytest.mark.rule("CC-03", "inside")),
        pytest.param(2.963, True, marks=pytest.mark.rule("CC-03", "outside")),
    ],
)
def test_a_single_value_breaks_the_first_ewma_limit_at_its_multiple(value, fires):
    # E(1) = 0.2 x, limit 2.962 x 0.2
    assert (("CC-03", "R02") in rules_fired(charted([0.0, value], 1))) is fires


@pytest.mark.rule("CC-03", "on")
def test_an_ewma_on_its_limit_is_inside():
    table = charted([0.0, 1.0], 1)
    table["ewma"] = table.ewma_high
    assert not [rule for rule, _ in rules_fired(table) if rule == "CC-03"]


@pytest.mark.parametrize(
    ("value", "fires"),
    [
        pytest.param(2.875, False, marks=pytest.mark.rule("CC-04", "inside")),
        pytest.param(3.0, False, marks=pytest.mark.rule("CC-04", "on")),
        pytest.param(3.125, True, marks=pytest.mark.rule("CC-04", "outside")),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_two_values_break_the_cusum_beyond_its_decision(value, fires, sign):
    # (3 - 0.5) + (x - 0.5) against 5
    assert (("CC-04", "R03") in rules_fired(charted([0.0, sign * 3.0, sign * value], 1))) is fires


@pytest.mark.rule("CC-02-1-2s", "not_assessable")
@pytest.mark.rule("CC-02-1-3s", "not_assessable")
@pytest.mark.rule("CC-02-2-2s", "not_assessable")
@pytest.mark.rule("CC-02-R-4s", "not_assessable")
@pytest.mark.rule("CC-02-4-1s", "not_assessable")
@pytest.mark.rule("CC-02-10x", "not_assessable")
@pytest.mark.rule("CC-03", "not_assessable")
@pytest.mark.rule("CC-04", "not_assessable")
def test_without_fixed_limits_only_the_limits_of_the_method_speak():
    table = chart(points_of([14.0, 15.0, 15.1] + [1.0] * 12), runs_of(15), {})
    assert rules_fired(table) == [("CC-01", "R03")]
    assert "-15 to 15, of the method: no limits fixed yet" in signals(table)[0]["limit"]
    assert table.z.isna().all()
    assert set(table.phase) == {"no limits"}


def test_a_signal_says_what_to_check_first_and_a_warning_is_no_signal_to_investigate():
    found = signals(charted([0.0, 2.5], 1))
    assert [(row["rule"], row["signal"]) for row in found] == [("CC-02-1-2s", "warning")]
    assert "calibrator lot" in found[0]["check_first"]


def test_a_missing_value_is_kept_with_its_note_and_counts_nowhere():
    points = points_of([2.5, np.nan, 2.5])
    runs = runs_of(3)
    found = chart(points, runs, {SERIES: [FixedLimits(1, SERIES, 0, 1, (runs[0].name,), runs[0].order)]})
    assert np.isnan(found.z[1])
    assert found.westgard.tolist() == ["1-2s", "", "1-2s"]


def stepped(lots, values, states=None):
    return steps(chart(points_of(values, states, lots), runs_of(len(values)), {}))


def test_a_step_is_found_where_the_lot_changes():
    lots = ["column=A"] * 3 + ["column=B"] * 3
    found = stepped(lots, [1, 2, 3, 5, 6, 7]).iloc[0]
    assert (found.factor, found.before, found.after, found.run_id) == ("column", "A", "B", "R04")
    assert (found.n_before, found.n_after, found.difference) == (3, 3, 4)


def test_runs_without_a_lot_or_failed_take_no_part_and_a_lot_used_again_is_a_change():
    lots = ["column=A", "column=A", "", "column=B", "column=B", "column=A", "column=A"]
    states = ["accepted"] * 7
    states[4] = "failed"
    found = stepped(lots, [1, 2, 90, 3, 90, 1, 2], states)
    assert found[["before", "after", "n_before", "n_after"]].to_numpy().tolist() == [["A", "B", 2, 1], ["B", "A", 1, 2]]


def test_what_changed_at_the_same_run_is_named():
    lots = ["column=A; probe=1"] * 3 + ["column=B; probe=2"] * 3
    found = stepped(lots, [1, 2, 3, 5, 6, 7])
    assert found.set_index("factor").together_with.to_dict() == {"column": "probe", "probe": "column"}
    assert "changed together with probe" in step_signals(found)[0]["check_first"]


@pytest.mark.parametrize(
    ("rule", "p_value", "signals_it"),
    [
        pytest.param("CC-06", 0.011, False, marks=pytest.mark.rule("CC-06", "inside")),
        pytest.param("CC-06", 0.01, False, marks=pytest.mark.rule("CC-06", "on")),
        pytest.param("CC-06", 0.009, True, marks=pytest.mark.rule("CC-06", "outside")),
        pytest.param("CC-07", 0.051, False, marks=pytest.mark.rule("CC-07", "inside")),
        pytest.param("CC-07", 0.05, False, marks=pytest.mark.rule("CC-07", "on")),
        pytest.param("CC-07", 0.049, True, marks=pytest.mark.rule("CC-07", "outside")),
    ],
)
def test_a_p_value_signals_below_its_limit(rule, p_value, signals_it):
    assert is_below(p_value, trend_rules()[rule]) is signals_it


def test_an_internal_standard_that_falls_over_the_run_is_found(tmp_path):
    study = make_study(tmp_path / "s", "S-1", [{"run_id": "A", "run_date": "2026-01-01"}])
    leave_results(study, "A", {"LQC": [1.0, -1.0, 0.5, -0.5, 0.2, -0.2]}, standard=np.linspace(1100, 900, 8).tolist())
    found = within_runs(read_runs(study)).set_index("judged")
    # eight injections from 1100 to 900, median 1000: -20 %; p = 2 / 8!
    falling = found.loc["internal standard over the run"]
    assert_allclose([falling["size"], falling.p_value], [-20, 2 / 40320])
    assert found.loc["QC bias over the run"].p_value > 0.01
    assert [row["rule"] for row in drift_signals(found.reset_index())] == ["CC-06"]


def test_position_effects_of_a_plate_are_those_its_run_found(tmp_path):
    study = elisa_study(tmp_path)
    assert "no positions.tsv in the results" in set(within_runs(read_runs(study)).note)
    columns = ["plate", "analyte", "effect", "size_percent", "p_value", "largest", "n_wells", "note"]
    rows = [{"plate": "P1", "analyte": "mipomersen", "effect": "edge", "size_percent": 12, "p_value": 0.002,
             "largest": "edge +8.0 %, inner -4.0 %", "n_wells": 30}]  # fmt: skip
    write_rows(study / "results/runs/EL-01/positions.tsv", columns, rows)
    found = within_runs(read_runs(study))
    signal = drift_signals(found)[0]
    assert (signal["rule"], signal["plate"], signal["observed"]) == ("CC-06", "P1", "+12 % over 30 values, p 0.002")
    assert "evaporation" in signal["check_first"]


def results(study, rows):
    columns = ["sample_id", "analyte", "method_id", "status", "value", "unit"]
    common = {"analyte": "a", "unit": "ug/g", "status": "quantified"}
    write_rows(study / "results/study/tissue_concentrations.tsv", columns, [common | row for row in rows])


def test_a_constant_ratio_between_methods_is_a_bias_in_percent(tmp_path):
    for study, values in (("one", [1, 10]), ("two", [100, 1000])):
        rows = [{"sample_id": f"S{v}", "method_id": method, "value": factor * v}
                for v in values for method, factor in (("LC", 1.0), ("EL", 1.1))]  # fmt: skip
        results(tmp_path / study, [*rows, {"sample_id": "S0", "method_id": "LC", "status": "BLQ"}])
    found = agreement([tmp_path / "one", tmp_path / "two"], tmp_path).iloc[0]
    assert (found.method_x, found.method_y, found.n) == ("EL", "LC", 4)
    assert_allclose(found.bias_percent, 100 * (1 / 1.1 - 1))
    assert_allclose([found.deming_slope, found.deming_intercept], [1, -np.log(1.1)], atol=1e-9)


@pytest.mark.rule("CC-08", "not_assessable")
def test_fewer_than_three_samples_by_both_methods_are_said_to_be_too_few(tmp_path):
    rows = [{"sample_id": f"S{i}", "method_id": m, "value": i + 1} for i in range(2) for m in ("LC", "EL")]
    results(tmp_path, rows)
    found = agreement([tmp_path], tmp_path).iloc[0]
    assert found.n == 2
    assert "3" in found.note
    assert agreement([tmp_path / "nowhere"], tmp_path).empty


def test_a_damaged_result_of_the_study_is_refused(tmp_path):
    write_rows(tmp_path / "results/study/tissue_concentrations.tsv", ["sample_id"], [{"sample_id": "S1"}])
    with pytest.raises(BatchError, match="line 1, value: no such column"):
        agreement([tmp_path], tmp_path)


def test_a_method_changes_no_rule_of_the_charts(tmp_path):
    study = make_study(tmp_path / "s", "S-1", [{"run_id": "A", "run_date": "2026-01-01"}])
    path = study / "config/methods/lcms.yaml"
    block = "acceptance:\n  profile: ich_m10_chromatographic\n  overrides: {CC-03: {limit: '0.2;2', source: us}}\n"
    path.write_text(path.read_text().replace("acceptance: {profile: ich_m10_chromatographic}\n", block))
    with pytest.raises(BatchError, match="is a rule of the charts over runs, the same for all methods"):
        read_runs(study)
