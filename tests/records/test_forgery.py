"""Records rewritten by somebody who can write every file and chain digests: what tells, and what does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from recorded_study import make_keys, record, recorded_study, sealed_for, write_results
from small_study import make_small_study

from bioanalysis.planning import workflow_folder
from bioanalysis.records import audit
from bioanalysis.records.archive import archive
from bioanalysis.records.audit import Act, AuditTrail, open_line, sealed_line
from bioanalysis.records.commands import verify_study
from bioanalysis.records.digests import sha256_of
from bioanalysis.records.places import CONCENTRATIONS, HEAD, MANIFEST, SIGNATURES, TRAIL, VERSIONS
from bioanalysis.records.recorder import Recorder
from bioanalysis.records.sealing import seal
from bioanalysis.records.signing import sign, signature_page
from bioanalysis.records.verify import verify

pytestmark = [
    pytest.mark.requirement("UR-033"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not on this machine"),
]

ONE, OTHER = b"0" * 64 + b"  a.zip", b"1" * 64 + b"  b.zip"


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed_once(tmp_path_factory, keys):
    study = sealed_for(recorded_study(tmp_path_factory.mktemp("signed") / "study"), keys)
    sign(study, keys / "RV", "RV", "authored")
    sign(study, keys / "SD", "SD", "reviewed")
    return study


@pytest.fixture
def signed(signed_once, tmp_path):
    """A sealed study, signed by its author and another reviewer."""
    return Path(shutil.copytree(signed_once, tmp_path / "study"))


def entries(study: Path) -> list[dict]:
    return [open_line(line) for line in (study / TRAIL).read_bytes().splitlines(keepends=True)]


def rechain(study: Path, content: list[dict]) -> None:
    """Write these entries as a trail in which every digest holds, and its head."""
    last, lines = "", []
    for number, entry in enumerate(content, start=1):
        rest = {key: value for key, value in entry.items() if key != "digest"}
        lines.append(sealed_line(rest | {"previous": last, "entry": number}))
        last = open_line(lines[-1])["digest"]
    (study / TRAIL).write_bytes(b"".join(lines))
    (study / HEAD).write_bytes(sealed_line({"entries": len(lines), "last": last}))


def rewrite(path: Path, **new: object) -> None:
    content = open_line(path.read_bytes()) | new
    path.write_bytes(sealed_line({key: value for key, value in content.items() if key != "digest"}))


def vouch(study: Path, path: Path) -> None:
    """Make the trail vouch for a file as it is now."""
    name, found = str(path.relative_to(study)), entries(study)
    for entry in found:
        if name in (entry.get("records") or {}):
            entry["records"][name] = sha256_of(path)
    rechain(study, found)


def found(study: Path, **words: Path) -> str:
    return "\n".join(str(finding) for finding in verify(study, **words)[0])


def test_the_study_as_signed_is_what_it_was(signed):
    assert found(signed) == ""


def test_an_entry_rewritten_with_the_whole_chain_is_told_by_the_seal(signed):
    changed = entries(signed)
    changed[1]["user"] = "somebody else"
    rechain(signed, changed)
    assert "are not those of the day of the seal" in found(signed)


def test_a_seal_rewritten_as_well_is_told_by_the_signature(signed):
    changed = entries(signed)
    changed[1]["user"] = "somebody else"
    rechain(signed, changed)
    path, changed = signed / VERSIONS / "1/seal.json", entries(signed)
    place = next(n for n, entry in enumerate(changed) if entry["action"] == "version_sealed")
    rewrite(path, audit={"entries": place, "last": changed[place - 1]["digest"]})
    vouch(signed, path)
    assert found(signed).startswith(f"{VERSIONS}/1/seal.json: is not the seal that was signed")


def test_a_statement_rewritten_is_told_by_the_signature(signed):
    path = next((signed / SIGNATURES / "1").glob("*reviewed.json"))
    rewrite(path, name="Somebody Else")
    vouch(signed, path)
    assert "is no signature of SD" in found(signed)


def test_results_exchanged_after_the_seal_are_told_also_where_an_entry_vouches_for_them(signed):
    write_results(signed, {"S1": "9.9", "S2": "0.75", "S3": "3.125"})
    record(signed)  # as a run leaves it that opened no version
    assert f"{MANIFEST}: is not that of sealed version 1, and none was opened after it" in found(signed)


def test_a_further_version_leads_out_of_that(signed):
    write_results(signed, {"S1": "9.9", "S2": "0.75", "S3": "3.125"})
    record(signed)
    recorder = Recorder(signed, workflow_folder(), "found different")
    assert recorder.left_the_seal(1)
    recorder.open_version(2)
    findings, remarks = verify(signed)
    assert not findings
    assert remarks[-1] == "version 2 is open: what stands now is neither sealed nor signed, version 1 is"


def test_the_author_does_not_review_with_his_own_key_either(signed, keys):
    own = next((signed / SIGNATURES / "1").glob("*authored.json"))
    forged = own.with_name("03-RV-reviewed.json")
    shutil.copyfile(own, forged)
    rewrite(forged, meaning="reviewed")
    words = ["ssh-keygen", "-Y", "sign", "-f", keys / "RV", "-n", "bioanalysis"]
    made = subprocess.run(words, input=forged.read_bytes(), capture_output=True, check=True).stdout
    signature = forged.with_name(f"{forged.name}.sig")
    signature.write_bytes(made)
    last, name = entries(signed)[-1], str(forged.relative_to(signed))
    records = {name: sha256_of(forged), f"{name}.sig": sha256_of(signature)}
    rechain(signed, [*entries(signed), last | {"after": last["after"] | {"statement": name}, "records": records}])
    assert found(signed).startswith(f"{name}: R. Vogt signed it as authored; expected two persons")


def as_version_2(study: Path, entry: dict) -> dict:
    """Return an entry on version 1 as one of now on version 2, its records copied there."""
    records = {}
    for name in entry["records"]:
        records[other := name.replace("/1/", "/2/")] = sha256_of(study / name)
        (study / other).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(study / name, study / other)
    return entry | {"object": "2", "time": audit.now(), "records": records}


def test_a_version_made_of_another_is_named_and_a_signature_moved_there_as_well(signed):
    content = entries(signed)
    shutil.copytree(signed / VERSIONS / "1", signed / VERSIONS / "2")
    sealed = as_version_2(signed, next(entry for entry in content if entry["action"] == "version_sealed"))
    rechain(signed, [*content, sealed])
    assert f"{VERSIONS}/2/seal.json: is the seal of version 1 (held against the version it lies in)" in found(signed)
    signatures = [as_version_2(signed, entry) for entry in content if entry["action"] == "signed"]
    for entry in signatures:
        entry["after"] = entry["after"] | {"statement": entry["after"]["statement"].replace("/1/", "/2/")}
    rechain(signed, [*content, sealed, *signatures])
    moved = signatures[0]["after"]["statement"]
    assert f"{moved}: is a signature on version 1, entered as one on version 2 (held against {TRAIL})" in found(signed)


def test_a_true_statement_that_lies_outside_the_study_is_not_read(signed, tmp_path):
    content = entries(signed)
    shutil.copyfile(signed / content[-1]["after"]["statement"], tmp_path / "moved.json")
    after = content[-1]["after"] | {"statement": "../moved.json"}
    rechain(signed, [*content, content[-1] | {"time": audit.now(), "after": after, "records": {}}])
    assert "../moved.json: is not what was written" in found(signed)


def test_a_clock_that_was_set_back_is_remarked_and_hidden_is_a_finding(signed, monkeypatch):
    monkeypatch.setattr(audit, "now", lambda: "2020-01-01T00:00:00.000Z")
    AuditTrail(signed).add(Act("note", "clock"))
    findings, remarks = verify(signed)
    assert not findings
    number = len(entries(signed))
    assert remarks[-1] == f"entry {number}: the clock was behind the entry before (2020-01-01T00:00:00.000Z)"
    *rest, last = entries(signed)
    rechain(signed, [*rest, {key: value for key, value in last.items() if key != "clock"}])
    text = f"{TRAIL}: entry {number} is dated before the entry before it, and does not say so"
    assert found(signed) == f"{text} (held against the times of the entries)"


def unsign(study: Path) -> None:
    """Cut off all that came after the seal, signatures too, with everything put right that says so."""
    content = entries(study)
    rechain(study, content[: next(n for n, entry in enumerate(content) if entry["action"] == "signed")])
    shutil.rmtree(study / SIGNATURES)
    name, page = signature_page(1, sha256_of(study / VERSIONS / "1/seal.json"), [])
    (study / name).parent.mkdir(parents=True)
    (study / name).write_bytes(page)


def test_an_end_cut_off_with_its_head_is_told_by_a_head_kept_elsewhere_alone(signed, tmp_path):
    witness = Path(shutil.copyfile(signed / HEAD, tmp_path / "noted.json"))
    assert verify_study(signed, witness) == 0
    unsign(signed)
    assert verify(signed) == ([], ["UNSIGNED: no signature stands on this study"])
    assert "is not the one noted elsewhere: its end was cut off" in found(signed, witness=witness)
    assert verify_study(signed, witness) == 3


def test_a_witness_that_names_an_entry_by_another_number_is_told(signed, tmp_path):
    second = entries(signed)[1]
    (tmp_path / "noted.json").write_bytes(sealed_line({"entries": 3, "last": second["digest"]}))
    assert "entry 3 is not the one noted elsewhere" in found(signed, witness=tmp_path / "noted.json")
    (tmp_path / "noted.json").write_bytes(sealed_line({"entries": 2, "last": second["digest"]}))
    assert found(signed, witness=tmp_path / "noted.json") == ""


def test_an_archive_of_a_trail_that_never_named_its_study_is_made_all_the_same(tmp_path):
    study = recorded_study(tmp_path / "study")
    rechain(study, [entry for entry in entries(study) if entry["action"] != "study_recorded"])
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist()[0].startswith("study-version-1/")
    assert found(tmp_path / "a.zip") == ""


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"[" * 100_000, b"\x00"])
def test_a_witness_that_is_none_is_said(signed, tmp_path, content):
    witness = tmp_path / "noted.json"
    witness.write_bytes(content)
    assert found(signed, witness=witness) == "noted.json: is no copy of a head.json (held against the digest in it)"


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_a_witness_that_is_no_file_is_said_and_not_waited_for(signed, tmp_path, kind):
    witness = tmp_path / "noted.json"
    {"missing": lambda path: None, "folder": Path.mkdir, "pipe": os.mkfifo}[kind](witness)
    expected = "noted.json: is not there, or no file that can be read (held against the path given)"
    assert found(signed, witness=witness) == expected
    assert verify_study(signed, witness) == 3


def test_another_record_is_no_head(signed):
    witness = signed / VERSIONS / "1/seal.json"
    assert found(signed, witness=witness) == "seal.json: is no copy of a head.json (held against the digest in it)"


def test_a_head_kept_while_a_study_goes_on_is_held_against_its_archive_too(signed, tmp_path):
    witness = Path(shutil.copyfile(signed / HEAD, tmp_path / "noted.json"))
    AuditTrail(signed).add(Act("note", "later"))
    archive(signed, tmp_path / "a.zip")
    assert found(tmp_path / "a.zip", witness=witness) == ""


@pytest.mark.requirement("UR-036")
def test_bytes_of_a_zip_that_are_not_read_are_held_against_the_digest_beside_it(signed, tmp_path):
    archive(signed, tmp_path / "a.zip")
    subprocess.run(["sha256sum", "-c", "--quiet", "a.zip.sha256"], cwd=tmp_path, check=True)
    whole = bytearray((tmp_path / "a.zip").read_bytes())
    whole[10] ^= 1  # the time of the first member, as its own head tells it
    (tmp_path / "a.zip").write_bytes(whole)
    assert found(tmp_path / "a.zip").startswith("a.zip: was changed")
    (tmp_path / "a.zip.sha256").unlink()
    findings, remarks = verify(tmp_path / "a.zip")
    assert not findings
    assert remarks[-1].startswith("a.zip.sha256 does not stand beside it")


@pytest.mark.requirement("UR-036")
@pytest.mark.parametrize("lines", [[], [b"\xff"], [b"no digest"], [b"a"] * 3, [ONE, b"no digest"], [ONE, OTHER]])
def test_a_damaged_digest_beside_a_zip_is_named(signed, tmp_path, lines):
    archive(signed, tmp_path / "a.zip")
    (tmp_path / "a.zip.sha256").write_bytes(b"".join(line + b"\n" for line in lines))
    assert found(tmp_path / "a.zip").startswith("a.zip.sha256: is no digest and name")


@pytest.mark.requirement("UR-036")
def test_a_hidden_file_put_into_an_archive_is_named(signed, tmp_path):
    for name in ("bag", "bag.zip"):
        archive(signed, tmp_path / name)
    (tmp_path / "bag/data/config/.hidden").write_text("x")
    (tmp_path / "bag.zip.sha256").unlink()
    with zipfile.ZipFile(tmp_path / "bag.zip", "a") as packed:
        packed.writestr(f"{packed.namelist()[0].split('/')[0]}/data/config/.hidden", "x")
    for name in ("bag", "bag.zip"):
        assert "data/config/.hidden: is not among the" in found(tmp_path / name)


def test_a_seal_made_without_a_signature_can_be_made_anew_by_who_writes_every_file(tmp_path):
    study = recorded_study(tmp_path / "study")
    seal(study, workflow_folder(), "")
    kept = Path(shutil.copyfile(study / HEAD, tmp_path / "noted.json"))
    shutil.rmtree(study / "results")
    recorded = make_small_study(tmp_path / "other")
    write_results(recorded, {"S1": "9.9", "S2": "0.75", "S3": "3.125"})
    record(recorded)
    seal(recorded, workflow_folder(), "")
    shutil.copytree(recorded / "results", study / "results")
    assert "9.9" in (study / CONCENTRATIONS).read_text()
    assert found(study) == ""
    assert "is not the one noted elsewhere" in found(study, witness=kept)


def test_a_sealed_table_that_can_no_longer_be_read_is_a_finding_among_the_others(signed):
    table = signed / VERSIONS / "1/config/runs.tsv"
    table.write_bytes(b"\xff" + table.read_bytes())
    (signed / CONCENTRATIONS).write_bytes(b"")
    said = found(signed)
    assert f"{VERSIONS}/1/config/runs.tsv: cannot be read, so that nobody can tell who worked on the version" in said
    assert CONCENTRATIONS in said


def test_a_signature_entered_on_two_versions_is_named_whichever_entry_comes_last(signed):
    content = entries(signed)
    first = next(entry for entry in content if entry["action"] == "signed")
    rechain(signed, [*content, first | {"object": "2", "time": audit.now()}, first | {"time": audit.now()}])
    name = first["after"]["statement"]
    assert f"{name}: is a signature on version 1, entered as one on version 2 (held against {TRAIL})" in found(signed)
