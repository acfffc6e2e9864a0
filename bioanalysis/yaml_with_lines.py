"""YAML whose every key still knows its line.

The file is read event by event: no tags, no anchors, so nothing can be built, expanded or made to refer to itself.
Scalars stay text; what they mean is decided by the settings they belong to (so `version: 1.10` keeps its zero and
`sex: no` is no falsehood).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bioanalysis.errors import BatchError, Fault
from bioanalysis.text_files import CONTROL, decode, read_bytes

Place = tuple[str | int, ...]
Content = dict[str, "Content"] | list["Content"] | str | None

DEEPEST = 20
NOTHING = {"", "~", "null", "Null", "NULL"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Document:
    """Content of a YAML file and the line of each of its keys and items."""

    file: str
    content: Content = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, place: Place) -> int | None:
        """Return the line of the innermost known part of `place`."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None

    def key(self, place: Place) -> str:
        """Return `place` as a user would say it: ``analytes[mipomersen].lloq_ng_ml``."""
        said, here = "", self.content
        for step in place:
            here = _inside(here, step)
            if isinstance(step, int):
                name = here.get("name") if isinstance(here, dict) else None
                said += f"[{name if isinstance(name, str) else step + 1}]"
            else:
                said += f".{step}" if said else step
        return said

    def value(self, place: Place) -> Content:
        """Return what stands at `place`, None where nothing does."""
        here = self.content
        for step in place:
            here = _inside(here, step)
        return here


AS_YAML = "`key: value` in each line, indented by blanks as in the example of `bioanalysis init`"


def read_yaml(path: Path, file: str) -> Document:
    """Return the document at `path`, known to the user as `file`.

    Raises
    ------
    BatchError
        If the file cannot be read, is no YAML, or uses what settings do not need: tags, anchors, aliases, several
        documents, duplicate keys, deep nesting.
    """
    text = decode(read_bytes(path, file, most_megabytes=1), file)
    document = Document(file)
    try:
        _require_plain(text, file)
        _fill(document, yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise BatchError([Fault(file, f"no YAML: {error.problem}", AS_YAML, line)]) from error
    except yaml.YAMLError as error:
        raise BatchError([Fault(file, f"no YAML: {str(error).splitlines()[0]}", AS_YAML)]) from error
    if document.faults:
        raise BatchError(document.faults)
    return document


def _inside(content: Content, step: str | int) -> Content:
    if isinstance(content, dict) and isinstance(step, str):
        return content.get(step)
    if isinstance(content, list) and isinstance(step, int) and step < len(content):
        return content[step]
    return None


def _require_plain(text: str, file: str) -> None:
    """Refuse, before anything is built, whatever could refer to itself or grow."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise BatchError([Fault(file, f"'{sign}{event.anchor}'", "no anchors or aliases: write it out", line)])
        if getattr(event, "tag", None) not in (None, "!"):
            raise BatchError([Fault(file, f"the tag '{event.tag}'", "plain YAML without tags", line)])
        if CONTROL.search(getattr(event, "value", "").replace("\n", "").replace("\t", "")):
            raise BatchError([Fault(file, "a control character", "text without control characters", line)])
        if depth > DEEPEST:
            raise BatchError([Fault(file, "deeply nested", f"at most {DEEPEST} levels", line)])
        if documents > 1:
            raise BatchError([Fault(file, "a second document ('---')", "one document", line)])


def _fill(document: Document, events: Iterator[yaml.Event]) -> None:
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            document.content = _built(document, events, event, ())


def _built(document: Document, events: Iterator[yaml.Event], event: yaml.Event, place: Place) -> Content:
    document.lines.setdefault(place, event.start_mark.line + 1)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(document, events, place)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(document, events, place)
    return None if not event.style and event.value in NOTHING else event.value


def _sequence(document: Document, events: Iterator[yaml.Event], place: Place) -> list[Content]:
    items: list[Content] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_built(document, events, event, (*place, len(items))))
    return items


def _mapping(document: Document, events: Iterator[yaml.Event], place: Place) -> dict[str, Content]:
    content: dict[str, Content] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = event.start_mark.line + 1
        key = _built(document, events, event, (*place, "?"))
        document.lines.pop((*place, "?"), None)
        if not isinstance(key, str):
            document.faults.append(Fault(document.file, "a key that is no word", "a word before each colon", line))
            key = f"line {line}"
        if key in content:
            first = document.lines[(*place, key)]
            document.faults.append(
                Fault(
                    document.file,
                    f"repeats the key of line {first}",
                    "each key once",
                    line,
                    document.key((*place, key)),
                )
            )
        document.lines[(*place, key)] = line
        content[key] = _built(document, events, next(events), (*place, key))
    return content
