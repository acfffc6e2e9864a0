"""What a folder can hold in place of its files: one plain message each, nothing waits, nothing is left out unsaid."""

from __future__ import annotations

import os
import socket

import pytest
from small_study import make_small_study, said

from bioanalysis.records.standing import config_now
from bioanalysis.study import Study

pytestmark = [pytest.mark.requirement("UR-063"), pytest.mark.requirement("UR-003")]
SAMPLES, CONFIG = "config/samples.tsv", "config/config.yaml"


@pytest.fixture
def folder(tmp_path):
    return make_small_study(tmp_path / "study")


def no_file(path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as place:
            place.bind(str(path))


@pytest.mark.parametrize("name", [SAMPLES, CONFIG, "config/methods/lcms.yaml"])
@pytest.mark.parametrize(("kind", "found"), [("pipe", "is a pipe, a device or the like"), ("folder", "is a folder")])
def test_a_table_or_settings_file_that_is_no_file_is_named(folder, name, kind, found):
    no_file(folder / name, kind)
    assert f"{name}: {found}; expected a file" in said(folder)


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket"])
def test_a_raw_file_that_is_no_file_is_named(folder, kind, monkeypatch):
    monkeypatch.chdir(folder / "raw/LC-01")  # the name of a socket must be short
    (folder / "raw/LC-01/s1.mzML").unlink()
    no_file((folder / "raw/LC-01/s1.mzML").relative_to(folder / "raw/LC-01"), kind)
    expected = "'s1.mzML' is missing; expected a file in 'raw/LC-01'"
    assert said(folder) == [f"config/worklists/LC-01.tsv: line 9, file: {expected}"]


@pytest.mark.parametrize("target", ["decisions.tsv", "gone.tsv"])
def test_a_table_whose_link_leads_nowhere_is_not_taken_for_left_out(folder, target):
    (folder / "config/decisions.tsv").unlink()
    (folder / "config/decisions.tsv").symlink_to(target)
    assert said(folder) == ["config/decisions.tsv: a link that leads nowhere; expected a file, or no link"]


def test_an_editors_lock_is_no_link_of_the_study(folder):
    (folder / "config/.#samples.tsv").symlink_to("km@host.4711:1764400000")
    assert said(folder) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [(b"latin-\xfc.txt", "latin-\ufffd.txt"), (b"two\nlines.txt", "two?lines.txt"), (b"a\\b.txt", "a\\b.txt")],
)
def test_a_settings_file_whose_name_no_archive_holds_is_refused(folder, name, shown):
    (folder / "config" / os.fsdecode(name)).write_text("x")
    expected = "a name in UTF-8 without backslashes, line breaks and other control characters"
    assert said(folder) == [f"config/{shown}: its name; expected {expected}"]


def test_spaces_and_umlauts_in_names_of_settings_are_no_fault(folder):
    (folder / "config/M\u00e9thode 1 (\u00e4lter) 85 %.txt").write_text("x")
    assert said(folder) == []


@pytest.mark.parametrize("name", [".hidden.yaml", "~$lcms.yaml"])
def test_what_the_records_do_not_hold_is_no_method(folder, name):
    text = (folder / "config/methods/lcms.yaml").read_text()
    (folder / "config/methods" / name).write_text(text.replace("ASO-LCMS-01", "OTHER"))
    assert set(Study.load(folder).methods) == {"ASO-LCMS-01", "ASO-ELISA-01"}
    assert f"config/methods/{name}" not in config_now(folder)


def test_an_escaped_control_character_in_settings_is_refused_with_its_line(folder):
    with (folder / CONFIG).open("a") as stream:
        stream.write('allowed_roots: ["/a\\0b"]\n')
    assert said(folder) == [f"{CONFIG}: line 5: a control character; expected text without control characters"]


def test_a_table_of_very_many_columns_is_refused_at_once(folder):
    (folder / SAMPLES).write_text("\t".join(f"c{number}" for number in range(300_000)) + "\n")
    assert said(folder) == [f"{SAMPLES}: line 1: 300000 columns; expected at most 1000"]


def test_a_table_of_very_many_cells_is_refused_while_it_is_read(folder):
    header, row = ("\t".join(cells) + "\n" for cells in ([f"c{number}" for number in range(900)], "a" * 900))
    (folder / "config/materials.tsv").write_text(header + row * 7000)
    (told,) = said(folder)
    assert told.startswith("config/materials.tsv: line 5556: ")  # the header and 5555 rows hold 5 000 400 cells
    assert told.endswith("more than 5000000 cells; expected at most 5000000")


PATHS = ["~/raw", "~root/raw", "\\\\server\\share", "C:\\data", "/dev/stdin", "raw/" + "a" * 5000]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_taken_as_it_is_written_and_refused(folder, path):
    runs = folder / "config/runs.tsv"
    runs.write_text(runs.read_text().replace("raw/EL-01.csv", path))
    (told,) = said(folder)
    assert told.startswith(f"config/runs.tsv: line 3, raw_path: '{path[:40]}")
