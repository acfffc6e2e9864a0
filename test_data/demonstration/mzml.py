"""mzML files of single reaction monitoring chromatograms, the same bytes on every machine.

Arrays are stored without compression: compressed bytes differ between releases of zlib, and the files are small.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

_FILE = """<?xml version="1.0" encoding="utf-8"?>
<mzML xmlns="http://psi.hupo.org/ms/mzml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://psi.hupo.org/ms/mzml http://psidev.info/files/ms/mzML/xsd/mzML1.1.0.xsd" \
id={name} version="1.1.0">
<cvList count="2">
<cv id="MS" fullName="Proteomics Standards Initiative Mass Spectrometry Ontology" version="4.1.0" \
URI="https://raw.githubusercontent.com/HUPO-PSI/psi-ms-CV/master/psi-ms.obo"/>
<cv id="UO" fullName="Unit Ontology" version="09:04:2014" \
URI="https://raw.githubusercontent.com/bio-ontology-research-group/unit-ontology/master/unit.obo"/>
</cvList>
<fileDescription><fileContent>
<cvParam cvRef="MS" accession="MS:1001473" name="selected reaction monitoring chromatogram" value=""/>
</fileContent></fileDescription>
<softwareList count="1"><software id="simulation" version="1">
<cvParam cvRef="MS" accession="MS:1000799" name="custom unreleased software tool" value="simulated study"/>
</software></softwareList>
<instrumentConfigurationList count="1"><instrumentConfiguration id="IC1">
<cvParam cvRef="MS" accession="MS:1000031" name="instrument model" value=""/>
</instrumentConfiguration></instrumentConfigurationList>
<dataProcessingList count="1"><dataProcessing id="simulated"><processingMethod order="0" softwareRef="simulation">
<cvParam cvRef="MS" accession="MS:1000544" name="Conversion to mzML" value=""/>
</processingMethod></dataProcessing></dataProcessingList>
<run id={name} defaultInstrumentConfigurationRef="IC1" startTimeStamp="{started_at}">
<chromatogramList count="{count}" defaultDataProcessingRef="simulated">
{chromatograms}</chromatogramList>
</run>
</mzML>
"""

_CHROMATOGRAM = """\
<chromatogram index="{index}" id="- SRM SIC Q1={q1} Q3={q3}" defaultArrayLength="{points}">
<cvParam cvRef="MS" accession="MS:1001473" name="selected reaction monitoring chromatogram" value=""/>
<cvParam cvRef="MS" accession="MS:1000129" name="negative scan" value=""/>
<precursor><isolationWindow>
<cvParam cvRef="MS" accession="MS:1000827" name="isolation window target m/z" value="{q1}" unitCvRef="MS" \
unitAccession="MS:1000040" unitName="m/z"/>
</isolationWindow><activation>
<cvParam cvRef="MS" accession="MS:1000133" name="collision-induced dissociation" value=""/>
</activation></precursor>
<product><isolationWindow>
<cvParam cvRef="MS" accession="MS:1000827" name="isolation window target m/z" value="{q3}" unitCvRef="MS" \
unitAccession="MS:1000040" unitName="m/z"/>
</isolationWindow></product>
<binaryDataArrayList count="2">
{times}{intensities}</binaryDataArrayList>
</chromatogram>
"""

_ARRAY = """<binaryDataArray encodedLength="{length}">
<cvParam cvRef="MS" accession="MS:1000521" name="32-bit float" value=""/>
<cvParam cvRef="MS" accession="MS:1000576" name="no compression" value=""/>
{kind}
<binary>{encoded}</binary>
</binaryDataArray>
"""

_TIME = (
    '<cvParam cvRef="MS" accession="MS:1000595" name="time array" value="" unitCvRef="UO" '
    'unitAccession="UO:0000031" unitName="minute"/>'
)
_INTENSITY = (
    '<cvParam cvRef="MS" accession="MS:1000515" name="intensity array" value="" unitCvRef="MS" '
    'unitAccession="MS:1000814" unitName="counts per second"/>'
)


@dataclass(frozen=True)
class Trace:
    """One transition followed over time: `time_min` and `intensity_cps` of shape (n_points,)."""

    q1_mz: float
    q3_mz: float
    time_min: np.ndarray
    intensity_cps: np.ndarray


def write_mzml(path: Path, traces: list[Trace], started_at: str) -> None:
    """Write the traces of one injection, times in minutes as converters of vendor files do."""
    chromatograms = "".join(_chromatogram(index, trace) for index, trace in enumerate(traces))
    name = quoteattr(path.name.split(".")[0])
    text = _FILE.format(name=name, started_at=started_at, count=len(traces), chromatograms=chromatograms)
    path.write_bytes(text.encode())


def _chromatogram(index: int, trace: Trace) -> str:
    return _CHROMATOGRAM.format(
        index=index,
        q1=trace.q1_mz,
        q3=trace.q3_mz,
        points=len(trace.time_min),
        times=_array(trace.time_min, _TIME),
        intensities=_array(trace.intensity_cps, _INTENSITY),
    )


def _array(values: np.ndarray, kind: str) -> str:
    encoded = b64encode(values.astype("<f4").tobytes()).decode()
    return _ARRAY.format(length=len(encoded), kind=kind, encoded=encoded)
