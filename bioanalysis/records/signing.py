"""Sign a sealed version with a key of one's own."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bioanalysis.errors import BatchError, Fault
from bioanalysis.records.audit import Act, AuditTrail, Trail, content_of, now, read_sealed, sealed_line
from bioanalysis.records.digests import sha256_of
from bioanalysis.records.holdings import Holdings
from bioanalysis.records.open_points import open_points
from bioanalysis.records.places import SIGNATURES, SIGNERS
from bioanalysis.records.seal import SEAL, folder_of, sealed_version
from bioanalysis.records.signature import (
    MEANINGS,
    NAMESPACE,
    NO_KEYGEN,
    SIGNED,
    Signer,
    against_the_rule,
    holds,
    in_words,
    perhaps_against_the_rule,
    read_signers,
    worked_on,
)
from bioanalysis.records.verify import require_as_recorded

_SHORT_NAME = re.compile(r"[^\s#!*?,\"]+")
_PUBLIC_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[\w@.-]+ [\w+/=]{16,}(?: .*)?", re.ASCII)
OPEN = "stood_open"
HOW_TO_SEAL_SIGNERS = (
    f"{SIGNERS} with the columns signer, name, role, public_key; then `bioanalysis run --reason ...`, which takes it "
    "in, and `bioanalysis seal`, which seals it with a next version"
)
WHERE = "config/signers.tsv of the sealed version (signer, name, role, public_key)"


def sign(folder: Path, key: Path, signer: str, meaning: str) -> str:
    """Sign the last sealed version and return in words what was signed; the caller holds the study's lock.

    Parameters
    ----------
    folder : Path
        The study folder.
    key : Path
        An OpenSSH key (private, or the public half of one that an agent or a token holds).
    signer : str
        Short name of the signer in `config/signers.tsv`.
    meaning : {'authored', 'reviewed', 'approved'}
        What the signature says.

    Raises
    ------
    RecordsDamaged
        If anything is not what it was.
    BatchError
        If there is nothing to sign, or this person may not sign it so.
    """
    audit = AuditTrail(folder)
    audit.require_whole()
    require_as_recorded(folder)
    version = sealed_version(audit.trail)
    if not version:
        raise BatchError([Fault("the study", "no sealed version to sign", "`bioanalysis seal` first")])
    home = folder / folder_of(version)
    who = _require_signer(home, signer, meaning, statements(folder, audit.trail, version))
    seal_digest = sha256_of(home / SEAL)
    content = {
        "version": version, "seal_sha256": seal_digest, "signer": who.signer, "name": who.name, "role": who.role,
        "meaning": meaning, "time": now(), "public_key": who.public_key, OPEN: open_points(home),
    }  # fmt: skip
    statement = sealed_line(content)
    signature = _signature(key, statement, who)
    name = _name(audit.trail, version, who, meaning)
    signed = [*statements(folder, audit.trail, version), content]
    page_name, page = signature_page(version, seal_digest, signed)
    after = {
        "statement": name, "meaning": meaning, "name": who.name, "role": who.role, "seal_sha256": seal_digest,
        OPEN: content[OPEN],
    }  # fmt: skip
    files = {name: statement, f"{name}.sig": signature, page_name: page}
    audit.add(Act(SIGNED, str(version), None, after, f"{meaning} by {who.name}"), files=files)
    return f"version {version}: {in_words(content)}"


def to_be_signed(folder: Path) -> list[str]:
    """Return in words what stands open in the version that would be signed."""
    version = sealed_version(AuditTrail(folder).trail)
    return open_points(folder / folder_of(version)) if version else []


def statements(folder: Path, trail: Trail, version: int) -> list[dict[str, Any]]:
    """Return the statements signed on a version, in order."""
    entries = [e for e in trail.entries if e["action"] == SIGNED and e["object"] == str(version)]
    found = (read_sealed(content_of(folder / entry["after"]["statement"])) for entry in entries)
    return [statement for statement in found if statement is not None]


def _require_signer(home: Path, name: str, meaning: str, before: list[dict[str, Any]]) -> Signer:
    """Return the signer of this name, where he may sign with this meaning; analyst and reviewer are two persons."""
    listed = content_of(home / SIGNERS)
    if listed is None:
        raise BatchError([Fault(f"version {home.name}", f"holds no {SIGNERS}", HOW_TO_SEAL_SIGNERS)])
    signers = read_signers(listed)
    keys = [one.public_key.split()[:2] for one in signers]
    found = [one for one in signers if one.signer == name]
    faults = []
    if meaning not in MEANINGS:
        faults.append(Fault("the signature", f"the meaning '{meaning}'", f"one of {', '.join(MEANINGS)}"))
    if len(found) != 1 or keys.count(found[0].public_key.split()[:2]) != 1:
        found_rows = f"'{name}' has not exactly one row with a key of its own"
        faults.append(Fault(WHERE, found_rows, f"one row per signer: {HOW_TO_SEAL_SIGNERS}"))
        raise BatchError(faults)
    faults += _unusable(found[0])
    people = worked_on(Holdings(home), ".") if meaning == "reviewed" else set()
    against = against_the_rule(found[0], meaning, before, people)
    against = against or perhaps_against_the_rule(found[0], meaning, before, people)
    faults += [Fault("the signature", *said) for said in against]
    if any((one["signer"], one["meaning"]) == (name, meaning) for one in before):
        faults.append(Fault("the signature", f"{name} signed this version as {meaning} before", "each signature once"))
    if faults:
        raise BatchError(faults)
    return found[0]


def _unusable(who: Signer) -> list[Fault]:
    """Return why OpenSSH could not tell whose signature it is: its list of signers parts words and knows patterns."""
    faults = []
    if not _SHORT_NAME.fullmatch(who.signer):
        faults.append(Fault(WHERE, f"the signer '{who.signer}'", 'a short name without spaces, commas or any of #!*?"'))
    if not _PUBLIC_KEY.fullmatch(who.public_key):
        found = f"the public_key of '{who.signer}' is none"
        faults.append(Fault(WHERE, found, "the line of the .pub file: its type, the key and a comment"))
    return faults


def _signature(key: Path, statement: bytes, who: Signer) -> bytes:
    """Return OpenSSH's signature; it asks for the passphrase of the key on the terminal."""
    if not key.is_file():
        raise BatchError([Fault(str(key), "is not there, or no file", "an OpenSSH key, or its .pub file for an agent")])
    words = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    try:
        done = subprocess.run(words, input=statement, capture_output=True, check=False)
    except FileNotFoundError:
        raise BatchError([Fault("the signature", NO_KEYGEN, "OpenSSH, which makes and checks signatures")]) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip() or "no reason"
        raise BatchError([Fault(str(key), f"ssh-keygen could not sign with it ({said})", "an OpenSSH key")])
    if not holds(statement, done.stdout, who.signer, [who]):
        raise BatchError([Fault(str(key), f"not the key of {who.signer}", f"the key in {WHERE}")])
    return done.stdout


def _name(trail: Trail, version: int, who: Signer, meaning: str) -> str:
    number = 1 + sum(e["action"] == SIGNED and e["object"] == str(version) for e in trail.entries)
    short = re.sub(r"[^A-Za-z0-9-]", "_", who.signer)
    return f"{SIGNATURES}/{version}/{number:02d}-{short}-{meaning}.json"


def signature_page(version: int, seal_digest: str, signed: Iterable[dict[str, Any]]) -> tuple[str, bytes]:
    """Return name and content of the page that shows who signed a version, as what and when."""
    columns = ("meaning", "name", "role", "time", "public_key")
    cells = [[*(str(one[column]) for column in columns), _open_in_words(one)] for one in signed]
    rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in cells]
    head = "".join(f'<th scope="col">{column.replace("_", " ")}</th>' for column in (*columns, OPEN))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f"<table><caption>Signatures</caption><tr>{head}</tr>{body}</table>" if rows else ""
    state = "Signed" if rows else "UNSIGNED"
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Version {version}: {state}</title>
<style>body{{font:15px system-ui,sans-serif;margin:2rem}}td,th{{padding:.3rem .8rem;text-align:left}}
td{{max-width:30rem;overflow-wrap:anywhere}}</style>
</head><body><h1>Version {version} of this study: {state}</h1>{table}
<p>Seal (SHA-256 of seal.json): <code>{seal_digest}</code>. Whether signatures hold is not for a page to say:
<code>bioanalysis verify</code> checks them, and so does <code>ssh-keygen -Y verify</code>.</p></body></html>
"""
    return f"{SIGNATURES}/{version}/signatures.html", page.encode()


def _open_in_words(statement: dict[str, Any]) -> str:
    """Return what stood open where somebody signed; those who signed before it was noted did not say."""
    return "; ".join(statement[OPEN]) or "nothing" if OPEN in statement else "not noted"
