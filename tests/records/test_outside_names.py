"""Records and archives from elsewhere name nothing outside to be read, and links carry nothing in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from recorded_study import record, recorded_study
from small_study import faults_of

from bioanalysis.errors import BatchError
from bioanalysis.planning import load_with_runs, workflow_folder
from bioanalysis.records.archive import archive
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.beside import recorded_beside
from bioanalysis.records.commands import archive_study, seal_study, sign_study
from bioanalysis.records.seal import COPIES, folder_of
from bioanalysis.records.sealing import seal
from bioanalysis.records.verify import verify

pytestmark = pytest.mark.requirement("UR-063")
SECRET = b"what only the owner of this machine may read"
OUTSIDE = "lies outside, and is not read"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET)
    return tmp_path / "secret"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return recorded_study(tmp_path / "study")


@pytest.fixture
def bag(study: Path, tmp_path: Path) -> Path:
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / "bag")
    return tmp_path / "bag"


def said_of(folder: Path, name: str) -> list[str]:
    return [finding.found for finding in verify(folder)[0] if finding.file == name]


@pytest.mark.parametrize("name", ["../secret", "{}", "data/../../secret", "data/config/../../../secret"])
def test_a_bag_names_nothing_outside_even_with_its_true_digest(bag, secret, name):
    name = name.format(secret)
    with (bag / "manifest-sha256.txt").open("a") as stream:
        stream.write(f"{hashlib.sha256(SECRET).hexdigest()}  {name}\n")
    assert said_of(bag, name) == [OUTSIDE]


def test_a_link_in_a_bag_leads_nowhere(bag, secret):
    path = bag / "data/config/samples.tsv"
    secret.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(secret)
    assert said_of(bag, "data/config/samples.tsv") == [OUTSIDE]


@pytest.mark.parametrize("name", ["../secret", "{}"])
def test_an_audit_trail_names_nothing_outside_even_with_its_true_digest(study, secret, name):
    name = name.format(secret)
    AuditTrail(study).add(Act("note", "x", records={name: hashlib.sha256(SECRET).hexdigest()}))
    assert said_of(study, name) == [OUTSIDE]


def test_a_seal_names_nothing_outside_even_with_its_true_digest(study, secret):
    seal(study, workflow_folder(), "")
    copies = study / folder_of(1) / COPIES
    outside = "/".join([".."] * (folder_of(1).count("/") + 2) + ["secret"])
    assert (study / folder_of(1) / outside).resolve() == secret
    with copies.open("a") as stream:
        stream.write(f"{hashlib.sha256(SECRET).hexdigest()}  {outside}\n")
    assert said_of(study, f"{folder_of(1)}/{outside}") == [OUTSIDE]


def test_a_statement_outside_is_no_signature(study, secret):
    AuditTrail(study).add(Act("signed", "1", after={"statement": "../secret"}))
    assert said_of(study, "../secret") == ["is not what was written"]


@pytest.mark.parametrize(
    "name", ["samples.tsv", "notes.txt", "worklists/LC-01.tsv", "methods/more.yaml", "config.yaml"]
)
def test_settings_linked_from_outside_are_refused_and_what_they_lead_to_is_not_told(study, secret, name):
    path = study / "config" / name
    path.unlink(missing_ok=True)
    path.symlink_to(secret)
    (fault,) = faults_of(study)
    assert (fault.file, fault.found) == (f"config/{name}", "a link that leaves the study folder")


def test_settings_linked_from_an_allowed_root_are_read(study, tmp_path):
    (study / "config/samples.tsv").rename(tmp_path / "samples.tsv")
    (study / "config/samples.tsv").symlink_to(tmp_path / "samples.tsv")
    assert len(faults_of(study)) == 1
    (study / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path}]\n")
    assert faults_of(study) == []


@pytest.mark.parametrize("name", ["work", "logs", ".snakemake", "results/runs/LC-01", "results/study/report.html"])
def test_results_are_not_written_through_a_link_out_of_the_study(study, tmp_path, name):
    (tmp_path / "elsewhere").mkdir()
    path = study / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(tmp_path / "before")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BatchError, match="a link that leaves the study folder"):
        load_with_runs(study)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", ["work", "results/study/provenance/versions"])
@pytest.mark.parametrize(
    "act",
    [
        lambda study: seal_study(study, ""),
        lambda study: sign_study(study, study / "key", "AL", "authored"),
        lambda study: archive_study(study, study.parent / "a.zip"),
        lambda study: recorded_beside(study, "drawn", "incurred/*.tsv", "").__enter__(),
    ],
    ids=["seal", "sign", "archive", "beside"],
)
def test_records_are_not_written_through_a_link_out_of_the_study(study, tmp_path, name, act):
    (tmp_path / "elsewhere").mkdir()
    if (study / name).exists():
        (study / name).rename(tmp_path / "before")
    (study / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BatchError, match=f"{name} cannot be used:\n  a link that leaves the study folder"):
        act(study)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_nothing_is_drawn_through_a_link_out_of_the_study(study, tmp_path):
    (study / "incurred").symlink_to(tmp_path)
    with pytest.raises(BatchError, match="a link that leaves the study folder"):
        recorded_beside(study, "drawn", "incurred/*.tsv", "").__enter__()


def test_records_are_written_to_where_the_settings_of_the_study_allow_it(study, tmp_path):
    (study / "results").rename(tmp_path / "results")
    (study / "results").symlink_to(tmp_path / "results")
    (study / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path}]\n")
    record(study)
    seal_study(study, "")
    assert (tmp_path / "results/study/provenance/versions/1/seal.json").is_file()


@pytest.mark.parametrize("allows", ["allowed_roots: [..]\n", "allowed_roots: []\n"])
def test_settings_outside_allow_nothing(study, tmp_path, allows):
    path = study / "config/config.yaml"
    (tmp_path / "config.yaml").write_text(path.read_text() + allows)
    path.unlink()
    path.symlink_to(tmp_path / "config.yaml")
    (study / "work").rename(tmp_path / "before")
    (study / "work").symlink_to(tmp_path)
    with pytest.raises(BatchError, match="work cannot be used"):
        seal_study(study, "")


@pytest.mark.parametrize(
    ("link", "target"), [("results/runs/mine", "raw"), ("work/settings", "config"), ("logs", "raw")]
)
def test_raw_data_and_settings_are_no_results_through_a_link(study, link, target):
    held = sorted(path.read_bytes() for path in (study / target).rglob("*") if path.is_file())
    path = study / link
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(study / "before")
    path.symlink_to(study / target)
    with pytest.raises(
        BatchError, match=f"{link} cannot be used:\n  a link to '{target}'; expected a file or folder of"
    ):
        load_with_runs(study)
    assert sorted(path.read_bytes() for path in (study / target).rglob("*") if path.is_file()) == held != []


def test_a_link_below_results_leads_to_no_other_place_though_the_settings_allow_it_for_raw_data(study, tmp_path):
    (tmp_path / "instrument").mkdir()
    (study / "config/config.yaml").open("a").write(f"allowed_roots: [{tmp_path}]\n")
    (study / "results/runs/raw").symlink_to(tmp_path / "instrument")
    with pytest.raises(BatchError, match=r"results/runs/raw cannot be used:\n  a link to '.*instrument'"):
        load_with_runs(study)


def test_a_link_from_results_to_results_is_none_of_these(study):
    (study / "results/latest").symlink_to(study / "results/study")
    load_with_runs(study)
