"""The validation a method rests on, read from the validation.json that a validation study wrote."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from bioanalysis.errors import Fault
from bioanalysis.method import Method, Stability
from bioanalysis.moles import GRAMS, MOLES
from bioanalysis.settings import NonNegative, Positive, Settings
from bioanalysis.text_files import listed, quoted
from bioanalysis.yaml_with_lines import Document

PLACE = ("validation", "file")
NOT_THE_ANALYSIS = {"validation", "stability", "acceptance", "recovery", "uncertainty"}


class Range(Settings):
    """The range of an analyte that was validated, in the unit its method counted in."""

    lloq_ng_ml: Positive | None = None
    uloq_ng_ml: Positive | None = None
    lloq_nmol_l: Positive | None = None
    uloq_nmol_l: Positive | None = None

    @model_validator(mode="after")
    def _refuse_half_a_range(self) -> Self:
        ranges = (self.lloq_ng_ml, self.uloq_ng_ml), (self.lloq_nmol_l, self.uloq_nmol_l)
        given = [None not in ends for ends in ranges]
        if sum(given) != 1 or len(self.model_fields_set) != 2:
            raise ValueError("both ends of a range, in ng/mL or in nmol/L")
        return self

    @property
    def unit(self) -> str:
        """The unit in words."""
        return GRAMS if self.lloq_nmol_l is None else MOLES

    @property
    def low(self) -> float:
        """The lower end."""
        return self.lloq_ng_ml or self.lloq_nmol_l or 0.0

    @property
    def high(self) -> float:
        """The upper end."""
        return self.uloq_ng_ml or self.uloq_nmol_l or 0.0


class Storage(Settings):
    """One storage shown to be harmless."""

    tissue: str
    condition: str
    days: NonNegative | None = None
    hours: NonNegative | None = None
    cycles: NonNegative | None = None
    c: float | None = None


class ShownMethod(Settings):
    """What a validation showed for one method."""

    version: str
    digest: str
    range: dict[str, Range]
    tissues: tuple[str, ...] = ()
    dilution_factors: tuple[Positive, ...] = ()
    stability: tuple[Storage, ...] = ()
    reinjection: bool | None = None
    verdict: str
    verdicts: dict[str, str] = Field(default_factory=dict)


class ValidationFile(Settings):
    """validation.json."""

    study_id: str
    methods: dict[str, ShownMethod]


@dataclass(frozen=True)
class Validated:
    """A validation as a method points at it."""

    file: str
    study_id: str
    shown: ShownMethod


def analytical_digest(method: Method) -> str:
    """Return SHA-256 of all in a method that makes its numbers; what is said about validation or limits is left out."""
    content = method.model_dump(mode="json", exclude=NOT_THE_ANALYSIS)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_validation(folder: Path, method: Method, document: Document) -> tuple[Validated | None, list[Fault]]:
    """Return the validation that `method` names, None where it names none or (with faults) it cannot be used."""
    name = method.validation.file if method.validation is not None else None
    if name is None:
        return None, []
    try:
        found = _read(folder, name)
        shown = found.methods.get(method.method_id)
        if shown is None:
            raise ValueError(f"'{name}' holds no method '{method.method_id}'", f"one of it: {listed(found.methods)}")
    except ValueError as error:
        what, expected = error.args
        return None, [Fault(document.file, what, expected, document.line(PLACE), document.key(PLACE))]
    return Validated(name, found.study_id, shown), []


def _read(folder: Path, name: str) -> ValidationFile:
    path = PurePosixPath(name)
    inside = (folder / name).resolve().is_relative_to(folder.resolve())
    if path.is_absolute() or ".." in path.parts or not inside:
        raise ValueError(quoted(name), "a path inside the study folder")
    try:
        return ValidationFile.model_validate(json.loads((folder / name).read_text(encoding="utf-8")))
    except OSError:
        raise ValueError(f"no file {quoted(name)}", "the validation.json of a validation study") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{quoted(name)}: {place}: {first['msg']}", "what a validation study writes") from None
    except ValueError as error:
        raise ValueError(f"{quoted(name)} is no JSON ({error})", "what a validation study writes") from None


def filled(method: Method, validated: Validated) -> Method:
    """Return `method` with what its validation showed wherever the method itself says nothing.

    Long-term storage becomes `stability.days` (the longest shown, with the warmest temperature it was shown at),
    freeze-thaw storage `freeze_thaw_cycles`.
    """
    shown, own = validated.shown, method.validation
    assert own is not None
    scope: dict[str, Any] = {}
    for name in ("tissues", "dilution_factors", "reinjection"):
        if getattr(own, name) in (None, ()):
            scope[name] = getattr(shown, name)
    stability = {**_stability(validated), **method.stability}
    return method.model_copy(update={"validation": own.model_copy(update=scope), "stability": stability})


def _stability(validated: Validated) -> dict[str, Stability]:
    found = {}
    for tissue in dict.fromkeys(storage.tissue for storage in validated.shown.stability):
        here = [storage for storage in validated.shown.stability if storage.tissue == tissue]
        stored = [s for s in here if s.condition == "long_term" and s.days]
        cycles = [int(s.cycles) for s in here if s.condition == "freeze_thaw" and s.cycles]
        longest = max(stored, key=lambda s: (s.days, s.c if s.c is not None else float("-inf")), default=None)
        if longest or cycles:
            found[tissue] = Stability(
                days=longest.days if longest else None,
                temperature_c=longest.c if longest else None,
                freeze_thaw_cycles=max(cycles, default=None),
                source=f"validation {validated.study_id}",
            )
    return found


def differences(method: Method, validated: Validated) -> list[tuple[str, str]]:
    """Return (what is used, what was validated) wherever a method is used beside its validation."""
    shown = validated.shown
    found = []
    if method.version != shown.version:
        found.append((f"version {method.version}", f"version {shown.version}"))
    elif analytical_digest(method) != shown.digest:
        found.append((f"the settings of version {method.version}", "other settings under the same version"))
    for analyte in method.analytes:
        known = shown.range.get(analyte.name)
        used = f"{analyte.name} from {analyte.lloq_ng_ml:g} to {analyte.uloq_ng_ml:g} {method.unit}"
        if known is None:
            found.append((used, "no such analyte"))
        elif known.unit != method.unit or analyte.lloq_ng_ml < known.low or analyte.uloq_ng_ml > known.high:
            found.append((used, f"{known.low:g} to {known.high:g} {known.unit}"))
    if shown.verdict == "fail":
        found.append(("the method", f"a validation that failed: {', '.join(_failed(shown))}"))
    return found


def _failed(shown: ShownMethod) -> list[str]:
    return [rule for rule, verdict in shown.verdicts.items() if verdict == "fail"]
