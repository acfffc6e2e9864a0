"""Signatures on sealed versions, made and checked by OpenSSH: whose they are, what they mean, whether they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioanalysis.errors import BatchError, Finding
from bioanalysis.persons import Person, may_be, person, persons_in
from bioanalysis.records.audit import Trail, read_sealed
from bioanalysis.records.holdings import Holdings
from bioanalysis.records.places import SIGNERS, TRAIL
from bioanalysis.records.seal import SEAL, folder_of, last_sealed

NAMESPACE = "bioanalysis"
MEANINGS = ("authored", "reviewed", "approved")
OTHER = {"authored": "reviewed", "reviewed": "authored"}
SIGNED = "signed"
COLUMNS = ("signer", "name", "role", "public_key")
WORK = {"runs": ("analyst", "extracted_by"), "decisions": ("author",)}
NO_KEYGEN = "ssh-keygen (OpenSSH 8.2 or later) is not on this machine"


@dataclass(frozen=True)
class Signer:
    """One who may sign: the short name used in the tables of the study, name, role, public key (OpenSSH)."""

    signer: str
    name: str
    role: str
    public_key: str


def read_signers(content: bytes | None) -> list[Signer]:
    """Return the signers of a table; rows that lack a cell are none."""
    lines = [line.split("\t") for line in (content or b"").decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if not lines or not set(COLUMNS) <= set(header := [cell.strip() for cell in lines[0]]):
        return []
    rows = [dict(zip(header, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]
    return [Signer(**{column: row[column] for column in COLUMNS}) for row in rows if all(map(row.get, COLUMNS))]


def worked_on(holdings: Holdings, home: str) -> set[Person]:
    """Return who analysed, extracted or decided in the sealed version below `home`."""
    import tempfile  # these, as in `holds`, here, so that `verify` of what nobody signed starts without them

    from bioanalysis.sheets import ENDINGS, read_sheet

    people: set[Person] = set()
    for name in holdings.names(f"{home}/config"):
        columns = WORK.get(Path(name).stem, ()) if Path(name).suffix in ENDINGS else ()
        if not columns or name.count("/") != home.count("/") + 2:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(holdings.content(name) or b"")
            sheet = read_sheet(path, name)
        places = [sheet.header.index(column) for column in columns if column in sheet.header]
        people = people.union(*(persons_in(row[place]) for row in sheet.rows for place in places))
    return people


def against_the_rule(
    who: Signer, meaning: str, before: Iterable[dict[str, Any]], people: set[Person]
) -> list[tuple[str, str]]:
    """Return what is wrong with this person signing so, and what is expected; analyst and reviewer are two persons.

    Parameters
    ----------
    before : iterable of dict
        Statements signed on the same version before.
    people : set of Person
        Who worked on it.
    """
    names = {person(who.signer), person(who.name)}
    other = OTHER.get(meaning)
    said = []
    if meaning == "reviewed" and names & people:
        what = "a reviewer who neither analysed, extracted nor decided anything in it"
        said.append((f"{who.name} worked on this version", what))
    if names & {person(str(one[key])) for one in before if one["meaning"] == other for key in ("signer", "name")}:
        said.append((f"{who.name} signed it as {other}", "two persons: nobody reviews what he authored"))
    return said


def perhaps_against_the_rule(
    who: Signer, meaning: str, before: Iterable[dict[str, Any]], people: set[Person]
) -> list[tuple[str, str]]:
    """Return whose abbreviated name the signer's may be, as `against_the_rule`, and how the two are told apart."""
    name, other = person(who.name), OTHER.get(meaning)
    worked = people if meaning == "reviewed" else set[Person]()
    signed = {person(str(one["name"])) for one in before if one["meaning"] == other}
    near = sorted(" ".join(one) for one in worked | signed if one != name and may_be(one, name))
    what = f"two persons, both with their names in full in the tables of the version and in {SIGNERS}"
    return [
        (f"{who.name} may be '{words}', who worked on this version or signed it as {other}", what) for words in near
    ]


def signature_findings(holdings: Holdings, trail: Trail) -> tuple[list[Finding], list[str]]:
    """Return what is wrong with signatures, and remarks: who signed what, or that nobody did."""
    found: list[Finding] = []
    remarks: list[str] = []
    before: dict[int, list[dict[str, Any]]] = {}
    entered: dict[str, list[str]] = {}
    for entry in trail.entries:
        if entry["action"] == SIGNED:
            entered.setdefault(entry["after"]["statement"], []).append(entry["object"])
    for name, versions in entered.items():
        wrong, remark = _judged(holdings, name)
        found += wrong
        remarks += [remark] * (not wrong)
        if (statement := read_sealed(holdings.content(name))) is not None:
            of = str(statement["version"])
            others = [version for version in versions if version != of]
            text = f"is a signature on version {of}, entered as one on version "
            found += [Finding(name, f"{text}{version}", TRAIL) for version in others]
            earlier = before.setdefault(statement["version"], [])
            found += _rule_findings(holdings, name, statement, earlier)
            earlier.append(statement)
    last = last_sealed(trail)
    if remarks and last and last not in before:
        remarks.append(f"version {last}: UNSIGNED: no signature stands on it")
    return found, remarks or ["UNSIGNED: no signature stands on this study"]


def _rule_findings(
    holdings: Holdings, name: str, statement: dict[str, Any], before: list[dict[str, Any]]
) -> list[Finding]:
    """Return where a signature stands that `bioanalysis sign` would not have made."""
    home = folder_of(statement["version"])
    who = Signer(*(str(statement[key]) for key in COLUMNS))
    unreadable: list[Finding] = []
    people = set[Person]()
    try:
        people = worked_on(holdings, home) if statement["meaning"] == "reviewed" else people
    except BatchError as error:
        text = "cannot be read, so that nobody can tell who worked on the version"
        unreadable = [Finding(fault.file, f"{text} ({fault.found})", name) for fault in error.faults[:1]]
    return unreadable + [
        Finding(name, f"{found}; expected {expected}", f"{home}/config")
        for found, expected in against_the_rule(who, statement["meaning"], before, people)
    ]


def _judged(holdings: Holdings, name: str) -> tuple[list[Finding], str]:
    statement = read_sealed(holdings.content(name))
    if statement is None:
        return [Finding(name, "is not what was written", "the digest in it")], ""
    home = folder_of(statement["version"])
    if holdings.digest(f"{home}/{SEAL}") != statement["seal_sha256"]:
        return [Finding(f"{home}/{SEAL}", "is not the seal that was signed", name)], ""
    signers = read_signers(holdings.content(f"{home}/{SIGNERS}"))
    held = holds(holdings.content(name) or b"", holdings.content(f"{name}.sig") or b"", statement["signer"], signers)
    who = f"version {statement['version']}: {in_words(statement)}"
    if held is None:
        return [], f"{who}; NOT CHECKED: {NO_KEYGEN}"
    if not held:
        return [Finding(f"{name}.sig", f"is no signature of {statement['signer']} on {name}", f"{home}/{SIGNERS}")], ""
    return [], f"{who}; the signature holds"


def in_words(statement: dict[str, Any]) -> str:
    """Return a signature as it is printed: meaning, name, role, time."""
    return f"{statement['meaning']} by {statement['name']} ({statement['role']}), {statement['time']}"


def holds(statement: bytes, signature: bytes, signer: str, signers: list[Signer]) -> bool | None:
    """Return whether `signature` is the signer's own on `statement`; None where OpenSSH is not there to tell."""
    import subprocess
    import tempfile

    lines = [f'{one.signer} namespaces="{NAMESPACE}" {one.public_key}\n' for one in signers if one.signer == signer]
    with tempfile.TemporaryDirectory() as folder:
        allowed, kept = Path(folder) / "allowed", Path(folder) / "signature"
        allowed.write_text("".join(lines), encoding="utf-8")
        kept.write_bytes(signature)
        words = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", signer, "-n", NAMESPACE, "-s", str(kept)]
        try:
            return subprocess.run(words, input=statement, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return None
