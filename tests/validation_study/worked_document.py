"""A validation.json for the method of the small study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bioanalysis.method import read_method
from bioanalysis.study.validated import analytical_digest


def document(folder: Path) -> dict[str, Any]:
    """Return what a validation of the small study's LC-MS/MS method showed."""
    method = read_method(folder / "config/methods/lcms.yaml", "lcms.yaml")
    storage = [
        {"tissue": "liver", "condition": "long_term", "days": 30.0, "c": -70.0},
        {"tissue": "liver", "condition": "long_term", "days": 90.0, "c": -70.0},
        {"tissue": "liver", "condition": "freeze_thaw", "cycles": 3.0},
        {"tissue": "liver", "condition": "bench_top", "hours": 24.0},
    ]
    shown = {
        "version": method.version, "digest": analytical_digest(method),
        "range": {"mipomersen": {"lloq_ng_ml": 5.0, "uloq_ng_ml": 5000.0}}, "tissues": ["liver", "kidney"],
        "dilution_factors": [10.0, 50.0], "stability": storage, "reinjection": True, "verdict": "pass",
        "verdicts": {"VAL-CC-04": "pass"},
    }  # fmt: skip
    return {"study_id": "V-1", "methods": {method.method_id: shown}}
