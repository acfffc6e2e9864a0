"""Verdicts of a validation on dilution, stability, recovery, re-injection: DIL-*, PAR-*, STAB-*, REC-* and more."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance.ledger import NOT_APPLICABLE, NOT_ASSESSABLE, Ledger, signed_percent
from bioanalysis.acceptance.validation import (
    CORRECTED,
    FOUND,
    HOOK,
    RECOVERY,
    STANDARD_RECOVERY,
    ValidatedMethod,
    at_most,
    limit_at,
    listed_levels,
    nothing,
    percent,
)
from bioanalysis.calibration.standards import ROUNDING
from bioanalysis.limits import Rule
from bioanalysis.words import count_of

EXPECTED_CONDITIONS = ("bench_top", "freeze_thaw", "long_term")
STORAGE = ["condition", "condition_days", "condition_hours", "condition_cycles", "condition_c"]


def judge_dilution(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """Enter the verdicts on dilution integrity, or on dilution linearity, hook and parallelism."""
    if facts.ligand_binding:
        _judge_linearity(ledger, stats[stats.experiment == "dilution_linearity"])
        _judge_parallelism(ledger, stats[(stats.experiment == "parallelism") & (stats.measure == CORRECTED)])
    else:
        _judge_integrity(ledger, stats[(stats.experiment == "dilution_integrity") & (stats.measure == FOUND)])


def _judge_integrity(ledger: Ledger, rows: pd.DataFrame) -> None:
    rows = rows[rows.n > 0]
    if rows.empty:
        nothing(ledger, ["DIL-CC-01", "DIL-CC-02", "DIL-CC-04"], "no dilution examined")
        return
    number, limits, diluent = (ledger.limits[name] for name in ("DIL-CC-01", "DIL-CC-02", "DIL-CC-04"))
    for (tissue, factor), here in rows.groupby(["tissue", "dilution_factor"], sort=False):
        where = {"tissue": tissue, "subject": f"x{factor:g}"}
        most = here[here.run_id != ""].n.max()
        ledger.add(number, bool(most >= number.number), f"{int(most)} replicates in one run", **where)
        for row in here[here.run_id == ""].itertuples():
            bias, cv = at_most(abs(row.bias_percent), limits.numbers[0]), at_most(row.cv_percent, limits.numbers[1])
            ledger.add(limits, bias, f"mean {signed_percent(row.bias_percent)}", **where)
            ledger.add(limits, cv, f"CV {percent(row.cv_percent)}", **where)
            if row.diluent == "":
                ledger.add(diluent, NOT_ASSESSABLE, "the diluent is not stated", **where)
            elif row.diluent == tissue:
                ledger.add(diluent, NOT_APPLICABLE, "diluted with the matrix itself", **where)
            else:
                harmless = bias is True and cv is True
                ledger.add(diluent, harmless, f"{row.diluent}: {signed_percent(row.bias_percent)}", **where)


def _judge_linearity(ledger: Ledger, rows: pd.DataFrame) -> None:
    steps = rows[(rows.measure == CORRECTED) & rows.dilution_factor.notna() & (rows.n > 0)]
    whole = rows[(rows.measure == CORRECTED) & rows.dilution_factor.isna() & (rows.n > 0)]
    if whole.empty:
        nothing(ledger, ["DIL-LBA-01", "DIL-LBA-02"], "no dilution linearity with a reading inside the range")
    else:
        rule = ledger.limits["DIL-LBA-01"]
        runs = len({run for names in whole.run_id for run in names.split(";")})
        preparations, factors = max(runs, whole.series.nunique()), int(whole.factors.min())
        observed = f"at least {count_of(factors, 'factor')} inside the range, runs or preparations: {preparations}"
        ledger.add(rule, factors >= rule.numbers[0] and preparations >= rule.numbers[1], observed)
        rule = ledger.limits["DIL-LBA-02"]
        for row in steps.itertuples():
            verdict = at_most(abs(row.bias_percent), rule.numbers[0])
            subject = f"{row.series} x{row.dilution_factor:g}"
            ledger.add(rule, verdict, signed_percent(row.bias_percent), subject=subject, tissue=row.tissue)
        for row in whole.itertuples():
            observed = f"CV {percent(row.cv_percent)} of {count_of(int(row.n), 'result')}; {row.note}"
            ledger.add(rule, at_most(row.cv_percent, rule.numbers[1]), observed, subject=row.series, tissue=row.tissue)
    rule, hooks = ledger.limits["HOOK-LBA-01"], rows[rows.measure == HOOK]
    if hooks.empty:
        nothing(ledger, ["HOOK-LBA-01"], "no sample above the ULOQ")
    for row in hooks.itertuples():
        verdict = bool(row.mean == 0) if row.n else NOT_ASSESSABLE
        observed = f"{row.note}; of them not reading above: {int(row.mean)}"
        ledger.add(rule, verdict, observed, subject=row.series, tissue=row.tissue)


def _judge_parallelism(ledger: Ledger, rows: pd.DataFrame) -> None:
    rule, whole = ledger.limits["PAR-LBA-01"], rows[rows.dilution_factor.isna()]
    if whole.empty:
        nothing(ledger, ["PAR-LBA-01"], "no study sample diluted")
    for row in whole.itertuples():
        where = {"subject": row.series, "tissue": row.tissue}
        observed = f"{int(row.factors)} concentrations inside the range, CV {percent(row.cv_percent)}; {row.note}"
        if row.n < 2:
            ledger.add(rule, NOT_ASSESSABLE, observed, **where)
        else:
            keeps = at_most(row.cv_percent, rule.numbers[1]) is True
            ledger.add(rule, bool(row.factors >= rule.numbers[0]) and keeps, observed, **where)


def judge_stability(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """Enter the verdicts on storage: each condition by itself, and the usual conditions that were not examined."""
    rows = stats[(stats.experiment == "stability") & (stats.measure == FOUND) & (stats.n > 0)]
    number, mean = ledger.limits["STAB-01"], ledger.limits["STAB-02"]
    for key, here in rows.groupby(["tissue", *STORAGE], sort=False, dropna=False):
        where = {"tissue": key[0], "subject": storage_in_words(here.iloc[0])}
        fewest, levels = int(here.n.min()), here.level.nunique()
        enough = fewest >= number.numbers[0] and levels >= number.numbers[1]
        ledger.add(number, enough, f"at least {count_of(fewest, 'replicate')} at {listed_levels(here.level)}", **where)
        for row in here.itertuples():
            verdict = at_most(abs(row.bias_percent), facts.of_class(mean))
            subject = f"{where['subject']}, {row.level}"
            ledger.add(mean, verdict, f"mean {signed_percent(row.bias_percent)}", subject=subject, tissue=row.tissue)
    for condition in EXPECTED_CONDITIONS:
        if condition not in set(rows.condition):
            for rule in (number, mean):
                ledger.add(rule, NOT_ASSESSABLE, "not examined", subject=condition)
    _judge_cycles(ledger, rows[rows.condition == "freeze_thaw"])
    _judge_bench_top(ledger, rows[rows.condition == "bench_top"], facts)


def storage_in_words(row: pd.Series) -> str:
    """Return a storage condition such as 'long_term, 90 d, -70 C'."""
    parts = [(row.condition_cycles, "cycles"), (row.condition_days, "d"), (row.condition_hours, "h")]
    words = [f"{value:g} {unit}" for value, unit in [*parts, (row.condition_c, "°C")] if pd.notna(value)]
    return ", ".join([str(row.condition), *words])


def _judge_cycles(ledger: Ledger, rows: pd.DataFrame) -> None:
    rule = ledger.limits["STAB-03"]
    if rows.empty:
        nothing(ledger, ["STAB-03"], "no freeze-thaw cycles examined")
    for tissue, here in rows.groupby("tissue", sort=False):
        most = here[here.condition_cycles == here.condition_cycles.max()]
        cycles, hours = float(most.condition_cycles.max()), float(most.hours_frozen.min())
        observed = f"{cycles:g} cycles" + (f", at least {hours:g} h frozen between" if pd.notna(hours) else "")
        if most.hours_frozen.isna().any():
            ledger.add(rule, NOT_ASSESSABLE, f"{observed}; hours_frozen is not stated", tissue=tissue)
        else:
            enough = cycles >= rule.numbers[0] and hours >= float(rule.numbers[1]) * (1 - ROUNDING)
            ledger.add(rule, enough, observed, tissue=tissue)


def _judge_bench_top(ledger: Ledger, rows: pd.DataFrame, facts: ValidatedMethod) -> None:
    """What is claimed is the longest single stay that did no harm; stays are never added up."""
    limit = facts.of_class(ledger.limits["STAB-02"])
    rows = rows.assign(hours=rows.condition_hours.fillna(24 * rows.condition_days))
    rows = rows.assign(harmless=[at_most(abs(bias), limit) is True for bias in rows.bias_percent])
    if rows.empty:
        nothing(ledger, ["STAB-04"], "no bench-top storage examined")
    for tissue, here in rows.groupby("tissue", sort=False):
        harmless = here.groupby("hours").harmless.all()
        shown = harmless.index[harmless]
        verdict = True if len(shown) else NOT_ASSESSABLE
        words = f"{shown.max():g} h" if len(shown) else "none was shown harmless"
        ledger.add(ledger.limits["STAB-04"], verdict, words, tissue=tissue)


def judge_recovery(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """Enter the verdicts on recovery: how it was computed, its consistency, levels, scatter."""
    every = stats[(stats.experiment == "recovery") & stats["mean"].notna()]
    found, standard = every[every.measure == RECOVERY], every[every.measure == STANDARD_RECOVERY]
    if found.empty:
        nothing(ledger, ["REC-01", "REC-02", "REC-03", "REC-04"], "no rows spiked before and after extraction")
    for tissue, here in found.groupby("tissue", sort=False):
        levels, lots = here[here.lot == ""], here[here.lot != ""]
        text = ", ".join(f"{row.level} {percent(row.mean)}" for row in levels.itertuples())
        ledger.add(ledger.limits["REC-01"], True, text, tissue=tissue)
        own = standard[(standard.tissue == tissue) & (standard.lot == "")]
        text += "".join(f"; internal standard {row.level} {percent(row.mean)}" for row in own.itertuples())
        ledger.add(ledger.limits["REC-02"], NOT_APPLICABLE, text, tissue=tissue)
        rule = ledger.limits["REC-03"]
        ledger.add(rule, len(levels) >= rule.number, count_of(len(levels), "level"), tissue=tissue)
        for what, group in (("levels", levels), ("lots", lots)):
            if what == "levels" or len(group):
                _judge_scatter(ledger, facts, what, group["mean"], str(tissue))


def _judge_scatter(ledger: Ledger, facts: ValidatedMethod, what: str, recovery: pd.Series, tissue: str) -> None:
    rule = ledger.limits["REC-04"]
    cv = 100 * recovery.std(ddof=1) / recovery.mean() if len(recovery) > 1 else float("nan")
    observed = f"CV {percent(cv)} over {len(recovery)} {what}"
    ledger.add(rule, at_most(cv, facts.of_class(rule)), observed, subject=what, tissue=tissue)


def judge_reinjection(ledger: Ledger, stats: pd.DataFrame) -> None:
    """Enter the verdicts on re-injected QCs, by the limits of the rule (the second pair at the LLOQ)."""
    if "REINJ-VAL" not in ledger.limits:
        return
    rule: Rule = ledger.limits["REINJ-VAL"]
    rows = stats[(stats.experiment == "reinjection") & (stats.measure == FOUND) & (stats.n > 0)]
    if rows.empty:
        nothing(ledger, ["REINJ-VAL"], "no QCs injected again")
    for row in rows.itertuples():
        where = {"subject": row.level, "tissue": row.tissue}
        limit = limit_at(rule, row.end)
        ledger.add(rule, at_most(abs(row.bias_percent), limit), f"mean {signed_percent(row.bias_percent)}", **where)
        ledger.add(rule, at_most(row.cv_percent, limit), f"CV {percent(row.cv_percent)}", **where)


def gather_carry_over(ledger: Ledger, runs: pd.DataFrame) -> None:
    """Enter the verdicts that the runs of the validation gave on carry-over.

    Parameters
    ----------
    runs : DataFrame
        Rows of the runs' acceptance tables with run_id.
    """
    for rule_id in ("CAR-CC-01", "CAR-LBA-01"):
        if rule_id in ledger.limits:
            rows = runs[(runs.rule_id == rule_id) & (runs.analyte == ledger.analyte)]
            judged = rows[rows.verdict.isin(["pass", "fail"])]
            if judged.empty:
                ledger.add(ledger.limits[rule_id], NOT_ASSESSABLE, "no blank after the highest calibrator")
            for row in judged.itertuples():
                where = {"subject": f"run {row.run_id}, {row.subject}", "tissue": row.tissue, "plate": row.plate}
                ledger.add(ledger.limits[rule_id], row.verdict, row.observed, **where, position=row.position)


def judge_cross_validation(ledger: Ledger, controls: pd.DataFrame, pairs: pd.DataFrame, agreement: str) -> None:
    """Enter the verdicts on two methods (or laboratories) measuring the same samples.

    Parameters
    ----------
    controls : DataFrame
        Statistics of the QCs of both methods: method_id, level, n.
    pairs : DataFrame
        Study samples with a value by both methods.
    agreement : str
        What the comparison came to, in words; empty where it could not be made.
    """
    design, bias = ledger.limits["CROSS-01"], ledger.limits["CROSS-02"]
    if controls.method_id.nunique() < 2 and pairs.empty:
        nothing(ledger, ["CROSS-01", "CROSS-02"], "one method only: nothing to compare with")
        return
    by_method = controls[controls.n > 0].groupby("method_id")
    levels = int(by_method["level"].nunique().min()) if by_method.ngroups > 1 else 0
    fewest = int(controls.n.min()) if len(controls) else 0
    observed = f"{count_of(levels, 'QC level')} by both methods, at least {count_of(fewest, 'replicate')}, "
    observed += count_of(len(pairs), "sample")
    found = (fewest, levels, len(pairs))
    ledger.add(design, all(there >= needed for there, needed in zip(found, design.numbers, strict=True)), observed)
    ledger.add(bias, NOT_APPLICABLE if agreement else NOT_ASSESSABLE, agreement or "fewer than 3 pairs of values")
