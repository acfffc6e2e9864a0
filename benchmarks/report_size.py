"""Pages of a study of 10 000 injections: size on disk, time to write, time until a browser shows the first screen.

    python benchmarks/report_size.py [--injections 10000] [--per-run 200]

Results are made up (`tests/made_results.py`): one sample per injection, every fifth flagged. A run's page is made of
its measurements, 200 and, as the worst case, all of them in one run, without chromatograms. The browser is
/usr/bin/chromium by playwright; first paint is its own `first-contentful-paint`, the median of five fresh pages.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_results import make_results
from playwright.sync_api import sync_playwright

from bioanalysis.report import write_study_report
from bioanalysis.report.page import write_page
from bioanalysis.report.run_sections import controls_section, curve_figures, measurements_section, rule_sections
from bioanalysis.results import read_curves, read_table

PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
MOST_MB, MOST_S = 25, 2
REPEATS = 5


def main() -> None:
    """Print one line per page, and whether it keeps to what is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--injections", type=int, default=10_000)
    parser.add_argument("--per-run", type=int, default=200)
    chosen = parser.parse_args()
    sizes = [chosen.per_run] * (chosen.injections // chosen.per_run)
    with tempfile.TemporaryDirectory() as name:
        folder = make_results(Path(name) / "many", sizes, failed=(1,))
        measured("study", folder / "results/study/report.html", lambda path: write_study_report(folder, path))
        for words, size in ((f"run of {chosen.per_run}", [chosen.per_run]), ("one run of all", [sum(sizes)])):
            one = make_results(Path(name) / words, size)
            results = one / "results/runs/R0"
            measured(words, results / "report.html", lambda path, results=results: write_run_page(results, path))


def write_run_page(results: Path, path: Path) -> None:
    """Write the page of a run but for its chromatograms."""
    acceptance, measurements = (read_table(results / f"{name}.tsv") for name in ("acceptance", "measurements"))
    curves = [figure for curve in read_curves(results / "curve.json") for figure in curve_figures(curve, 15.0)]
    first, *others = rule_sections(acceptance)
    sections = [
        first | {"figures": curves},
        *others,
        controls_section(measurements, True, 15.0),
        measurements_section(measurements, True),
    ]
    write_page(path, results.name, "", [], sections)


def measured(words: str, path: Path, write: Callable[[Path], None]) -> None:
    """Write a page, open it, print its size and times."""
    before = time.perf_counter()
    write(path)
    written = time.perf_counter() - before
    size = path.stat().st_size / 1e6
    paint = statistics.median(first_paint(path) for _ in range(REPEATS))
    kept = "kept" if size < MOST_MB and paint < MOST_S else "NOT KEPT"
    print(f"{words}: {size:.2f} MB, written in {written:.1f} s, first paint {paint:.2f} s: {kept}", flush=True)


def first_paint(path: Path) -> float:
    """Return the seconds from navigation to the first paint with content."""
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(path.as_uri(), wait_until="load")
        page.wait_for_function(PAINT)
        milliseconds = page.evaluate(PAINT)
        browser.close()
    return milliseconds / 1000


if __name__ == "__main__":
    main()
