"""What a plan rests on: every table of the study, every raw file; and that it is handed on, or made anew."""

from __future__ import annotations

import os
from dataclasses import replace

import pandas as pd
import pytest
from small_study import make_small_study

from bioanalysis import planning
from bioanalysis.planning import HANDED, TABLES, Plan, handed_plan, plan_of, raw_digests, study_text, workflow_folder
from bioanalysis.study import Study

CODE = workflow_folder()


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    make_small_study(folder)
    return Study.load(folder)


@pytest.mark.parametrize("name", TABLES)
def test_a_change_of_any_table_of_the_study_concerns_the_study(study, name):
    table = pd.DataFrame({"cell": ["a"] * 1000 + ["b"]})
    other = pd.DataFrame({"cell": ["a"] * 1000 + ["c"]})
    texts = {study_text(replace(study, **{name: one})) for one in (table, other, table.rename(columns={"cell": "d"}))}
    assert len({study_text(study), *texts}) == 4


def test_every_table_of_a_study_is_in_the_plan(study):
    whole = {field for field, kind in Study.__annotations__.items() if "DataFrame" in kind}
    assert whole == set(TABLES)


def test_a_plan_is_read_as_it_was_written():
    plan = Plan({"B": "lcms", "A": "elisa"}, "code", "validation", ("A",))
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(plan.to_json()).run_ids == ["B", "A"]


def test_a_plan_that_was_handed_on_is_taken_and_the_study_not_read_again(study, monkeypatch):
    plan = plan_of(study, CODE)
    (study.folder / "config/runs.tsv").unlink()
    monkeypatch.setitem(os.environ, HANDED, plan.handed_on[HANDED])
    assert handed_plan(study.folder, CODE) == plan


@pytest.mark.parametrize("digest", [None, "0" * 64])
def test_a_plan_that_is_not_the_one_handed_on_is_made_anew(study, monkeypatch, digest):
    plan = plan_of(study, CODE)
    monkeypatch.delenv(HANDED, raising=False)
    if digest:
        monkeypatch.setitem(os.environ, HANDED, digest)
    (study.folder / planning.PLAN).write_text(replace(plan, code="another").to_json())
    assert handed_plan(study.folder, CODE) == plan


def test_a_raw_file_with_other_content_has_another_digest_and_the_rest_is_not_read_again(study, monkeypatch):
    run = study.runs[0]
    before = raw_digests(run, study.folder)
    name = next(iter(before))
    (study.folder / name).write_bytes(b"other content")
    read = []
    digest = planning._digest
    monkeypatch.setattr(planning, "_digest", lambda path: read.append(path) or digest(path))
    after = raw_digests(run, study.folder)
    assert [key for key in before if before[key] != after[key]] == [name]
    assert read == [study.folder / name]
