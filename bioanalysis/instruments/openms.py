"""Chromatograms with arrays that only pyOpenMS decodes (numpress)."""

from __future__ import annotations

import os
import sys
import zlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioanalysis.errors import BatchError, Fault
from bioanalysis.instruments.outline import NotMzml, Outline

LEAST_SHARE = 1400  # zlib expands at most about 1030-fold, base64 by 4/3


@cache
def _pyopenms() -> Any:
    """Return pyOpenMS; BatchError where it is not there or cannot read back what it writes: no fault of a raw file."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # its threads spin, and cost more than they bring
    try:
        import pyopenms

        _quiet(pyopenms)
        with _silent_streams():
            written = pyopenms.MzMLFile().storeBuffer(pyopenms.MSExperiment())
            pyopenms.MzMLFile().loadBuffer(written, pyopenms.MSExperiment())
    except Exception as error:  # whatever it raises here speaks of the installation
        found = f"does not work ({type(error).__name__}: {error}); numpress arrays are read with it"
        raise BatchError([Fault("pyOpenMS", found, "an installation that does, or files without numpress")]) from error
    return pyopenms


def _quiet(pyopenms: Any) -> None:
    log = pyopenms.LogConfigHandler.getInstance()
    log.configure(log.parse(["WARNING remove cout", "WARNING remove cerr"]))  # it would repeat itself when Python ends


def load_chromatograms(
    text: bytes, outline: Outline, most_bytes: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return (time_min, intensity) of every chromatogram of an mzML text.

    Raises
    ------
    NotMzml
        If arrays would burst, cannot be decoded, or are not as many and as long as announced.
    """
    for said in outline.chromatograms:
        for array in said.arrays:
            if array.stop - array.start > most_bytes // LEAST_SHARE:
                _require_modest(text[array.start : array.stop].partition(b">")[2], most_bytes)
    chromatograms = _load(text)
    if len(chromatograms) != len(outline.chromatograms):
        found = f"{len(chromatograms)} of {len(outline.chromatograms)} chromatograms could be read"
        raise NotMzml(found, "every chromatogram the file announces")
    arrays = []
    for chromatogram, said in zip(chromatograms, outline.chromatograms, strict=True):
        time_s, intensity = chromatogram.get_peaks()
        if len(time_s) != said.points:
            found = f"{len(time_s)} of {said.points} points of chromatogram '{said.name}' could be read"
            raise NotMzml(found, "as many as announced", said.line)
        arrays.append((np.asarray(time_s, dtype=float) / 60, np.asarray(intensity, dtype=float)))
    return arrays


def _require_modest(base64_text: bytes, most_bytes: int) -> None:
    try:
        size = len(zlib.decompressobj().decompress(b64decode(base64_text), most_bytes + 1))
    except (Base64Error, zlib.error):
        return  # not compressed, or damaged: pyOpenMS says which
    if size > most_bytes:
        raise NotMzml(f"a binary array expands to more than {most_bytes:,} bytes", "arrays of a chromatogram's size")


def _load(text: bytes) -> list[Any]:
    pyopenms = _pyopenms()
    experiment, reader = pyopenms.MSExperiment(), pyopenms.MzMLFile()
    options = reader.getOptions()
    options.setSortChromatogramsByRT(False)  # sorting would hide that times run backwards
    reader.setOptions(options)
    try:
        with _silent_streams():
            reader.loadBuffer(text, experiment)
    except Exception as error:  # whatever pyOpenMS raises here speaks of this file's content
        reason = str(error).replace("the file 'memory' could not be found", "arrays of unequal length")
        raise NotMzml(f"its binary data cannot be decoded ({reason})", "arrays as the converter wrote them") from None
    return list(experiment.getChromatograms())


@contextmanager
def _silent_streams() -> Iterator[None]:
    """Keep what pyOpenMS prints from C++ off the user's screen: we say it ourselves, once and with the file's name."""
    sys.stdout.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept:
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
