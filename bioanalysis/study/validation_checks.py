"""Rows of a validation's experiments held against what each experiment needs."""

from __future__ import annotations

import numpy as np

from bioanalysis.errors import Fault
from bioanalysis.study.reading import CONFIG, MethodFiles, Rows
from bioanalysis.study.schema import EXPERIMENTS
from bioanalysis.text_files import listed

VALIDATION = "validation"
NEEDED: dict[str, tuple[str, ...]] = {
    "selectivity": ("lot",),
    "specificity": ("interferent",),
    "matrix_effect": ("lot",),
    "dilution_linearity": ("series",),
    "parallelism": ("series",),
    "stability": ("condition",),
    "endogenous": ("lot",),
}
WITHOUT_MATRIX = ("neat",)
STORAGE = ("condition_days", "condition_hours")


def experiment_faults(rows: Rows, kind: str) -> list[Fault]:
    """Return what is wrong with the experiments of a worklist.

    Parameters
    ----------
    rows : Rows
        The checked table.
    kind : str
        ``study`` or ``validation``, of config.yaml.
    """
    experiments = rows.cells("experiment")
    if kind != VALIDATION:
        where = f"nothing, or 'study: {{kind: validation}}' in {CONFIG}: experiments belong to a method validation"
        return rows.faults(experiments != "", "experiment", where)
    return [*_type_faults(rows), *_missing_cells(rows), *_storage_faults(rows)]


def unit_faults(methods: MethodFiles, kind: str) -> list[Fault]:
    """The methods of one validation count in one unit: what they find is compared."""
    in_moles = {name: method for name, method in methods.methods.items() if method.counts_moles}
    others = [name for name in methods.methods if name not in in_moles]
    if kind != VALIDATION or not others:
        return []
    key = ("concentration_unit",)
    expected = f"the molar mass of each analyte, or a validation of its own: {listed(others)} counts ng/mL"
    documents = [methods.documents[name] for name in in_moles]
    return [
        Fault(one.file, "'nmol_l' without a molar mass", expected, one.line(key), one.key(key)) for one in documents
    ]


def _type_faults(rows: Rows) -> list[Fault]:
    experiments, kinds = rows.cells("experiment"), rows.cells("sample_type")
    wrong = [bool(e) and bool(k) and k not in EXPERIMENTS[e] for e, k in zip(experiments, kinds, strict=True)]
    return rows.faults(
        wrong, "sample_type", lambda i: f"{listed(EXPERIMENTS[experiments[i]])} in the experiment {experiments[i]}"
    )


def _missing_cells(rows: Rows) -> list[Fault]:
    experiments, with_matrix = rows.cells("experiment"), ~np.isin(rows.cells("sample_type"), WITHOUT_MATRIX)
    return [
        fault
        for experiment, columns in NEEDED.items()
        for column in columns
        for fault in rows.faults(
            (experiments == experiment) & (rows.cells(column) == "") & with_matrix,
            column,
            f"filled in the experiment {experiment}",
            "empty",
        )
    ]


def _storage_faults(rows: Rows) -> list[Fault]:
    """Storage is told by its cycles or by its time, and only rows of stability were stored."""
    conditions, cycles = rows.cells("condition"), rows.cells("condition_cycles")
    faults = rows.faults(
        (conditions == "freeze_thaw") & ~(cycles > 0), "condition_cycles", "the number of freeze-thaw cycles"
    )
    untimed = np.isnan(rows.cells("condition_days")) & np.isnan(rows.cells("condition_hours"))
    stored = (conditions != "") & (conditions != "freeze_thaw")
    faults += rows.faults(stored & untimed, "condition_days", "days, or hours in condition_hours")
    elsewhere = (conditions != "") & (rows.cells("experiment") != "stability")
    return faults + rows.faults(elsewhere, "condition", "nothing outside the experiment stability")
