"""Several dilutions of one sample in a run: what is chosen, what is withheld, what is flagged."""

from __future__ import annotations

import numpy as np
import pytest
from elisa_study import METHOD, evaluated, response, whole_plate
from numpy.testing import assert_allclose

from bioanalysis.evaluation.choice import choose
from bioanalysis.method import Method
from bioanalysis.yaml_with_lines import read_yaml

pytestmark = pytest.mark.requirement("UR-023")


def plate(*dilutions, hooked=None):
    """Return a plate with sample S1 in dilutions (factor, concentration of the undiluted sample it tells)."""
    made = whole_plate()
    for factor, concentration in dilutions:
        made.sample("S1", concentration, factor)
    if hooked is not None:
        made.add("unknown", "S1", response(hooked), response(hooked), dilution_factor=1.0)
    # QCs after the samples, and a dilution QC at each end
    made.controls("c")
    for factor in (min(f for f, _ in dilutions), max(f for f, _ in dilutions)):
        if factor > 1:
            reading = response(200)
            made.add("dilution_qc", f"D{factor:g}", reading, reading, level="DQC", nominal_ng_ml=200 * factor,
                     dilution_factor=factor)  # fmt: skip
    return made


def judged(folder, made, keys="", method=METHOD):
    evaluation = evaluated(folder, [made], keys, method)
    samples = evaluation.reportable[evaluation.reportable.sample_id == "S1"]
    return evaluation, samples.set_index("dilution_factor")


def method_with(folder, text=""):
    path = folder / "method.yaml"
    path.write_text(METHOD + text)
    return Method.model_validate(read_yaml(path, "m.yaml").content)


def reported(folder, made, text=""):
    """Return the choice among the dilutions of S1."""
    evaluation, _ = judged(folder / "study", made, method=METHOD + text)
    candidates = evaluation.reportable[evaluation.reportable.sample_id == "S1"]
    return choose(candidates, candidates.head(0).assign(action=[]), method_with(folder, text))


def test_parallel_dilutions_are_tabled_and_not_flagged(tmp_path):
    evaluation, _ = judged(tmp_path, plate((2, 400), (4, 400), (8, 400)))
    (row,) = evaluation.dilutions.itertuples()
    assert (row.sample_id, row.n_dilutions, row.n_inside, row.hook) == ("S1", 3, 3, "")
    assert_allclose([row.mean_ng_ml, row.cv_percent], [400, 0], rtol=0.01, atol=0.1)
    assert row.dilutions.startswith("x2: 400; x4: 400")
    assert not {"not_parallel", "dilution_trend", "hook_suspected"} & set(evaluation.flags["flag"])


@pytest.mark.parametrize(
    ("far", "flagged"),
    [
        pytest.param(1.60, False, marks=pytest.mark.rule("DIL-PAR", "inside")),
        pytest.param(2.0, True, marks=pytest.mark.rule("DIL-PAR", "outside")),
    ],
)
def test_dilutions_whose_cv_is_beyond_the_limit_are_not_parallel(tmp_path, far, flagged):
    # 200, 200, 200 f: CV 28.9 % for f = 1.6 and 43.3 % for f = 2
    evaluation, _ = judged(tmp_path, plate((2, 200), (4, 200), (8, 200 * far)))
    values = np.array([200, 200, 200 * far])
    assert_allclose(evaluation.dilutions.cv_percent, 100 * values.std(ddof=1) / values.mean(), rtol=0.03)
    assert ("not_parallel" in set(evaluation.flags["flag"])) == flagged


@pytest.mark.parametrize(
    ("per_doubling", "flagged"),
    [
        pytest.param(1.1, True, marks=pytest.mark.rule("DIL-TREND", "outside")),
        pytest.param(1.0, False, marks=pytest.mark.rule("DIL-TREND", "inside")),
    ],
)
def test_a_steady_change_with_dilution_is_a_trend(tmp_path, per_doubling, flagged):
    wobble = [1.01, 0.99, 0.99, 1.01]
    steps = [(2.0**k, 300 * per_doubling**k * wobble[k]) for k in range(4)]
    evaluation, _ = judged(tmp_path, plate(*steps))
    trend = evaluation.flags[evaluation.flags["flag"] == "dilution_trend"]
    assert (len(trend) == 1) == flagged
    if flagged:
        assert trend.observed.iloc[0].startswith("+10.")


@pytest.mark.rule("DIL-HOOK", "outside")
def test_a_hooked_dilution_is_withheld_where_two_others_agree(tmp_path):
    evaluation, samples = judged(tmp_path, plate((100, 20000), (200, 20000), hooked=150))
    assert samples.status[1.0] == "not_reported"
    assert samples.reason[1.0].startswith("HOOK_EFFECT: reads 150, more diluted it should read 2")
    assert set(samples.status[[100.0, 200.0]]) == {"quantified"}
    assert evaluation.dilutions.hook.tolist() == ["x1"]
    assert_allclose(evaluation.dilutions.mean_ng_ml, 20000, rtol=0.01)
    assert "hook_suspected" in samples["flags"][1.0]


@pytest.mark.rule("DIL-HOOK", "inside")
def test_a_dilution_just_beyond_the_range_by_the_others_is_no_hook(tmp_path):
    # 600 by the others, which is 20 % above the ULOQ of 500; the neat reading is 480
    evaluation, samples = judged(tmp_path, plate((10, 600), (20, 600), hooked=480))
    assert evaluation.dilutions.hook.tolist() == [""]
    assert samples.status[1.0] == "quantified"


def test_with_one_other_dilution_a_hook_needs_a_decision_whatever_the_rule(tmp_path):
    choice = reported(tmp_path, plate((100, 20000), hooked=150), "dilution_rule: least_diluted\n")
    assert choice.status == "needs_decision"
    assert choice.reason.startswith("dilutions disagree")


@pytest.mark.parametrize(
    ("rule", "value", "flags"),
    [
        ("least_diluted", 400, "dilutions_disagree"),
        ("most_diluted", 640, "dilutions_disagree"),
        ("nearest_middle", 560, "dilutions_disagree"),  # 560 / 10 = 56, next to sqrt(5 x 500) = 50
    ],
)
def test_the_methods_rule_chooses_among_dilutions(tmp_path, rule, value, flags):
    choice = reported(tmp_path, plate((2, 400), (10, 560), (40, 640)), f"dilution_rule: {rule}\n")
    assert choice.status == "quantified"
    assert_allclose(choice.result.homogenate_ng_ml, value, rtol=0.02)
    assert flags in choice.flags
    assert choice.note.startswith(f"{rule} of x2: 40")


def test_without_a_rule_dilutions_that_disagree_need_a_decision(tmp_path):
    assert reported(tmp_path, plate((2, 400), (10, 560), (40, 640))).status == "needs_decision"


def test_without_a_rule_dilutions_that_agree_are_averaged(tmp_path):
    choice = reported(tmp_path, plate((2, 400), (10, 420), (40, 380)))
    assert choice.status == "quantified"
    assert_allclose(choice.result.homogenate_ng_ml, 400, rtol=0.01)


def test_a_sample_diluted_less_than_the_methods_minimum_is_not_reported(tmp_path):
    evaluation, samples = judged(
        tmp_path, plate((5, 400), (10, 400)), method=METHOD + "minimum_dilution: {liver: 10}\n"
    )
    assert samples.status[5.0] == "not_reported"
    assert samples.reason[5.0] == "BELOW_MINIMUM_DILUTION: diluted x5, the method's minimum for liver is x10"
    assert samples.status[10.0] == "quantified"
    assert "below_minimum_dilution" in set(evaluation.flags["flag"])


def test_one_column_of_a_plate_that_reads_higher_is_flagged(tmp_path):
    made = whole_plate("1", *((f"S{n}", 40.0 + 10 * n) for n in range(12)))
    odd = [i for i in range(len(made.signals)) if i % 2]
    for i in odd:
        made.signals[i] *= 1.08
    evaluation = evaluated(tmp_path, [made])
    columns = evaluation.positions.set_index("effect").loc["columns"]
    assert_allclose(columns.size_percent, 8, atol=4)
    assert "position_effect" in set(evaluation.flags["flag"])
