"""Peaks of one run: the integrator with what the method and the decisions say."""

from __future__ import annotations

import pandas as pd

from bioanalysis.chromatography import check_manual, integrate_run
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.method import Method
from bioanalysis.study import Run

KNOWN_TO_HOLD_ANALYTE = ("calibrator", "qc")


def peaks_of(run: Run, traces: RunTraces) -> pd.DataFrame:
    """Return peaks.tsv of an LC-MS/MS run; the same integration parameters for standards, QCs and samples."""
    known = run.worklist[run.worklist.sample_type.isin(KNOWN_TO_HOLD_ANALYTE)]
    peaks = integrate_run(
        traces,
        run.method.transitions,
        calibrator_positions=list(known.position),
        internal_standards=leading_transitions(run.method),
        manual=manual_integrations(run),
    )
    return peaks.assign(flags=peaks["flags"].str.replace("no_peak", "no peak"))  # the word of the data contract


def leading_transitions(method: Method) -> dict[str, str]:
    """Return, for each transition of an analyte, the transition of its internal standard."""
    return {
        transition.name: standard.name
        for transition in method.transitions
        if transition.analyte and (standard := method.internal_standard_quantifier(transition.analyte)) is not None
    }


def manual_integrations(run: Run) -> pd.DataFrame:
    """Return the boundaries set by `integrate` decisions: position, transition, left_min, right_min, line.

    The decision names a transition, an analyte or an internal standard (then its quantifier is meant).
    """
    rows = run.decisions[run.decisions.action == "integrate"]
    named = {t.name: t.name for t in run.method.transitions}
    named |= {str(t.analyte or t.internal_standard): t.name for t in run.method.transitions if t.role == "quantifier"}
    transition = [named.get(name, name) for name in rows.analyte]
    return rows[["position", "left_min", "right_min", "line"]].assign(transition=transition)


def check_decisions(run: Run, traces: RunTraces) -> None:
    """Refuse boundaries set by hand that lie outside the traces they name."""
    check_manual(traces, manual_integrations(run))
