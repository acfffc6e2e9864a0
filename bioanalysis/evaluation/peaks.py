"""Peaks of one run: the integrator with what the method and the decisions say."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from bioanalysis.chromatography import IntegrationSettings, check_manual, integrate_run
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.limits.peaks import peak_limits
from bioanalysis.method import Method
from bioanalysis.study import Run

DECIDED = ("reason_code", "reason", "author", "decided_at")
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
        settings=integration_settings(run.method),
    )
    named = {column: peaks[column].str.replace("no_peak", "no peak") for column in ("flags", "flag_details")}
    return _with_decisions(peaks.assign(**named), run)  # 'no peak' is the word of the data contract


def integration_settings(method: Method) -> IntegrationSettings:
    """Return how the method integrates: which area it reports, and the limits of its flags."""
    stated, limits = method.integration, dict(peak_limits())
    for word, own in stated.flag_limits.items():
        limits[word] = replace(limits[word], limit=own.limit, standing="method", source=own.source)
    return IntegrationSettings(
        estimate=stated.estimate,
        template_below=stated.template_below_signal_to_noise,
        template_with_neighbour=stated.template_with_neighbour,
        limits=limits,
    )


def _with_decisions(peaks: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Add who set the boundaries of a peak, when and why; empty where they are automatic."""
    decided = manual_integrations(run)[["position", "transition", *DECIDED]]
    keys = peaks[["position", "transition"]].astype(str)
    found = keys.merge(decided.drop_duplicates(["position", "transition"], keep="last"), "left")
    return peaks.assign(**{f"manual_{name}": found[name].fillna("").to_numpy() for name in DECIDED})


def leading_transitions(method: Method) -> dict[str, str]:
    """Return, for each transition of an analyte, the transition of its internal standard."""
    return {
        transition.name: standard.name
        for transition in method.transitions
        if transition.analyte and (standard := method.internal_standard_quantifier(transition.analyte)) is not None
    }


def manual_integrations(run: Run) -> pd.DataFrame:
    """Return the boundaries set by `integrate` decisions: position, transition, left_min, right_min, line, `DECIDED`.

    The decision names a transition, an analyte or an internal standard (then its quantifier is meant).
    """
    rows = run.decisions[run.decisions.action == "integrate"]
    named = {t.name: t.name for t in run.method.transitions}
    named |= {str(t.analyte or t.internal_standard): t.name for t in run.method.transitions if t.role == "quantifier"}
    transition = [named.get(name, name) for name in rows.analyte]
    columns = ["position", "left_min", "right_min", "line", *DECIDED]
    return rows[columns].assign(position=rows.position.astype(str), transition=transition)


def check_decisions(run: Run, traces: RunTraces) -> None:
    """Refuse boundaries set by hand that lie outside the traces they name."""
    check_manual(traces, manual_integrations(run))
