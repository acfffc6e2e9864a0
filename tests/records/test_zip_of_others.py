"""A zip file somebody else made: what unpacking it would do is said, whatever its own lists vouch for."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from pathlib import Path

import pytest
from recorded_study import recorded_study

from bioanalysis.planning import workflow_folder
from bioanalysis.records.archive import archive
from bioanalysis.records.digests import listing, read_listing
from bioanalysis.records.sealing import seal
from bioanalysis.records.verify import verify

pytestmark = pytest.mark.requirement("UR-063")
LEADS_OUT = "is a name that leads out of the folder it is unpacked to"
CONTENT = b"no file of the study"


@pytest.fixture(scope="module")
def ours(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    study = recorded_study(folder / "study")
    seal(study, workflow_folder(), "")
    archive(study, folder / "ours.zip")
    return folder / "ours.zip"


def vouched(files: dict[str, bytes], manifest: str, names: list[str]) -> None:
    """Put the true digests of files into a manifest of the archive."""
    said, _ = read_listing(files[manifest])
    said |= {name: hashlib.sha256(files[name]).hexdigest() for name in names}
    files[manifest] = listing(said).encode()


def other_zip(ours: Path, target: Path, added: str, kind: int = stat.S_IFREG) -> list[str]:
    """Write the archive with one file more, which both of its lists vouch for; returns what is found of that file."""
    with zipfile.ZipFile(ours) as packed:
        top = packed.namelist()[0].split("/")[0]
        files = {name.removeprefix(f"{top}/"): packed.read(name) for name in packed.namelist()}
    files[added] = CONTENT
    vouched(files, "manifest-sha256.txt", [added])
    vouched(files, "tagmanifest-sha256.txt", ["manifest-sha256.txt"])
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in files.items():
            member = zipfile.ZipInfo(f"{top}/{name}")
            member.external_attr = ((kind if name == added else stat.S_IFREG) | 0o644) << 16
            packed.writestr(member, content)
    return [str(f).replace(f"{top}/", "", 1) for f in verify(target)[0] if added in f.file]


@pytest.mark.parametrize(
    "name", ["data/../../../evil", "data//etc/evil", "data/raw\\..\\..\\evil", "data/raw/../../../evil"]
)
def test_a_member_that_leads_out_is_named_though_its_digest_is_true(ours, tmp_path, name):
    assert (
        other_zip(ours, tmp_path / "other.zip", name)[0] == f"{name}: {LEADS_OUT} (held against the form of an archive)"
    )


def test_a_folder_that_leads_out_is_named(ours, tmp_path):
    target = tmp_path / "other.zip"
    target.write_bytes(ours.read_bytes())
    with zipfile.ZipFile(target, "a") as packed:
        packed.writestr("../up/", b"")
    assert f"../up/: {LEADS_OUT}" in str(verify(target)[0][0])


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_member_that_would_be_a_link_or_a_device_is_named(ours, tmp_path, kind):
    said = other_zip(ours, tmp_path / "other.zip", "data/raw/x", kind)
    assert said[0] == "data/raw/x: is a link or a device (held against the form of an archive)"


def test_a_file_nothing_of_the_study_names_is_named(ours, tmp_path):
    said = other_zip(ours, tmp_path / "other.zip", "data/raw/LC-01/x.mzML")
    assert [line.split(" (")[0] for line in said] == ["data/raw/LC-01/x.mzML: is no file of the study"]


@pytest.mark.parametrize("name", ["0-aside/evil", "zzz/evil", "evil"])
def test_what_lies_beside_the_folder_of_the_archive_is_named(ours, tmp_path, name):
    target = tmp_path / "other.zip"
    target.write_bytes(ours.read_bytes())
    with zipfile.ZipFile(target, "a") as packed:
        packed.writestr(name, CONTENT)
        home = packed.namelist()[0].split("/")[0]
    text = f"{name.split('/')[0]}: lies beside {home}/, the folder of the archive (held against the form of an archive)"
    assert [str(finding) for finding in verify(target)[0]] == [text]


def test_an_archive_zipped_without_its_folder_is_held_as_well(ours, tmp_path):
    with zipfile.ZipFile(ours) as old, zipfile.ZipFile(tmp_path / "flat.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name.partition("/")[2], old.read(name))
    assert verify(tmp_path / "flat.zip")[0] == []
    with zipfile.ZipFile(tmp_path / "flat.zip", "a") as packed:
        packed.writestr("aside/evil", CONTENT)
    assert [finding.file for finding in verify(tmp_path / "flat.zip")[0]] == ["aside/evil"]


def test_an_empty_zip_is_no_archive(tmp_path):
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    missing = ["tagmanifest-sha256.txt: is missing", "manifest-sha256.txt: is missing"]
    assert [str(finding).split(" (")[0] for finding in verify(tmp_path / "empty.zip")[0]][:2] == missing


def test_a_zip_that_lacks_the_mark_of_an_archive_is_said_to(ours, tmp_path):
    with zipfile.ZipFile(ours) as old, zipfile.ZipFile(tmp_path / "other.zip", "w") as new:
        for name in old.namelist():
            if not name.endswith("/bagit.txt"):
                new.writestr(name, old.read(name))
    assert [str(finding) for finding in verify(tmp_path / "other.zip")[0]] == [
        "bagit.txt: is missing (held against tagmanifest-sha256.txt)"
    ]


def test_a_backslash_in_a_name_is_no_harm(ours, tmp_path):
    assert LEADS_OUT not in str(other_zip(ours, tmp_path / "other.zip", "data/raw/a\\b.mzML"))


def test_a_member_that_cannot_be_unpacked_is_not_called_missing(ours, tmp_path):
    content = bytearray(ours.read_bytes())
    last = content.rfind(b"PK\x01\x02")  # of the list of members, the last one: the list of the lists
    content[last + 10] = 99  # its kind of compression
    (tmp_path / "other.zip").write_bytes(content)
    assert "tagmanifest-sha256.txt: cannot be read" in str(verify(tmp_path / "other.zip")[0][0])


def test_a_pipe_in_place_of_an_archive_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "other.zip")
    assert "is a pipe, a device or the like" in str(verify(tmp_path / "other.zip")[0][0])
