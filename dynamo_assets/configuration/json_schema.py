"""What a `tables.yaml` may say as a JSON Schema: editors complete and check the file by it.

It is made of the models, and says what a schema can: keys, types, ranges, choices. That names do not collide, or that a
cron expression has a meaning, `load.py` finds out. In one thing it is stricter: a number or a truth value in quotes,
which pydantic takes, is none to the schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from dynamo_assets.configuration.accounts import Account
from dynamo_assets.configuration.aws_names import ACCOUNT_ID
from dynamo_assets.configuration.keys import (
    AnyOf,
    Choice,
    Form,
    Key,
    ListOf,
    MappingOf,
    Scalar,
    SectionForm,
    Special,
    keys_of,
    summary_of,
)
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table, TableSettings
from dynamo_assets.naming import TABLE_ARN, TABLE_NAME

Schema = dict[str, Any]

_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"
_A_VARIABLE: Schema = {"$ref": "#/definitions/variable"}
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def json_schema() -> Schema:
    """The schema, by draft 7: that is the newest that all editors read."""
    top = {key.name: key for key in keys_of(Settings)}
    sections = {name: _described(key) for name, key in top.items() if isinstance(key.form, SectionForm)}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The tables file of dynamo-assets",
        "type": "object",
        "additionalProperties": False,
        "required": ["storage", "tables"],
        "properties": {
            **sections,
            "defaults": {"anyOf": [{"$ref": "#/definitions/defaults"}, {"type": "null"}]},
            "tables": {
                "description": plain(top["tables"].meaning),
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^(?:{TABLE_NAME.pattern}|{_unnamed_groups(TABLE_ARN.pattern)})$"},
                "additionalProperties": {"anyOf": [{"$ref": "#/definitions/table"}, {"type": "null"}]},
            },
            "accounts": {
                "description": plain(top["accounts"].meaning),
                "type": ["object", "null"],
                "propertyNames": {"pattern": f"^{ACCOUNT_ID.pattern}$"},
                "additionalProperties": _section(Account),
            },
            "sets": {
                "description": plain(top["sets"].meaning),
                "type": ["object", "null"],
                "propertyNames": {"pattern": _key(TableSet, "name").form.pattern},
                "additionalProperties": _set(),
            },
        },
        "definitions": {
            "defaults": _section(TableSettings),
            "table": _table(),
            "variable": {"type": "string", "pattern": _VARIABLE},
        },
    }


def schema_text() -> str:
    """The schema as the text of a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def plain(markdown: str) -> str:
    """A text without its links: those of the documentation lead nowhere from an editor."""
    return _LINK.sub(r"\1", markdown)


def _unnamed_groups(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(", pattern)  # Python's own spelling, which JavaScript does not read


def _key(model: type[BaseModel], name: str) -> Any:
    return next(key for key in keys_of(model) if key.name == name)


def _table() -> Schema:
    """As `defaults`, and the name; its properties refer to those, so that each key stands in the schema once."""
    shared = {key.name: {"$ref": f"#/definitions/defaults/properties/{key.name}"} for key in keys_of(TableSettings)}
    return {
        "description": summary_of(Table),
        "type": "object",
        "additionalProperties": False,
        "properties": {**shared, "name": _described(_key(Table, "name"))},
    }


def _set() -> Schema:
    schema = _section(TableSet)
    del schema["properties"]["name"]  # the key of its entry
    schema["required"].remove("name")
    schema["properties"]["tables"] |= {"minItems": 2, "uniqueItems": True}
    return schema


def _section(model: type[BaseModel]) -> Schema:
    keys = keys_of(model)
    schema = {
        "description": plain(summary_of(model)),
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _described(key) for key in keys},
    }
    required = [key.name for key in keys if key.is_required]
    return schema | ({"required": required} if required else {})


def _described(key: Key) -> Schema:
    schema = {**_of(key.form), "description": plain(key.meaning)}
    # A default of null breaks completion in the YAML language server (1.25); a section's keys have their own.
    has_default = key.default is not None and not isinstance(key.form, SectionForm)
    return schema | ({"default": key.default} if has_default else {})


def _of(form: Form) -> Schema:  # noqa: PLR0911 - one for each form
    match form:
        case None:
            return {"type": "null"}
        case Scalar(kind, bounds, pattern):
            return _or_variable({"type": kind, **bounds} | ({"pattern": pattern} if pattern else {}))
        case Special(written, bounds):
            # Editors show this instead of the pattern; others pass over it.
            told = {"patternErrorMessage": written.advice} if written.advice else {}
            return _or_variable({**written.schema, **bounds, **told})
        case Choice(values, off_is_false):
            return {"anyOf": [{"enum": [*values, *([False] if off_is_false else [])]}, _A_VARIABLE]}
        case ListOf(each):
            return {"type": "array", "items": _of(each)}
        case MappingOf(each):
            return {"type": "object", "additionalProperties": _of(each)}
        case SectionForm(model):
            return _section(model)
        case AnyOf(forms):
            return _any_of(forms)


def _or_variable(schema: Mapping[str, Any]) -> Schema:
    """The same, or a text with a `${VARIABLE}` in it, of which nobody knows yet what it will be."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "string" not in kinds:
        return {**schema, "type": [*kinds, "string"], "pattern": _VARIABLE}
    return {**schema, "pattern": f"{schema['pattern']}|{_VARIABLE}"} if "pattern" in schema else dict(schema)


def _any_of(forms: tuple[Form, ...]) -> Schema:
    """As one schema where no limit of one form could be taken for a limit of another: editors explain that better."""
    bare = [form.type for form in forms if isinstance(form, Scalar) and form == Scalar(form.type)]
    if len(bare) == len([form for form in forms if form is not None]):
        return {"type": [*bare, *(["null"] if None in forms else [])]}
    first, *others = (_of(form) for form in forms)
    if others == [{"type": "null"}] and "type" in first:
        kinds = first["type"] if isinstance(first["type"], list) else [first["type"]]
        return {**first, "type": [*kinds, "null"]}
    choices = [choice for schema in (first, *others) for choice in schema.get("anyOf", [schema])]
    return {"anyOf": choices}
