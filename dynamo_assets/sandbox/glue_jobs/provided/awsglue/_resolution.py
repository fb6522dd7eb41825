"""What `resolveChoice` makes of a schema, and of each record under it.

Documented (developer guide, `resolveChoice` and "ResolveChoice class"; AWS's sample on resolveChoice): the four
actions, and `choice` for every choice at once. The guide says in one place that `project:string` converts, in another
and in the sample that it keeps the values of that type only; it is the latter here. Assumed: actions on values that are
no choice (`cast` casts them, the other actions leave them); the new columns of `make_cols` stand where the old one
stood; a path that leads nowhere changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from awsglue import gluetypes as glue
from awsglue._casts import cast
from awsglue._paths import ELEMENT, Path, parse_path
from awsglue._refusals import refusal
from awsglue._values import kind_of

Action = tuple[str, str]  # such as ("cast", "long"), ("make_cols", "")
ActionOf = Callable[[Path, glue.DataType], Action | None]
Convert = Callable[[Any], Any]

_MAKE_COLS: Action = ("make_cols", "")


def actions(specs: Any, choice: str) -> ActionOf:
    """Which action a place in a schema gets.

    Args:
        specs: Pairs of a path and an action, or one pair, or None.
        choice: An action for all choices, or nothing.

    Raises:
        NotImplementedError: The sandbox does not have an action.
        ValueError: Both are given, or neither, or an action is none.
    """
    if (specs is None) == (not choice):
        raise ValueError("resolveChoice takes either specs or choice")
    if choice:
        everywhere = _action(choice)
        return lambda _, data_type: everywhere if isinstance(data_type, glue.ChoiceType) else None
    listed = {
        parse_path(path): _action(action) for path, action in ([specs] if isinstance(specs, tuple) else list(specs))
    }
    return lambda path, _: listed.get(path)


def resolved(schema: glue.StructType, action_of: ActionOf) -> tuple[glue.StructType, Convert]:
    """The schema after the actions, and the function that brings a record under it.

    Raises:
        NotImplementedError: The sandbox does not do an action to what is there.
        ValueError: Two fields would share a name.
    """
    return _struct(schema, (), action_of)


def _action(text: str) -> Action:
    name, _, target = text.partition(":")
    if name == "match_catalog":
        raise refusal("resolve choices by a catalog table (match_catalog)")
    if name not in {"cast", "project", "make_cols", "make_struct"} or bool(target) != (name in {"cast", "project"}):
        raise ValueError(f"{text!r} is not one of cast:TYPE, project:TYPE, make_cols, make_struct")
    return name, target


def _any(data_type: glue.DataType, path: Path, action_of: ActionOf) -> tuple[glue.DataType, Convert]:
    inner, convert = _inside(data_type, path, action_of)
    action = action_of(path, data_type)
    if action is None or action == _MAKE_COLS:
        if action and path[-1] is ELEMENT and isinstance(data_type, glue.ChoiceType):
            raise refusal(f"make columns of the elements of an array, as for {_text(path)}")
        return inner, convert
    name, target = action
    if name == "cast":
        sources = list(inner.choices.values()) if isinstance(inner, glue.ChoiceType) else [inner]
        outer, apply = cast(sources, target, _text(path))
    elif not isinstance(inner, glue.ChoiceType):
        return inner, convert
    elif name == "project":
        outer, apply = _projected(inner, target, _text(path))
    else:
        outer = glue.StructType(glue.Field(kind, member) for kind, member in inner.choices.items())
        apply = _make_struct
    return outer, _not_null(lambda value: apply(convert(value)))


def _inside(data_type: glue.DataType, path: Path, action_of: ActionOf) -> tuple[glue.DataType, Convert]:
    if isinstance(data_type, glue.StructType):
        return _struct(data_type, path, action_of)
    if isinstance(data_type, glue.ArrayType | glue.SetType):
        element, convert = _any(data_type.elementType, (*path, ELEMENT), action_of)
        return type(data_type)(element), _not_null(lambda value: type(value)(map(convert, value)))
    if isinstance(data_type, glue.ChoiceType):
        members = {kind: _inside(member, path, action_of) for kind, member in data_type.choices.items()}
        converts = {kind: convert for kind, (_, convert) in members.items()}
        choice = glue.ChoiceType(member for member, _ in members.values())
        return choice, _not_null(lambda value: converts[kind_of(value)](value))
    return data_type, _same


def _struct(data_type: glue.StructType, path: Path, action_of: ActionOf) -> tuple[glue.StructType, Convert]:
    fields: list[glue.Field] = []
    converts: dict[str, Convert] = {}
    split: set[str] = set()
    for field in data_type:
        place = (*path, field.name)
        inner, converts[field.name] = _any(field.dataType, place, action_of)
        if isinstance(inner, glue.ChoiceType) and action_of(place, field.dataType) == _MAKE_COLS:
            split.add(field.name)
            fields += [glue.Field(f"{field.name}_{kind}", member) for kind, member in inner.choices.items()]
        else:
            fields.append(glue.Field(field.name, inner))
    names = [field.name for field in fields]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"make_cols would make two fields of the name {min(twice)!r}")

    def convert(record: Any) -> Any:
        made = {}
        for name, value in record.items():
            new = converts[name](value)
            if name not in split:
                made[name] = new
            elif new is not None:
                made[f"{name}_{kind_of(new)}"] = new
        return made

    return glue.StructType(fields), _not_null(convert)


def _projected(choice: glue.ChoiceType, target: str, place: str) -> tuple[glue.DataType, Convert]:
    if target not in choice.choices:
        raise refusal(f"project {place} to {target}, which is none of its types: {', '.join(choice.choices)}")
    return choice.choices[target], lambda value: value if kind_of(value) == target else None


def _text(path: Path) -> str:
    return ".".join("[]" if step is None else step for step in path)


def _make_struct(value: Any) -> Any:
    return {kind_of(value): value}


def _same(value: Any) -> Any:
    return value


def _not_null(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)
