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
from bioanalysis.sheets import Sheet, read_sheet
from bioanalysis.tables import Table, write_whole
from bioanalysis.words import count_of

UNITS = {"nominal_ng_ml": "ng/mL", "nominal_nmol_l": "nmol/L", "nominal_ng_g": "ng/g", "nominal_ug_g": "ug/g"}
STANDARDS = Table(
    title="Standards",
    columns=(
        *(nonnegative(name, "prepared concentration of each standard") for name in UNITS),
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


def read_standards(path: Path) -> tuple[pd.DataFrame, str]:
    """Return nominal and response of the standards in a tsv, csv or xlsx, and the unit; BatchError with all its faults.

    A run of a method in nmol/L leaves a measurements.tsv with an empty nominal_ng_ml beside nominal_nmol_l.
    """
    name = path.as_posix()
    sheet = read_sheet(path, name)
    table, faults = STANDARDS.check(sheet)
    nominal, more = _nominal_column(sheet, table)
    if faults := [*faults, *more]:
        raise BatchError(faults)
    kept = table[table.sample_type.isin(KINDS) & table[nominal].notna() & table.response.notna()]
    if kept[nominal].nunique() < 2:
        found = f"{count_of(kept[nominal].nunique(), 'different concentration')} with a response"
        raise BatchError([Fault(name, found, f"at least two, in columns {nominal} and response")])
    standards = kept[[nominal, "response"]].set_axis(["nominal", "response"], axis="columns")
    return standards.reset_index(drop=True), UNITS[nominal]


def _nominal_column(sheet: Sheet, table: pd.DataFrame) -> tuple[str, list[Fault]]:
    """Return the column that holds the prepared concentrations, with faults where none or several do."""
    there = [name for name in UNITS if name in sheet.header]
    filled = [name for name in there if table[name].notna().any()]
    expected = "a column with the prepared concentration of each standard"
    faults = [] if there else [Fault(sheet.file, "no such column", expected, sheet.header_line, next(iter(UNITS)))]
    if "response" not in sheet.header:
        expected = "a column with the response of each standard"
        faults.append(Fault(sheet.file, "no such column", expected, sheet.header_line, "response"))
    if len(filled) > 1:
        expected = "the prepared concentration in one unit only"
        faults.append(Fault(sheet.file, f"filled beside {filled[0]}", expected, sheet.header_line, filled[1]))
    return next(iter([*filled, *there, *UNITS])), faults


def compare_curves(path: Path, page: Path) -> str:
    """Return the comparison of all models and weightings as text, and write it with figures to `page`."""
    standards, unit = read_standards(path)
    nominal, response = (standards[name].to_numpy(float) for name in ("nominal", "response"))
    table = compare_weightings(nominal, response)
    shown = table[list(HEADINGS)].rename(columns=HEADINGS)
    write_whole(page, _page(path.name, shown, table, standards, unit).encode("utf-8"))
    return _as_text(shown)


def _as_text(shown: pd.DataFrame) -> str:
    return "\n".join(line.rstrip() for line in shown.map(_cell).to_string(index=False, justify="left").splitlines())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return str(value)


def _page(name: str, shown: pd.DataFrame, table: pd.DataFrame, standards: pd.DataFrame, unit: str) -> str:
    head = "".join(f"<th>{escape(str(heading))}</th>" for heading in shown)
    rows = ["".join(f"<td>{escape(_cell(value))}</td>" for value in row) for row in shown.itertuples(index=False)]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    figures = [
        f"<figure>{drawing.svg}</figure>"
        for row in table[table.converged].itertuples()
        for drawing in _figures(make_estimator(row.model, row.weighting), standards, unit)
    ]
    title = escape(f"Models and weightings of {name}")
    note = "Evidence for choosing; AICc is comparable between models and weightings of the same standards."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{note}</p><table><tr>{head}</tr>{body}</table>{''.join(figures)}</body></html>\n"
    )


def _figures(curve: CalibrationCurve, standards: pd.DataFrame, unit: str) -> list[Drawing]:
    """Return the curve through its standards, and the relative error of each standard read back."""
    nominal, response = standards.nominal.to_numpy(float), standards.response.to_numpy(float)
    curve.fit(nominal, response)
    above = nominal > 0
    grid = np.geomspace(nominal[above].min(), nominal[above].max(), 60)
    line = list(zip(grid.tolist(), curve.predict(grid).tolist(), strict=True))
    found = curve.back_calculate(response[above]).concentration.to_numpy(float)
    error = 100 * (found / nominal[above] - 1)
    marks = [Mark(x, y, "used", f"{x:g}: {y:.4g}") for x, y in zip(nominal, response, strict=True)]
    errors = [Mark(x, e, "used", f"{x:g}: {e:+.1f} %") for x, e in zip(nominal[above], error, strict=True)]
    axis = Axis(f"nominal {unit} ({curve.model}, {curve.weighting})", log=True)
    return [
        scatter(marks, axis, Axis("response", log=bool(response.min() > 0)), line=line),
        scatter(errors, axis, Axis("%RE"), guides=(0.0,)),
    ]
