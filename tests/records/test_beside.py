"""Drawn reanalyses and fixed limits of charts: entries of the audit trail, held by verify, kept in the archive."""

from __future__ import annotations

import shutil

import pytest
from recorded_study import actions, entries, recorded_study

from bioanalysis.errors import RecordsDamaged
from bioanalysis.planning import workflow_folder
from bioanalysis.records.archive import archive
from bioanalysis.records.beside import DRAWN, FIXED, recorded_beside
from bioanalysis.records.places import TRAIL
from bioanalysis.records.sealing import seal
from bioanalysis.records.verify import verify

pytestmark = pytest.mark.requirement("UR-032")
PART = "incurred/M_seed-7.tsv"


@pytest.fixture
def study(tmp_path):
    return recorded_study(tmp_path / "study")


def draw(study, name=PART, text="position\n") -> None:
    with recorded_beside(study, DRAWN, "incurred/*.tsv", "seed 7"):
        (study / name).parent.mkdir(exist_ok=True)
        (study / name).write_text(text)


def found(folder) -> list[str]:
    return [str(finding) for finding in verify(folder)[0]]


def test_what_is_drawn_is_an_entry_and_its_change_is_named(study):
    draw(study)
    assert actions(study)[-1] == f"incurred_drawn {PART}"
    assert entries(study)[-1]["reason"] == "seed 7"
    assert not found(study)
    (study / PART).write_text("position\n1\n")
    (said,) = found(study)
    assert said.startswith(f"{PART}: was changed")
    (study / PART).unlink()
    assert found(study)[0].startswith(f"{PART}: is missing")


def test_a_second_version_of_limits_keeps_the_digest_of_the_first(study):
    for text, author in (("1\n", "KM"), ("1\n2\n", "AL")):
        with recorded_beside(study, FIXED, "trends/limits.tsv", "phase 1 ended", author=author):
            (study / "trends").mkdir(exist_ok=True)
            (study / "trends/limits.tsv").write_text(text)
    first, second = (entry for entry in entries(study) if entry["action"] == FIXED)
    assert second["before"]["sha256"] == first["after"]["sha256"]
    assert (first["after"]["author"], second["after"]["author"]) == ("KM", "AL")
    assert not found(study)


def test_nothing_written_leaves_no_entry_and_a_failure_neither(study):
    before = actions(study)
    with recorded_beside(study, DRAWN, "incurred/*.tsv", ""):
        pass
    with pytest.raises(ValueError, match="no seed"), recorded_beside(study, DRAWN, "incurred/*.tsv", ""):
        raise ValueError("no seed")
    assert actions(study) == before


def test_a_damaged_trail_is_said_before_anything_is_written(study):
    with (study / TRAIL).open("ab") as stream:
        stream.write(b"\n")
    with pytest.raises(RecordsDamaged):
        draw(study)
    assert not (study / PART).exists()


def test_a_study_without_records_gets_none(study):
    shutil.rmtree(study / "results/study/provenance")
    draw(study)
    assert (study / PART).is_file()
    assert not (study / TRAIL).exists()


@pytest.mark.requirement("UR-036")
@pytest.mark.parametrize("name", ["bag", "bag.zip"])
def test_the_archive_holds_them(study, tmp_path, name):
    draw(study)
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / name)
    assert not found(tmp_path / name)
    if name == "bag":
        (tmp_path / "bag/data" / PART).write_text("other")
        assert found(tmp_path / name)[0].startswith(f"data/{PART}: was changed")
