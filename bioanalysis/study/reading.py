"""Tables and settings fetched from a study folder; what cannot be read becomes a fault and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bioanalysis.errors import BatchError, Fault
from bioanalysis.limits import override_faults
from bioanalysis.method import Method, method_of
from bioanalysis.settings import settings_of
from bioanalysis.sheets import find_sheet, read_sheet
from bioanalysis.study.config import StudyConfig
from bioanalysis.study.validated import Validated, filled, read_validation
from bioanalysis.tables import Table
from bioanalysis.text_files import is_visible, quoted
from bioanalysis.yaml_with_lines import Document, read_yaml

CONFIG = "config/config.yaml"


@dataclass(frozen=True)
class Rows:
    """A table as read: its name in messages, its frame, whether it is there and all of it could be read.

    `misnamed` are columns whose header is misspelt, which is a fault of its own: nothing more is said of their cells.
    """

    file: str
    frame: pd.DataFrame
    complete: bool = True
    present: bool = True
    misnamed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.frame)

    def cells(self, name: str) -> np.ndarray:
        """Return one column as an array, text as Python objects."""
        column = self.frame[name]
        return column.to_numpy() if column.dtype.kind in "fib" else column.to_numpy(dtype=object)

    def faults(
        self, wrong: Iterable[bool], column: str, expected: str | Callable[[int], str], found: str | None = None
    ) -> list[Fault]:
        """Return one fault for each row where `wrong`; `expected` may depend on the row number."""
        places = np.flatnonzero(np.fromiter(wrong, dtype=bool, count=len(self)))
        if not len(places) or column in self.misnamed:
            return []
        lines, cells = self.cells("line"), self.cells(column)
        return [
            Fault(
                self.file,
                found or quoted(shown(cells[i])),
                expected(i) if callable(expected) else expected,
                int(lines[i]),
                column,
            )
            for i in places.tolist()
        ]


def shown(value: object) -> str:
    """Return a cell as text: a missing number as nothing, a whole number without a point."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:g}"
    return str(value)


@dataclass
class StudyFolder:
    """A study folder while it is read, with the faults found so far."""

    path: Path
    faults: list[Fault] = field(default_factory=list)

    def table(self, stem: str, declared: Table, *, optional: bool = False, hint: Callable[[], str] = str) -> Rows:
        """Return the table `stem` (without ending); an empty one where it is missing or cannot be read.

        `hint` is asked, where the table is missing, what else may have been meant for it.
        """
        try:
            path = find_sheet(self.path, stem)
            if path is None:
                if not optional:
                    self.faults.append(Fault(f"{stem}.tsv", "missing", f"the table '{declared.title.lower()}'{hint()}"))
                return Rows(f"{stem}.tsv", declared.empty(), complete=optional, present=False)
            file = path.relative_to(self.path).as_posix()
            sheet = read_sheet(path, file)
            frame, faults = declared.check(sheet)
        except BatchError as error:
            self.faults += error.faults
            return Rows(f"{stem}.tsv", declared.empty(), complete=False)
        self.faults += faults
        misnamed = frozenset(declared.misnamed(sheet.header).values())
        return Rows(file, frame, complete=not misnamed, misnamed=misnamed)

    def document(self, file: str) -> Document | None:
        """Return the settings file `file`, None where it cannot be read."""
        try:
            return read_yaml(self.path / file, file)
        except BatchError as error:
            self.faults += error.faults
            return None

    def config(self) -> tuple[StudyConfig | None, Document | None]:
        """Return the study's settings and the document they stand in."""
        document = self.document(CONFIG)
        if document is None:
            return None, None
        config, faults = settings_of(StudyConfig, document)
        self.faults += faults
        return config, document

    def methods(self) -> MethodFiles:
        """Return all methods of `config/methods`; hidden files are no settings, as they are none in the records."""
        found = MethodFiles({}, {}, {})
        paths = sorted(p for p in (self.path / "config/methods").glob("*.y*ml") if is_visible(p.name))
        if not paths:
            self.faults.append(Fault("config/methods", "no method file", "one .yaml file per validated method"))
        for path in paths:
            file = f"config/methods/{path.name}"
            if path.suffix != ".yaml":
                self.faults.append(Fault(file, f"the ending '{path.suffix}'", "the ending .yaml"))
            elif (document := self.document(file)) is not None:
                self._add_method(found, document)
        return found

    def _add_method(self, found: MethodFiles, document: Document) -> None:
        method, faults = method_of(document)
        self.faults += faults
        name = document.value(("method_id",))
        if isinstance(name, str) and name in found.documents:
            line, other = document.line(("method_id",)), found.documents[name].file
            self.faults.append(Fault(document.file, f"'{name}', as in {other}", "each once", line, "method_id"))
        elif isinstance(name, str):
            found.documents[name] = document
            found.platforms[name] = str(document.value(("platform",)))
            if method is not None:
                found.methods[name] = self._with_validation(method, document, found)
                self.faults += _overrides(document, method)

    def _with_validation(self, method: Method, document: Document, found: MethodFiles) -> Method:
        """Return the method with what the validation it points at showed; faults where that cannot be read."""
        validated, faults = read_validation(self.path, method, document)
        self.faults += faults
        if validated is None:
            return method
        found.validations[method.method_id] = validated
        return filled(method, validated)


def _overrides(document: Document, method: Method) -> list[Fault]:
    """Return the faults of limits that the method sets itself."""
    return [
        Fault(document.file, found, expected, document.line(place), document.key(place))
        for rule, found, expected in override_faults(method)
        if (place := ("acceptance", "overrides", rule))
    ]


@dataclass(frozen=True)
class MethodFiles:
    """Methods by `method_id`; `documents` and `platforms` also know those that are faulty."""

    methods: dict[str, Method]
    documents: dict[str, Document]
    platforms: dict[str, str]
    validations: dict[str, Validated] = field(default_factory=dict)
