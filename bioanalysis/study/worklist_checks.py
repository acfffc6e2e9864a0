"""A worklist held against its method, the manifest and itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bioanalysis.contradictions import admissible_corrections, said_admissible
from bioanalysis.errors import Fault
from bioanalysis.method import Method
from bioanalysis.study.raw_files import used_twice
from bioanalysis.study.reading import CONFIG, Rows
from bioanalysis.study.worklist import normal_position, tissue_of_calibrators
from bioanalysis.text_files import did_you_mean, listed, nearest, other_capitals
from bioanalysis.words import STUDY_SAMPLES

PREPARED = ("calibrator", "anchor", "qc", "dilution_qc", "recovery_pre", "recovery_post", "neat")
WITHOUT_ANALYTE = ("zero", "blank", "carryover_blank")
LEVELLED = ("qc", "recovery_pre", "recovery_post", "neat")
UNDILUTED = ("calibrator", "anchor", "zero", "blank")
IN_TISSUE = ("recovery_pre", "recovery_post")
STAND_INS = ("surrogate", "neat")


@dataclass(frozen=True)
class Manifest:
    """What a worklist must know of the study's samples.

    Parameters
    ----------
    tissue_of : mapping
        Tissue of each sample.
    unavailable : mapping
        Reason of each sample that is not available.
    tissues : collection of str, optional
        Tissues of the study; None where its settings could not be read.
    complete : bool
        Whether the whole sample manifest could be read.
    file : str
        Name of the manifest in messages.
    """

    tissue_of: Mapping[str, str]
    unavailable: Mapping[str, str]
    tissues: Collection[str] | None
    complete: bool = True
    file: str = "config/samples.tsv"

    @classmethod
    def of(cls, samples: Rows, tissues: Collection[str] | None) -> Manifest:
        """Return the manifest in the table `samples`."""
        names, reasons = samples.cells("sample_id"), samples.cells("not_available_reason")
        return cls(
            dict(zip(names, samples.cells("tissue"), strict=True)),
            {name: reason for name, reason in zip(names, reasons, strict=True) if reason},
            tissues,
            samples.complete,
            samples.file,
        )


def worklist_faults(rows: Rows, platform: str | None, method: Method | None, manifest: Manifest) -> list[Fault]:
    """Return what is wrong with a worklist as its file states it.

    Parameters
    ----------
    rows : Rows
        The checked table.
    platform : str or None
        Platform of the run's method, None where that is not known; the rules that need it are then left out.
    method : Method or None
        The run's method, None where it is faulty.
    manifest : Manifest
        The study's samples.
    """
    if rows.complete and not len(rows):
        return [Fault(rows.file, "no rows", "one row per injection or well")]
    faults = [*_sample_faults(rows, manifest), *_tissue_faults(rows, manifest), *_dilution_faults(rows)]
    faults += _recovery_faults(rows, method) if method is not None else []
    faults += _level_faults(rows)
    if platform in ("lcms", "elisa"):
        faults += _position_faults(rows, platform)
    if platform == "lcms":
        faults += used_twice(rows)
    if method is not None:
        faults += [
            *_nominal_faults(rows, method),
            *_calibrator_faults(rows, method),
            *_extract_dilution_faults(rows, method),
        ]
    return faults


def _of_kind(rows: Rows, kinds: Collection[str]) -> np.ndarray:
    return np.fromiter((kind in kinds for kind in rows.cells("sample_type")), dtype=bool, count=len(rows))


def _acquired(rows: Rows) -> np.ndarray:
    return np.asarray(rows.cells("not_acquired_reason") == "", dtype=bool)


def _position_faults(rows: Rows, platform: str) -> list[Fault]:
    positions, plates, lines = rows.cells("position"), rows.cells("plate"), rows.cells("line")
    expected = "an injection number: 1, 2, 3 ..." if platform == "lcms" else "a well such as B7"
    normal = [normal_position(position, platform) for position in positions]
    faults = rows.faults(
        [
            place is None and bool(position or acquired)
            for place, position, acquired in zip(normal, positions, _acquired(rows), strict=True)
        ],
        "position",
        expected,
    )
    if platform == "lcms":
        faults += rows.faults(
            [plate not in ("", "1") for plate in plates], "plate", "no plate for LC-MS/MS (the column batch is free)"
        )
        plates = np.full(len(rows), "", dtype=object)
    first: dict[tuple[str, str], int] = {}
    keys = [(plate or "1", place) if place else None for plate, place in zip(plates, normal, strict=True)]
    twice = [key is not None and first.setdefault(key, line) != line for key, line in zip(keys, lines, strict=True)]
    once = "each injection number once" if platform == "lcms" else "each well of a plate once"
    return faults + rows.faults(twice, "position", lambda i: f"{once} (line {first[keys[i]]} has it)")  # type: ignore[index]


def _sample_faults(rows: Rows, manifest: Manifest) -> list[Fault]:
    """Every study sample of the worklist stands in the manifest and was there to be analysed."""
    samples, ours = rows.cells("sample_id"), _of_kind(rows, STUDY_SAMPLES)
    faults = rows.faults(ours & (samples == ""), "sample_id", f"a sample_id of {manifest.file}")
    if manifest.complete:
        unknown = [
            mine and bool(name) and name not in manifest.tissue_of for mine, name in zip(ours, samples, strict=True)
        ]
        hint = other_capitals(manifest.tissue_of) if any(unknown) else str
        faults += rows.faults(unknown, "sample_id", lambda i: f"a sample_id of {manifest.file}{hint(samples[i])}")
    gone = [
        mine and acquired and name in manifest.unavailable
        for mine, acquired, name in zip(ours, _acquired(rows), samples, strict=True)
    ]
    return faults + rows.faults(
        gone, "sample_id", lambda i: f"no such row: {manifest.file} says it is {manifest.unavailable[samples[i]]}"
    )


def _tissue_faults(rows: Rows, manifest: Manifest) -> list[Fault]:
    tissues, samples, ours = rows.cells("tissue"), rows.cells("sample_id"), _of_kind(rows, STUDY_SAMPLES)
    other = [
        mine and bool(tissue) and tissue != manifest.tissue_of.get(name, tissue)
        for mine, tissue, name in zip(ours, tissues, samples, strict=True)
    ]
    faults = rows.faults(
        other, "tissue", lambda i: f"'{manifest.tissue_of[samples[i]]}', the tissue of the sample in {manifest.file}"
    )
    if manifest.tissues is None:
        return faults
    known = [*manifest.tissues, *STAND_INS]
    unknown = [bool(tissue) and not mine and tissue not in known for mine, tissue in zip(ours, tissues, strict=True)]
    words = f"surrogate, or a tissue of {CONFIG}: {listed(manifest.tissues)}"
    return faults + rows.faults(unknown, "tissue", lambda i: words + did_you_mean(tissues[i], known))


def _recovery_faults(rows: Rows, method: Method) -> list[Fault]:
    """A recovery row without a tissue is as the calibrators; where these are tissue, they must name which."""
    empty = _of_kind(rows, IN_TISSUE) & (rows.cells("tissue") == "")
    if method.extraction.calibrator_matrix != "tissue" or tissue_of_calibrators(rows.frame):
        return []
    return rows.faults(
        empty, "tissue", "the tissue whose recovery the row measures: the calibrators name none, or several"
    )


def _dilution_faults(rows: Rows) -> list[Fault]:
    factors = rows.cells("dilution_factor")
    diluted_qc = _of_kind(rows, ["dilution_qc"]) & ~(factors > 1)
    faults = rows.faults(diluted_qc, "dilution_factor", "a number greater than 1 for a dilution_qc")
    return faults + rows.faults(
        _of_kind(rows, UNDILUTED) & (factors != 1),
        "dilution_factor",
        "1: the factor counts beyond the calibrators' own",
    )


def _level_faults(rows: Rows) -> list[Fault]:
    missing = _of_kind(rows, LEVELLED) & (rows.cells("level") == "")
    return rows.faults(missing, "level", "a level such as LQC for QC and recovery rows")


def _nominal_faults(rows: Rows, method: Method) -> list[Fault]:
    """Return the faults of prepared concentrations, in the words of the unit the method counts in."""
    faults = _prepared_faults(rows, method)
    if not method.counts_moles:
        return faults
    return [
        replace(fault, column=(fault.column or "").replace("_ng_ml", "_nmol_l"),
                expected=fault.expected.replace("ng/mL", method.unit))
        for fault in faults
    ]  # fmt: skip


def _prepared_faults(rows: Rows, method: Method) -> list[Fault]:
    """Calibrators, QCs and recovery rows have a nominal above 0 for each analyte; rows without analyte have none."""
    given = [name for name in rows.frame if name.startswith("nominal_ng_ml[")]
    names = [f"nominal_ng_ml[{analyte}]" for analyte in method.analyte_names]
    faults = [
        Fault(rows.file, f"no analyte of method {method.method_id}", _said_names(name, names), 1, name)
        for name in given
        if name not in names
    ]
    prepared = _of_kind(rows, PREPARED) & _acquired(rows)
    common = rows.cells("nominal_ng_ml")
    for name in names:
        own = rows.cells(name) if name in given else np.full(len(rows), np.nan)
        nominal = np.where(np.isnan(own), common, own)
        column = name if name in given and np.isnan(common).all() else "nominal_ng_ml"
        faults += rows.faults(prepared & np.isnan(nominal), column, "the prepared concentration in ng/mL", "empty")
        faults += rows.faults(
            prepared & (nominal == 0),
            column,
            "a number greater than 0 (the zero standard has the sample_type zero)",
            "'0'",
        )
        faults += rows.faults(
            _of_kind(rows, WITHOUT_ANALYTE) & (nominal > 0), column, "0 or nothing: this row holds no analyte"
        )
    return faults


def _said_names(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    return f"'{near}'" if near else listed(names)


def _calibrator_faults(rows: Rows, method: Method) -> list[Fault]:
    if not rows.complete:
        return []
    calibrators = _of_kind(rows, ["calibrator"])
    if not calibrators.any():
        expected = "rows with sample_type calibrator: a run is read against its own curve"
        return [Fault(rows.file, "no calibrators", expected)]
    return _plate_faults(rows, calibrators, method) if method.plate.standards is not None else []


def _plate_faults(rows: Rows, calibrators: np.ndarray, method: Method) -> list[Fault]:
    """Every plate has calibrators where the method says `own`, the first and the last where it says so."""
    labels = [plate or "1" for plate in rows.cells("plate")]
    plates = list(dict.fromkeys(labels))
    needed = plates if method.plate.standards == "own" else list(dict.fromkeys((plates[0], plates[-1])))
    have = {label for label, is_calibrator in zip(labels, calibrators, strict=True) if is_calibrator}
    expected = f"calibrators there: the method's plate.standards is {method.plate.standards}"
    return [
        Fault(rows.file, f"no calibrators on plate '{plate}'", expected, int(rows.cells("line")[labels.index(plate)]))
        for plate in needed
        if plate not in have
    ]


def _extract_dilution_faults(rows: Rows, method: Method) -> list[Fault]:
    """Only with an internal standard in the extract does diluting it leave the response as it was."""
    if method.extraction.internal_standard_added != "none":
        return []
    expected = "1: without internal standard the dilution of an extract belongs in dilution_factor"
    return rows.faults(rows.cells("extract_dilution") != 1, "extract_dilution", expected)


def correction_faults(resolved: Rows, method: Method) -> list[Fault]:
    """Return faults where the declared recovery correction would correct a loss twice, one per cause.

    Judged for each study sample against the calibrators it is read from: those of its plate, or of the whole run
    where its plate has none.
    """
    kinds, tissues, plates = (resolved.cells(name) for name in ("sample_type", "tissue", "plate"))
    calibrators = (kinds == "calibrator") & _acquired(resolved)
    faults: list[Fault] = []
    for plate in dict.fromkeys(plates):
        here = plates == plate
        curve = calibrators & here if (calibrators & here).any() else calibrators
        extracted = set(resolved.cells("extracted")[curve].tolist())
        if len(extracted) > 1:
            odd = curve & (resolved.cells("extracted") != method.extraction.calibrators_extracted)
            faults += resolved.faults(odd, "extracted", "the same for all calibrators of one curve")[:1]
        elif extracted:
            ours = here & _of_kind(resolved, STUDY_SAMPLES)
            for tissue in dict.fromkeys(tissues[ours]):
                matrix = _matrix(set(tissues[curve]), tissue)
                own = method.of_tissue(tissue)
                faults += _twice(resolved, ours & (tissues == tissue), own, matrix, True in extracted)
    return list(dict.fromkeys(faults))


def _matrix(calibrator_tissues: set[str], sample_tissue: str) -> str:
    """What the calibrators are to the sample: its own tissue, solvent, or a stand-in."""
    if calibrator_tissues == {"neat"}:
        return "neat"
    return "tissue" if calibrator_tissues <= {"", sample_tissue} else "surrogate"


def _twice(resolved: Rows, ours: np.ndarray, method: Method, matrix: str, extracted: bool) -> list[Fault]:
    block = method.extraction
    admissible = admissible_corrections(matrix, extracted, block.internal_standard_added)
    if block.recovery_correction in admissible:
        return []
    first = int(np.flatnonzero(ours)[0])
    count = int(ours.sum())
    tissue = resolved.cells("tissue")[first]
    samples = f"{count} rows of {tissue}" if count > 1 else f"this row of {tissue}"
    found = f"recovery_correction '{block.recovery_correction}' would correct twice for {samples}"
    expected = said_admissible(admissible, extracted, matrix, block.internal_standard_added)
    return [Fault(resolved.file, found, expected, int(resolved.cells("line")[first]), "tissue")]


def preparation_faults(rows: Rows, run_date: str) -> list[Fault]:
    """What a run measured was prepared by its day."""
    late = [bool(day and run_date) and day > run_date[:10] for day in rows.cells("prepared_on")]
    return rows.faults(late, "prepared_on", f"a day not after the run_date {run_date[:10]} of the run")


def extraction_faults(worklists: Iterable[Rows], manifest: Manifest) -> list[Fault]:
    """One extraction is of one sample, in whatever run it was measured, and was made in one batch."""
    first: dict[str, tuple[str, str]] = {}
    faults = []
    for rows in worklists:
        batches: dict[str, str] = {}
        columns = (rows.cells(name) for name in ("extraction_id", "sample_id", "batch", "line"))
        for extraction, sample, batch, line in zip(*columns, strict=True):
            if sample not in manifest.tissue_of:
                continue
            other, where = first.setdefault(extraction, (sample, rows.file))
            if other != sample:
                expected = f"one sample per extraction: in {where} it is of '{other}'"
                faults.append(Fault(rows.file, f"'{extraction}'", expected, int(line), "extraction_id"))
            elif extraction and batches.setdefault(extraction, batch) != batch:
                expected = f"one batch for extraction '{extraction}': above it is of '{batches[extraction]}'"
                faults.append(Fault(rows.file, f"'{batch}'", expected, int(line), "batch"))
    return faults
