"""What an mzML file declares about itself, read before anything is believed.

pyOpenMS takes a file for what it finds in it. Here the text itself is looked at first: is it whole, is it mzML, how
many chromatograms of how many points does it announce? What pyOpenMS then reads is held against that.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, field
from xml.parsers import expat

POSITIVE, NEGATIVE = "MS:1000130", "MS:1000129"
TRANSITION_CHROMATOGRAM = "MS:1001473"
TIME_ARRAY = "MS:1000595"
TIME_UNITS = {"": "second (none given)", "UO:0000010": "second", "UO:0000031": "minute"}

_BASE64 = re.compile(rb"<binary>([A-Za-z0-9+/\s]*={0,2}\s*)</binary>")
_CHECKSUM = re.compile(rb"<fileChecksum>\s*([0-9a-fA-F]{40})\s*</fileChecksum>")


class NotMzml(Exception):
    """The text is no whole mzML; carries what was found, what was expected, and the line if known."""

    def __init__(self, found: str, expected: str, line: int | None = None) -> None:
        super().__init__(found)
        self.found, self.expected, self.line = found, expected, line


@dataclass
class Announced:
    """One chromatogram as the file announces it."""

    name: str
    points: int
    terms: set[str] = field(default_factory=set)
    time_units: set[str] = field(default_factory=set)

    @property
    def polarity(self) -> str | None:
        """'positive', 'negative', or None where the file does not say (or says both)."""
        signs = [word for term, word in ((POSITIVE, "positive"), (NEGATIVE, "negative")) if term in self.terms]
        return signs[0] if len(signs) == 1 else None

    @property
    def is_transition(self) -> bool:
        """True where the file calls it a selected reaction monitoring chromatogram."""
        return TRANSITION_CHROMATOGRAM in self.terms


class Outline:
    """Elements of one mzML text, without its binary data.

    Parameters
    ----------
    text : bytes
        The whole file, decompressed.

    Attributes
    ----------
    chromatograms : list of Announced
        In the order of the file.
    declared_chromatograms : int
        `count` of the chromatogramList (0 without one).
    spectra, binaries : int
        Numbers of `spectrum` and `binary` elements.

    Raises
    ------
    NotMzml
        If the text is not well-formed XML to its last tag, not mzML, or brings a document type of its own.
    """

    def __init__(self, text: bytes) -> None:
        self.chromatograms: list[Announced] = []
        self.declared_chromatograms = self.spectra = self.binaries = 0
        self._root = ""
        self._groups: dict[str, set[str]] = {}
        self._group: set[str] | None = None
        self._open: Announced | None = None
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise self._broken(error, text) from None
        except (ValueError, LookupError) as error:
            raise NotMzml(f"the text cannot be read ({error})", "mzML with well-formed elements") from None

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
        if tag == "cvParam":
            self._note_term(attributes)
        elif tag == "binary":
            self.binaries += 1
        elif tag == "chromatogram":
            self._open = Announced(attributes.get("id", ""), _whole_number(attributes, "defaultArrayLength"))
            self.chromatograms.append(self._open)
        elif tag == "spectrum":
            self.spectra += 1
        elif tag == "chromatogramList":
            self.declared_chromatograms += _whole_number(attributes, "count")
        elif tag == "referenceableParamGroup":
            self._group = self._groups.setdefault(attributes.get("id", ""), set())
        elif tag == "referenceableParamGroupRef" and self._open is not None:
            self._open.terms |= self._groups.get(attributes.get("ref", ""), set())

    def _note_term(self, attributes: dict[str, str]) -> None:
        term = attributes.get("accession", "")
        if self._open is not None:
            self._open.terms.add(term)
            if term == TIME_ARRAY:
                self._open.time_units.add(attributes.get("unitAccession", ""))
        elif self._group is not None:
            self._group.add(term)

    def _end(self, tag: str) -> None:
        if tag == "chromatogram":
            self._open = None
        elif tag == "referenceableParamGroup":
            self._group = None


def _whole_number(attributes: dict[str, str], key: str) -> int:
    value = attributes.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise NotMzml(f"{key} is '{value}'", "a whole number")
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


def require_intact_text(text: bytes, outline: Outline, most_array_bytes: int) -> None:
    """Refuse binary data that is not base64, text that is not what its checksum says, and arrays that would burst.

    Raises
    ------
    NotMzml
        On the first of these.
    """
    arrays = list(_BASE64.finditer(text)) + [None] * text.count(b"<binary/>")
    broken = outline.binaries - len(arrays)
    if broken:
        found = f"{broken} of {outline.binaries} binary arrays hold characters that are not base64"
        raise NotMzml(found, "binary data as the converter wrote it")
    checksum = _CHECKSUM.search(text, max(0, len(text) - 400))
    if checksum and set(checksum[1]) != {ord("0")}:
        found = hashlib.sha1(text[: checksum.start() + len(b"<fileChecksum>")], usedforsecurity=False).hexdigest()
        if found != (own := checksum[1].decode().lower()):
            said = f"its content has SHA-1 {found}, its own fileChecksum says {own}"
            raise NotMzml(said, "the file as the converter wrote it")
    for array in arrays:
        if array and array.end() - array.start() > most_array_bytes // 1400:  # zlib expands at most about 1030-fold
            _require_modest(array[1], most_array_bytes)


def _require_modest(base64_text: bytes, most_bytes: int) -> None:
    try:
        packed = b64decode(base64_text)
        inflater = zlib.decompressobj()
        size = len(inflater.decompress(packed, most_bytes + 1))
    except (Base64Error, zlib.error):
        return  # not compressed, or damaged: pyOpenMS says which
    if size > most_bytes:
        raise NotMzml(f"a binary array expands to more than {most_bytes:,} bytes", "arrays of a chromatogram's size")
