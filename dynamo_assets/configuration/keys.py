"""The keys of `tables.yaml`, read off the models: what the documentation and the JSON schema are made of."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dynamo_assets.configuration.setting_types import Written, read_off


def _written_date(instant: datetime) -> str:
    return instant.date().isoformat()


_DATE = Written(
    "date",
    {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)?$"},
    "write a date: 2026-11-01",
    _written_date,
)
_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string"}


@dataclass(frozen=True)
class Scalar:
    """One value of a type that YAML has.

    Attributes:
        type: JSON Schema's name of it.
        bounds: JSON Schema's `minimum`, `exclusiveMaximum` and so on.
        pattern: What a text must match, where there is such a thing.
    """

    type: str
    bounds: dict[str, Any] = field(default_factory=dict)
    pattern: str = ""


@dataclass(frozen=True)
class Special:
    """One value of a type that YAML has not."""

    written: Written
    bounds: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One of some texts.

    Attributes:
        values: They.
        off_is_false: Whether `false` is one of them, too, which is what YAML 1.1 makes of a bare `off`.
    """

    values: tuple[str, ...]
    off_is_false: bool = False


@dataclass(frozen=True)
class ListOf:
    """A list."""

    each: Form


@dataclass(frozen=True)
class MappingOf:
    """A mapping whose keys anybody chooses."""

    each: Form


@dataclass(frozen=True)
class SectionForm:
    """A mapping with keys of its own."""

    model: type[BaseModel]


@dataclass(frozen=True)
class AnyOf:
    """One of several forms."""

    forms: tuple[Form, ...]


Form = Scalar | Special | Choice | ListOf | MappingOf | SectionForm | AnyOf | None
"""What may stand behind a key; None for YAML's null."""


@dataclass(frozen=True)
class Key:
    """One key of a section.

    Attributes:
        name: As it is written.
        form: What may stand behind it.
        is_required: Whether there is no default.
        default: As a person would write it; None where there is none, or it is null.
        meaning: For a person, in Markdown, with links as from `docs/`.
    """

    name: str
    form: Form
    is_required: bool
    default: Any
    meaning: str


def keys_of(model: type[BaseModel]) -> list[Key]:
    """The keys of a section, in their order."""
    return [_key(name, info) for name, info in model.model_fields.items()]


def summary_of(model: type[BaseModel]) -> str:
    """What a section is for."""
    return one_line(inspect.getdoc(model) or "")


def one_line(text: str) -> str:
    """A docstring without its line breaks."""
    return " ".join(text.split())


def sections_within(form: Form) -> Iterator[type[BaseModel]]:
    """The sections that a value may be, or be made of."""
    match form:
        case SectionForm(model):
            yield model
        case ListOf(each) | MappingOf(each):
            yield from sections_within(each)
        case AnyOf(forms):
            for each in forms:
                yield from sections_within(each)
        case _:
            pass


def _key(name: str, info: FieldInfo) -> Key:
    form = _form(info.annotation, info.metadata)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    models = list(sections_within(form))
    meaning = one_line(info.description or "") or (summary_of(models[0]) if models else "")
    spelled = info.validation_alias if isinstance(info.validation_alias, str) else name
    return Key(spelled, form, info.is_required(), _as_written(form, default), meaning)


def _form(annotation: Any, metadata: Sequence[Any] = ()) -> Form:  # noqa: PLR0911 - one for each form
    if get_origin(annotation) is Annotated:
        annotation, *own = get_args(annotation)
        return _form(annotation, [*own, *metadata])
    if written := next((each for each in metadata if isinstance(each, Written)), None):
        return Special(written, _bounds(metadata))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return AnyOf(tuple(_form(each, () if each is NoneType else metadata) for each in arguments))
    if origin is Literal:
        off_is_false = any(isinstance(each, BeforeValidator) and each.func is read_off for each in metadata)
        return Choice(arguments, off_is_false)
    if origin is list:
        return ListOf(_form(arguments[0]))
    if origin is dict:
        return MappingOf(_form(arguments[1]))
    return _plain(annotation, metadata)


def _plain(annotation: Any, metadata: Sequence[Any]) -> Form:
    if annotation is NoneType:
        return None
    if annotation is datetime:
        return Special(_DATE)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return SectionForm(annotation)
    if annotation not in _SCALARS:
        raise TypeError(f"{annotation}: add a `Written` to this type, so that documentation and schema can name it")
    pattern = next((pattern for each in metadata if (pattern := getattr(each, "pattern", None))), "")
    return Scalar(_SCALARS[annotation], _bounds(metadata), pattern)


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    found = {}
    for each in metadata:
        match each:
            case Ge(limit):
                found["minimum"] = limit
            case Gt(limit):
                found["exclusiveMinimum"] = limit
            case Le(limit):
                found["maximum"] = limit
            case Lt(limit):
                found["exclusiveMaximum"] = limit
            case MinLen(limit):
                found["minLength"] = limit
            case _:
                pass
    return found


def _as_written(form: Form, default: Any) -> Any:
    if default is None or default is PydanticUndefined:
        return None
    match form:
        case Special(written):
            return written.write(default)
        case SectionForm():
            return default.model_dump(exclude_defaults=True)
        case AnyOf(forms):
            return next((_as_written(each, default) for each in forms if isinstance(each, Special)), default)
        case _:
            return default
