"""A study opened for its reports says what the study as a whole says."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from small_study import change, make_small_study

from bioanalysis.errors import BatchError
from bioanalysis.study import Study
from bioanalysis.study.finished import OF_SAMPLES, OF_WORKLIST, open_finished, open_measured

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def studies() -> tuple[Study, Study]:
    """Return the demonstration, read as a whole and opened."""
    return Study.load(ROOT), open_finished(ROOT)


def test_the_study_is_the_same(studies):
    whole, opened = studies
    assert (opened.config, opened.methods) == (whole.config, whole.methods)
    assert_frame_equal(opened.samples, whole.samples[OF_SAMPLES])
    for name in ("decisions", "dosing", "clinical_chemistry", "materials", "pools"):
        there, here = getattr(whole, name), getattr(opened, name)
        assert (there is None) == (here is None), name
        if isinstance(there, pd.DataFrame):
            assert_frame_equal(here, there)


def test_every_run_is_the_same_and_its_worklist_is_read_when_it_is_asked_for(studies):
    whole, opened = studies
    names = ("run_id", "method", "run_date", "analyst", "instrument", "raw_path", "extraction_batch", "sequence_id",
             "reinjection_of", "extraction_date", "platform")  # fmt: skip
    assert len(opened.runs) == len(whole.runs) > 1
    for here, there in zip(opened.runs, whole.runs, strict=True):
        assert [getattr(here, name) for name in names] == [getattr(there, name) for name in names]
        assert_frame_equal(here.worklist, there.worklist[OF_WORKLIST])
        assert here.worklist is not here.worklist


@pytest.mark.parametrize("folder", [ROOT, ROOT / "test_data/regimens"], ids=["demonstration", "regimens"])
def test_opened_for_its_judgement_it_is_the_study_with_the_columns_asked_for(folder):
    columns = ("line", "plate", "position", "sample_type", "sample_id", "batch")
    whole, opened = Study.load(folder), open_measured(folder, columns)
    decided = set(whole.decisions.run_id) - {""}
    for field in fields(Study):
        there, here = getattr(whole, field.name), getattr(opened, field.name)
        if isinstance(there, pd.DataFrame):
            assert_frame_equal(here, there)
        elif field.name != "runs":
            assert here == there, field.name
    for here, there in zip(opened.runs, whole.runs, strict=True):
        asked = [name for name in there.worklist if name in columns or there.run_id in decided]
        expected = replace(there, worklist=there.worklist[asked])
        assert here.to_json() == expected.to_json()


def test_what_was_not_read_cannot_be_taken_for_empty(studies):
    _, opened = studies
    with pytest.raises(AttributeError):
        _ = opened.samples.tissue_mass_mg
    with pytest.raises(AttributeError):
        _ = opened.subjects.subject_id
    with pytest.raises(AttributeError):
        _ = opened.runs[0].decisions.action


def test_a_table_that_cannot_be_read_is_refused_with_its_line(tmp_path):
    make_small_study(tmp_path)
    change(tmp_path, "config/runs.tsv", ("2026-03-10", "soon"))
    with pytest.raises(BatchError, match=r"runs\.tsv"):
        open_finished(tmp_path)
