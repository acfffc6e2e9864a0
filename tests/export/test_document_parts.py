"""A document too large to be set at once: nothing is lost between its parts, and it reads as one."""

from __future__ import annotations

import re

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_exports import add_traces_and_summary
from made_results import make_results

from bioanalysis.export import write_pdf
from bioanalysis.export.blocks import MOST, Block, packed, split_section
from bioanalysis.export.parts import section

pytestmark = pytest.mark.requirement("UR-051")


@given(st.lists(st.integers(0, 2 * MOST), max_size=30))
def test_pieces_keep_their_order_and_no_part_is_too_large_unless_one_piece_is(weights):
    blocks = [Block("sections", {"place": place}, weight) for place, weight in enumerate(weights)]
    parts = list(packed(blocks))
    assert [block for part in parts for block in part] == blocks
    assert all(len(part) == 1 or sum(block.weight for block in part) <= MOST for part in parts)


@given(st.integers(1, 3000), st.integers(1, 20))
def test_a_long_table_is_cut_between_rows_and_says_which(n_rows, n_columns):
    rows = [[str(row)] * n_columns for row in range(n_rows)]
    blocks = list(split_section(section("Results", ["c"] * n_columns, rows)))
    assert [row for block in blocks for row in block.content["rows"]] == rows
    if len(blocks) == 1:
        assert blocks[0].content["title"] == "Results"
        return
    said = [re.fullmatch(r"Results, rows (\d+) to (\d+) of (\d+)", block.content["title"]) for block in blocks]
    assert [row for found in said for row in range(int(found[1]), int(found[2]) + 1)] == list(range(1, n_rows + 1))
    assert {found[3] for found in said} == {str(n_rows)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a study of more results than a part holds (13 columns each), and its document."""
    folder = tmp_path_factory.mktemp("large")
    samples = MOST // 13 + 40
    add_traces_and_summary(make_results(folder, (samples // 2, samples - samples // 2), name_of="S{}x".format))
    write_pdf(folder, folder / "report.pdf")
    return folder, samples, pypdf.PdfReader(folder / "report.pdf")


def test_every_result_stands_once_in_a_document_of_several_parts(written):
    _, samples, document = written
    words = " ".join(page.extract_text() for page in document.pages).split()
    assert [words.count(f"S{n}x") for n in range(samples)] == [1] * samples


def test_pages_are_numbered_through_and_headings_lead_to_all_parts(written):
    _, _, document = written
    texts = [page.extract_text() for page in document.pages]
    assert all(f"page {number} of {len(texts)}" in text for number, text in enumerate(texts, start=1))
    titles = [entry["/Title"] for entry in document.outline]
    assert titles[0] == "Verdict"
    assert titles[-1] == "Signatures"
    assert [title for title in titles if title.startswith("Concentrations, rows")]
    for entry in document.outline:
        assert entry["/Title"] in texts[document.get_destination_page_number(entry)]


def test_pictures_of_a_further_part_are_said_to_go_on(written, monkeypatch):
    folder, _, _ = written
    monkeypatch.setattr("bioanalysis.export.blocks.MOST", 300)
    write_pdf(folder, folder / "small parts.pdf")
    titles = [entry["/Title"] for entry in pypdf.PdfReader(folder / "small parts.pdf").outline]
    assert titles.count("Chromatograms") == titles.count("Figures") == 1
    assert "Figures, continued" in titles


def test_a_document_of_several_parts_is_for_archiving_like_any_other(written):
    _, _, document = written
    about = document.root_object["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2<" in about
    assert "<pdfaid:conformance>B<" in about
    assert f"<xmpTPg:NPages>{len(document.pages)}<" in about
    assert document.metadata.title in about
    assert document.root_object["/OutputIntents"]
    assert document.trailer["/ID"]
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        for page in document.pages
        for font in page["/Resources"].get("/Font", {}).values()
    ]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)


def test_a_document_of_several_parts_has_the_same_bytes_each_time(written):
    folder, _, _ = written
    write_pdf(folder, folder / "again.pdf")
    assert (folder / "again.pdf").read_bytes() == (folder / "report.pdf").read_bytes()
