"""The document, the workbook and the summary of studies that are odd, failed, tiny or named to do harm."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import jsonschema
import pypdf
import pyreadstat
import pytest
from made_exports import add_traces_and_summary
from made_results import make_results
from python_calamine import CalamineWorkbook

from bioanalysis.export import write_pdf, write_send, write_summary, write_workbook
from bioanalysis.export.summary import read_schema

HOSTILE = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "#set page(fill: red)", "n" * 200, "two words " * 20)


def study(folder: Path, *sizes: int, **settings) -> Path:
    return add_traces_and_summary(make_results(folder, sizes or (6, 6), **settings))


def document(folder: Path) -> list[str]:
    """Return the text of each page of the document, without white space."""
    write_pdf(folder, folder / "report.pdf")
    return ["".join(page.extract_text().split()) for page in pypdf.PdfReader(folder / "report.pdf").pages]


def concentrations(pages: list[str]) -> str:
    text = "".join(pages)
    return text[text.index("Concentrationssample") : text.index("Summarybygroup")]


def summary(folder: Path) -> dict:
    write_summary(folder, folder / "report.json")
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, read_schema())
    return found


def cells(folder: Path) -> list[list[object]]:
    write_workbook(folder, folder / "report.xlsx")
    with zipfile.ZipFile(folder / "report.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist() if "worksheets" in name)
    return (
        CalamineWorkbook.from_path(str(folder / "report.xlsx")).get_sheet_by_name("tissue_concentrations").to_python()
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_every_sample_stands_once_in_the_results_whatever_its_name(tmp_path, name):
    folder = study(tmp_path, failed=(1,), name_of=lambda n: f"{name}[{n}]", comment=name)
    text = concentrations(document(folder))
    names = [f"{name}[{n}]" for n in range(12)]
    assert [text.count("".join(one.split())) for one in names] == [1] * 12
    assert [row[0] for row in cells(folder)[1:]] == names
    assert [row["sample_id"] for row in summary(folder)["results"]] == names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u5c71\u7530", "[U+5C71][U+7530]"),  # Chinese or Japanese
        ("\u0e2a", "[U+0E2A]"),  # Thai
        ("\U0001f9ea", "[U+1F9EA]"),  # a picture
        ("\u0130\u0131\u0141\u03a9\u0434", "\u0130\u0131\u0141\u03a9\u0434"),  # Turkish, Polish, Greek, Cyrillic: drawn
    ],
)
def test_a_sign_no_font_of_the_document_draws_stands_there_as_its_code(tmp_path, name, shown):
    folder = study(tmp_path, name_of=lambda n: f"{name}[{n}]")
    text = concentrations(document(folder))
    assert [text.count(f"{shown}[{n}]") for n in range(12)] == [1] * 12
    assert [row["sample_id"] for row in summary(folder)["results"]] == [f"{name}[{n}]" for n in range(12)]


def test_a_long_name_is_broken_and_leaves_room_for_the_reason(tmp_path):
    folder = study(tmp_path, failed=(0, 1), name_of=lambda n: "n" * 200 + str(n))
    document(folder)
    lines = "\n".join(page.extract_text() for page in pypdf.PdfReader(folder / "report.pdf").pages).splitlines()
    assert 30 < max(line.count("n") for line in lines if "nnn" in line) < 100
    assert sum("failed QC-05" in line for line in lines) >= 12


def test_all_runs_failed(tmp_path):
    folder = study(tmp_path, failed=(0, 1))
    pages = document(folder)
    assert pages[0].index("FAILED:R0,mipomersen") < pages[0].index("analyteandmethod):12notreported")
    assert concentrations(pages).count("notreported") == 12
    found = summary(folder)
    assert {row["value"] for row in found["results"]} == {None}
    assert {verdict["verdict"] for run in found["runs"] for verdict in run["verdicts"]} == {"fail"}


def test_one_sample(tmp_path):
    folder = study(tmp_path, 1)
    assert concentrations(document(folder)).count("S0") == 1
    assert len(summary(folder)["results"]) == len(cells(folder)) - 1 == 1


def test_no_samples_of_a_tissue(tmp_path):
    folder = study(tmp_path, not_analysed=(1, 3, 5, 7, 9, 11))  # every kidney
    assert concentrations(document(folder)).count("notinanyrun") == 6
    assert [row["status"] for row in summary(folder)["results"]][1::2] == ["not_analysed"] * 6


def test_a_study_without_any_optional_table_is_exported_whole(tmp_path):
    folder = study(tmp_path)
    config = {path.stem for path in (folder / "config").glob("*.tsv")}
    assert config == {"subjects", "samples", "runs"}  # no decisions, doses, chemistry, materials, pools
    text = "".join(document(folder))
    assert "Decisionsnone" in text
    assert concentrations([text]).count("S11") == 1
    cells(folder)
    sheets = CalamineWorkbook.from_path(str(folder / "report.xlsx")).sheet_names
    made = {path.stem for path in (folder / "results/study").glob("*.tsv")}
    assert {"tissue_concentrations", "tissue_summary", "flags"} == made
    assert made | {"Contents", "acceptance_of_runs", "measurements", "peaks"} == set(sheets)
    assert (summary(folder)["rules"], summary(folder)["statistics"]) == ([], [])
    write_send(folder, folder / "send")
    records, _ = pyreadstat.read_xport(folder / "send/pc.xpt")
    assert len(records) == 12
    assert set(records.PCTPTREF) == {""}
    assert not (folder / "send/pooldef.xpt").exists()


def test_the_same_results_give_the_same_document(tmp_path):
    folder = study(tmp_path)
    document(folder)
    first = (folder / "report.pdf").read_bytes()
    document(folder)
    assert (folder / "report.pdf").read_bytes() == first
