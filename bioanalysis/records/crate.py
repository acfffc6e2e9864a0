"""What a version was made of and how, as a Workflow Run RO-Crate (JSON-LD that other software reads)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bioanalysis.records.audit import Trail
from bioanalysis.records.places import MAIN_RESULTS, METADATA, is_result, outside_name
from bioanalysis.records.standing import Standing

CRATE = "https://w3id.org/ro/crate/1.1"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
NO_LICENSE = "the laboratory's own records; no license is given"
FORMATS = {
    "text/tab-separated-values": (".tsv",), "text/csv": (".csv",), "text/markdown": (".md",),
    "application/json": (".json",),
    "application/yaml": (".yaml",), "application/xml": (".mzml", ".xml"), "application/gzip": (".gz",),
    "text/html": (".html",), "image/svg+xml": (".svg",), "application/pdf": (".pdf",), "text/x-python": (".py",),
    "text/javascript": (".js",), "text/css": (".css",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "text/plain": ("", ".txt", ".lock", ".smk", ".jinja", ".typ"),
}  # fmt: skip
FORMAT_OF = {suffix: kind for kind, suffixes in FORMATS.items() for suffix in suffixes}
Entity = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """What a crate says beside its files: number, reason and time of the seal, the study, the trail up to then."""

    number: int
    reason: str
    time: str
    study: str
    trail: Trail


def crate_of_version(stands: Standing, copies: Mapping[str, str], version: Version) -> bytes:
    """Return the crate of a sealed version: its copies by path, raw data by their digest."""
    places = {name: (_of_path(name), digest) for name, digest in copies.items()}
    places |= {name: (_of_content(digest), digest) for name, digest in stands.raw.items()}
    return _crate(stands, places, version)


def crate_of_archive(stands: Standing, folder_of_code: str, code: Mapping[str, str], version: Version) -> bytes:
    """Return the crate of an archive, where raw data lie beside settings and results."""
    places = {name: (_of_path(outside_name(name)), digest) for name, digest in stands.all.items()}
    places |= {name: (_of_path(f"{folder_of_code}/{name}"), digest) for name, digest in code.items()}
    return _crate(stands, places, version)


def _crate(stands: Standing, places: Mapping[str, tuple[str, str]], version: Version) -> bytes:
    main = next(name for name in places if name.endswith("/Snakefile"))
    parameters = _parameters(stands, places)
    shown = {example["@id"]: one["@id"] for one in parameters for example in one.get("workExample", [])}
    parts = [_file(name, *places[name]) for name in sorted(places) if name != main]
    parts = [part | ({"exampleOfWork": {"@id": shown[part["@id"]]}} if part["@id"] in shown else {}) for part in parts]
    graph = [
        _descriptor(),
        _root([places[name][0] for name in sorted(places)], places[main][0], version),
        *({"@id": uri, "@type": "CreativeWork", "name": n, "version": v} for uri, (n, v) in PROFILES.items()),
        _workflow(places[main], version),
        *_language(),
        *parameters,
        *_action(stands, places, main, version),
        *parts,
    ]
    content = {"@context": f"{CRATE}/context", "@graph": graph}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")


def _descriptor() -> Entity:
    conforms = [{"@id": CRATE}, {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"}]
    return {"@id": METADATA, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": conforms}


def _root(parts: list[str], main: str, version: Version) -> Entity:
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{version.study}, version {version.number}",
        "description": f"Bioanalysis of the study {version.study}: settings, code and results. {version.reason}",
        "datePublished": version.time,
        "license": NO_LICENSE,
        "conformsTo": [{"@id": uri} for uri in PROFILES],
        "mainEntity": {"@id": main},
        "mentions": {"@id": "#run"},
        "hasPart": [{"@id": part} for part in parts],
    }


def _workflow(place: tuple[str, str], version: Version) -> Entity:
    return {
        **_file("Snakefile", *place),
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": "bioanalysis workflow",
        "version": str(_code(version).get("bioanalysis", "")),
        "programmingLanguage": {"@id": SNAKEMAKE},
        "input": [{"@id": "#settings"}, {"@id": "#raw-data"}],
        "output": [{"@id": "#concentrations"}],
    }


def _language() -> list[Entity]:
    return [
        {
            "@id": SNAKEMAKE,
            "@type": "ComputerLanguage",
            "name": "Snakemake",
            "url": {"@id": "https://snakemake.readthedocs.io"},
            "identifier": {"@id": "https://snakemake.readthedocs.io"},
        }
    ]


def _parameters(stands: Standing, places: Mapping[str, tuple[str, str]]) -> list[Entity]:
    examples = {
        "settings": [places[name][0] for name in sorted(stands.config)],
        "raw-data": [places[name][0] for name in sorted(stands.raw)],
        "concentrations": [places[name][0] for name in MAIN_RESULTS if name in places],
    }
    return [
        {
            "@id": f"#{name}",
            "@type": "FormalParameter",
            "name": name,
            "additionalType": "File",
            "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
            "workExample": [{"@id": example} for example in ids],
        }
        for name, ids in examples.items()
    ] + [
        {
            "@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE",
            "@type": "CreativeWork",
            "name": "FormalParameter",
            "version": "1.0-RELEASE",
        }
    ]


def _action(stands: Standing, places: Mapping[str, tuple[str, str]], main: str, version: Version) -> tuple[Entity, ...]:
    run = version.trail.last("run_finished") or {}
    after = run.get("after") or {}
    entry = f"entry {run.get('entry', '')} of the audit trail"
    person = {"@id": f"#user-{quote(str(run.get('user', 'unknown')))}", "@type": "Person", "name": run.get("user", "")}
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"the run that made version {version.number}",
        "description": f"bioanalysis {_code(version).get('bioanalysis', '')} on {run.get('host', '')}; {entry}",
        "instrument": {"@id": places[main][0]},
        "startTime": after.get("started", version.time),
        "endTime": after.get("ended", version.time),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        "agent": {"@id": person["@id"]},
        "object": [{"@id": places[name][0]} for name in sorted({**stands.config, **stands.raw})],
        "result": [{"@id": places[name][0]} for name in sorted(stands.all) if is_result(name)],
    }
    return action, person


def _code(version: Version) -> Entity:
    return (version.trail.last("code_recorded", "code_changed") or {}).get("after") or {}


def _file(name: str, place: str, digest: str) -> Entity:
    kind = FORMAT_OF.get(Path(name).suffix.lower(), "application/octet-stream")
    return {"@id": place, "@type": "File", "name": name, "identifier": _of_content(digest), "encodingFormat": kind}


def _of_path(name: str) -> str:
    return quote(name, safe="/()!*'~", errors="surrogateescape")


def _of_content(digest: str) -> str:
    """Return the name of a content by its digest (RFC 6920): it holds wherever the file lies."""
    return f"ni:///sha-256;{base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip('=')}"
