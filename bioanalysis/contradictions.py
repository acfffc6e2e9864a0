"""What a method may not say, since one statement would contradict another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bioanalysis.mole_ranges import mole_contradictions
from bioanalysis.text_files import listed
from bioanalysis.yaml_with_lines import Place

if TYPE_CHECKING:
    from bioanalysis.method import Method

Contradiction = tuple[Place, str, str]
PROFILES: dict[str, str | None] = {
    "ich_m10_chromatographic": "chromatographic",
    "ich_m10_ligand_binding": "ligand_binding",
    "tissue_qualified_chromatographic": "chromatographic",
    "tissue_qualified_ligand_binding": "ligand_binding",
    "exploratory": None,
}


def admissible_corrections(
    calibrator_matrix: str, calibrators_extracted: bool, internal_standard_added: str
) -> tuple[str, ...]:
    """Return the recovery corrections that do not correct a loss twice, ``none`` first.

    Parameters
    ----------
    calibrator_matrix : {"tissue", "surrogate", "neat"}
        What the calibrators were made in; ``tissue`` means the sample's own tissue, another one counts as surrogate.
    calibrators_extracted : bool
        Whether the calibrators went through the extraction.
    internal_standard_added : {"none", "before_extraction", "after_extraction"}
        When the internal standard joined the samples.

    Notes
    -----
    Extracted calibrators carry a loss of their own, and an internal standard added before extraction shares the
    sample's loss: each leaves only part of the loss to be corrected, or none.
    """
    if calibrators_extracted:
        return ("none", "apparent") if calibrator_matrix == "surrogate" else ("none",)
    if internal_standard_added == "before_extraction":
        return ("none", "is_normalised")
    return ("none", "process_efficiency" if calibrator_matrix == "neat" else "extraction_recovery", "apparent")


def contradictions_of(method: Method) -> list[Contradiction]:
    """Return (place, found, expected) of everything in `method` that cannot be true together."""
    return [
        *_analyte_contradictions(method),
        *_molar_mass_contradictions(method),
        *_transition_contradictions(method),
        *_extraction_contradictions(method),
        *_tissue_contradictions(method),
        *_plate_contradictions(method),
        *_integration_contradictions(method),
    ]


def _analyte_contradictions(method: Method) -> list[Contradiction]:
    found: list[Contradiction] = []
    for i, analyte in enumerate(method.analytes):
        if analyte.lloq_ng_ml >= analyte.uloq_ng_ml:
            expected = f"a number above lloq_ng_ml ({analyte.lloq_ng_ml:g})"
            found.append((("analytes", i, "uloq_ng_ml"), f"'{analyte.uloq_ng_ml:g}'", expected))
        if method.platform == "elisa" and analyte.internal_standard is not None:
            found.append(
                (("analytes", i, "internal_standard"), f"'{analyte.internal_standard}'", "no key: an ELISA has none")
            )
    for i in _repeated(method.analyte_names):
        found.append((("analytes", i, "name"), f"'{method.analytes[i].name}' a second time", "each analyte once"))
    if method.platform == "elisa" and method.assay_class == "chromatographic":
        found.append((("assay_class",), "'chromatographic'", "ligand_binding for an ELISA"))
    assay_class = PROFILES[method.acceptance.profile]
    if assay_class not in (None, method.assay_class):
        expected = f"a profile of a {method.assay_class} method, or exploratory"
        found.append((("acceptance", "profile"), f"'{method.acceptance.profile}'", expected))
    return found


def _molar_mass_contradictions(method: Method) -> list[Contradiction]:
    """Molar masses are those of the sequence where both are given, and are there for each analyte or for none."""
    found = mole_contradictions(method)
    for i, analyte in enumerate(method.analytes):
        if analyte.sequence is None:
            continue
        from bioanalysis.oligonucleotides.method_check import molar_mass_difference

        for key, salt in (("molar_mass_g_mol", False), ("salt_molar_mass_g_mol", True)):
            stated = getattr(analyte, key)
            mass = molar_mass_difference(analyte.sequence, stated, salt=salt) if stated is not None else None
            if mass is not None:
                expected = f"{mass:.2f}, the mass of the sequence{' as sodium salt' if salt else ''}"
                found.append((("analytes", i, key), f"'{stated:g}'", expected))
    return found


def _plate_contradictions(method: Method) -> list[Contradiction]:
    """What is read of each well, and how it is weighted."""
    found: list[Contradiction] = []
    plate = method.plate
    if plate.reference_wavelength_nm is not None and plate.wavelength_nm is None:
        found.append((("plate", "reference_wavelength_nm"), "a reference alone", "wavelength_nm beside it"))
    if plate.reference_wavelength_nm is not None and plate.reference_wavelength_nm == plate.wavelength_nm:
        text = f"'{plate.reference_wavelength_nm:g}', the wavelength itself"
        found.append((("plate", "reference_wavelength_nm"), text, "another wavelength"))
    for i, analyte in enumerate(method.analytes):
        by, weighting = analyte.calibration.weight_by, analyte.calibration.weighting
        if by is not None and not weighting.startswith("1/y"):
            text, place = f"'{by}' beside weighting {weighting}", ("analytes", i, "calibration", "weight_by")
            found.append((place, text, "a weighting by response: 1/y, 1/y^2 or 1/y^p"))
        if method.platform == "lcms" and analyte.channel is not None:
            found.append((("analytes", i, "channel"), f"'{analyte.channel}'", "no key: a channel is a plate's"))
    if method.platform == "elisa":
        channels = [method.channel(analyte.name) for analyte in method.analytes]
        found += [
            (
                ("analytes", i, "channel"),
                f"'{channels[i] or 'none'}' as for another analyte",
                "a channel for each analyte",
            )
            for i in range(1, len(channels))
            if channels[i] in channels[:i]
        ]
    return found


def _tissue_contradictions(method: Method) -> list[Contradiction]:
    """What one tissue has otherwise lies inside the method's range and contradicts nothing either."""
    found: list[Contradiction] = []
    for tissue, own in method.tissues.items():
        place = ("tissues", tissue)
        for analyte in method.analytes:
            low, high = own.lloq_ng_ml or analyte.lloq_ng_ml, own.uloq_ng_ml or analyte.uloq_ng_ml
            if not analyte.lloq_ng_ml <= low < high <= analyte.uloq_ng_ml:
                key = "lloq_ng_ml" if own.lloq_ng_ml is not None else "uloq_ng_ml"
                expected = f"a range inside {analyte.lloq_ng_ml:g} to {analyte.uloq_ng_ml:g}, that of {analyte.name}"
                found.append(((*place, key), f"{low:g} to {high:g} {method.unit}", expected))
        said = _extraction_contradictions(method.of_tissue(tissue))
        found += [((*place, *where), what, expected) for where, what, expected in said if where[0] == "extraction"]
    return found


def _integration_contradictions(method: Method) -> list[Contradiction]:
    """Limits of flags that exist; none for a plate, which has no peaks."""
    from bioanalysis.limits.peaks import peak_limits

    if method.platform == "elisa" and method.integration != type(method.integration)():
        return [(("integration",), "integration", "no key: an ELISA has no peaks")]
    return [
        (("integration", "flag_limits", word), f"'{word}'", f"one of {listed(peak_limits())}")
        for word in method.integration.flag_limits
        if word not in peak_limits()
    ]


def _transition_contradictions(method: Method) -> list[Contradiction]:
    if method.platform == "elisa":
        return [(("transitions",), "transitions", "no key: an ELISA has none")] if method.transitions else []
    found: list[Contradiction] = []
    for i, transition in enumerate(method.transitions):
        if (transition.analyte is None) == (transition.internal_standard is None):
            said = "neither" if transition.analyte is None else "both"
            expected = "either analyte or internal_standard"
            found.append((("transitions", i), f"{said} of analyte and internal_standard", expected))
        elif transition.analyte is not None and transition.analyte not in method.analyte_names:
            expected = f"one of {', '.join(method.analyte_names)}"
            found.append((("transitions", i, "analyte"), f"'{transition.analyte}'", expected))
    for i in _repeated([transition.name for transition in method.transitions]):
        expected = "each name once"
        found.append((("transitions", i, "name"), f"'{method.transitions[i].name}' a second time", expected))
    return found + _quantifier_contradictions(method) + _indistinguishable(method)


def _quantifier_contradictions(method: Method) -> list[Contradiction]:
    """Exactly one quantifier per analyte and per internal standard."""
    found: list[Contradiction] = []
    quantifiers = [transition for transition in method.transitions if transition.role == "quantifier"]
    of_analyte = Counter(transition.analyte for transition in quantifiers)
    of_standard = Counter(transition.internal_standard for transition in quantifiers)
    for i, analyte in enumerate(method.analytes):
        if of_analyte[analyte.name] != 1:
            said = f"{of_analyte[analyte.name]} quantifier transitions of '{analyte.name}'"
            found.append((("analytes", i, "name"), said, "exactly one in transitions"))
        standard = analyte.internal_standard
        if standard is not None and of_standard[standard] != 1:
            said = f"{of_standard[standard]} quantifier transitions of '{standard}'"
            found.append((("analytes", i, "internal_standard"), said, "exactly one in transitions"))
    return found


def _indistinguishable(method: Method) -> list[Contradiction]:
    """Two transitions with the same masses and overlapping windows would claim one trace."""
    found: list[Contradiction] = []
    for i, one in enumerate(method.transitions):
        for other in method.transitions[:i]:
            same = (one.q1_mz, one.q3_mz, one.polarity) == (other.q1_mz, other.q3_mz, other.polarity)
            if same and abs(one.rt_min - other.rt_min) < one.rt_window_min + other.rt_window_min:
                said = f"the same masses as '{other.name}' in overlapping time windows"
                found.append((("transitions", i), said, "masses or windows that tell the two apart"))
    return found


def _extraction_contradictions(method: Method) -> list[Contradiction]:
    found: list[Contradiction] = []
    block = method.extraction
    standards = [analyte.internal_standard for analyte in method.analytes if analyte.internal_standard is not None]
    none = block.internal_standard_kind == "none"
    if method.platform == "elisa" and not none:
        expected = "none: an ELISA has no internal standard"
        found.append((("extraction", "internal_standard_kind"), f"'{block.internal_standard_kind}'", expected))
    elif method.platform == "lcms" and none != (not standards):
        expected = "none, since no analyte has an internal_standard" if not standards else "analog or stable_label"
        found.append((("extraction", "internal_standard_kind"), f"'{block.internal_standard_kind}'", expected))
    elif none != (block.internal_standard_added == "none"):
        expected = f"what agrees with internal_standard_kind '{block.internal_standard_kind}'"
        found.append((("extraction", "internal_standard_added"), f"'{block.internal_standard_added}'", expected))
    if block.calibrator_matrix == "neat" and block.calibrators_extracted:
        found.append((("extraction", "calibrators_extracted"), "'true' for neat calibrators", "false"))
    if method.recovery.source == "validation" and block.recovery_correction != "none" and not method.recovery.factors:
        found.append((("recovery", "source"), "'validation' without factors", "recovery.factors with one per tissue"))
    if block.recovery_correction == "is_normalised":
        found += [
            (("analytes", i, "name"), f"'{analyte.name}' without internal_standard", "one: is_normalised divides by it")
            for i, analyte in enumerate(method.analytes)
            if analyte.internal_standard is None
        ]
    return found + _double_correction(method)


def _double_correction(method: Method) -> list[Contradiction]:
    """The declared correction must be admissible for some sample at least."""
    block = method.extraction
    matrices = ["tissue", "surrogate"] if block.calibrator_matrix == "tissue" else [block.calibrator_matrix]
    admissible = dict.fromkeys(
        mode
        for matrix in matrices
        for mode in admissible_corrections(matrix, block.calibrators_extracted, block.internal_standard_added)
    )
    if block.recovery_correction in admissible:
        return []
    found = f"'{block.recovery_correction}' would correct twice"
    expected = said_admissible(
        admissible, block.calibrators_extracted, block.calibrator_matrix, block.internal_standard_added
    )
    return [(("extraction", "recovery_correction"), found, expected)]


def said_admissible(
    admissible: Iterable[str], calibrators_extracted: bool, calibrator_matrix: str, internal_standard_added: str
) -> str:
    """Return what may be corrected, and why, in one sentence."""
    extracted = "extracted" if calibrators_extracted else "unextracted"
    matrix = "the sample's own" if calibrator_matrix == "tissue" else calibrator_matrix
    added = f"added {internal_standard_added}".replace("_", " ").replace("added none", "none")
    return f"{' or '.join(admissible)}, for {extracted} calibrators in {matrix} matrix and internal standard {added}"


def _repeated(names: Iterable[str]) -> list[int]:
    names = list(names)
    return [i for i, name in enumerate(names) if name in names[:i]]
