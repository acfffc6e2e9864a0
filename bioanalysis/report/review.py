"""Chromatograms of a run for a reviewer: every peak with its boundaries, and decisions to take about them.

The page changes nothing. It integrates between boundaries that a reviewer draws with the arithmetic of
`bioanalysis.chromatography.integration.within_boundaries`, number by number, on the intensities as they were read, so
that the area it shows is the one the workflow gives once the decision stands in the study.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioanalysis.chromatography.block import Block
from bioanalysis.chromatography.noise import ion_quantum
from bioanalysis.evaluation.peaks import integration_settings
from bioanalysis.evaluation.study_flags import accept
from bioanalysis.instruments.traces import RunTraces
from bioanalysis.limits.peaks import read_details
from bioanalysis.method import Method, Transition
from bioanalysis.report.heads import head
from bioanalysis.report.review_readings import readings_data
from bioanalysis.report.said import STANDARD, said
from bioanalysis.results import read_curves, read_table
from bioanalysis.study import Run
from bioanalysis.study.schema import ACTIONS, DECISIONS

Floats = NDArray[np.float64]
TAKEN_HERE = ("integrate", "exclude", "accept_flag")
NUMBERS = ("left_min", "right_min", "area", "automatic_area", "area_se", "noise_sd")
ABOUT = ("sample_type", "sample_id", "level", "tissue")


def chromatogram_review(folder: Path, run: Run, results: Path) -> str:
    """Return the section on chromatograms: markup, style, script and one block of data.

    Parameters
    ----------
    folder : Path
        The study.
    run : Run
        Of LC-MS/MS.
    results : Path
        Folder of the run's tables.
    """
    traces = RunTraces.load(folder / "work" / run.run_id / "traces.npz")
    content = review_data(run, traces, read_table(results / "peaks.tsv"), read_table(results / "flags.tsv"))
    content["analytes"] = readings_data(
        run.method, traces.transitions.tolist(), traces.positions.tolist(),
        read_curves(results / "curve.json"),
        read_table(results / "measurements.tsv"),
    )  # fmt: skip
    here = files("bioanalysis.report")
    parts = {
        name: (here / path).read_text(encoding="utf-8")
        for name, path in (
            ("style", "review.css"), ("plot_style", "vendor/uPlot.min.css"), ("plot", "vendor/uPlot.iife.min.js"),
            ("area", "review_area.js"), ("curve", "review_curve.js"), ("draw", "review_draw.js"),
            ("script", "review.js"),
        )
    }  # fmt: skip
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(
        (here / "review.html").read_text(encoding="utf-8")
    )
    return template.render(
        data=embedded(content), decisions=content["decisions"], unit=run.method.unit, head=head, said=said, **parts
    )


def embedded(content: Any) -> str:
    """Return JSON that can stand inside a page: it holds no raw `<`."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def review_data(run: Run, traces: RunTraces, peaks: pd.DataFrame, flags: pd.DataFrame) -> dict[str, Any]:
    """Return everything the page needs, as JSON can hold it.

    Parameters
    ----------
    peaks, flags : DataFrame
        peaks.tsv and flags.tsv of the run.

    Returns
    -------
    dict
        `injections` and `transitions` in the order of the traces; `peaks`, one list per column with one entry per
        injection and transition; `traces`, packed (see `packed`); `decisions` of the study about this run; `columns`
        of decisions.tsv and `codes` of each action; `no_peak`, the area over its standard error that a peak must have.
    """
    decided = run.decisions[[column.name for column in DECISIONS.columns]]
    return {
        "run_id": run.run_id,
        "columns": list(decided),
        "codes": {action: list(ACTIONS[action]) for action in TAKEN_HERE},
        "no_peak": integration_settings(run.method).limits["no_peak"].limit,
        "injections": _injections(run, traces),
        "transitions": [_transition(run.method, traces, place) for place in range(len(traces.transitions))],
        "peaks": _peaks(run, traces, peaks, accept(flags, run.decisions)),
        "decisions": [{name: _word(value) for name, value in row.items()} for row in decided.to_dict("records")],
        "traces": packed([traces.trace(i, k) for i in range(len(traces.positions)) for k in _numbers(traces)]),
    }


def packed(traces: Sequence[tuple[Floats, Floats]]) -> dict[str, Any]:
    """Return traces without loss: float64 in eight planes of bytes, deflated, in base64.

    Times that several traces share stand once. Counts and single-precision intensities leave most planes empty, so
    they cost what they hold.

    Parameters
    ----------
    traces : sequence of pairs
        (time_min, intensity), shape (n_points,) each.
    """
    distinct: dict[bytes, int] = {}
    which = [distinct.setdefault(np.asarray(time, "<f8").tobytes(), len(distinct)) for time, _ in traces]
    times = [np.frombuffer(content, "<f8") for content in distinct]
    return {
        "points": [len(time) for time in times],
        "which": which,
        "time": _deflated(times),
        "intensity": _deflated([intensity for _, intensity in traces]),
    }


def _deflated(arrays: Sequence[Floats]) -> str:
    whole = np.concatenate([np.empty(0), *arrays]).astype("<f8")
    planes = np.ascontiguousarray(whole.view(np.uint8).reshape(-1, 8).T)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")


def _numbers(traces: RunTraces) -> range:
    return range(len(traces.transitions))


def _injections(run: Run, traces: RunTraces) -> list[dict[str, str]]:
    rows = run.worklist.assign(position=run.worklist.position.astype(str)).set_index("position")
    return [
        {"position": str(position), **{name: _word(rows.loc[str(position), name]) for name in ABOUT}}
        for position in traces.positions
    ]


def _transition(method: Method, traces: RunTraces, place: int) -> dict[str, Any]:
    """Return what the arithmetic and a decision need of a transition.

    `points` is the length that all traces are brought to, `quantum` the intensity of one ion (0: not counted).
    """
    block = Block.stack([traces.trace(injection, place) for injection in range(len(traces.positions))])
    transition = next(one for one in method.transitions if one.name == str(traces.transitions[place]))
    return {
        "name": transition.name,
        "role": transition.role,
        "substance": _substance(transition),
        "decided_as": _decided_as(transition, method),
        "points": block.time_s.shape[1],
        "quantum": ion_quantum(block.intensity.ravel()),
    }


def _substance(transition: Transition) -> str:
    return str(transition.analyte or transition.internal_standard)


def _decided_as(transition: Transition, method: Method) -> str:
    """Return the name under which a decision means this transition: its substance's for a quantifier, else its own.

    Empty where its own name is that of a substance: then no decision can mean it.
    """
    quantified = {_substance(one) for one in method.transitions if one.role == "quantifier"}
    if transition.role == "quantifier":
        return _substance(transition)
    return "" if transition.name in quantified else transition.name


def _peaks(run: Run, traces: RunTraces, peaks: pd.DataFrame, flags: pd.DataFrame) -> dict[str, list[Any]]:
    by_key = peaks.assign(position=peaks.position.astype(str)).set_index(["position", "transition"])
    keys = [(str(position), str(name)) for position in traces.positions for name in traces.transitions]
    rows = by_key.loc[keys]
    about = {transition.name: transition for transition in run.method.transitions}
    at_position = {position: here.to_dict("records") for position, here in flags.groupby(flags.position.astype(str))}
    columns: dict[str, list[Any]] = {name: [_number(value) for value in rows[name]] for name in NUMBERS}
    columns["manual"] = [bool(value) for value in rows.manual]
    columns["estimate"] = [str(value) for value in rows.estimate]
    columns["flags"] = [
        _flags(run.method, about[name], words, details, at_position.get(position, []))
        for (position, name), words, details in zip(keys, rows["flags"], rows["flag_details"], strict=True)
    ]
    return columns


def _flags(
    method: Method, transition: Transition, words: str, details: str, here: Sequence[dict[str, Any]]
) -> list[dict[str, str]]:
    """Return the flags of one peak: those of flags.tsv with their state, then what only peaks.tsv says (`noted`)."""
    quantifier, standard = transition.role == "quantifier", transition.analyte is None
    substance = _substance(transition)
    analytes = {one.name for one in method.analytes if substance in (one.name, one.internal_standard)}
    mine = [
        row for row in here
        if quantifier and row["analyte"] in {"", *analytes} and row["flag"].startswith(STANDARD) == standard
    ]  # fmt: skip
    found = [
        {"word": said(row["flag"]), "state": row["state"], "analyte": row["analyte"], "said": _said(row)}
        for row in mine
    ]
    known, numbers = {row["flag"].removeprefix(STANDARD) for row in mine}, read_details(str(details))
    noted = [word for word in str(words).split(";") if word and word not in known]
    return found + [
        {"word": said(word), "state": "noted", "analyte": "", "said": _noted(word, numbers)} for word in noted
    ]


def _said(row: dict[str, Any]) -> str:
    numbers = ", ".join(str(row[name]) for name in ("observed", "limit") if str(row[name]))
    return ": ".join(filter(None, (said(row["flag"]), numbers))) + (f" ({row['meaning']})" if row["meaning"] else "")


def _noted(word: str, numbers: dict[str, tuple[str, str]]) -> str:
    return "{}: {} (limit {})".format(said(word), *numbers[word]) if word in numbers else said(word)


def _word(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(value)
    return str(value)


def _number(value: Any) -> float | None:
    number = float(value) if value != "" else np.nan
    return None if np.isnan(number) else float(number)
