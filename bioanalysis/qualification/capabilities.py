"""What the software must be able to do here, each tried once on something whose answer is known beforehand."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.qualification.checks import Check, attempt
from bioanalysis.text_files import own_table
from bioanalysis.words import count_of

PART = "Capabilities"
TRIANGLE = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0)  # at 0, 1 ... 10 s: its area is 250
TRIANGLE_SAID = "11 points, trapezoid 250 counts x s"
SNAKEFILE = 'rule all:\n    output: "done.txt"\n    shell: "touch {output}"\n'


def capability_checks() -> Iterator[Check]:
    """Yield one check per capability the workflow needs."""
    area = "a triangle of height 50 over 10 s: 1/2 x 10 x 50 = 250"
    yield attempt(PART, "UR-001", "read mzML written by pyOpenMS, zlib", TRIANGLE_SAID, lambda: _mzml(False), area)
    yield attempt(PART, "UR-001", "read mzML written by pyOpenMS, numpress", TRIANGLE_SAID, lambda: _mzml(True), area)
    exact = f"standards without error are found to {_number('exact_fit'):g}"
    for name, fit, source in (
        ("linear, 1/x^2", _line, "y = 2 + 3 x"),
        ("4PL, 1/y^2", _sigmoid, "y = 3 - 2.9 / (1 + (x / 100)^1.2)"),
    ):
        yield attempt(PART, "UR-011", f"fit a standard curve ({name})", exact, _close(fit, exact), source)
    yield attempt(PART, "UR-051", "typeset a PDF/A of one line", "a PDF", _pdf)
    yield attempt(PART, "UR-052", "write and read a SAS transport file", "ASO 1.5", _transport)
    yield attempt(PART, "UR-051;UR-003", "write and read a workbook (xlsx)", "ASO 1.5", _workbook)
    yield attempt(PART, "UR-060", "plan a job with Snakemake (dry run)", "1 job planned", _plan)
    yield attempt(PART, "UR-070", "numerical libraries keep to one thread each", "1 thread in each", _threads)


def _number(check: str) -> float:
    return next(float(row["number"]) for row in own_table(__package__, "installation.tsv") if row["check"] == check)


def _mzml(numpress: bool) -> str:
    import pyopenms

    from bioanalysis.instruments.mzml import read_traces

    chromatogram, experiment, writer = pyopenms.MSChromatogram(), pyopenms.MSExperiment(), pyopenms.MzMLFile()
    chromatogram.set_peaks((np.arange(len(TRIANGLE), dtype=float), np.array(TRIANGLE, dtype="float32")))
    chromatogram.setChromatogramType(
        pyopenms.ChromatogramSettings.ChromatogramType.SELECTED_REACTION_MONITORING_CHROMATOGRAM
    )
    precursor, product = pyopenms.Precursor(), pyopenms.Product()
    precursor.setMZ(651.5)
    product.setMZ(94.9)
    chromatogram.setPrecursor(precursor)
    chromatogram.setProduct(product)
    experiment.addChromatogram(chromatogram)
    options = writer.getOptions()
    options.setCompression(not numpress)
    if numpress:
        squeezed = pyopenms.NumpressConfig()
        squeezed.setCompression("linear")
        options.setNumpressConfigurationMassTime(squeezed)
    writer.setOptions(options)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.mzML"
        writer.store(str(path), experiment)
        (trace,) = read_traces(path, path.name)
    area = float(np.trapezoid(trace.intensity, trace.time_min * 60))
    return f"{count_of(len(trace.intensity), 'point')}, trapezoid {area:.6g} counts x s"


def _close(fit: Callable[[], float], words: str) -> Callable[[], str]:
    """Return what says `words` where the largest relative error of a fit is small enough."""

    def observed() -> str:
        error = fit()
        return words if error <= _number("exact_fit") else f"largest relative error {error:.2g}"

    return observed


def _line() -> float:
    from bioanalysis.calibration import WeightedLinear

    nominal = np.array([1.0, 2, 5, 10, 50, 100])
    curve = WeightedLinear(weighting="1/x^2").fit(nominal, 2 + 3 * nominal)
    return float(np.abs([curve.intercept_ / 2 - 1, curve.slope_ / 3 - 1]).max())


def _sigmoid() -> float:
    from bioanalysis.calibration import FourParameterLogistic

    nominal = np.array([2.0, 5, 10, 25, 50, 100, 200, 500, 1000])
    curve = FourParameterLogistic(weighting="1/y^2").fit(nominal, 3.0 + (0.1 - 3.0) / (1 + (nominal / 100) ** 1.2))
    found = np.array([curve.zero_, curve.slope_, curve.midpoint_, curve.infinite_])
    return float(np.abs(found / [0.1, 1.2, 100.0, 3.0] - 1).max())


def _pdf() -> str:
    import typst

    made = typst.compile(b"Installation qualification", pdf_standards="a-2b", ignore_system_fonts=True)
    return "a PDF" if made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF") else f"{made[:20]!r}"


def _transport() -> str:
    import pyreadstat

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.xpt"
        table = pd.DataFrame({"NAME": ["ASO"], "VALUE": [1.5]})
        pyreadstat.write_xport(table, path, table_name="PC", file_format_version=5)  # type: ignore[arg-type]
        back, _ = pyreadstat.read_xport(path)
    return f"{back.NAME[0]} {back.VALUE[0]:g}"


def _workbook() -> str:
    import xlsxwriter
    from python_calamine import CalamineWorkbook

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.xlsx"
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet("probe").write_row(0, 0, ["ASO", 1.5])
        ((name, value),) = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return f"{name} {value:g}"  # type: ignore[str-format]


def _plan() -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
        words = [sys.executable, "-m", "snakemake", "-n", "--directory", folder, "-s", f"{folder}/Snakefile"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    total = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("total")]
    return f"{total[0]} job planned" if done.returncode == 0 and total else (done.stdout + done.stderr)[-500:]


def _threads() -> str:
    """Ask the libraries themselves, in a process with the settings the workflow gives its jobs."""
    from bioanalysis.qualification.surroundings import ask, one_thread

    code = (
        "import numpy, scipy.linalg, sklearn, threadpoolctl as t;"
        "print(*sorted({str(i['num_threads']) for i in t.threadpool_info()}))"
    )
    found = ask(code, one_thread())
    return "1 thread in each" if found == "1" else f"{found} threads"
