"""Damaged mzML files: refused with a reason, or read as if they were whole; never a crash, never a part.

    python benchmarks/fuzz_mzml.py [--seed 1] [--variants 500]

Each variant is one of eight kinds of file (plain or zlib, 32 or 64 bits, numpress with and without zlib, a checksum,
full scans), damaged in one place: cut off, a bit flipped, bytes replaced, left out, doubled, stretches exchanged.
All are read in one child process, so that a crash of the interpreter is noticed; `changed` counts files that were read
with other numbers than before, which no reader can notice where a file has neither checksum nor packing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from bioanalysis.errors import BatchError
from bioanalysis.instruments.mzml import read_injection

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "instruments"))
TIMES_MIN = np.arange(150) * 0.04
COUNTS = np.round(200 + 1e5 * np.exp(-0.5 * ((TIMES_MIN - 3.0) / 0.1) ** 2))
USUAL = {"polarity": None, "rt_min": 3.0, "rt_window_min": 0.5, "peak_width_s": 12.0}
MONITORED = (
    SimpleNamespace(name="quan", q1_mz=651.5, q3_mz=94.9, **USUAL),
    SimpleNamespace(name="is", q1_mz=500.0, q3_mz=94.9, **USUAL),
)
SCANNED = (
    SimpleNamespace(name="scan", q1_mz=796.0, q3_mz=796.0, ms_level=1, ions_mz=(796.0,), mz_tolerance_ppm=20, **USUAL),
)


def sources() -> dict[str, tuple[bytes, tuple[SimpleNamespace, ...]]]:
    """Return the whole files by kind, with what is read of them."""
    from mzml_writer import chromatogram, document, spectrum

    def pair(**how: object) -> tuple[str, str]:
        return chromatogram(TIMES_MIN, COUNTS, **how), chromatogram(TIMES_MIN, COUNTS / 2, q1_mz=500.0, **how)

    scans = tuple(
        spectrum(start, [700.0, 796.0, 900.0], [5.0, count, 7.0], number=number)
        for number, (start, count) in enumerate(zip(TIMES_MIN, COUNTS, strict=True))
    )
    return {
        "zlib": (document(*pair()), MONITORED),
        "plain": (document(*pair(compressed=False)), MONITORED),
        "32 bits": (document(*pair(time_size=4)), MONITORED),
        "checksum": (document(*pair(), indexed=True), MONITORED),
        "numpress": (numpress(zlib_too=False), MONITORED),
        "numpress, zlib": (numpress(zlib_too=True), MONITORED),
        "full scans": (document(spectra=scans), SCANNED),
        "full scans, checksum": (document(spectra=scans, indexed=True), SCANNED),
    }


def numpress(*, zlib_too: bool) -> bytes:
    """Return a file packed with numpress, as pyOpenMS writes it, without its checksum."""
    import pyopenms

    experiment, writer = pyopenms.MSExperiment(), pyopenms.MzMLFile()
    for q1_mz, share in ((651.5, 1.0), (500.0, 0.5)):
        trace, precursor, product = pyopenms.MSChromatogram(), pyopenms.Precursor(), pyopenms.Product()
        precursor.setMZ(q1_mz)
        product.setMZ(94.9)
        trace.setPrecursor(precursor)
        trace.setProduct(product)
        trace.set_peaks((60 * TIMES_MIN, share * COUNTS))
        experiment.addChromatogram(trace)
    options = writer.getOptions()
    options.setCompression(zlib_too)
    options.setWriteIndex(False)
    for use, name in (
        (options.setNumpressConfigurationMassTime, "linear"),
        (options.setNumpressConfigurationIntensity, "slof"),
    ):
        config = pyopenms.NumpressConfig()
        config.estimate_fixed_point = True
        config.setCompression(name)
        use(config)
    writer.setOptions(options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "packed.mzML"
        writer.store(str(path), experiment)
        return path.read_bytes()


def damaged(whole: bytes, dice: np.random.Generator) -> bytes:
    """Return a file damaged in one place."""
    place, length = int(dice.integers(len(whole))), int(dice.choice([1, 1, 2, 7, 60, 900]))
    before, part, after = whole[:place], whole[place : place + length], whole[place + length :]
    flipped = bytes([part[0] ^ (1 << int(dice.integers(8)))]) + part[1:]
    exchanged = after[:length] + part + after[length:]
    kinds = (b"", flipped + after, dice.bytes(len(part)) + after, after, part + part + after, exchanged)
    return before + kinds[int(dice.integers(len(kinds)))]


def numbers(path: Path, wanted: tuple[SimpleNamespace, ...]) -> dict[str, tuple[list[float], list[float]]]:
    """Return what a file holds of the wanted transitions."""
    matched = read_injection(path, "damaged.mzML", wanted, 0.3).matched
    return {name: (trace.time_min.tolist(), trace.intensity.tolist()) for name, trace in matched.items()}


def read_all(folder: Path) -> None:
    """Read every damaged file, and say of each what became of it: the work of the child process."""
    whole = {kind: (folder / f"{kind}.mzML", wanted) for kind, (_, wanted) in sources().items()}
    truth = {kind: numbers(path, wanted) for kind, (path, wanted) in whole.items()}
    for path in sorted(folder.glob("*/*.mzML")):
        kind = path.parent.name
        print(kind, end="\t", flush=True)
        try:
            found = numbers(path, whole[kind][1])
        except BatchError:
            print("refused")
        else:
            print("right" if found == truth[kind] else "changed")


def main() -> None:
    """Print, for each kind of file, what became of the variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=int, default=500)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_all(options.read)
        return
    dice, kinds = np.random.default_rng(options.seed), sources()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind, (whole, _) in kinds.items():
            (folder / f"{kind}.mzML").write_bytes(whole)
            (folder / kind).mkdir()
        for number in range(options.variants):
            kind = list(kinds)[number % len(kinds)]
            (folder / kind / f"{number:05d}.mzML").write_bytes(damaged(kinds[kind][0], dice))
        command = [sys.executable, __file__, "--read", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.split("\t") for line in ended.stdout.splitlines() if "\t" in line]
    print(f"{'':22s}{'refused':>9s}{'right':>9s}{'changed':>9s}{'neither':>9s}")
    for kind in kinds:
        words = [word for name, word in lines if name == kind]
        counts = [words.count(word) for word in ("refused", "right", "changed")]
        print(f"{kind:22s}" + "".join(f"{count:9d}" for count in (*counts, len(words) - sum(counts))))
    last = f", last: {ended.stderr.splitlines()[-1]}" if ended.stderr else ""
    print(f"{len(lines)} of {options.variants} read, the child ended with {ended.returncode}{last}")


if __name__ == "__main__":
    main()
