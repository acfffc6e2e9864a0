"""Every model and weighting fitted to one table of standards, side by side: evidence for choosing in validation.

Nothing here chooses. The table goes to the screen, a page with figures to a file.
"""

from __future__ import annotations

from collections.abc import Sequence
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
        text("line", "line of the worklist, as in measurements.tsv: not used"),
    ),
    covariates=True,
)
KINDS = ("", "calibrator", "anchor")
STYLE = """
:root{color-scheme:light dark;--line:#767676;--mark:#00588a}
@media (prefers-color-scheme:dark){:root{--line:#8d8d8d;--mark:#7cc4f0}}
body{background:Canvas;color:CanvasText}
body{font:15px/1.45 system-ui,sans-serif;max-width:84rem;margin:1.5rem auto;padding:0 1rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}caption{text-align:left;padding:.3rem .6rem}
th,td{padding:.15rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600;white-space:nowrap}td{min-width:4rem}:focus-visible{outline:3px solid var(--mark)}
svg{width:24rem;max-width:100%}svg text{font-size:10px;fill:currentColor}figure{margin:.6rem 0;break-inside:avoid}
.axis{stroke:currentColor;fill:none}.curve{stroke:currentColor;fill:none}.guide{stroke:var(--line);stroke-dasharray:3 3}
circle{fill:var(--mark)}
@media print{.wide{overflow:visible}}
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
CAPTION = (
    "Evidence for choosing; nothing is chosen here. %RE: 100 (found - nominal) / nominal of a standard read back; "
    "unread: standards the curve gives no concentration for. AICc is comparable between models and weightings of the "
    "same standards; a row with a remark and no numbers did not converge."
)


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
    rows = [[str(heading) for heading in shown], *shown.map(_cell).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if np.isfinite(value) else ""
    return str(value)


def _page(name: str, shown: pd.DataFrame, table: pd.DataFrame, standards: pd.DataFrame, unit: str) -> str:
    title = escape(f"Models and weightings of {name}")
    figures = [
        _figure(row.model, row.weighting, _figures(make_estimator(row.model, row.weighting), standards, unit))
        for row in table[table.converged].itertuples()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
        f"{_table(shown)}<h2>Each curve and its errors</h2>{''.join(figures)}</main></body></html>\n"
    )


def _table(shown: pd.DataFrame) -> str:
    """Return the comparison as a table: columns and rows have heads, the caption says how to read it."""
    heads = "".join(f'<th scope="col">{escape(str(heading))}</th>' for heading in shown)
    rows = [[escape(_cell(value)) for value in row] for row in shown.itertuples(index=False)]
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="Table: models and weightings"><table>'
        f"<caption>{CAPTION}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _figure(model: str, weighting: str, drawings: Sequence[Drawing]) -> str:
    words = escape(f"{model}, weighting {weighting}: the curve through its standards, and the relative error of each.")
    return f"<figure>{''.join(drawing.svg for drawing in drawings)}<figcaption>{words}</figcaption></figure>"


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
