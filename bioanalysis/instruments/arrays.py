"""Binary arrays of mzML: base64 around plain or zlib-packed numbers.

Decoded here, because that costs a third of what pyOpenMS takes, keeps all digits, and says which array is at fault.
Numpress arrays are left to pyOpenMS.
"""

from __future__ import annotations

import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64

import numpy as np
from numpy.typing import NDArray

from bioanalysis.instruments.outline import (
    INTENSITY_ARRAY,
    MZ_ARRAY,
    TIME_ARRAY,
    TIME_UNITS,
    Announced,
    BinaryArray,
    NotMzml,
)

NUMBERS = {"MS:1000523": "<f8", "MS:1000521": "<f4", "MS:1000522": "<i8", "MS:1000519": "<i4"}
PLAIN, ZLIB = "MS:1000576", "MS:1000574"
NUMPRESS = {"MS:1002312", "MS:1002313", "MS:1002314", "MS:1002746", "MS:1002747", "MS:1002748"}
NAMES = {TIME_ARRAY: "time", INTENSITY_ARRAY: "intensity", MZ_ARRAY: "m/z"}
_WHITESPACE = b" \t\r\n"


def needs_openms(announced: Announced) -> bool:
    """Return whether some array is packed with numpress."""
    return any(array.terms.keys() & NUMPRESS for array in announced.arrays)


class Decoder:
    """Decodes the arrays of one text; times written in the same words, as all of one cycle are, only once.

    Parameters
    ----------
    text : bytes
        The whole file, decompressed.
    most_bytes : int
        Refuse an array that expands to more.
    """

    def __init__(self, text: bytes, most_bytes: int) -> None:
        self.text, self.most_bytes = text, most_bytes
        self._known: dict[tuple[bytes, str, int], NDArray[np.float64]] = {}

    def array_of(self, announced: Announced, kind: str) -> NDArray[np.float64]:
        """Return the array of one kind (its accession) of a chromatogram or spectrum.

        Raises
        ------
        NotMzml
            If there is not exactly one, or it cannot be decoded to as many numbers as announced.
        """
        arrays = [array for array in announced.arrays if kind in array.terms]
        if not arrays and not announced.points:
            return np.empty(0)
        if len(arrays) != 1:
            raise NotMzml(f"{len(arrays)} {NAMES[kind]} arrays", "exactly one")
        array = arrays[0]
        if kind != TIME_ARRAY:
            return _decode(array, self.text, self.most_bytes, f"the {NAMES[kind]} array")
        words = self.text[array.start : array.stop], " ".join(sorted(array.terms)), array.length
        if words not in self._known:
            self._known[words] = _decode(array, self.text, self.most_bytes, f"the {NAMES[kind]} array")
        return self._known[words]


def in_minutes(time: NDArray[np.float64], unit: str | None) -> NDArray[np.float64]:
    """Return times in minutes; where a file names no unit they are seconds."""
    return time if TIME_UNITS.get(unit or "") == "minute" else time / 60


def _decode(array: BinaryArray, text: bytes, most_bytes: int, name: str) -> NDArray[np.float64]:
    numbers = [kind for term, kind in NUMBERS.items() if term in array.terms]
    packings = array.terms.keys() & {PLAIN, ZLIB}
    if len(numbers) != 1 or len(packings) != 1:
        said = f"{name} is of an unknown type or packing ({', '.join(sorted(array.terms))})"
        raise NotMzml(said, "32 or 64 bits, plain, zlib or numpress")
    kind = np.dtype(numbers[0])
    size = array.length * kind.itemsize
    if size > most_bytes:
        raise NotMzml(f"{name} announces {array.length:,} points", f"at most {most_bytes // kind.itemsize:,}")
    packed = _from_base64(array, text, name)
    raw = _inflate(packed, size, name) if packings == {ZLIB} and packed else packed
    if len(raw) != size:
        raise NotMzml(f"{len(raw) // kind.itemsize} of {array.length} points of {name}", "as many as announced")
    return np.frombuffer(raw, dtype=kind).astype(float)


def _from_base64(array: BinaryArray, text: bytes, name: str) -> bytes:
    opened = text.find(b">", array.start, array.stop) + 1 or array.stop  # <binary/> ends where it begins
    encoded = text[opened : array.stop]
    try:
        return a2b_base64(encoded, strict_mode=True)
    except Base64Error:
        pass
    try:  # some converters break lines
        return a2b_base64(encoded.translate(None, _WHITESPACE), strict_mode=True)
    except Base64Error as error:
        said = f"{name} is not base64 ({error})"
        raise NotMzml(said, "binary data as the converter wrote it") from None


def _inflate(packed: bytes, size: int, name: str) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise NotMzml(f"{name} cannot be decoded ({error})", "arrays as the converter wrote them") from None
    if len(raw) > size:
        raise NotMzml(f"{name} expands to more than the {size:,} bytes announced", "as many points as announced")
    if not inflater.eof or inflater.unused_data:
        raise NotMzml(f"{name} cannot be decoded (truncated or followed by something)", "a whole zlib stream")
    return raw
