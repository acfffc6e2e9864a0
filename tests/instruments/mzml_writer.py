"""Writes small mzML files by hand, so that tests can damage them where they like."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode

import numpy as np

FLOAT = {8: ("<f8", "MS:1000523"), 4: ("<f4", "MS:1000521")}
UNITS = {"second": "UO:0000010", "minute": "UO:0000031"}
TIME_MIN = np.arange(1500) * 0.004
SIGNAL = np.round(200 + 1e5 * np.exp(-0.5 * ((TIME_MIN - 3.0) / 0.03) ** 2))


NAMES = {
    "MS:1000595": "time array",
    "MS:1000515": "intensity array",
    "MS:1000514": "m/z array",
}  # pyOpenMS goes by these names


def term(accession: str, value: str = "", unit: str = "") -> str:
    """Return a cvParam."""
    return f'<cvParam cvRef="MS" accession="{accession}" name="{NAMES.get(accession, "")}" value="{value}"{unit}/>'


def array(values, accession: str, *, size: int = 8, compressed: bool = True, unit: str = "") -> str:
    """Return a binaryDataArray."""
    kind, precision = FLOAT[size]
    raw = np.asarray(values, dtype=kind).tobytes()
    text = b64encode(zlib.compress(raw) if compressed else raw).decode()
    how = term("MS:1000574" if compressed else "MS:1000576")
    return (
        f'<binaryDataArray encodedLength="{len(text)}">{term(precision)}{how}{term(accession, unit=unit)}'
        f"<binary>{text}</binary></binaryDataArray>"
    )


def chromatogram(
    time=TIME_MIN,
    intensity=SIGNAL,
    *,
    q1_mz: float | None = 651.5,
    q3_mz: float | None = 94.9,
    unit: str = "minute",
    polarity: str | None = None,
    compressed: bool = True,
    time_size: int = 8,
    points: int | None = None,
    kind: str = "MS:1001473",
) -> str:
    """Return one chromatogram element; `time` is in `unit`."""
    sign = {"positive": term("MS:1000130"), "negative": term("MS:1000129"), None: ""}[polarity]
    unit_text = f' unitCvRef="UO" unitAccession="{UNITS[unit]}" unitName="{unit}"'
    window = "<isolationWindow>{}</isolationWindow>"
    precursor = f"<precursor>{window.format(term('MS:1000827', str(q1_mz)))}<activation/></precursor>" if q1_mz else ""
    product = f"<product>{window.format(term('MS:1000827', str(q3_mz)))}</product>" if q3_mz else ""
    announced = len(time) if points is None else points
    return (
        f'<chromatogram index="0" id="SRM Q1={q1_mz} Q3={q3_mz}" defaultArrayLength="{announced}">'
        f"{sign}{term(kind)}{precursor}{product}"
        '<binaryDataArrayList count="2">'
        f"{array(time, 'MS:1000595', size=time_size, compressed=compressed, unit=unit_text)}"
        f"{array(intensity, 'MS:1000515', size=4, compressed=compressed)}"
        "</binaryDataArrayList></chromatogram>"
    )


def spectrum(
    start_min: float,
    mz,
    intensity,
    *,
    level: int = 1,
    polarity: str | None = "negative",
    unit: str = "minute",
    profile: bool = False,
    number: int = 0,
) -> str:
    """Return one spectrum element that starts at `start_min` (in `unit`)."""
    sign = {"positive": term("MS:1000130"), "negative": term("MS:1000129"), None: ""}[polarity]
    unit_text = f' unitCvRef="UO" unitAccession="{UNITS[unit]}" unitName="{unit}"'
    mode = term("MS:1000128" if profile else "MS:1000127")
    return (
        f'<spectrum index="{number}" id="scan={number + 1}" defaultArrayLength="{len(mz)}">'
        f"{term('MS:1000511', str(level))}{mode}{sign}"
        f'<scanList count="1"><scan>{term("MS:1000016", str(start_min), unit_text)}</scan></scanList>'
        f'<binaryDataArrayList count="2">{array(mz, "MS:1000514")}{array(intensity, "MS:1000515", size=4)}'
        "</binaryDataArrayList></spectrum>"
    )


def document(
    *chromatograms: str, count: int | None = None, indexed: bool = False, spectra: tuple[str, ...] = ()
) -> bytes:
    """Return a whole mzML text; an indexed one ends with the SHA-1 of itself."""
    scans = f'<spectrumList count="{len(spectra)}" defaultDataProcessingRef="d">{"".join(spectra)}</spectrumList>'
    listed = len(chromatograms) if count is None else count
    mzml = (
        '<mzML xmlns="http://psi.hupo.org/ms/mzml" version="1.1.0">'
        '<cvList count="1"><cv id="MS" fullName="" URI=""/></cvList>'
        f"<fileDescription><fileContent>{term('MS:1001473')}</fileContent></fileDescription>"
        '<softwareList count="1"><software id="s" version=""/></softwareList>'
        '<instrumentConfigurationList count="1"><instrumentConfiguration id="i"/></instrumentConfigurationList>'
        '<dataProcessingList count="1"><dataProcessing id="d"><processingMethod order="0" softwareRef="s"/>'
        '</dataProcessing></dataProcessingList><run id="r" defaultInstrumentConfigurationRef="i">'
        f"{scans if spectra else ''}"
        f'<chromatogramList count="{listed}" defaultDataProcessingRef="d">{"".join(chromatograms)}</chromatogramList>'
        "</run></mzML>"
    )
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    if not indexed:
        return (head + mzml).encode()
    text = f'{head}<indexedmzML xmlns="http://psi.hupo.org/ms/mzml">{mzml}<fileChecksum>'.encode()
    return text + hashlib.sha1(text).hexdigest().encode() + b"</fileChecksum></indexedmzML>"
