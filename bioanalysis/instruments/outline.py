"""What an mzML file declares about itself, read before anything is believed.

One walk over the XML tells whether the text is whole and mzML, which chromatograms and spectra of how many points it
announces, and where their binary arrays lie. What is then decoded is held against that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from bioanalysis.text_files import quoted

POSITIVE, NEGATIVE = "MS:1000130", "MS:1000129"
TRANSITION_CHROMATOGRAM = "MS:1001473"
TIME_ARRAY, INTENSITY_ARRAY, MZ_ARRAY = "MS:1000595", "MS:1000515", "MS:1000514"
WINDOW_TARGET, SELECTED_ION = "MS:1000827", "MS:1000744"
MS_LEVEL, SCAN_START, PROFILE = "MS:1000511", "MS:1000016", "MS:1000128"
TIME_UNITS = {"": "second (none given)", "UO:0000010": "second", "UO:0000031": "minute"}

LONGEST_NAME = 255  # characters kept of what a run calls itself: as long as the name of a file can be

_CHECKSUM = re.compile(rb"<fileChecksum>\s*([0-9a-fA-F]{40})\s*</fileChecksum>")


class NotMzml(Exception):
    """The text is no whole mzML; carries what was found, what was expected, and the line if known."""

    def __init__(self, found: str, expected: str, line: int | None = None) -> None:
        super().__init__(found)
        self.found, self.expected, self.line = found, expected, line


@dataclass(slots=True)
class BinaryArray:
    """One binary array: the terms that describe it, the unit of its values, where its text lies in the file."""

    length: int
    terms: dict[str, str] = field(default_factory=dict)
    start: int = 0
    stop: int = 0


@dataclass(slots=True)
class Announced:
    """One chromatogram or spectrum as the file announces it.

    Parameters
    ----------
    name, points, line
        Its id, the points it announces, where it begins.
    terms : dict
        Accession of every term -> its value, and -> its unit in `units`.
    precursor, product : dict
        Terms inside those elements -> value.
    arrays : list of BinaryArray
    """

    name: str
    points: int
    line: int
    terms: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    precursor: dict[str, str] = field(default_factory=dict)
    product: dict[str, str] = field(default_factory=dict)
    arrays: list[BinaryArray] = field(default_factory=list)

    @property
    def polarity(self) -> str | None:
        """'positive', 'negative', or None where the file does not say (or says both)."""
        signs = [word for term, word in ((POSITIVE, "positive"), (NEGATIVE, "negative")) if term in self.terms]
        return signs[0] if len(signs) == 1 else None

    @property
    def is_transition(self) -> bool:
        """True where the file calls it a selected reaction monitoring chromatogram."""
        return TRANSITION_CHROMATOGRAM in self.terms

    @property
    def time_unit(self) -> str | None:
        """Accession of the unit of its times ('' where none is given), None where it has no time array."""
        units = {array.terms[TIME_ARRAY] for array in self.arrays if TIME_ARRAY in array.terms}
        return ";".join(sorted(units)) if units else None


class Outline:
    """Elements of one mzML text, without its binary data.

    Parameters
    ----------
    text : bytes
        The whole file, decompressed.

    Attributes
    ----------
    chromatograms, spectra : list of Announced
        In the order of the file.
    declared_chromatograms, declared_spectra : int
        `count` of chromatogramList and spectrumList (0 without one).
    run_name, started_at : str
        `id` and `startTimeStamp` of the run, as they stand there; '' where the file does not say.

    Raises
    ------
    NotMzml
        If the text is not well-formed XML to its last tag, not mzML, or brings a document type of its own.
    """

    def __init__(self, text: bytes) -> None:
        if text[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in text[:4]:  # arrays and checksums are sought as bytes
            raise NotMzml("the text is UTF-16 or binary", "an mzML file in UTF-8, as converters write it, plain or .gz")
        self.chromatograms: list[Announced] = []
        self.spectra: list[Announced] = []
        self.declared_chromatograms = self.declared_spectra = 0
        self.run_name = self.started_at = ""
        self._root = ""
        self._groups: dict[str, dict[str, tuple[str, str]]] = {}
        self._group: dict[str, tuple[str, str]] | None = None
        self._open: Announced | None = None
        self._array: BinaryArray | None = None
        self._part: dict[str, str] | None = None
        self._parser = parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self._at_start = self._handlers_at_start()
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise self._broken(error, text) from None
        except (ValueError, LookupError) as error:
            raise NotMzml(f"the text cannot be read ({error})", "mzML with well-formed elements") from None
        finally:
            del self._parser, self._at_start  # they refer back to this object

    def _handlers_at_start(self) -> dict[str, Callable[[dict[str, str]], None]]:
        return {
            "run": self._note_run,
            "cvParam": self._note_term,
            "binary": self._begin_binary,
            "binaryDataArray": self._begin_array,
            "chromatogram": lambda attributes: self._begin(self.chromatograms, attributes),
            "spectrum": lambda attributes: self._begin(self.spectra, attributes),
            "precursor": lambda _: self._enter("precursor"),
            "product": lambda _: self._enter("product"),
            "chromatogramList": self._count_chromatograms,
            "spectrumList": self._count_spectra,
            "referenceableParamGroup": self._begin_group,
            "referenceableParamGroupRef": self._refer,
        }

    def _broken(self, error: expat.ExpatError, text: bytes) -> NotMzml:
        reason = expat.errors.messages[error.code] if error.code in expat.errors.messages else str(error)
        if self._root in ("mzML", "indexedmzML"):
            return NotMzml(
                f"the mzML breaks off or is damaged here ({reason})",
                f"a whole file up to </{self._root}>",
                error.lineno,
            )
        return NotMzml(f"not an mzML file ({describe(text)})", "an mzML file, plain or .gz")

    def _refuse_doctype(self, *_: object) -> None:
        raise NotMzml("the file declares a document type of its own (DOCTYPE)", "mzML without DOCTYPE and entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._root:
            self._root = tag
            if tag not in ("mzML", "indexedmzML"):
                raise NotMzml(f"the outermost element is <{tag}>", "<mzML> or <indexedmzML>")
        handler = self._at_start.get(tag)
        if handler is not None:
            handler(attributes)

    def _begin(self, among: list[Announced], attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        self._open = Announced(attributes.get("id", ""), _whole_number(attributes, "defaultArrayLength"), line)
        among.append(self._open)

    def _begin_array(self, attributes: dict[str, str]) -> None:
        if self._open is not None:
            own = "arrayLength" in attributes
            self._array = BinaryArray(_whole_number(attributes, "arrayLength") if own else self._open.points)
            self._open.arrays.append(self._array)

    def _begin_binary(self, _: dict[str, str]) -> None:
        if self._array is not None:
            self._array.start = self._parser.CurrentByteIndex

    def _enter(self, part: str) -> None:
        self._part = getattr(self._open, part, None)

    def _note_run(self, attributes: dict[str, str]) -> None:
        said = (attributes.get(name, "")[:LONGEST_NAME] for name in ("id", "startTimeStamp"))
        self.run_name, self.started_at = said

    def _count_chromatograms(self, attributes: dict[str, str]) -> None:
        self.declared_chromatograms += _whole_number(attributes, "count")

    def _count_spectra(self, attributes: dict[str, str]) -> None:
        self.declared_spectra += _whole_number(attributes, "count")

    def _begin_group(self, attributes: dict[str, str]) -> None:
        self._group = self._groups.setdefault(attributes.get("id", ""), {})

    def _refer(self, attributes: dict[str, str]) -> None:
        for accession, (value, unit) in self._groups.get(attributes.get("ref", ""), {}).items():
            self._note(accession, value, unit)

    def _note_term(self, attributes: dict[str, str]) -> None:
        accession, value = attributes.get("accession", ""), attributes.get("value", "")
        if self._open is not None:
            self._note(accession, value, attributes.get("unitAccession", ""))
        elif self._group is not None:
            self._group[accession] = value, attributes.get("unitAccession", "")

    def _note(self, accession: str, value: str, unit: str) -> None:
        if self._array is not None:
            self._array.terms[accession] = unit
        elif self._part is not None:
            self._part[accession] = value
        elif self._open is not None:
            self._open.terms[accession], self._open.units[accession] = value, unit

    def _end(self, tag: str) -> None:
        if tag == "binary" and self._array is not None:
            self._array.stop = self._parser.CurrentByteIndex
        elif tag == "binaryDataArray":
            self._array = None
        elif tag in ("chromatogram", "spectrum"):
            self._open = None
        elif tag in ("precursor", "product"):
            self._part = None
        elif tag == "referenceableParamGroup":
            self._group = None


def _whole_number(attributes: dict[str, str], key: str) -> int:
    value = attributes.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise NotMzml(f"{key} is {quoted(value)}", "a whole number")
    return int(value)


def describe(text: bytes) -> str:
    """Return in a few words what a file is that is not mzML."""
    if not text.strip():
        return "it is empty"
    if text[:4] == b"PK\x03\x04":
        return "it is a zip archive or an office document"
    if text[:8] == b"\x89HDF\r\n\x1a\n":
        return "it is an HDF5 file"
    first = text[:40].splitlines()[0]
    return f"it begins with '{first.decode('ascii', 'replace')}'" if first.isascii() else "it is binary"


def require_checksum(text: bytes) -> None:
    """Refuse text that is not what its own checksum says, where it has one; NotMzml then."""
    checksum = _CHECKSUM.search(text, max(0, len(text) - 400))
    if checksum and set(checksum[1]) != {ord("0")}:
        found = hashlib.sha1(text[: checksum.start() + len(b"<fileChecksum>")], usedforsecurity=False).hexdigest()
        if found != (own := checksum[1].decode().lower()):
            said = f"its content has SHA-1 {found}, its own fileChecksum says {own}"
            raise NotMzml(said, "the file as the converter wrote it")
