"""Every model and weighting fitted to one table of standards, side by side: evidence for choosing in validation.

Nothing here chooses. The table goes to the screen, a page with figures to a file.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.calibration import CalibrationCurve, compare_weightings, make_estimator
from bioanalysis.columns import nonnegative, number, text
from bioanalysis.errors import BatchError, Fault
from bioanalysis.report.plots import Axis, Drawing, Mark, scatter
from bioanalysis.sheets import read_sheet
from bioanalysis.tables import Table, write_whole

STANDARDS = Table(
    title="Standards",
    columns=(
        nonnegative("nominal_ng_ml", "prepared concentration of each standard"),
        number("response", "response of each standard"),
        text("sample_type", "kind of row, as in measurements.tsv: all but calibrators and anchors are left out"),
    ),
    covariates=True,
)
KINDS = ("", "calibrator", "anchor")
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:1.5rem auto;padding:0 1rem}
table{border-collapse:collapse;font-size:.85rem}
th,td{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #8888}
svg{width:24rem;max-width:100%}svg text{font-size:10px}figure{display:inline-block;margin:0}
.axis{stroke:currentColor;fill:none}.curve{stroke:currentColor;fill:none}.guide{stroke:#8888;stroke-dasharray:3 3}
circle{fill:#0072b2}
"""
HEADINGS = {
    "model": "model",
    "weighting": "weighting",
    "sum_abs_re_percent": "sum |%RE|",
    "max_abs_re_percent": "max |%RE|",
    "unread": "unread",
    "aicc": "AICc",
    "residual_sd": "residual SD",
    "reason": "remark",
}


def read_standards(path: Path) -> pd.DataFrame:
    """Return nominal_ng_ml and response of the standards in a tsv, csv or xlsx; BatchError with all its faults."""
    name = path.as_posix()
    sheet = read_sheet(path, name)
    table, faults = STANDARDS.check(sheet)
    faults += [
        Fault(name, "no such column", f"a column with the {column.meaning}", sheet.header_line, column.name)
        for column in STANDARDS.columns[:2]
        if column.name not in sheet.header
    ]
    if faults:
        raise BatchError(faults)
    kept = table[table.sample_type.isin(KINDS) & table.nominal_ng_ml.notna() & table.response.notna()]
    if kept.nominal_ng_ml.nunique() < 2:
        found = f"{kept.nominal_ng_ml.nunique()} different concentrations with a response"
        raise BatchError([Fault(name, found, "at least two, in columns nominal_ng_ml and response")])
    return kept[["nominal_ng_ml", "response"]].reset_index(drop=True)


def compare_curves(path: Path, page: Path) -> str:
    """Return the comparison of all models and weightings as text, and write it with figures to `page`."""
    standards = read_standards(path)
    nominal, response = (standards[name].to_numpy(float) for name in ("nominal_ng_ml", "response"))
    table = compare_weightings(nominal, response)
    shown = table[list(HEADINGS)].rename(columns=HEADINGS)
    write_whole(page, _page(path.name, shown, table, standards).encode("utf-8"))
    return _as_text(shown)


def _as_text(shown: pd.DataFrame) -> str:
    return "\n".join(line.rstrip() for line in shown.map(_cell).to_string(index=False, justify="left").splitlines())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return str(value)


def _page(name: str, shown: pd.DataFrame, table: pd.DataFrame, standards: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(heading))}</th>" for heading in shown)
    rows = ["".join(f"<td>{escape(_cell(value))}</td>" for value in row) for row in shown.itertuples(index=False)]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    figures = [
        f"<figure>{drawing.svg}</figure>"
        for row in table[table.converged].itertuples()
        for drawing in _figures(make_estimator(row.model, row.weighting), standards)
    ]
    title = escape(f"Models and weightings of {name}")
    note = "Evidence for choosing; AICc is comparable between models and weightings of the same standards."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{note}</p><table><tr>{head}</tr>{body}</table>{''.join(figures)}</body></html>\n"
    )


def _figures(curve: CalibrationCurve, standards: pd.DataFrame) -> list[Drawing]:
    """Return the curve through its standards, and the relative error of each standard read back."""
    nominal, response = standards.nominal_ng_ml.to_numpy(float), standards.response.to_numpy(float)
    curve.fit(nominal, response)
    above = nominal > 0
    grid = np.geomspace(nominal[above].min(), nominal[above].max(), 60)
    line = list(zip(grid.tolist(), curve.predict(grid).tolist(), strict=True))
    found = curve.back_calculate(response[above]).concentration.to_numpy(float)
    error = 100 * (found / nominal[above] - 1)
    marks = [Mark(x, y, "used", f"{x:g}: {y:.4g}") for x, y in zip(nominal, response, strict=True)]
    errors = [Mark(x, e, "used", f"{x:g}: {e:+.1f} %") for x, e in zip(nominal[above], error, strict=True)]
    axis = Axis(f"nominal ng/mL ({curve.model}, {curve.weighting})", log=True)
    return [
        scatter(marks, axis, Axis("response", log=bool(response.min() > 0)), line=line),
        scatter(errors, axis, Axis("%RE"), guides=(0.0,)),
    ]
