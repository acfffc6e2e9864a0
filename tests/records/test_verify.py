"""`verify` finds and names whatever is not what it was, writes nothing, and never stumbles."""

from __future__ import annotations

import copy
import os
import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from recorded_study import record, recorded_study, write_results
from small_study import change, make_small_study

from bioanalysis.planning import workflow_folder
from bioanalysis.records.archive import archive
from bioanalysis.records.audit import Act, AuditTrail
from bioanalysis.records.commands import verify_study
from bioanalysis.records.crate import METADATA
from bioanalysis.records.digests import listing, read_listing
from bioanalysis.records.places import CONCENTRATIONS, HEAD, MANIFEST, PROVENANCE, TRAIL, VERSIONS
from bioanalysis.records.sealing import seal
from bioanalysis.records.verify import verify

pytestmark = pytest.mark.requirement("UR-033")


@pytest.fixture
def study(tmp_path):
    return recorded_study(tmp_path / "study")


@pytest.fixture
def sealed(study):
    seal(study, workflow_folder(), "")
    return study


def found(folder):
    return [str(finding) for finding in verify(folder)[0]]


def all_files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and "work" not in path.relative_to(folder).parts)


def contents(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_study_as_recorded_is_what_it_was_and_stays_untouched(study, capsys):
    before = contents(study)
    assert verify_study(study) == 0
    assert contents(study) == before
    assert capsys.readouterr().out.splitlines() == [
        "UNSIGNED: no signature stands on this study",
        "everything is what it was at the last run",
    ]


def test_the_current_folder_is_verified_by_default(study, monkeypatch):
    monkeypatch.chdir(study)
    assert verify_study(Path()) == 0


def test_a_study_without_records_is_not_called_intact(tmp_path):
    assert found(tmp_path)[0].startswith(f"{TRAIL}: is missing: nothing was recorded here yet")
    assert verify_study(tmp_path) == 3
    assert verify_study(tmp_path / "no such folder") == 3


def test_one_finding_is_one(study, capsys):
    (study / "config/samples.tsv").write_text("other")
    assert verify_study(study) == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 finding; the first: config/samples.tsv")


@pytest.mark.parametrize("name", ["config/samples.tsv", "raw/LC-01/s1.mzML", CONCENTRATIONS])
def test_a_change_names_the_file_and_the_record(study, name):
    with (study / name).open("ab") as stream:
        stream.write(b" ")
    (said,) = found(study)
    assert said.startswith(f"{name}: was changed")
    assert said.endswith(f"(held against {MANIFEST})")


@pytest.mark.parametrize("name", ["config/samples.tsv", "raw/LC-01/s1.mzML", CONCENTRATIONS, MANIFEST, TRAIL, HEAD])
def test_a_missing_file_is_named(study, name):
    (study / name).unlink()
    assert any(said.startswith(f"{name}: is missing") for said in found(study))
    assert verify_study(study) == 3


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("config/pools.tsv", "is not among the settings recorded"),
        ("results/study/extra.tsv", "is not among the results recorded"),
        (f"{PROVENANCE}/note.txt", "is not among the records"),
        (f"{PROVENANCE}/kept/note.txt", "is not among the records"),
        (f"{PROVENANCE}/note.txt.next", "was left by an act that was interrupted"),
    ],
)
def test_a_file_that_was_added_is_named(study, name, how):
    (study / name).write_text("x")
    assert [(finding.file, finding.found) for finding in verify(study)[0]] == [(name, how)]


def test_a_sealed_copy_that_is_gone_is_said_to_be_missing(sealed):
    name = f"{VERSIONS}/1/config/samples.tsv"
    (sealed / name).unlink()
    assert [(finding.file, finding.found) for finding in verify(sealed)[0]] == [(name, "is missing")]


def test_what_others_rest_on_is_named_first(study):
    records = [TRAIL, HEAD, MANIFEST, f"{PROVENANCE}/environment.json"]
    first_to_last = [*records, "config/samples.tsv", "raw/LC-01/s1.mzML", CONCENTRATIONS]
    for name in reversed(first_to_last):
        with (study / name).open("ab") as stream:
            stream.write(b"x\n")
    assert list(dict.fromkeys(finding.file for finding in verify(study)[0])) == first_to_last


def test_a_trail_that_is_longer_than_its_head_knows_is_named(study):
    with (study / TRAIL).open("ab") as stream:
        stream.write(b'{"digest"')
    (said,) = found(study)
    assert said.startswith(f"{TRAIL}: an act was interrupted, or entries were added: its last line breaks off after 9")


def test_a_line_of_the_manifest_that_is_no_digest_and_name_is_named(study):
    lines = (study / MANIFEST).read_text().count("\n")
    with (study / MANIFEST).open("a") as stream:
        stream.write("no digest\n")
    assert f"{MANIFEST}: line {lines + 1} is no digest and name (held against {TRAIL})" in found(study)


def test_any_single_byte_of_a_sealed_study_is_found_and_named(sealed):
    rng = random.Random(20261124)
    for path in rng.choices(all_files(sealed), k=40):
        whole = path.read_bytes()
        if not whole:
            continue
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
        name = str(path.relative_to(sealed))
        assert name in [finding.file for finding in verify(sealed)[0]], f"byte {place} of {name}"
        path.write_bytes(whole)
    assert not found(sealed)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"\xff\xfe{", b"[" * 100_000, b'{"digest":' * 1000, b"\n\n\n"])
def test_records_of_any_content_are_findings_and_no_crash(sealed, content):
    records = [path for path in all_files(sealed) if path.suffix in (".json", ".jsonl", ".sha256", ".tsv")]
    for path in records:
        whole = path.read_bytes()
        path.write_bytes(content)
        assert str(path.relative_to(sealed)) in [finding.file for finding in verify(sealed)[0]]
        path.write_bytes(whole)


def test_a_pipe_in_place_of_a_file_is_no_reason_to_wait(study):
    (study / CONCENTRATIONS).unlink()
    os.mkfifo(study / CONCENTRATIONS)
    assert found(study) == [f"{CONCENTRATIONS}: is no regular file (held against {MANIFEST})"]


@pytest.mark.requirement("UR-063")
def test_an_edited_manifest_names_nothing_outside_the_study_to_be_read(study, tmp_path):
    (tmp_path / "secret").write_text("x")
    with (study / MANIFEST).open("a") as stream:
        stream.write(f"{'0' * 64}  ../secret\n{'0' * 64}  {tmp_path}/secret\n")
    said = found(study)
    assert said[0].startswith(f"{MANIFEST}: was changed")
    assert not any("secret" in line for line in said)


def test_a_trail_made_anew_does_not_hold_against_a_seal(sealed):
    for name in (TRAIL, HEAD):
        (sealed / name).unlink()
    shutil.rmtree(sealed / PROVENANCE / "kept")
    record(sealed, "lost")
    assert any("versions/1" in said for said in found(sealed))


def test_records_of_another_form_whose_digests_hold_are_a_finding_and_no_crash(study):
    audit = AuditTrail(study)
    audit.add(Act("signed", "1", after={"no": "statement"}))
    audit.add(Act("version_sealed", "not a number"))
    assert "never written by this software" in found(study)[0]


def test_folders_that_are_links_are_looked_into_and_loops_are_left(study, tmp_path):
    (study / "config/worklists").rename(tmp_path / "worklists")
    (study / "config/worklists").symlink_to(tmp_path / "worklists")
    (study / "config/methods/again").symlink_to(study / "config")
    assert not found(study)
    (tmp_path / "worklists/LC-01.tsv").write_text("x")
    assert [said.split(":")[0] for said in found(study)] == ["config/worklists/LC-01.tsv"]


def test_raw_data_outside_the_study_are_held_and_archived(tmp_path):
    study = make_small_study(tmp_path / "study")
    (study / "raw").rename(tmp_path / "instrument")
    change(
        study, "config/runs.tsv", ("raw/LC-01", "../instrument/LC-01"), ("raw/EL-01", f"{tmp_path}/instrument/EL-01")
    )
    with (study / "config/config.yaml").open("a") as stream:
        stream.write(f"allowed_roots: [{tmp_path}/instrument]\n")
    write_results(study)
    record(study)
    seal(study, workflow_folder(), "")
    archive(study, tmp_path / "a.zip")
    assert not found(tmp_path / "a.zip")
    (tmp_path / "instrument/LC-01/s1.mzML").write_text("x")
    assert [said.split(":")[0] for said in found(study)] == ["../instrument/LC-01/s1.mzML"]


def test_the_manifest_is_read_by_sha256sum(study):
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", MANIFEST], cwd=study, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_names_with_a_backslash_or_a_line_break_come_back_as_they_were():
    digests = {"a\\b": "0" * 64, "c\nd": "1" * 64, "e f": "2" * 64}
    assert read_listing(listing(digests).encode()) == (digests, [])


def test_an_archive_is_verified_as_folder_and_as_zip(sealed, tmp_path):
    for name in ("archive", "archive.zip"):
        archive(sealed, tmp_path / name)
        assert verify_study(tmp_path / name) == 0
    (tmp_path / "archive/data/config/samples.tsv").write_text("x")
    assert {said.split(":")[0] for said in found(tmp_path / "archive")} == {"data/config/samples.tsv"}


@pytest.mark.parametrize(
    "name",
    [
        "bagit.txt",
        "bag-info.txt",
        "README.txt",
        "manifest-sha256.txt",
        "added.txt",
        f"data/{METADATA}",
        "data/added.txt",
    ],
)
def test_what_an_archive_says_about_itself_is_held_too(sealed, tmp_path, name):
    archive(sealed, tmp_path / "bag")
    with (tmp_path / "bag" / name).open("a") as stream:
        stream.write("no more than a remark\n")
    assert {said.split(":")[0] for said in found(tmp_path / "bag")} == {name}
    (tmp_path / "bag/tagmanifest-sha256.txt").unlink()
    assert found(tmp_path / "bag")[0].startswith("tagmanifest-sha256.txt: is missing")


def test_a_line_of_a_list_of_an_archive_that_is_no_digest_and_name_is_named(sealed, tmp_path):
    archive(sealed, tmp_path / "bag")
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = (tmp_path / "bag" / name).read_text().count("\n")
        with (tmp_path / "bag" / name).open("a") as stream:
            stream.write("no digest\n")
        assert f"{name}: line {lines + 1} is no digest and name (held against the form of an archive)" in found(
            tmp_path / "bag"
        )


def test_a_file_of_an_archive_that_is_a_link_out_of_it_is_not_read(sealed, tmp_path):
    archive(sealed, tmp_path / "bag")
    raw = tmp_path / "bag/data/raw/LC-01/s1.mzML"
    raw.rename(tmp_path / "same.mzML")
    raw.symlink_to(tmp_path / "same.mzML")
    assert [said.split(" (")[0] for said in found(tmp_path / "bag")] == [
        "data/raw/LC-01/s1.mzML: lies outside, and is not read"
    ]


def test_a_member_changed_inside_the_zip_is_named(sealed, tmp_path):
    archive(sealed, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as old, zipfile.ZipFile(tmp_path / "b.zip", "w") as new:
        for member in old.infolist():
            extra = b" " if member.filename.endswith("data/config/samples.tsv") else b""
            new.writestr(member, old.read(member) + extra)
    assert {said.split(":")[0] for said in found(tmp_path / "b.zip")} == {"data/config/samples.tsv"}


def test_damaged_bytes_of_a_zip_are_findings_and_no_crash(sealed, tmp_path):
    archive(sealed, tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    rng = random.Random(7)
    for _ in range(25):
        place = rng.randrange(len(whole))
        (tmp_path / "b.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        verify(tmp_path / "b.zip")
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a zip file" in found(tmp_path / "b.zip")[0]


@pytest.mark.requirement("UR-063")
def test_a_zip_made_to_burst_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as packed, packed.open("x", "w") as sink:
        for _ in range(100):
            sink.write(bytes(1_000_000))
    assert "times their size" in found(tmp_path / "bomb.zip")[0]


@pytest.mark.requirement("UR-063")
@pytest.mark.parametrize(("name", "said"), [("y", "lie over one another"), ("x", "holds a name twice")])
def test_a_zip_that_counts_one_content_twice_is_refused(tmp_path, name, said):
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as packed:
        packed.writestr("x", random.Random(7).randbytes(100))
        twin = copy.copy(packed.filelist[0])
        twin.filename, twin.compress_size = name, twin.compress_size * (10 if name == "y" else 0)
        packed.filelist.append(twin)
    assert said in found(tmp_path / "twice.zip")[0]


def test_the_command_starts_without_what_only_computing_needs():
    code = "import sys; from bioanalysis.records.verify import verify; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_exit_codes_of_the_command(study):
    command = [str(Path(sys.executable).with_name("bioanalysis")), "verify", str(study)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (study / "config/config.yaml").write_bytes(b"\xff")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "config/config.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"\x1b[2K\rfine", r"\x1b[2K\rfine"),
        ("\u202efi".encode(), r"\u202efi"),
        (b"\xfc", r"\udcfc"),
        (b"a\nb", r"a\nb"),
    ],
)
def test_a_name_cannot_take_the_finding_about_itself_from_the_screen(study, name, shown, capsys):
    (study / "results" / os.fsdecode(name)).write_text("x")
    assert verify_study(study) == 3
    told = capsys.readouterr()
    assert told.err.splitlines() == [f"results/{shown}: is not among the results recorded (held against {MANIFEST})"]
    assert all(line.isprintable() for line in told.out.splitlines())


def test_hidden_files_are_remarked_wherever_records_lie(sealed):
    names = ["config/.note.tsv", "results/study/.x", f"{PROVENANCE}/.later", f"{VERSIONS}/1/config/~$runs.xlsx"]
    for name in names:
        (sealed / name).write_text("x")
    (sealed / "results/study/.snakemake_timestamp").write_text("")  # the workflow's own
    findings, remarks = verify(sealed)
    assert findings == []
    assert f"hidden files, which no record holds and no archive takes along: {', '.join(names)}" in remarks


@pytest.mark.parametrize("name", [CONCENTRATIONS, f"{VERSIONS}/1/config/samples.tsv", TRAIL])
def test_a_result_or_record_exchanged_for_a_link_to_the_same_content_elsewhere_is_named(sealed, tmp_path, name):
    shutil.move(sealed / name, tmp_path / "elsewhere")
    (sealed / name).symlink_to(tmp_path / "elsewhere")
    (said,) = found(sealed)
    assert said.startswith(f"{name}: is a link that leads out of results/")
