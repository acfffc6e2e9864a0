"""Verdicts of a validation on the matrix: SEL-*, SPE-*, MAT-*, SURR-*, ENDO-*."""

from __future__ import annotations

import pandas as pd

from bioanalysis.acceptance.ledger import (
    NOT_APPLICABLE,
    NOT_ASSESSABLE,
    Ledger,
    share_passes,
    share_text,
    signed_percent,
)
from bioanalysis.acceptance.validation import (
    ACCURACY,
    FOUND,
    INTERFERENCE,
    LLOQ,
    MATRIX_FACTOR,
    STANDARD_INTERFERENCE,
    SUBTRACTED,
    ULOQ,
    ValidatedMethod,
    at_most,
    listed_levels,
    nothing,
    percent,
)
from bioanalysis.calibration.standards import passes_limit
from bioanalysis.limits import Rule
from bioanalysis.words import count_of

KINDS = ("lipaemic", "haemolysed")
STAND_INS = ("surrogate", "neat")


def judge_matrix(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """Enter the verdicts on selectivity, specificity, matrix effect, surrogate matrix and endogenous analyte."""
    selectivity = stats[stats.experiment == "selectivity"]
    specificity = stats[stats.experiment == "specificity"]
    if facts.ligand_binding:
        _judge_ligand_binding_selectivity(ledger, selectivity)
        _judge_ligand_binding_specificity(ledger, specificity)
    else:
        _judge_selectivity(ledger, selectivity, facts)
        _judge_specificity(ledger, specificity, facts)
        _judge_matrix_effect(ledger, stats[stats.experiment == "matrix_effect"])
        ledger.add(ledger.limits["SURR-02"], NOT_APPLICABLE, "calibrators hold the analyte itself")
    _judge_surrogate(ledger, stats, facts)
    _judge_endogenous(ledger, stats[stats.experiment == "endogenous"])


def _of(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    return rows[rows.measure == measure]


def _judge_selectivity(ledger: Ledger, rows: pd.DataFrame, facts: ValidatedMethod) -> None:
    blanks = _of(rows, INTERFERENCE)
    if blanks.empty:
        nothing(ledger, ["SEL-CC-01", "SEL-CC-02", "SEL-CC-03", "SEL-CC-04"], "no blank sources examined")
        return
    rule = ledger.limits["SEL-CC-01"]
    for tissue, here in blanks[blanks.n > 0].groupby("tissue", sort=False):
        sources = here.lot.nunique()
        ledger.add(rule, sources >= rule.number, f"{sources} sources: {listed_levels(here.lot)}", tissue=tissue)
    _judge_interference(ledger, ledger.limits["SEL-CC-02"], blanks, "lot")
    standard = _of(rows, STANDARD_INTERFERENCE)
    if len(standard):
        _judge_interference(ledger, ledger.limits["SEL-CC-03"], standard, "lot")
    else:
        _without_standard(ledger, ledger.limits["SEL-CC-03"], facts)
    _judge_special_sources(ledger, blanks)


def _without_standard(ledger: Ledger, rule: Rule, facts: ValidatedMethod) -> None:
    if facts.analyte.internal_standard is None:
        ledger.add(rule, NOT_APPLICABLE, "no internal standard")
    else:
        ledger.add(rule, NOT_ASSESSABLE, "no blank without internal standard")


def _judge_interference(ledger: Ledger, rule: Rule, blanks: pd.DataFrame, name: str, number: int = 0) -> None:
    """Hold the largest response of each source (or interferent) against a share of the LLOQ sample's."""
    for row in blanks.itertuples():
        verdict = at_most(row.largest, rule.numbers[number])
        observed = percent(row.largest) + (f" ({row.note})" if row.note else "")
        subject = f"{getattr(row, name)}, {row.measure.split(' in the ')[0]}"
        ledger.add(rule, verdict, observed, subject=subject, tissue=row.tissue)


def _judge_special_sources(ledger: Ledger, blanks: pd.DataFrame) -> None:
    rule = ledger.limits["SEL-CC-04"]
    for kind in KINDS:
        here = blanks[(blanks.source_kind == kind) & (blanks.n > 0)]
        sources, share = here.lot.nunique(), here.haemolysed_percent.max()
        observed = f"{sources} sources" + (f", {share:g} % haemolysed blood" if pd.notna(share) else "")
        if here.empty or (kind == "haemolysed" and pd.isna(share)):
            why = "no such source examined" if here.empty else "haemolysed_percent is not stated"
            ledger.add(rule, NOT_ASSESSABLE, why, subject=kind)
        else:
            enough = sources >= rule.numbers[0] and (kind != "haemolysed" or at_least(share, rule))
            ledger.add(rule, enough, observed, subject=kind)


def at_least(share: float, rule: Rule) -> bool:
    return bool(passes_limit(float(rule.numbers[1]), share))


def _judge_specificity(ledger: Ledger, rows: pd.DataFrame, facts: ValidatedMethod) -> None:
    rule = ledger.limits["SPE-CC-01"]
    blanks, standard = _of(rows, INTERFERENCE), _of(rows, STANDARD_INTERFERENCE)
    if blanks.empty:
        nothing(ledger, ["SPE-CC-01"], "no related substance examined")
    _judge_interference(ledger, rule, blanks, "interferent")
    _judge_interference(ledger, rule, standard, "interferent", number=1)


def _judge_matrix_effect(ledger: Ledger, rows: pd.DataFrame) -> None:
    rule, found = ledger.limits["MAT-CC-01"], _of(rows, FOUND)
    found = found[found.n > 0]
    if found.empty:
        nothing(ledger, ["MAT-CC-01"], "no QCs in several sources")
    for tissue, here in found.groupby("tissue", sort=False):
        sources = int(here.groupby("level").lot.nunique().min())
        design = (here.n.min(), here.level.nunique(), sources)
        enough = all(there >= needed for there, needed in zip(design, rule.numbers[:3], strict=True))
        observed = f"at least {int(design[0])} replicates at {design[1]} levels in {sources} sources"
        ledger.add(rule, bool(enough), observed, subject="design", tissue=tissue)
        for row in here.itertuples():
            where = {"tissue": tissue, "subject": f"{row.level} in {row.lot}"}
            ledger.add(rule, at_most(abs(row.bias_percent), rule.numbers[3]), signed_percent(row.bias_percent), **where)
            ledger.add(rule, at_most(row.cv_percent, rule.numbers[4]), f"CV {percent(row.cv_percent)}", **where)
    rule, factors = ledger.limits["MAT-EMA-01"], _of(rows, MATRIX_FACTOR)
    over_lots = factors[factors.lot == ""]
    if over_lots.empty:
        nothing(ledger, ["MAT-EMA-01"], "no extracts of several sources spiked after extraction")
    for row in over_lots.itertuples():
        where = {"tissue": row.tissue, "subject": row.level}
        if pd.isna(row.cv_percent):
            ledger.add(rule, NOT_ASSESSABLE, row.note, **where)
        else:
            observed = f"CV {percent(row.cv_percent)} over {count_of(int(row.n), 'source')}, mean {row.mean:.2f}"
            keeps = at_most(row.cv_percent, rule.numbers[1]) is True
            ledger.add(rule, bool(row.n >= rule.numbers[0]) and keeps, observed, **where)


def _judge_ligand_binding_selectivity(ledger: Ledger, rows: pd.DataFrame) -> None:
    blanks, spiked = _of(rows, INTERFERENCE), _of(rows, FOUND)
    blanks, spiked = blanks[blanks.n > 0], spiked[spiked.n > 0]
    if blanks.empty and spiked.empty:
        nothing(ledger, ["SEL-LBA-01", "SEL-LBA-02", "SEL-LBA-03"], "no sources examined")
        return
    rule = ledger.limits["SEL-LBA-01"]
    levels = spiked.level.nunique()
    whole = [set(blanks.lot), *(set(here.lot) for _, here in spiked.groupby("level"))]
    sources = set.intersection(*whole) if levels else set()
    observed = f"{count_of(len(sources), 'source')} blank and spiked at {count_of(levels, 'level')}"
    ledger.add(rule, len(sources) >= rule.numbers[0] and levels >= rule.numbers[1], observed)
    rule = ledger.limits["SEL-LBA-02"]
    if blanks.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no blank source with a reading")
    else:
        below = int((blanks.groupby("lot").largest.max() < 100).sum())  # percent of the LLOQ
        total = blanks.lot.nunique()
        ledger.add(rule, share_passes(below, total, rule.number), share_text(below, total))
    rule = ledger.limits["SEL-LBA-03"]
    if spiked.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no spiked source with a value")
    for level, here in spiked.groupby("level", sort=False):
        limit = float(rule.numbers[0 if (here.end == LLOQ).any() else 1])
        inside = int(passes_limit(here.bias_percent, limit).sum())
        observed = f"{share_text(inside, len(here))} within ±{limit:g} %"
        ledger.add(rule, share_passes(inside, len(here), rule.numbers[2]), observed, subject=level)


def _judge_ligand_binding_specificity(ledger: Ledger, rows: pd.DataFrame) -> None:
    rule = ledger.limits["SPE-LBA-01"]
    blanks, spiked = _of(rows, INTERFERENCE), _of(rows, FOUND)
    if blanks.empty and spiked.empty:
        nothing(ledger, ["SPE-LBA-01"], "no related molecule examined")
    for row in blanks.itertuples():
        verdict = NOT_ASSESSABLE if pd.isna(row.largest) else bool(row.largest < 100)
        subject = f"{row.interferent}, blank"
        ledger.add(rule, verdict, f"{percent(row.largest)} of the LLOQ", subject=subject, tissue=row.tissue)
    for row in spiked[spiked.end.isin([LLOQ, ULOQ])].itertuples():
        verdict = at_most(abs(row.bias_percent), rule.number)
        subject = f"{row.interferent}, {row.level}"
        ledger.add(rule, verdict, signed_percent(row.bias_percent), subject=subject, tissue=row.tissue)
    for interferent in dict.fromkeys(rows.interferent):
        ends = set(spiked.end[spiked.interferent == interferent])
        missing = [end for end in (LLOQ, ULOQ) if end not in ends]
        if missing:
            ledger.add(rule, NOT_ASSESSABLE, f"no sample at the {' and the '.join(missing)}", subject=interferent)


def _judge_surrogate(ledger: Ledger, stats: pd.DataFrame, facts: ValidatedMethod) -> None:
    """QCs in authentic matrix read off the surrogate curve; those of accuracy and precision count where they are."""
    rule = ledger.limits["SURR-01"]
    if facts.method.extraction.calibrator_matrix == "tissue":
        ledger.add(rule, NOT_APPLICABLE, "calibrators are in the tissue itself")
        return
    rows = stats[stats.experiment.isin(["surrogate_matrix", ACCURACY]) & (stats.measure == FOUND)]
    inner = (rows.end == "") & ~rows.tissue.isin(["", *STAND_INS])  # the ends are judged by accuracy and precision
    rows = rows[(rows.run_id == "") & (rows.n > 0) & inner]
    if rows.empty:
        ledger.add(rule, NOT_ASSESSABLE, "no QCs in authentic matrix")
    for row in rows.itertuples():
        verdict = at_most(abs(row.bias_percent), facts.of_class(rule))
        ledger.add(rule, verdict, signed_percent(row.bias_percent), subject=row.level, tissue=row.tissue)


def _judge_endogenous(ledger: Ledger, rows: pd.DataFrame) -> None:
    rule, blanks = ledger.limits["ENDO-01"], _of(rows, INTERFERENCE)
    if blanks.empty:
        nothing(ledger, ["ENDO-01"], "endogenous signal not examined")
    for row in blanks.itertuples():
        verdict = NOT_ASSESSABLE if pd.isna(row.largest) else bool(row.largest < rule.number)
        ledger.add(rule, verdict, percent(row.largest), subject=row.lot, tissue=row.tissue)
    rule, spiked = ledger.limits["ENDO-02"], _of(rows, SUBTRACTED)
    if spiked.empty:
        nothing(ledger, ["ENDO-02"], "no spiked sample beside its blank")
    for row in spiked.itertuples():
        verdict = NOT_ASSESSABLE if pd.isna(row.mean) else True
        where = {"tissue": row.tissue, "subject": f"{row.level} in {row.lot}"}
        ledger.add(rule, verdict, f"{percent(row.mean)}; {row.note}", **where)
