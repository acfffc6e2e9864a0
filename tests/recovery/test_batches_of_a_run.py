"""Several extraction batches of one run: by their own rows, pooled, drawn towards the mean, or without rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from run_by_hand import METHOD
from scipy.special import stdtrit

from bioanalysis.method import Method, read_method
from bioanalysis.recovery.applied import factor_of_batch
from bioanalysis.recovery.batches import batch_factors
from bioanalysis.recovery.run import run_recovery

pytestmark = pytest.mark.requirement("UR-013")


def method(mode: str = "extraction_recovery", between: float | None = None, **extraction: object) -> Method:
    found = read_method(METHOD, METHOD.name)
    return found.model_copy(
        update={
            "extraction": found.extraction.model_copy(update={"recovery_correction": mode, **extraction}),
            "uncertainty": found.uncertainty.model_copy(update={"between_batch_cv": between}),
        }
    )


def units(*rows: tuple[str, str, float], tissue: str = "liver", level: str = "MQC") -> pd.DataFrame:
    """Units of one level from (sample_type, batch, response)."""
    table = pd.DataFrame(rows, columns=["sample_type", "batch", "mean_response"])
    return table.assign(
        tissue=tissue, level=level, lot="", nominal_ng_ml=1.0, dilution_factor=1.0, extracted=True,
        reading_ng_ml=table.mean_response, position=[str(n) for n in range(1, len(table) + 1)],
    )  # fmt: skip


def pairs(*found: tuple[str, float], off: float = 0.0, kind: str = "recovery_pre") -> list[tuple[str, str, float]]:
    """Two rows in each batch, `off` to either side of the logarithm given."""
    return [(kind, batch, float(np.exp(log + sign * off))) for batch, log in found for sign in (-1, 1)]


def applied(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.level == "all"].set_index("batch")


def test_two_batches_share_their_mean_with_one_degree_of_freedom():
    # 0.4 and 0.9 of what was spiked afterwards: geometric mean 0.6; u is half of ln(0.9/0.4)
    rows = [*pairs(("B1", np.log(0.4)), ("B2", np.log(0.9)))]
    rows += [("recovery_post", batch, 1.0) for batch in ("B1", "B1", "B2", "B2")]
    table = run_recovery(units(*rows), method(), "LC-1")
    assert_allclose(table[table.level == "own rows"].factor, [0.4, 0.9])
    found = applied(table)
    assert list(found.index) == ["LC-1", "LC-1:B1", "LC-1:B2"]
    assert_allclose(found.factor, 0.6)
    assert_allclose(found.relative_uncertainty, np.log(0.9 / 0.4) / 2)
    assert (found.degrees_of_freedom == 1).all()
    assert_allclose(found.high, 0.6 * np.exp(stdtrit(1, 0.975) * np.log(0.9 / 0.4) / 2))
    assert found["rows"].iloc[0] == "B1: 1;2 / 5;6 | B2: 3;4 / 7;8"


def test_a_batch_of_samples_without_rows_gets_the_mean_and_the_scatter_between_batches():
    rows = [*pairs(("B1", -0.5), ("B2", -0.7)), ("unknown", "B3", 1.0)]
    table = run_recovery(units(*rows), method("apparent"), "LC-1")
    row = applied(table).loc["LC-1:B3"]
    assert_allclose(np.log(row.factor), -0.6)
    assert_allclose(row.relative_uncertainty**2, 0.02 * (1 + 1 / 2))  # s^2 of two means 0.2 apart is 0.02
    assert row.note == "no recovery rows in this batch: mean of 2 batches, with the scatter between them"


@pytest.mark.parametrize(("between", "finite"), [(None, False), (0.05, True)])
def test_rows_in_one_of_three_batches(between, finite):
    # CV of 0.9 and 1.1 is 14.14 %, over two rows: u = 10 %; off for the others by 5 % on either side of the mean
    rows = [("recovery_pre", "B1", 0.9), ("recovery_pre", "B1", 1.1), ("unknown", "B2", 1.0), ("unknown", "B3", 1.0)]
    found = applied(run_recovery(units(*rows), method("apparent", between), "LC-1"))
    assert_allclose(found.factor, 1.0)
    assert_allclose(found.relative_uncertainty["LC-1:B1"], 0.1)
    others = found.relative_uncertainty[["LC-1:B2", "LC-1:B3"]]
    if finite:
        assert_allclose(others, np.sqrt(0.1**2 + 2 * 0.05**2))
        # B1 with B2 has u^2 in common; B2 with B3 the deviation of B1 from the mean as well
        shared = found.shared_uncertainty
        assert_allclose(shared["LC-1:B1"] * shared["LC-1:B2"], 0.1**2)
        assert_allclose(shared["LC-1:B2"] * shared["LC-1:B3"], 0.1**2 + 0.05**2)
    else:
        assert others.isna().all()
        assert found.note["LC-1:B2"].endswith("factor of B1; scatter between batches is not estimable")


def test_four_balanced_batches_by_hand():
    # means -0.4 -0.5 -0.6 -0.7, rows 0.02 to either side. Within: 2 x 0.0004. Of means: 0.05/3 = tau^2 + s^2/2
    names, means, within, total = ("B1", "B2", "B3", "B4"), [-0.4, -0.5, -0.6, -0.7], 0.0008, 0.05 / 3
    rows = [*pairs(*zip(names, means, strict=True), off=0.02), ("unknown", "B5", 1.0)]
    found = applied(run_recovery(units(*rows), method("apparent"), "LC-1"))
    between = total - within / 2
    pull = between / total
    for name, mean in zip(names, means, strict=True):
        row = found.loc[f"LC-1:{name}"]
        assert_allclose(np.log(row.factor), -0.55 + pull * (mean + 0.55))
        of_mean = (1 - pull) ** 2 * total / 4
        unsure = (1 - pull) ** 2 * total * (2 / 3 + 2 / 4)
        assert_allclose(row.relative_uncertainty**2, pull * within / 2 + of_mean + unsure)
        assert_allclose(row.shared_uncertainty**2, of_mean)
    unseen = found.loc["LC-1:B5"]
    assert_allclose([np.log(unseen.factor), unseen.relative_uncertainty**2], [-0.55, between + total / 4])
    assert "no recovery rows in this batch" in unseen.note


def test_what_rows_are_held_against_is_no_scatter_between_batches():
    # as above, against two extracts spiked afterwards in each batch, 0.03 to either side (about their mean on the log
    # scale): u^2 of each reference is CV^2/2 with CV^2 = 2 tanh^2(0.03), and as much of tau^2 is its doing
    names, means = ("B1", "B2", "B3", "B4"), [-0.4, -0.5, -0.6, -0.7]
    rows = pairs(*zip(names, means, strict=True), off=0.02)
    rows += pairs(*((name, 0.0) for name in names), off=0.03, kind="recovery_post")
    found = applied(run_recovery(units(*rows), method(), "LC-1"))
    reference, total, rows_alone = np.tanh(0.03) ** 2, 0.05 / 3, 0.0008 / 2
    pull = (total - rows_alone - reference) / total
    logs = -0.55 - np.log(np.cosh(0.03))  # the mean of the two extracts
    assert_allclose(np.log(found.factor["LC-1:B1"]), logs + pull * 0.15)
    square = pull * (rows_alone + reference) + (1 - pull) ** 2 * total / 4 + (1 - pull) ** 2 * total * (2 / 3 + 2 / 4)
    assert_allclose(found.relative_uncertainty["LC-1:B1"] ** 2, square)


def test_solutions_of_the_run_serve_all_batches_and_their_error_is_shared():
    # C/A against two neat rows of 0.9 and 1.1: u = 10 %, the same for all; the scatter of batches cannot show it
    rows = [*pairs(("B1", np.log(0.4)), ("B2", np.log(0.9))), ("neat", "LC-1", 0.9), ("neat", "LC-1", 1.1)]
    table = units(*rows)
    table["tissue"] = np.where(table.sample_type == "neat", "neat", "liver")  # as in a worklist
    found = applied(run_recovery(table, method("process_efficiency"), "LC-1"))
    scatter = (np.log(0.9 / 0.4) / 2) ** 2
    assert_allclose(found.relative_uncertainty**2, scatter + 0.01)
    assert_allclose(found.shared_uncertainty**2, 0.01, rtol=1e-6)


def test_extracts_of_another_batch_stand_in_and_the_note_says_so():
    rows = [
        *pairs(("B1", np.log(0.4)), ("B2", np.log(0.9))),
        ("recovery_post", "B1", 0.9),
        ("recovery_post", "B1", 1.1),
    ]
    table = run_recovery(units(*rows), method(), "LC-1")
    own = table[table.level == "own rows"].set_index("batch")
    assert_allclose(own.factor, [0.4, 0.9])
    assert own.note.to_dict() == {"LC-1:B1": "", "LC-1:B2": "held against extracts of the run's other batches"}


def test_single_rows_give_a_factor_and_a_word_on_its_uncertainty():
    rows = [("recovery_pre", "B1", 0.4), ("recovery_pre", "B1", 0.5), ("recovery_post", "B1", 1.0)]
    row = run_recovery(units(*rows), method(), "LC-1").query("level == 'all'").iloc[0]
    assert_allclose(row.factor, 0.45)
    assert np.isnan(row.relative_uncertainty)
    assert row.note == "single rows at each level: no uncertainty"


def test_a_run_of_one_batch_has_one_factor_whatever_its_label():
    rows = [*pairs(("B1", -0.5), off=0.1), ("unknown", "B1", 1.0), ("calibrator", "LC-1", 1.0), ("qc", "LC-1", 1.0)]
    table = run_recovery(units(*rows), method("apparent"), "LC-1")
    assert list(table.batch) == ["LC-1", "LC-1"]
    assert list(table.level) == ["MQC", "all"]
    assert factor_of_batch("liver", "LC-1", table, method("apparent")).factor == table.factor.iloc[1]


def test_a_tissue_without_rows_borrows_from_no_other():
    liver = units(*pairs(("B1", -0.5), ("B2", -0.6)))
    kidney = units(("unknown", "B1", 1.0), ("unknown", "B2", 1.0), tissue="kidney")
    table = run_recovery(pd.concat([liver, kidney], ignore_index=True), method("apparent"), "LC-1")
    assert set(table.tissue) == {"liver"}
    assert factor_of_batch("kidney", "B1", table, method("apparent")) is None


def test_tissues_may_differ_in_the_batches_they_have_rows_in():
    liver = units(*pairs(("B1", -0.5), ("B2", -0.6)), ("unknown", "B2", 1.0))
    kidney = units(*pairs(("B2", -0.2)), ("unknown", "B1", 1.0), tissue="kidney")
    table = run_recovery(pd.concat([liver, kidney], ignore_index=True), method("apparent", 0.03), "LC-1")
    by_place = {
        (t, b): factor_of_batch(t, b, table, method("apparent")) for t in ("liver", "kidney") for b in ("B1", "B2")
    }
    assert_allclose([np.log(one.factor) for one in by_place.values()], [-0.55, -0.55, -0.2, -0.2])
    assert by_place["kidney", "B1"].relative_uncertainty > by_place["kidney", "B2"].relative_uncertainty


def test_batches_that_agree_exactly_are_pooled_and_say_so():
    rows = pairs(*((f"B{k}", -0.5) for k in range(1, 6)))
    found = applied(run_recovery(units(*rows), method("apparent"), "LC-1"))
    assert_allclose(np.log(found.factor), -0.5)
    assert_allclose(found.relative_uncertainty, 0.0, atol=1e-12)
    assert found.note["LC-1:B1"].endswith("replicates agree exactly: check rounding or copied values")


def simulated(rng: np.random.Generator, batches: int, between: float, within: float, rows: int):
    """The true logarithms of the batches, and what `batch_factors` makes of their rows; the last has none."""
    true = rng.normal(-0.5, between, batches + 1)
    logs = true[:-1, None] + rng.normal(0, within, (batches, rows))
    names = [f"B{k}" for k in range(batches)]
    own = pd.DataFrame({
        "batch": names, "factor": np.exp(logs.mean(axis=1)), "degrees_of_freedom": rows - 1.0, "reference_of": names,
        "relative_uncertainty": logs.std(axis=1, ddof=1) / np.sqrt(rows), "reference_uncertainty": 0.0,
    })  # fmt: skip
    singles = pd.Series(np.exp(logs.ravel()), index=np.repeat(names, rows))
    return true, batch_factors(own, singles, ["last"], None, itself=True)[1:]


@pytest.mark.parametrize("between", [0.02, 0.06])
def test_intervals_of_five_batches_hold_the_truth(between):
    """95 % intervals of 5 x 500 factors by 3 rows each: standard error 0.5 %; without lambda's own they hold 90 %."""
    rng, held, tried = np.random.default_rng(41), 0, 0
    for _ in range(500):
        true, found = simulated(rng, 5, between, 0.05, 3)
        off = [abs(np.log(one.factor) - log) for one, log in zip(found[:-1], true, strict=False)]
        half = [stdtrit(one.degrees_of_freedom, 0.975) * one.relative_uncertainty for one in found[:-1]]
        held, tried = held + int(np.sum(np.array(off) <= half)), tried + len(off)
    assert 0.93 <= held / tried <= 0.985


def test_what_batches_share_is_what_their_errors_have_in_common():
    """Errors of the factors of 20 batches (from which the variances are well known) over 600 simulated runs.

    What the last batch, in which nothing is measured, has of its own is no part of what it shares: it is taken at its
    mean, -0.5. So the two means have standard errors of 8 and 6 %; left in, it would make the latter 16 %.
    """
    rng, products, claimed = np.random.default_rng(43), [], []
    for _ in range(600):
        true, found = simulated(rng, 20, 0.05, 0.12, 3)
        errors = np.array([np.log(one.factor) for one in found]) - [*true[:-1], -0.5]
        shared = np.array([one.shared_uncertainty for one in found])
        among, beside = (
            [float((x[:-1].sum() ** 2 - (x[:-1] ** 2).sum()) / 380), x[:-1].mean() * x[-1]] for x in (errors, shared)
        )
        products.append(among)
        claimed.append(beside)
    assert_allclose(np.mean(claimed, axis=0), np.mean(products, axis=0), rtol=0.3)
