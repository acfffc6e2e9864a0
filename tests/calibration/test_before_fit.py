"""Standards left out before the fit: by a rule of the method, with a reason, as far as the run can spare them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bioanalysis.calibration.before_fit import left_out
from bioanalysis.limits import limits_for
from bioanalysis.method import Plate

pytestmark = pytest.mark.requirement("UR-011")

LEVELS = (1.0, 2, 5, 10, 20, 50, 100, 200)


class OfLigandBinding:
    """As much of a method as its limits ask for."""

    assay_class = "ligand_binding"

    class acceptance:
        profile, overrides = "ich_m10_ligand_binding", {}


LIMITS = limits_for(OfLigandBinding())


def standards(responses, levels=LEVELS, kind="calibrator", saturation=np.inf):
    """Return readings: `responses` holds the wells of each level."""
    rows = [
        (f"C{level:g}", kind, level, response)
        for level, wells in zip(levels, responses, strict=True)
        for response in wells
    ]
    points = pd.DataFrame(rows, columns=["unit", "kind", "nominal_ng_ml", "response"])
    return points.assign(saturated=points.response >= saturation)


def reasons(points, **plate):
    return left_out(points, Plate(**plate), LIMITS).tolist()


RISING = [[0.1, 0.1], [0.2, 0.2], [0.4, 0.4], [0.8, 0.8], [1.4, 1.4], [2.2, 2.2], [2.8, 2.8], [3.2, 3.2]]


def test_without_a_rule_of_the_method_everything_stays():
    hooked = [*RISING[:-1], [1.0, 1.0]]
    assert set(reasons(standards(hooked, saturation=2.0))) == {""}


def test_all_wells_of_a_standard_leave_with_its_saturated_well():
    points = standards([*RISING[:-1], [3.2, 4.0]], saturation=4.0)
    assert (
        reasons(points, saturation_signal=4.0)
        == [""] * 14 + ["SATURATED: a well of this standard reads at the reader's limit of 4"] * 2
    )


def test_the_top_standards_leave_down_to_the_level_where_the_curve_turns():
    # 2.8 -> 2.5 is 10.7 % back, 2.5 -> 1.5 is 40 % back
    points = standards([*RISING[:-2], [2.5, 2.5], [1.5, 1.5]])
    found = reasons(points, hook_percent=10)
    assert found[:14] == [""] * 14
    assert found[14] == "HOOK: reads 40.0 % back from the standard of 100 ng/mL, limit 10 %"


def test_two_levels_beyond_the_turn_leave_together():
    # of 8 levels two may go: 6/8 is three quarters. 2.2 -> 1.9 is 13.6 % back, 1.9 -> 1.5 is 21 % back
    points = standards([*RISING[:-2], [1.9, 1.9], [1.5, 1.5]])
    found = reasons(points, hook_percent=10)
    assert [bool(reason) for reason in found] == [False] * 12 + [True] * 4


def test_a_falling_curve_that_rises_again_at_the_top_is_a_hook_too():
    falling = [[4 - a, 4 - b] for a, b in RISING[:-1]]
    assert reasons(standards([*falling, [1.5, 1.5]]), hook_percent=10)[-1].startswith("HOOK: reads 25.0 % back")


def test_a_run_that_cannot_spare_a_standard_keeps_it():
    # six levels are needed and six are there
    points = standards([*RISING[:5], [4.0, 4.0]], levels=LEVELS[:6], saturation=4.0)
    assert set(reasons(points, saturation_signal=4.0)) == {""}


def test_an_anchor_beyond_the_range_can_always_be_spared():
    six = standards(RISING[:6], levels=LEVELS[:6])
    anchor = standards([[4.0, 4.0]], levels=[500.0], kind="anchor", saturation=4.0)
    found = reasons(pd.concat([six, anchor], ignore_index=True), saturation_signal=4.0)
    assert [bool(reason) for reason in found] == [False] * 12 + [True] * 2


THREE = [[a, a, a] for a, _ in RISING]


def test_the_one_wild_well_of_three_leaves_where_the_others_agree():
    points = standards([*THREE[:4], [1.4, 2.8, 1.42], *THREE[5:]])
    found = reasons(points, wild_well_cv_percent=20)
    assert [reason != "" for reason in found] == [False] * 13 + [True] + [False] * 10
    # mean of 1.4, 2.8, 1.42 is 1.873, SD 0.803: CV 42.8 %; of 1.4 and 1.42 1.0 %
    assert found[13] == "WILD_WELL: reads 2.8, the other 2 1.41 (CV 42.8 % with it, 1.0 % without, limit 20 %)"


@pytest.mark.parametrize(
    "wells",
    [
        pytest.param([1.4, 1.5, 1.45], id="they agree"),
        pytest.param([1.0, 1.5, 2.5], id="the others do not agree either"),
        pytest.param([1.4, 2.8], id="of two nobody knows which"),
    ],
)
def test_no_well_leaves_where(wells):
    assert set(reasons(standards([*THREE[:4], wells, *THREE[5:]]), wild_well_cv_percent=20)) == {""}
