"""Whole validations from their raw data, without the workflow; what they show, and how a method rests on it."""

from __future__ import annotations

import filecmp
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from small_study import change, make_small_study, said
from small_validation import evaluated_validation
from worked_document import document

from bioanalysis.evaluation.study_flags import study_flags
from bioanalysis.study import Study
from bioanalysis.study.validated import analytical_digest

pytestmark = pytest.mark.requirement("UR-025")

TEST_DATA = Path(__file__).parents[2] / "test_data"


@pytest.fixture(scope="module")
def ligand_binding():
    return evaluated_validation(TEST_DATA / "validation/ligand_binding")


def verdict(evaluation, rule_id: str, subject: str = "") -> set[str]:
    table = evaluation.acceptance
    return set(table.verdict[(table.rule_id == rule_id) & (table.subject == subject)])


def test_the_committed_seed_makes_the_committed_validations_again(tmp_path):
    name = TEST_DATA / "make_validation.py"
    spec = importlib.util.spec_from_file_location("make_validation", name)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("make_validation", module)
    spec.loader.exec_module(module)
    module.make_validations(tmp_path, module.SEED)
    for study in module.STUDIES:
        committed = TEST_DATA / "validation" / study
        made = [path.relative_to(tmp_path / study) for path in (tmp_path / study).rglob("*") if path.is_file()]
        assert made
        _, wrong, missing = filecmp.cmpfiles(tmp_path / study, committed, [str(name) for name in made], shallow=False)
        assert (wrong, missing) == ([], [])


def test_a_ligand_binding_validation_shows_pass_fail_and_what_was_not_done(ligand_binding):
    assert verdict(ligand_binding, "VAL-LBA-02") == {"pass"}
    assert verdict(ligand_binding, "STAB-01", "bench_top, 6 h, 22 °C") == {"fail"}  # two replicates where three are due
    assert verdict(ligand_binding, "STAB-01", "long_term") == {"not_assessable"}
    assert verdict(ligand_binding, "CROSS-01") == {"not_applicable"}
    assert verdict(ligand_binding, "SEL-LBA-03", "LLOQ") == {"pass"}  # nine of ten sources
    assert verdict(ligand_binding, "VALIDATION") == {"not_assessable"}


def test_statistics_are_of_the_values_prepared(ligand_binding):
    rows = ligand_binding.validation
    overall = rows[(rows.experiment == "accuracy_precision") & (rows.run_id == "")].set_index("level")
    assert overall.n.tolist() == [18.0] * 5
    assert overall.runs.tolist() == [6.0] * 5
    # simulated: no bias, 3 % between runs and 5 % between tubes, 5.8 % together; the ends of the range read less well
    assert (overall.bias_percent.abs() < 6).all()
    inner = overall.loc[["LQC", "MQC", "HQC"], "total_cv_percent"]
    assert inner.between(3, 10).all()
    expected = abs(overall.bias_percent) + overall.total_cv_percent
    assert overall.total_error_percent.to_numpy() == pytest.approx(expected.to_numpy())


def test_every_row_of_every_table_is_accounted_for(ligand_binding):
    study = Study.load(TEST_DATA / "validation/ligand_binding")
    account = ligand_binding.reconciliation
    rows = sum(len(run.worklist) for run in study.runs) + len(study.subjects) + len(study.samples) + len(study.runs)
    assert len(account) == rows
    assert (account.outcome != "").all()


def test_only_what_was_shown_is_claimed(ligand_binding):
    shown = ligand_binding.document["methods"]["VAL-ELISA"]
    assert shown["tissues"] == ["liver"]
    assert shown["dilution_factors"] == [50.0, 200.0, 1000.0]
    assert [storage["condition"] for storage in shown["stability"]] == ["freeze_thaw"]  # the bench had two replicates
    assert shown["verdicts"]["STAB-01"] == "fail"


@pytest.fixture
def resting(tmp_path) -> Path:
    """The small study, its LC-MS/MS method resting on a validation of liver and kidney."""
    folder = make_small_study(tmp_path / "study")
    change(
        folder,
        "config/methods/lcms.yaml",
        ("acceptance:", "validation: {report: V-1, file: config/v.json}\nacceptance:"),
    )
    (folder / "config/v.json").write_text(json.dumps(document(folder)))
    return folder


def test_a_method_takes_from_its_validation_what_it_does_not_say_itself(resting):
    method = Study.load(resting).methods["ASO-LCMS-01"]
    assert method.validation.tissues == ("liver", "kidney")
    assert method.validation.dilution_factors == (10.0, 50.0)
    assert method.validation.reinjection is True
    liver = method.stability["liver"]
    assert (liver.days, liver.temperature_c, liver.freeze_thaw_cycles) == (90.0, -70.0, 3)
    change(resting, "config/methods/lcms.yaml", ("file: config/v.json", "file: config/v.json, tissues: [liver]"))
    assert Study.load(resting).methods["ASO-LCMS-01"].validation.tissues == ("liver",)


def test_a_method_used_as_validated_has_no_note_and_no_flag(resting):
    assert not [note for note in Study.load(resting).notes if "config/v.json" in note]


@pytest.mark.parametrize(
    ("old", "new", "used", "shown"),
    [
        ('version: "2"', 'version: "3"', "version 3", "version 2"),
        ("rt_min: 2.95", "rt_min: 2.90", "the settings of version 2", "other settings under the same version"),
        ("uloq_ng_ml: 5000", "uloq_ng_ml: 6000", "mipomersen from 5 to 6000 ng/mL", "5 to 5000 ng/mL"),
    ],
)
def test_a_method_used_otherwise_than_validated_is_noted_and_flagged(resting, old, new, used, shown):
    change(resting, "config/methods/lcms.yaml", (old, new))
    study = Study.load(resting)
    assert f"ASO-LCMS-01: {used} is used, config/v.json shows {shown}" in study.notes
    empty = study.samples.iloc[:0]
    ratios = empty.assign(flag=[])
    flags = [row for row in study_flags(study, empty, {}, ratios) if row["flag"] == "outside_validation"]
    assert (f"ASO-LCMS-01: {used}", shown) in [(row["observed"], row["limit"]) for row in flags]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no file 'config/v.json'; expected the validation.json of a validation study"),
        ("{", "'config/v.json' is no JSON"),
        ('{"study_id": "V", "methods": {}}', "'config/v.json' holds no method 'ASO-LCMS-01'"),
        ('{"study_id": "V", "methods": {"ASO-LCMS-01": {}}}', "methods.ASO-LCMS-01.version"),
    ],
)
def test_a_validation_that_cannot_be_used_is_named_with_its_line(resting, content, expected):
    path = resting / "config/v.json"
    path.unlink() if content is None else path.write_text(content)
    faults = said(resting)
    assert len(faults) == 1
    lines = (resting / "config/methods/lcms.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if text.startswith("validation:"))
    assert faults[0].startswith(f"config/methods/lcms.yaml: line {line}, validation.file: ")
    assert expected in faults[0]


def test_a_validation_outside_the_study_folder_is_refused(resting):
    change(resting, "config/methods/lcms.yaml", ("file: config/v.json", "file: ../v.json"))
    assert "a path inside the study folder" in said(resting)[0]


@pytest.fixture
def validation(tmp_path) -> Path:
    folder = tmp_path / "validation"
    shutil.copytree(TEST_DATA / "validation/ligand_binding", folder)
    return folder


def replaced(folder: Path, row: str, column: str, cell: str) -> list[str]:
    """Change one cell of MIX-1's first row that holds `row`, and return the faults."""
    path = folder / "config/worklists/MIX-1.tsv"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    number = next(n for n, line in enumerate(lines) if row in line)
    lines[number][lines[0].index(column)] = cell
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")
    return [fault.split(", ", 1)[1] for fault in said(folder)]


@pytest.mark.parametrize(
    ("row", "column", "cell", "expected"),
    [
        ("stability", "condition", "", "condition: empty; expected filled in the experiment stability"),
        ("stability", "condition", "freezer", "condition: 'freezer'; expected one of bench_top"),
        ("freeze_thaw", "condition_cycles", "", "condition_cycles: empty; expected the number of freeze-thaw cycles"),
        ("bench_top", "condition_hours", "", "condition_days: empty; expected days, or hours in condition_hours"),
        ("specificity", "interferent", "", "interferent: empty; expected filled in the experiment specificity"),
        ("dilution_linearity", "series", "", "series: empty; expected filled in the experiment dilution_linearity"),
        ("specificity", "experiment", "parallelism", "sample_type: 'blank'; expected unknown, incurred"),
        ("specificity", "experiment", "specifity", "experiment: 'specifity'; expected one of accuracy_precision"),
        ("specificity", "condition", "bench_top", "condition: 'bench_top'; expected nothing outside the experiment"),
    ],
)
def test_a_row_that_lacks_what_its_experiment_needs_is_named(validation, row, column, cell, expected):
    assert any(fault.startswith(expected) for fault in replaced(validation, row, column, cell))


def test_experiments_belong_to_a_validation(validation):
    change(validation, "config/config.yaml", ("  kind: validation\n", ""))
    assert any("experiments belong to a method validation" in fault for fault in said(validation))


def test_what_is_not_needed_names_an_experiment_or_a_rule(validation):
    change(validation, "config/config.yaml", ("carry_over:", "carryover:"))
    assert any("not_needed.carryover: 'carryover'" in fault for fault in said(validation))


def test_a_run_is_judged_by_its_own_controls_alone(ligand_binding):
    # stored, spiked and diluted QCs that fail would fail the run if they were counted as its controls
    study = Study.load(TEST_DATA / "validation/ligand_binding")
    run = next(run for run in study.runs if run.run_id == "MIX-1")
    controls = run.worklist[(run.worklist.sample_type == "qc") & (run.worklist.experiment == "")]
    assert len(controls) == 12
    assert not np.isnan(controls.nominal_ng_ml).any()
    assert analytical_digest(run.method) == ligand_binding.document["methods"]["VAL-ELISA"]["digest"]
