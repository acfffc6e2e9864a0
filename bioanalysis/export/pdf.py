"""report.pdf: the document for signature, PDF/A, the same bytes from the same results."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from bioanalysis.export.blocks import Block, packed, split_section, weight_of
from bioanalysis.export.document import StudyDocument
from bioanalysis.export.parts import chromatogram_note, chromatograms
from bioanalysis.export.sources import tables_of
from bioanalysis.export.typesetting import typeset
from bioanalysis.export.validation_document import ValidationDocument
from bioanalysis.limits import CONVENTION, EDITION
from bioanalysis.study import Study
from bioanalysis.study.finished import open_finished
from bioanalysis.text_files import written_whole

KINDS: dict[str, type[StudyDocument | ValidationDocument]] = {
    "study": StudyDocument,
    "validation": ValidationDocument,
}
NOT_GIVEN = "not given"
STATE = "UNSIGNED unless signed below or by a signature beside this file"
SIGNATURE_NOTE = (
    "Not valid without signatures. An electronic signature stands beside the results and is checked by "
    "`bioanalysis verify`; it counts for the results whose digest is printed on each page."
)


def write_pdf(folder: Path, path: Path) -> None:
    """Write report.pdf of the finished study, or method validation, in `folder`."""
    study = open_finished(folder)
    with tempfile.TemporaryDirectory() as scratch, written_whole(path) as part:
        shutil.copyfile(typeset(parts(study, folder / "results"), Path(scratch)), part)


def parts(study: Study, results: Path) -> Iterator[dict[str, Any]]:
    """Yield what the report says as plain words and SVG pictures, in parts small enough to be set one at a time."""
    about = study.config.study
    last = max((run.run_date[:10] for run in study.runs), default="2000-01-01")
    date = datetime.date.fromisoformat(last)
    head = {
        "id": about.id, "title": about.title, "date": [date.year, date.month, date.day], "state": STATE,
        "digest": results_digest(study, results),
    }  # fmt: skip
    for blocks in packed(_blocks(study, results)):
        yield head | _part(blocks)


def _blocks(study: Study, results: Path) -> Iterator[Block]:
    """Yield the report in order, no piece larger than a part."""
    words = KINDS[study.config.study.kind](study, results)
    verdicts = words.verdicts()
    yield Block("front", {"about": _about(study), "verdicts": verdicts}, len(verdicts))
    for section in words.sections():
        yield from split_section(section)
    for place, figure in enumerate(words.figures()):
        yield Block("figures", figure | {"first": place == 0}, weight_of(figure))
    note = chromatogram_note(study, results)
    for place, picture in enumerate(chromatograms(study, results)):
        yield Block("chromatograms", picture | {"note": note, "first": place == 0}, weight_of(picture))
    report = study.config.report
    people = [
        ("Analyst", report.analyst or NOT_GIVEN),
        ("Principal investigator", report.principal_investigator or NOT_GIVEN),
        ("Quality assurance", NOT_GIVEN),
        ("Study director", report.study_director or NOT_GIVEN),
    ]
    yield Block("signatures", {"note": SIGNATURE_NOTE, "people": people}, 0)


def _part(blocks: list[Block]) -> dict[str, Any]:
    """Return what the template reads of these pieces."""
    made: dict[str, Any] = {kind: [] for kind in ("front", "sections", "figures", "chromatograms", "signatures")}
    for block in blocks:
        made[block.kind].append(block.content)
    return made | {"sections": _by_orientation(made["sections"])}


def _by_orientation(sections: list[dict[str, Any]]) -> list[tuple[bool, list[dict[str, Any]]]]:
    """Return the sections in stretches of the same orientation: each stretch begins a page."""
    return [(lies, list(here)) for lies, here in groupby(sections, key=lambda section: section["landscape"])]


def results_digest(study: Study, results: Path) -> str:
    """Return one SHA-256 over all result tables, by name and content."""
    whole = hashlib.sha256()
    for source in tables_of(study, results):
        with (results / source.path).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{source.path}\0{content}\n".encode())
    return whole.hexdigest()


def _about(study: Study) -> list[tuple[str, str]]:
    """Return the fields of the title page; what nobody filled in is said to be not given."""
    about, report = study.config.study, study.config.report
    dates = sorted(run.run_date[:10] for run in study.runs)
    analysed = f"{dates[0]} to {dates[-1]} (first and last run)" if dates else ""
    fields = {
        "Test article": about.test_article, "Status of the methods": about.status.replace("_", " "),
        "Sponsor": report.sponsor, "Test site": report.test_site, "Study director": report.study_director,
        "Principal investigator": report.principal_investigator,
        "Start of analysis": report.analysis_start, "End of analysis": report.analysis_end, "Runs": analysed,
        "Archive": report.archive, "Quality assurance statement": report.qa_statement, "Rules follow": EDITION,
        "How limits are applied": CONVENTION,
    }  # fmt: skip
    return [(name, value or NOT_GIVEN) for name, value in fields.items()]
