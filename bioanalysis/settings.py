"""Settings files (study, methods) turned into frozen objects, every fault said in the user's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from bioanalysis.errors import Fault
from bioanalysis.text_files import did_you_mean, listed, quoted
from bioanalysis.yaml_with_lines import Document, Place


class Settings(BaseModel):
    """A frozen block of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, validate_default=False)


SettingsOf = TypeVar("SettingsOf", bound=Settings)

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", max_length=100)]
Remark = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def not_yet(*words: str) -> BeforeValidator:
    """Return a validator that refuses `words` of later work by name, instead of calling them wrong."""

    def refuse(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            raise PydanticCustomError("not_supported_yet", "not supported yet", {"found": f"'{value}'"})
        return value

    return BeforeValidator(refuse)


def only(supported: Any) -> BeforeValidator:
    """Return a validator for a setting of which nothing but `supported` can be had yet."""

    def refuse(value: Any) -> Any:
        if value != supported and str(value) != str(supported):
            raise PydanticCustomError("not_supported_yet", "not supported yet", {"found": _said(value)})
        return supported

    return BeforeValidator(refuse)


def contradictions(items: list[tuple[Place, str, str]]) -> PydanticCustomError:
    """Return the error that carries all (place, found, expected) of a settings block that contradicts itself."""
    text = "; ".join(f"{'.'.join(map(str, place))}: {found}, expected {expected}" for place, found, expected in items)
    return PydanticCustomError("contradictions", "{text}", {"text": text, "items": items})


def settings_of(model: type[SettingsOf], document: Document) -> tuple[SettingsOf | None, list[Fault]]:
    """Return the settings in `document`, or None and all that is wrong with them."""
    if not isinstance(document.content, dict):
        return None, [Fault(document.file, "no keys", "keys with values, such as 'study: {...}'")]
    try:
        return model.model_validate(document.content), []
    except ValidationError as error:
        details = [detail for detail in error.errors() if not _echo(detail)]
        return None, [fault for detail in details for fault in _faults_of(model, document, detail)]


def _echo(detail: ErrorDetails) -> bool:
    """Is this a list said to be too short only because its items are faulty, which is said already?"""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _faults_of(model: type[Settings], document: Document, detail: ErrorDetails) -> list[Fault]:
    place: Place = detail["loc"]
    if detail["type"] == "contradictions":
        return [
            Fault(document.file, found, expected, document.line((*place, *inner)), document.key((*place, *inner)))
            for inner, found, expected in detail["ctx"]["items"]
        ]
    found, expected = _words(model, detail)
    return [Fault(document.file, found, expected, document.line(place), document.key(place))]


def _words(model: type[Settings], detail: ErrorDetails) -> tuple[str, str]:
    kind, place, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "missing":
        return "missing", _field_says(model, place) or "a value"
    if kind == "extra_forbidden":
        known = _known_keys(model, place[:-1])
        key = str(place[-1])
        return f"unknown key{did_you_mean(key, known, cutoff=0.3)}", f"one of {listed(sorted(known), most=40)}"
    if kind == "not_supported_yet":
        return f"{context['found']} is not supported yet", context.get("expected", "a value this version supports")
    found = _said(detail["input"])
    if kind == "literal_error":
        words = [word.strip("'") for word in _choices(context["expected"])]
        return found, f"one of {', '.join(words)}{did_you_mean(str(detail['input']), words)}"
    expected = _EXPECTED.get(kind)
    return found, expected(context) if expected else detail["msg"]


_EXPECTED: dict[str, Callable[[dict[str, Any]], str]] = {
    **{kind: lambda _: "a number" for kind in ("float_parsing", "float_type", "finite_number")},
    **{kind: lambda _: "a whole number" for kind in ("int_parsing", "int_type", "int_from_float")},
    **{kind: lambda _: "true or false" for kind in ("bool_parsing", "bool_type")},
    **{kind: lambda _: "a block of keys" for kind in ("model_type", "dict_type", "model_attributes_type")},
    **{kind: lambda _: "a list" for kind in ("list_type", "tuple_type")},
    **{kind: lambda _: "a text" for kind in ("string_type", "string_too_short", "string_too_long")},
    "greater_than": lambda context: f"a number greater than {context['gt']:g}",
    "greater_than_equal": lambda context: f"a number of at least {context['ge']:g}",
    "less_than_equal": lambda context: f"a number of at most {context['le']:g}",
    "too_short": lambda context: f"at least {context['min_length']} of them",
    "string_pattern_mismatch": lambda context: (
        "letters, digits, '.', '_' and '-', not beginning with '.' or '-'"
        if "A-Za-z" in context["pattern"]
        else "a text without control characters"
    ),
}


def _choices(text: str) -> list[str]:
    return text.replace(" or ", ", ").split(", ")


def _said(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, (list, tuple)):
        return "a list"
    return quoted(str(value))


def _model_at(model: type[Settings], place: Place) -> Any:
    here: Any = model
    for step in place:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = here.model_fields[str(step)].annotation if str(step) in here.model_fields else None
        else:
            here = next((part for part in reversed(get_args(here)) if part is not type(None) and part is not ...), None)
        here = _without_none(here)
    return here


def _without_none(annotation: Any) -> Any:
    parts = [part for part in get_args(annotation) if part is not type(None)]
    return parts[0] if type(None) in get_args(annotation) and len(parts) == 1 else annotation


def _known_keys(model: type[Settings], place: Place) -> list[str]:
    here = _model_at(model, place)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _field_says(model: type[Settings], place: Place) -> str | None:
    here = _model_at(model, place[:-1])
    if isinstance(here, type) and issubclass(here, BaseModel) and str(place[-1]) in here.model_fields:
        return here.model_fields[str(place[-1])].description
    return None
