"""Sealed versions, signatures on them, and the crate that tells how they were made."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_study import actions, make_keys, record, recorded_study, sealed_for, write_results
from small_study import change, make_small_study

from bioanalysis.errors import BatchError, RecordsDamaged
from bioanalysis.launch import run_study
from bioanalysis.planning import workflow_folder
from bioanalysis.records.archive import archive
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.commands import seal_study, sign_study
from bioanalysis.records.places import CONCENTRATIONS, HEAD, METADATA, PROVENANCE, SIGNATURES, TRAIL, VERSIONS
from bioanalysis.records.recorder import Recorder
from bioanalysis.records.seal import remove_torn_seal, sealed_version
from bioanalysis.records.sealing import seal
from bioanalysis.records.signing import sign
from bioanalysis.records.verify import verify

pytestmark = pytest.mark.requirement("UR-034")

needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not on this machine")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def study(tmp_path):
    return recorded_study(tmp_path / "study")


@pytest.fixture
def to_sign(study, keys):
    return sealed_for(study, keys)


def sealed(study):
    return sealed_version(AuditTrail(study).trail)


def test_of_a_seal_that_was_killed_nothing_is_left_and_the_sealed_version_before_it_stays(study):
    seal(study, workflow_folder(), "")
    torn = study / VERSIONS / "2"
    shutil.copytree(study / VERSIONS / "1" / "config", torn / "config")
    assert verify(study)[0] != []
    remove_torn_seal(study, AuditTrail(study).trail)
    assert not torn.exists()
    assert verify(study)[0] == []
    assert sealed(study) == 1


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse to write larger files, as it refuses to write to a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.requirement("UR-061")
@pytest.mark.parametrize("size", [0, 1000, 20_000])
def test_a_seal_the_disk_has_no_room_for_leaves_the_study_as_it_was(study, size):
    with files_of_at_most(size), pytest.raises(OSError, match="File too large"):
        seal(study, workflow_folder(), "")
    assert verify(study)[0] == []
    assert sealed(study) == 0
    assert seal(study, workflow_folder(), "") == 1
    assert verify(study)[0] == []


@pytest.mark.requirement("UR-061")
@pytest.mark.parametrize("torn", [b"", b'{"digest":"12'])
def test_what_an_interrupted_act_left_is_put_in_order_before_the_study_is_sealed(study, torn):
    AuditTrail(study).add(Act("note", "x"), files={f"{PROVENANCE}/kept/note": b"second"})
    (study / f"{PROVENANCE}/kept/note").rename(study / f"{PROVENANCE}/kept/note.next")  # the entry stands, no name yet
    with (study / TRAIL).open("ab") as stream:
        stream.write(torn)
    assert verify(study)[0] != []
    assert seal(study, workflow_folder(), "") == 1
    assert verify(study)[0] == []
    assert ("trail_completed" in str(actions(study))) == bool(torn)


def test_a_version_holds_settings_results_and_code(study):
    assert seal(study, workflow_folder(), "") == 1
    home = study / VERSIONS / "1"
    assert (home / CONCENTRATIONS).read_bytes() == (study / CONCENTRATIONS).read_bytes()
    assert (home / "config/samples.tsv").is_file()
    assert (home / "code/bioanalysis/records/sealing.py").is_file()
    assert sealed(study) == 1


def test_sealing_what_is_sealed_makes_no_further_version(study):
    seal(study, workflow_folder(), "")
    assert seal(study, workflow_folder(), "again") == 1
    assert actions(study).count("version_sealed 1") == 1


def test_the_next_version_lists_the_values_that_changed(study):
    seal(study, workflow_folder(), "")
    change(study, "config/samples.tsv", ("liver 29 100.5", "liver 29 125.625"))
    write_results(study, {"S1": "2.0", "S2": "0.75", "S3": "3.125"})
    recorder = Recorder(study, workflow_folder(), "balance recalibrated")
    recorder.open_version(2)
    record(study, "balance recalibrated")
    assert seal(study, workflow_folder(), "") == 2
    listed = (study / VERSIONS / "2/changes.tsv").read_text().splitlines()
    assert listed[1:] == [
        "config/samples.tsv\tS1\ttissue_mass_mg\t100.5\t125.625",
        f"{CONCENTRATIONS}\tS1 mipomersen ASO-LCMS-01\tvalue\t2.5\t2.0",
    ]
    assert json.loads((study / VERSIONS / "2/seal.json").read_text())["reason"] == "balance recalibrated"
    assert "2.5" in (study / VERSIONS / "1" / CONCENTRATIONS).read_text()
    assert not verify(study)[0]


def test_a_version_opened_for_other_packages_is_sealed_also_where_they_give_the_same_values(study, monkeypatch):
    seal(study, workflow_folder(), "")
    monkeypatch.setattr("bioanalysis.records.environment.packages_digest", lambda: "of other packages")
    with pytest.raises(BatchError, match="other software"):
        seal(study, workflow_folder(), "")
    Recorder(study, workflow_folder(), "other packages").open_version(2)
    record(study, "other packages")
    assert seal(study, workflow_folder(), "") == 2
    assert sealed(study) == 2
    assert not verify(study)[0]


def test_a_study_that_left_its_version_and_came_back_is_sealed_as_the_next_in_which_no_value_changed(study):
    seal(study, workflow_folder(), "")
    for before, after in (("100.5", "125.625"), ("125.625", "100.5")):
        change(study, "config/samples.tsv", (f"liver 29 {before}", f"liver 29 {after}"))
        recorder = Recorder(study, workflow_folder(), "balance recalibrated")
        if sealed(study):
            recorder.open_version(2)
        record(study, "balance recalibrated")
    assert sealed(study) == 0
    assert seal(study, workflow_folder(), "") == sealed(study) == 2
    assert (study / VERSIONS / "2/changes.tsv").read_text().splitlines()[1:] == []
    assert verify(study)[0] == []


@pytest.mark.requirement("UR-034")
@pytest.mark.parametrize("reason", [" ", "\t \n", "\u200b", "\x1b"])
def test_a_reason_that_nobody_sees_is_none(study, reason):
    seal(study, workflow_folder(), "")
    change(study, "config/samples.tsv", ("liver 29 100.5", "liver 29 125.625"))
    with pytest.raises(BatchError, match="what it rests on has changed; expected a reason for the next version"):
        run_study(study, cores=1, profile="default", dry_run=False, reason=reason)
    Recorder(study, workflow_folder(), "balance recalibrated").open_version(2)
    record(study, "balance recalibrated")
    seal_study(study, reason)
    assert json.loads((study / VERSIONS / "2/seal.json").read_text())["reason"] == "balance recalibrated"


def damage_trail(study):
    content = (study / TRAIL).read_bytes().splitlines(keepends=True)
    content[2] = content[2].replace(b'"user"', b'"uzer"')
    (study / TRAIL).write_bytes(b"".join(content))


@pytest.mark.requirement("UR-032")
@needs_openssh
def test_versions_and_signatures_outlive_a_damaged_trail_that_is_begun_anew(to_sign, keys):
    said = sign(to_sign, keys / "SD", "SD", "approved")
    damage_trail(to_sign)
    recorder = Recorder(to_sign, workflow_folder(), "a disk failed")
    recorder.open_version(2)
    record(to_sign, "a disk failed")
    found, remarks = verify(to_sign)
    assert found == []
    assert f"{said}; the signature holds" in remarks
    assert "entry 1: the audit trail was damaged and begun anew" in "\n".join(remarks)
    assert seal(to_sign, workflow_folder(), "") == 2
    assert verify(to_sign)[0] == []
    again = [
        e["after"].get("carried_over_from", "") for e in AuditTrail(to_sign).trail.entries if e["action"] == "signed"
    ]
    assert again[0].startswith("entry ")


def test_a_version_sealed_under_another_trail_is_never_taken_for_one_left_half_written(study):
    seal(study, workflow_folder(), "")
    for name in (TRAIL, HEAD):
        (study / name).unlink()
    audit = AuditTrail(study)
    audit.add(Act("note", "x"))
    remove_torn_seal(study, audit.trail)
    assert (study / VERSIONS / "1/seal.json").is_file()


def test_what_was_changed_without_an_entry_is_not_sealed(study):
    with (study / CONCENTRATIONS).open("a") as stream:
        stream.write("x")
    with pytest.raises(RecordsDamaged, match="tissue_concentrations"):
        seal(study, workflow_folder(), "")
    assert not (study / VERSIONS).exists()


def test_what_an_interrupted_seal_left_is_no_version(study):
    (study / VERSIONS / "1/config").mkdir(parents=True)
    (study / VERSIONS / "1/config/samples.tsv").write_text("half")
    assert [finding.file for finding in verify(study)[0]] == [f"{VERSIONS}/1/config/samples.tsv"]


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_a_signature_binds_name_role_meaning_and_time_to_the_seal(to_sign, keys):
    said = sign(to_sign, keys / "SD", "SD", "approved")
    assert said.startswith("version 1: approved by S. Dorn (study director), 20")
    findings, remarks = verify(to_sign)
    assert not findings
    assert remarks == [f"{said}; the signature holds"]
    page = (to_sign / SIGNATURES / "1/signatures.html").read_text()
    assert "Signed" in page
    assert "S. Dorn" in page


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_who_signs_is_told_what_stands_open_and_signs_that_too(study, keys, capsys):
    results = study / "results"
    (results / "study/flags.tsv").write_text("flag\tstate\nqc_failed\topen\ndose_differs\taccepted\nqc_failed\topen\n")
    heading, passed = "rule_id\tplate\tanalyte\tverdict", "RUN\tP1\tmipomersen\tpass"
    failed = ("QC-05\tP3\tmipomersen\tfail", "RUN\tP3\tmipomersen\tfail")
    (results / "runs/EL-01/acceptance.tsv").write_text("\n".join([heading, passed, *failed, ""]))
    table = results / "study/tissue_concentrations.tsv"
    table.write_text(table.read_text().replace("quantified", "needs_decision", 1))
    record(study)
    sign_study(sealed_for(study, keys), keys / "SD", "SD", "approved")
    stood_open = ["FAILED: EL-01 P3 mipomersen", "1 result to decide", "2 open flags"]
    *notes, signed = capsys.readouterr().out.splitlines()
    assert notes == [f"note: open in what is signed: {words}" for words in stood_open]
    assert signed.startswith("version 1: approved by S. Dorn")
    (statement,) = (study / SIGNATURES / "1").glob("*.json")
    assert json.loads(statement.read_text())["stood_open"] == stood_open
    assert "; ".join(stood_open) in (study / SIGNATURES / "1/signatures.html").read_text()
    assert AuditTrail(study).trail.last("signed")["after"]["stood_open"] == stood_open
    assert verify(study)[0] == []


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_a_signature_changes_no_result(to_sign, keys):
    def results():
        return {
            p: p.read_bytes() for p in (to_sign / "results").rglob("*") if p.is_file() and "provenance" not in p.parts
        }

    before = results()
    sign(to_sign, keys / "SD", "SD", "approved")
    assert results() == before


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_analyst_and_reviewer_are_two_persons(to_sign, keys):
    with pytest.raises(BatchError, match=r"A\. Lind worked on this version"):
        sign(to_sign, keys / "AL", "AL", "reviewed")
    sign(to_sign, keys / "RV", "RV", "authored")
    with pytest.raises(BatchError, match=r"R\. Vogt signed it as authored"):
        sign(to_sign, keys / "RV", "RV", "reviewed")
    sign(to_sign, keys / "SD", "SD", "reviewed")


@pytest.mark.requirement("UR-035")
@needs_openssh
@pytest.mark.parametrize("analyst", ["Vogt, R.", "R.\u00a0VOGT", "KM / RV", "KM, R Vogt"])
def test_the_analyst_does_not_review_whatever_the_spelling_of_his_name(study, keys, analyst):
    runs = study / "config/runs.tsv"
    head, first, *rest = runs.read_text().splitlines()
    place = head.split("\t").index("analyst")
    cells = first.split("\t")
    runs.write_text("\n".join([head, "\t".join([*cells[:place], analyst, *cells[place + 1 :]]), *rest]))
    sealed_for(study, keys)
    with pytest.raises(BatchError, match=r"R\. Vogt worked on this version"):
        sign(study, keys / "RV", "RV", "reviewed")
    sign(study, keys / "SD", "SD", "reviewed")


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_the_key_of_another_signs_nothing(to_sign, keys):
    with pytest.raises(BatchError, match="not the key of SD"):
        sign(to_sign, keys / "RV", "SD", "approved")
    assert verify(to_sign)[1] == ["UNSIGNED: no signature stands on this study"]


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_a_version_without_signers_says_so_when_it_is_sealed_and_how_to_get_them_when_it_is_signed(study, keys, capsys):
    seal_study(study, "")
    assert "nobody can sign it, since it holds no config/signers.tsv" in capsys.readouterr().out
    with pytest.raises(BatchError, match=r"holds no config/signers.tsv; expected .*`bioanalysis seal`"):
        sign(study, keys / "SD", "SD", "approved")


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_sealing_again_says_that_nothing_changed_and_whether_the_version_is_signed(to_sign, keys, capsys):
    seal_study(to_sign, "")
    said = f"nothing has changed since version 1 was sealed: {VERSIONS}/1"
    assert capsys.readouterr().out == f"{said}; UNSIGNED until `bioanalysis sign`\n"
    sign(to_sign, keys / "SD", "SD", "approved")
    seal_study(to_sign, "")
    assert capsys.readouterr().out == f"{said}; signed\n"


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_an_analyst_by_an_abbreviated_name_does_not_review_under_the_full_one(study, keys):
    change(study, "config/runs.tsv", ("2026-03-10 AL", "2026-03-10 R.~Vogt"))
    record(study, "the analyst by name")
    to_sign = sealed_for(study, keys, RV=("Rosa Vogt", "reviewer"))
    with pytest.raises(
        BatchError, match=r"Rosa Vogt may be 'r vogt'.*; expected two persons, both with their names in"
    ):
        sign(to_sign, keys / "RV", "RV", "reviewed")
    sign(to_sign, keys / "SD", "SD", "authored")
    sign(to_sign, keys / "RV", "RV", "approved")


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_the_signature_on_a_version_is_none_on_the_next(to_sign, keys):
    said = sign(to_sign, keys / "SD", "SD", "approved")
    change(to_sign, "config/samples.tsv", ("liver 29 100.5", "liver 29 125.625"))
    Recorder(to_sign, workflow_folder(), "balance recalibrated").open_version(2)
    record(to_sign, "balance recalibrated")
    seal(to_sign, workflow_folder(), "")
    assert verify(to_sign) == ([], [f"{said}; the signature holds", "version 2: UNSIGNED: no signature stands on it"])


@pytest.mark.requirement("UR-035")
@needs_openssh
@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_a_key_that_is_no_file_is_said_and_not_waited_for(to_sign, tmp_path, kind):
    key = tmp_path / "key"
    {"missing": lambda path: None, "folder": Path.mkdir, "pipe": os.mkfifo}[kind](key)
    with pytest.raises(BatchError, match="is not there, or no file"):
        sign(to_sign, key, "SD", "approved")


@pytest.mark.requirement("UR-035")
@needs_openssh
@pytest.mark.parametrize(
    ("signer", "key", "said"),
    [
        ("S Dorn", "{key}", "the signer 'S Dorn'"),
        ("*", "{key}", "the signer '\\*'"),
        ("SD", "cert-authority {key}", "the public_key of 'SD' is none"),
        ("SD", "ssh-ed25519", "the public_key of 'SD' is none"),
    ],
)
def test_a_signer_openssh_cannot_tell_is_said_to_be_none(study, keys, signer, key, said):
    row = f"{signer}\tS. Dorn\tdirector\t{key.format(key=(keys / 'SD.pub').read_text())}"
    (study / "config/signers.tsv").write_text(f"signer\tname\trole\tpublic_key\n{row}\n")
    record(study)
    seal(study, workflow_folder(), "")
    with pytest.raises(BatchError, match=said):
        sign(study, keys / "SD", signer, "approved")


@pytest.mark.requirement("UR-035")
@needs_openssh
def test_a_signature_on_other_words_does_not_hold(to_sign, keys):
    sign(to_sign, keys / "SD", "SD", "approved")
    sign(to_sign, keys / "RV", "RV", "reviewed")
    first, second = sorted((to_sign / SIGNATURES / "1").glob("*.sig"))
    second.write_bytes(first.read_bytes())
    assert any("is no signature of RV" in str(finding) for finding in verify(to_sign)[0])


def test_without_a_sealed_version_there_is_nothing_to_sign_or_to_archive(study, tmp_path):
    with pytest.raises(BatchError, match="no sealed version to sign"):
        sign(study, tmp_path / "key", "AL", "authored")
    with pytest.raises(BatchError, match="no sealed version"):
        archive(study, tmp_path / "a.zip")


@pytest.mark.requirement("UR-036")
def test_the_same_study_makes_the_same_zip(study, tmp_path):
    seal(study, workflow_folder(), "")
    for name in ("first.zip", "second.zip"):
        archive(study, tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


@pytest.mark.requirement("UR-036")
def test_an_archive_is_a_bag_that_sha256sum_reads(study, tmp_path):
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / "bag")
    assert (tmp_path / "bag/bagit.txt").read_text().startswith("BagIt-Version: 1.0\n")
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "-c", "--quiet", manifest], cwd=tmp_path / "bag", check=True)
    oxum = next(line for line in (tmp_path / "bag/bag-info.txt").read_text().splitlines() if "Oxum" in line)
    files = [path for path in (tmp_path / "bag/data").rglob("*") if path.is_file()]
    assert oxum == f"Payload-Oxum: {sum(path.stat().st_size for path in files)}.{len(files)}"


@pytest.mark.requirement("UR-038")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("gone/bag.zip", "its folder is not there"),
        ("study/results/bag.zip", "lies in results/, whose files are recorded"),
        ("study/results/study/provenance/bag", "lies in results/, whose files are recorded"),
        ("study/config/bag", "lies in config/, whose files are recorded"),
        (f"{'n' * 250}.zip", "is too long a name"),
        (f"{'n' * 245}.zip", "is too long a name"),
        ("study", "exists"),
    ],
)
def test_where_an_archive_cannot_be_is_said_and_the_study_stays_what_it_was(study, tmp_path, target, said):
    seal(study, workflow_folder(), "")
    with pytest.raises(BatchError, match=said):
        archive(study, tmp_path / target)
    assert not verify(study)[0]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("where", ["version", "archive"])
def test_the_crate_keeps_the_rules_of_a_workflow_run_crate(study, tmp_path, where):
    # RO-Crate 1.1, Workflow RO-Crate 1.0 and Workflow Run Crate 0.5: what each of them asks for
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / "bag")
    home = study / VERSIONS / "1" if where == "version" else tmp_path / "bag/data"
    graph = {entity["@id"]: entity for entity in json.loads((home / METADATA).read_text())["@graph"]}
    assert graph[METADATA]["about"] == {"@id": "./"}
    root = graph["./"]
    assert {"name", "description", "datePublished", "license", "mainEntity"} <= set(root)
    assert {"@id": "https://w3id.org/ro/wfrun/workflow/0.5"} in root["conformsTo"]
    workflow = graph[root["mainEntity"]["@id"]]
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert graph[workflow["programmingLanguage"]["@id"]]["@type"] == "ComputerLanguage"
    for parameter in [*workflow["input"], *workflow["output"]]:
        assert graph[parameter["@id"]]["@type"] == "FormalParameter"
        examples = [graph[example["@id"]] for example in graph[parameter["@id"]]["workExample"]]
        assert all(example["exampleOfWork"] == {"@id": parameter["@id"]} for example in examples)
    assert all(entity["encodingFormat"] for entity in graph.values() if "File" in entity["@type"])
    action = graph[root["mentions"]["@id"]]
    assert (action["@type"], action["instrument"]) == ("CreateAction", root["mainEntity"])
    assert all(thing["@id"] in graph for thing in [*action["object"], *action["result"], action["agent"]])
    for part in root["hasPart"]:
        assert part["@id"].startswith("ni:") or (home / part["@id"]).is_file()


@needs_openssh
def test_a_signature_is_given_once(to_sign, keys):
    seal(to_sign, workflow_folder(), "")
    sign(to_sign, keys / "AL", "AL", "authored")
    with pytest.raises(BatchError, match="AL signed this version as authored before"):
        sign(to_sign, keys / "AL", "AL", "authored")
    assert actions(to_sign).count("signed 1") == 1
    sign(to_sign, keys / "AL", "AL", "approved")  # another meaning is another signature
    assert verify(to_sign)[0] == []


def test_a_study_that_was_never_run_is_no_damaged_one(tmp_path):
    study = make_small_study(tmp_path / "study")
    acts = [lambda: seal(study, workflow_folder(), ""), lambda: sign(study, tmp_path, "AL", "authored"),
            lambda: archive(study, tmp_path / "out.zip")]  # fmt: skip
    for act in acts:
        with pytest.raises(BatchError, match="was never run; expected `bioanalysis run` first"):
            act()
    (study / "results/runs/P1").mkdir(parents=True)
    for act in acts:  # results without a trail are another matter
        with pytest.raises(RecordsDamaged, match="nothing was recorded here yet"):
            act()
