"""Which well belongs to which row of the worklist, and whether the export's own layout agrees."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.plates.cells import well_name
from bioanalysis.instruments.plates.reading import PlateReading, signal_of
from bioanalysis.words import count_of

# what a sample type of the worklist may be called in the layout of an export without contradicting it
AGREEING = {
    "calibrator": {"standard"},
    "anchor": {"standard"},
    "zero": {"standard", "blank", "control", "unknown"},
    "blank": {"standard", "blank", "control", "unknown"},
    "qc": {"control", "unknown"},
    "dilution_qc": {"control", "unknown"},
    "unknown": {"unknown", "control"},
    "incurred": {"unknown", "control"},
}
SAME_RATIO = 0.05
RESULT_COLUMNS = ("line", "plate", "position", "well", "signal", "word")


def match_wells(
    reading: PlateReading,
    worklist: pd.DataFrame,
    name: str,
    worklist_name: str,
    *,
    wavelength_nm: float | None = None,
    reference_wavelength_nm: float | None = None,
    channel: str | None = None,
    saturation_signal: float | None = None,
) -> pd.DataFrame:
    """Return the signal of every worklist row, in the order of the worklist.

    Parameters
    ----------
    reading : PlateReading
    worklist : DataFrame
        Columns line, plate, position, sample_id, sample_type, not_acquired_reason; `nominal_ng_ml` where concentrations
        are to be held against the layout of the export.
    name, worklist_name : str
        The two files as the user knows them.
    wavelength_nm, reference_wavelength_nm, channel, saturation_signal : optional
        As for `signal_of`.

    Returns
    -------
    DataFrame
        Columns line, plate, position (as in the worklist), well (normalised), signal (NaN where none) and word (why).
        `attrs["warnings"]`: where the layout of the export disagrees on concentrations; `attrs["notes"]`: wells with a
        signal that no row names, and a plate label that differs.

    Raises
    ------
    BatchError
        With all of: positions that are no wells or named twice, plates and wells the export lacks, wells that the
        export calls something else than the worklist does, standards that are all a power of 1000 apart.
    """
    signals = signal_of(
        reading.wells,
        wavelength_nm,
        reference_wavelength_nm,
        channel=channel,
        saturation_signal=saturation_signal,
        name=name,
    )
    rows = _worklist_wells(worklist)
    faults = _position_faults(rows, worklist_name)
    rows, plate_faults = _file_plates(rows, list(reading.plates), name, worklist_name)
    matched = rows.merge(
        signals.rename(columns={"plate": "file_plate"}), on=["file_plate", "well"], how="left", indicator=True
    )
    faults += plate_faults + _missing_wells(matched, name, worklist_name)
    layout = reading.layout.rename(columns={"plate": "file_plate"})
    described = rows[rows["needed"]].merge(layout, on=["file_plate", "well"], how="inner")
    faults += _kind_faults(described, name, worklist_name)
    faults += _unit_faults(described, name, worklist_name)
    if faults:
        raise BatchError(faults)
    acquired = matched["needed"]
    matched["signal"] = matched["signal"].where(acquired)
    matched["word"] = matched["word"].where(acquired, matched["not_acquired_reason"])
    result = matched[list(RESULT_COLUMNS)].reset_index(drop=True)
    result.attrs["warnings"] = _concentration_warnings(described)
    result.attrs["notes"] = (*_renamed_plate(rows), *_unnamed_wells(rows, signals))
    return result


def _worklist_wells(worklist: pd.DataFrame) -> pd.DataFrame:
    rows = worklist.copy().reset_index(drop=True)
    rows["well"] = [well_name(str(position)) or "" for position in rows["position"]]
    rows["needed"] = rows["not_acquired_reason"].fillna("") == ""
    rows["plate"] = rows["plate"].astype(str)
    if "nominal_ng_ml" not in rows:
        rows["nominal_ng_ml"] = np.nan
    return rows


def _position_faults(rows: pd.DataFrame, worklist_name: str) -> list[Fault]:
    faults: list[Fault] = []
    first: dict[tuple[str, str], int] = {}
    for row in rows.itertuples():
        if not row.well and not row.needed and not row.position:
            continue  # never had a well
        if not row.well:
            found = f"position is '{row.position}'"
            faults.append(Fault(worklist_name, found, "a well such as B7", row.line, "position"))
        elif (row.plate, row.well) in first:
            found = f"well {row.well} of plate {row.plate} is named again (first in line {first[row.plate, row.well]})"
            faults.append(Fault(worklist_name, found, "each well once", row.line, "position"))
        first.setdefault((row.plate, row.well), row.line)
    return faults


def plate_key(label: str) -> str:
    """Return what is left of a plate label without the word plate, zeros in front and capitals."""
    return re.sub(r"^plate[\s_:#]*", "", label.strip().casefold()).lstrip("0") or "0"


def _file_plates(
    rows: pd.DataFrame, labels: Sequence[str], name: str, worklist_name: str
) -> tuple[pd.DataFrame, list[Fault]]:
    """Return the rows with the export's label of their plate; one plate on each side needs no agreement."""
    wanted = list(dict.fromkeys(rows.loc[rows["needed"], "plate"]))
    if len(labels) == 1 and len(wanted) <= 1:
        return rows.assign(file_plate=labels[0]), []
    by_key = {plate_key(label): label for label in labels}
    if len(by_key) < len(labels):
        by_key = {}
    known = {plate: plate if plate in labels else by_key.get(plate_key(plate), "") for plate in wanted}
    faults = [
        Fault(
            worklist_name,
            f"plate '{plate}' is not in {name}",
            f"one of {', '.join(repr(label) for label in labels)}",
            int(rows.loc[rows["plate"] == plate, "line"].iloc[0]),
            "plate",
        )
        for plate in wanted
        if not known[plate]
    ]
    return rows.assign(file_plate=[known.get(plate, "") for plate in rows["plate"]]), faults


def _missing_wells(matched: pd.DataFrame, name: str, worklist_name: str) -> list[Fault]:
    missing = matched[
        matched["needed"] & (matched["_merge"] == "left_only") & (matched["well"] != "") & (matched["file_plate"] != "")
    ]
    expected = f"a well that {name} holds, or a not_acquired_reason"
    return [
        Fault(worklist_name, f"well {row.well} of plate {row.plate} is not in {name}", expected, row.line, "position")
        for row in missing.itertuples()
    ]


def _kind_faults(described: pd.DataFrame, name: str, worklist_name: str) -> list[Fault]:
    return [
        Fault(
            worklist_name,
            f"well {row.well} of plate {row.plate} is {row.sample_type}, "
            f"but {name} calls it {row.kind} '{row.layout_name}'",
            "layout and export that agree",
            row.line,
            "sample_type",
        )
        for row in described.rename(columns={"name": "layout_name"}).itertuples()
        if row.kind and row.kind not in AGREEING.get(row.sample_type, {row.kind})
    ]


def _stated_twice(described: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the standards whose concentration both sides state, and the export's over the worklist's (n,)."""
    stated = (described["nominal"] > 0) & (described["nominal_ng_ml"] > 0)
    both = described[stated & described["kind"].isin(["standard", ""])]
    return both, (both["nominal"] / both["nominal_ng_ml"]).to_numpy(dtype=float)


def _common_factor(ratios: np.ndarray) -> float:
    """Return the factor by which all concentrations differ, 1 where there is none."""
    middle = float(np.median(ratios)) if len(ratios) else 1.0
    return middle if np.all(np.abs(ratios / middle - 1) <= SAME_RATIO) else 1.0


def _is_unit(factor: float) -> bool:
    """Tell whether a factor is a power of 1000, as between pg, ng and ug."""
    power = math.log10(factor) / 3
    return round(power) != 0 and abs(power - round(power)) < math.log10(1 + SAME_RATIO) / 3


def _unit_faults(described: pd.DataFrame, name: str, worklist_name: str) -> list[Fault]:
    both, ratios = _stated_twice(described)
    factor = _common_factor(ratios)
    if not _is_unit(factor):
        return []
    found = f"{len(both)} standards are {factor:g} times as high in the layout of {name}, throughout"
    expected = "one unit: nominal_ng_ml in ng/mL (are the concentrations of one of the two in pg/mL or ug/mL?)"
    return [Fault(worklist_name, found, expected, int(both["line"].iloc[0]), "nominal_ng_ml")]


def _concentration_warnings(described: pd.DataFrame) -> tuple[str, ...]:
    """Return where the nominal values of standards differ: all by one factor, or well by well."""
    both, ratios = _stated_twice(described)
    if both.empty:
        return ()
    factor = _common_factor(ratios)
    if abs(factor - 1) > SAME_RATIO:
        words = f"standards in the layout of the export are {factor:g} times nominal_ng_ml throughout"
        return (f"{words}: another unit or dilution?",)
    middle = float(np.median(ratios))
    base = 1.0 if np.mean(np.abs(ratios - 1) <= SAME_RATIO) >= 0.5 else middle
    differing = both[np.abs(ratios / base - 1) > SAME_RATIO]
    return tuple(
        f"line {row.line}: well {row.well} of plate {row.plate} has nominal_ng_ml {row.nominal_ng_ml:g}, "
        f"the layout of the export {row.nominal:g}"
        for row in differing.itertuples()
    )


def _renamed_plate(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return a note where plates were matched though their labels differ (one plate on each side)."""
    pairs = rows.loc[rows["needed"], ["plate", "file_plate"]].drop_duplicates()
    return tuple(
        f"plate '{row.plate}' of the worklist is '{row.file_plate}' in the export"
        for row in pairs.itertuples()
        if plate_key(row.plate) != plate_key(row.file_plate)
    )


def _unnamed_wells(rows: pd.DataFrame, signals: pd.DataFrame) -> tuple[str, ...]:
    named = set(zip(rows["file_plate"], rows["well"], strict=True))
    unnamed: dict[str, list[str]] = {}
    for row in signals[signals["word"] != "empty"].itertuples():
        if (row.plate, row.well) not in named:
            unnamed.setdefault(row.plate, []).append(row.well)
    return tuple(
        f"plate {plate}: {count_of(len(wells), 'reading')} in wells that no worklist row names: {', '.join(wells)}"
        for plate, wells in unnamed.items()
    )
