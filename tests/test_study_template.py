"""A new study folder passes its own check and explains itself."""

from __future__ import annotations

import pytest
from small_study import table

from bioanalysis.errors import BatchError
from bioanalysis.study import Study, schema
from bioanalysis.template import TEMPLATE, make_study


def test_a_new_study_passes_the_check_and_says_what_is_empty(tmp_path):
    make_study(tmp_path / "my-study")
    study = Study.load(tmp_path / "my-study")
    assert study.notes == (
        "the table of subjects has no rows yet",
        "the table of samples has no rows yet",
        "the table of runs has no rows yet",
        "2 methods used by no run: EXAMPLE-ELISA, EXAMPLE-LCMS",
    )


@pytest.mark.parametrize(
    "name",
    ["subjects", "samples", "runs", "decisions", "pools", "dosing", "clinical_chemistry", "materials", "worklist"],
)
def test_every_table_has_all_its_columns(name):
    file = "worklist-columns" if name == "worklist" else name
    header = (TEMPLATE / f"config/{file}.tsv").read_text()
    assert header.rstrip("\n").split("\t") == list(getattr(schema, name.upper()).names)


def test_the_worklists_shown_as_examples_are_worklists(tmp_path):
    readme = (TEMPLATE / "config/worklists/README.md").read_text()
    blocks = [block for block in readme.split("\n\n") if block.startswith("    ")]
    assert len(blocks) == 2
    for block in blocks:
        header, *rows = [line.split() for line in block.splitlines()]
        assert set(header) <= set(schema.WORKLIST.names)
        assert rows


def test_columns_are_filled_in_without_surprise(tmp_path):
    folder = tmp_path / "my-study"
    make_study(folder)
    with (folder / "config/subjects.tsv").open("a") as file:
        file.write(table("R1 rat M G1 vehicle"))
    assert Study.load(folder).subjects["treatment"].tolist() == ["vehicle"]


def test_an_empty_folder_may_be_there_already(tmp_path):
    assert "config/config.yaml" in [path.as_posix() for path in make_study(tmp_path)]


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BatchError, match="holds files already; expected a new or empty folder"):
        make_study(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(BatchError, match="is a file; expected the name of a new or empty folder"):
        make_study(tmp_path / "notes.txt")


def test_a_new_validation_asks_for_runs_alone(tmp_path):
    make_study(tmp_path / "validation", "validation")
    study = Study.load(tmp_path / "validation")
    assert study.config.study.kind == "validation"
    assert study.notes[0] == "the table of runs has no rows yet"
