"""One archive of a study that opens without this software: a BagIt folder, or that folder as a zip file."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bioanalysis.errors import BatchError, Fault, RecordsDamaged
from bioanalysis.records.audit import Trail, content_of, read_sealed, read_trail
from bioanalysis.records.crate import Version, crate_of_archive
from bioanalysis.records.digests import files_below, listing, read_listing, sha256_of, sha256_of_text
from bioanalysis.records.places import HEAD, MANIFEST, METADATA, PROVENANCE, TRAIL, outside_name
from bioanalysis.records.seal import COPIES, SEAL, folder_of, sealed_version, study_of
from bioanalysis.records.standing import Standing
from bioanalysis.records.verify import BAG_MANIFEST, DIGEST, TAG_MANIFEST, require_as_recorded, verify
from bioanalysis.text_files import is_visible, write_whole

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip file can hold: the same study makes the same bytes
KEPT_FOLDERS = ("config", "results", "work", "logs")
LONGEST_NAME = 255  # bytes of a file's name on all common file systems
README = """\
This is the archive of one bioanalytical study, in the BagIt form (RFC 8493). It opens without any special software.

  data/config/      settings, sample manifest, worklists, validated methods, decisions
  data/{raw} raw data as acquired (and data/outside/, where they lay outside the study folder)
  data/results/     tables (tab-separated text), curves (JSON), reports (HTML)
  data/results/study/provenance/          audit trail, seals and signatures
  data/results/study/provenance/versions/ each sealed version: settings, results and code of its day
  data/ro-crate-metadata.json             what was made of what, as a Workflow Run RO-Crate

To check it: `sha256sum -c manifest-sha256.txt` here, and `bioanalysis verify` on this folder or on the zip file.
"""


def archive(folder: Path, target: Path) -> int:
    """Write the archive of the last sealed version to `target` (a zip file where it ends in .zip, else a folder).

    Beside a zip file stands its digest (`TARGET.sha256`), for what is not read to unpack it.

    Returns the number of files of the study in it.

    Raises
    ------
    RecordsDamaged
        If anything is not what it was.
    BatchError
        If the study is not sealed, or `target` exists, has no folder or lies among what the study keeps.
    """
    part = _part_of(target, folder)
    require_as_recorded(folder)
    trail = read_trail(content_of(folder / TRAIL), content_of(folder / HEAD))
    version = sealed_version(trail)
    if not version:
        raise BatchError(
            [Fault("the study", "no sealed version", "`bioanalysis seal` first: an archive holds what was sealed")]
        )
    stands = Standing.of(read_listing((folder / MANIFEST).read_bytes())[0])
    payload = _payload(folder, stands, trail)
    texts = _texts(folder, trail, version, stands, payload)
    try:
        _write_zip(part, _top(trail, version), payload, texts) if target.suffix == ".zip" else _write_folder(
            part, payload, texts
        )
        if findings := verify(part)[0]:
            raise RecordsDamaged(findings)
        if part.is_file():
            write_whole(target.with_name(f"{target.name}{DIGEST}"), listing({target.name: sha256_of(part)}).encode())
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
    return len(payload)


def _part_of(target: Path, folder: Path) -> Path:
    """Return the name an archive has while it is written, where it may be written to `target`."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    place = target.parent.resolve()
    ours = [name for name in KEPT_FOLDERS if (folder / name).resolve() in (place, *place.parents)]
    if not place.is_dir():
        found = "its folder is not there", "a folder that exists"
    elif ours:
        found = f"lies in {ours[0]}/, whose files are recorded", "a place outside, beside the study say"
    elif len(os.fsencode(part.name)) > LONGEST_NAME or len(os.fsencode(target.name + DIGEST)) > LONGEST_NAME:
        found = "is too long a name", f"a name of at most {LONGEST_NAME} bytes with what is added to it"
    elif target.exists():
        found = "exists", "a name that is not taken"
    else:
        return part
    raise BatchError([Fault(str(target), *found)])


def _top(trail: Trail, version: int) -> str:
    """Return the folder inside a zip file: after the study, so that the name of the file changes no byte of it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{study_of(trail)}-version-{version}").lstrip(".")


def _payload(folder: Path, stands: Standing, trail: Trail) -> dict[str, Path]:
    """Return where each file of the archive comes from, by its path in the archive."""
    records = (name for name in files_below(folder, PROVENANCE) if is_visible(name))
    names = sorted({*stands.all, *records, *trail.beside})
    return {f"data/{outside_name(name)}": folder / name for name in names}


def _texts(folder: Path, trail: Trail, version: int, stands: Standing, payload: Mapping[str, Path]) -> dict[str, bytes]:
    """Return what the archive says about itself, by path; the last one vouches for the others."""
    seal = read_sealed(content_of(folder / folder_of(version) / SEAL)) or {}
    code, _ = read_listing((folder / folder_of(version) / COPIES).read_bytes())
    code = {name: digest for name, digest in code.items() if name.startswith("code/")}
    said = Version(version, seal.get("reason", ""), seal.get("time", ""), study_of(trail), trail)
    crate = crate_of_archive(stands, folder_of(version), code, said)
    digests = {name: sha256_of(path) for name, path in payload.items()}
    digests[f"data/{METADATA}"] = sha256_of_text(crate.decode("utf-8", "surrogateescape"))
    size = sum(path.stat().st_size for path in payload.values()) + len(crate)
    raw = next(iter(sorted(stands.raw)), "raw/").split("/")[0]
    tags = {
        "bagit.txt": "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": f"External-Identifier: {study_of(trail)} version {version}\nBagging-Date: {said.time[:10]}\n"
        f"Payload-Oxum: {size}.{len(digests)}\n",
        "README.txt": README.format(raw=f"{raw}/".ljust(12)),
        BAG_MANIFEST: listing(digests),
    }
    tags[TAG_MANIFEST] = listing({name: sha256_of_text(text) for name, text in tags.items()})
    return {f"data/{METADATA}": crate, **{n: t.encode("utf-8", "surrogateescape") for n, t in tags.items()}}


def _write_zip(part: Path, top: str, payload: Mapping[str, Path], texts: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted({*payload, *texts}):
            entry = zipfile.ZipInfo(f"{top}/{name}", LONG_AGO)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            if name in texts:
                packed.writestr(entry, texts[name])
                continue
            entry.file_size = payload[name].stat().st_size
            with payload[name].open("rb") as source, packed.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 2**18)


def _write_folder(part: Path, payload: Mapping[str, Path], texts: Mapping[str, bytes]) -> None:
    for name, source in payload.items():
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part / name)
    for name, content in texts.items():
        (part / name).write_bytes(content)
