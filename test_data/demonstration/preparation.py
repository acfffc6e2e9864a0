"""What a laboratory notes of its materials: standards, reagents and matrix, and how calibrators and QCs were prepared.

Nothing here is drawn at random, and nothing changes a reading.
"""

from __future__ import annotations

import pandas as pd

SURROGATE = "surrogate"
LOTS = {SURROGATE: "SUR-09", "liver": "LIV-05", "kidney": "KID-05", "spleen": "SPL-05"}
STOCKS = {
    "calibrator": "CS-21A", "anchor": "CS-21A", "recovery_pre": "CS-21A", "recovery_post": "CS-21A",
    "qc": "QS-21B", "dilution_qc": "QS-21B",
}  # fmt: skip
QCS = ("qc", "dilution_qc")
QCS_PREPARED = "2026-02-25"  # pools kept frozen; calibrators and recovery rows are spiked on the day of extraction
IN_MATRIX = (*STOCKS, "blank", "zero", "carryover_blank")


def noted(worklist: pd.DataFrame, extraction_date: str) -> pd.DataFrame:
    """Return the worklist with matrix lot, stock solution and day of preparation of what the laboratory made itself."""
    kind, matrix = worklist.sample_type, worklist.tissue.where(worklist.tissue != "", SURROGATE)
    prepared = kind.map({name: QCS_PREPARED if name in QCS else extraction_date for name in STOCKS})
    return worklist.assign(
        lot=matrix.map(LOTS).where(kind.isin(IN_MATRIX), ""), stock=kind.map(STOCKS).fillna(""),
        prepared_on=prepared.fillna(""),
    )  # fmt: skip


def make_materials() -> pd.DataFrame:
    """What was used, in the columns of config/materials.tsv."""
    rows = [
        ("mipomersen sodium", "reference standard", "RS-0411", "97.2 % (anhydrous, as is)",
         "sodium salt, 7.9 % water", "-20 C, desiccated", "2027-03-31"),
        ("IS1 sodium", "internal standard", "IS-0088", "95.4 %", "sodium salt, 6.8 % water", "-20 C, desiccated",
         "2026-12-31"),
        (f"stock solution {STOCKS['calibrator']}", "stock solution", STOCKS["calibrator"], "", "1.00 mg/mL in water",
         "-70 C", "2026-08-20"),
        (f"stock solution {STOCKS['qc']}", "stock solution", STOCKS["qc"], "", "1.00 mg/mL in water", "-70 C",
         "2026-08-20"),
        ("capture probe", "reagent", "CP-17", "", "5' biotin, lyophilised", "-20 C", "2026-11-30"),
        ("detection probe", "reagent", "DP-14", "", "3' digoxigenin, lyophilised", "-20 C", "2026-11-30"),
        ("anti-digoxigenin conjugate", "reagent", "AD-32", "", "alkaline phosphatase", "2 to 8 C", "2026-07-31"),
        ("ion-pairing reagent", "reagent", "HF-105", "99.9 %", "hexafluoroisopropanol", "room temperature",
         "2027-01-31"),
        *[(f"blank rat {tissue}" if tissue != SURROGATE else "surrogate homogenate", "matrix", lot, "", "", "-70 C",
           "2026-09-30") for tissue, lot in LOTS.items()],
    ]  # fmt: skip
    columns = ["material", "kind", "lot", "purity", "form", "storage", "expiry"]
    return pd.DataFrame(rows, columns=columns).assign(source="certificate of analysis (simulated)")
