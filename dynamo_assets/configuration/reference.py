"""The tables of keys in `docs/configuration.md`, made of the models; what stands around them is written by hand.

    <!-- keys of glue -->
    (the table)
    <!-- end of keys -->

`make docs` renews them, and the JSON schema beside the page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dynamo_assets.configuration.accounts import Account
from dynamo_assets.configuration.json_schema import schema_text
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
    one_line,
    sections_within,
)
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.yaml_text import yaml_scalar

PAGE, SCHEMA = "configuration.md", "tables.schema.json"
"""The files of `docs/` that are made here, the first in part."""
_PART = re.compile(r"(?P<begin><!-- keys of (?P<section>\S+) -->\n).*?(?P<end><!-- end of keys -->)", re.DOTALL)
_SPOKEN = {"boolean": "`true` or `false`", "integer": "whole number", "number": "number", "string": "text"}
_OF_THE_FILE = {
    "defaults": ("any of the keys [of a table](#tables) but `name`", "What tables have that do not say otherwise."),
    "tables": ("mapping of table names to [mappings](#tables)", ""),
    "accounts": ("mapping of accounts' IDs to [mappings](#accounts)", ""),
    "sets": ("mapping of names to [mappings](#sets)", ""),
}
_DERIVED = {("tables", "name"): "the table's, as [names](#names) says"}
"""Defaults that no model has, since they are made of something else."""


def render(page: str) -> str:
    """The page with its tables of keys as the models are now.

    Raises:
        ValueError: A section has no place in the page, or the page has one for a section that is none.
    """
    tables = dict(_tables())
    places = [match["section"] for match in _PART.finditer(page)]
    if sorted(places) != sorted(tables):
        differing = ", ".join(sorted(set(places) ^ set(tables))) or "one stands twice"
        raise ValueError(
            f"docs/{PAGE} has a place for each section, once: `<!-- keys of NAME -->` and `<!-- end of keys -->`. "
            f"Not so: {differing}"
        )
    return _PART.sub(lambda match: f"{match['begin']}{tables[match['section']]}{match['end']}", page)


def write(folder: Path) -> None:
    """Renews both files of `docs/`."""
    page = folder / PAGE
    rendered = render(page.read_text(encoding="utf-8"))
    page.write_text(rendered, encoding="utf-8")
    (folder / SCHEMA).write_text(schema_text(), encoding="utf-8")


def _tables() -> Iterator[tuple[str, str]]:
    """Each section's table, by the name of the section."""
    yield "file", _table_of_file()
    for key in keys_of(Settings):
        if isinstance(key.form, SectionForm):
            yield from _with_sections_within(key.name, key.form.model)
    yield from _with_sections_within("tables", Table, but={"table"})
    yield from _with_sections_within("accounts", Account)
    yield from _with_sections_within("sets", TableSet, but={"name"})


def _with_sections_within(
    name: str, model: type[BaseModel], but: frozenset[str] | set[str] = frozenset()
) -> Iterator[tuple[str, str]]:
    keys = [key for key in keys_of(model) if key.name not in but]
    rows = [
        (f"`{key.name}`", _spoken_of(key), _DERIVED.get((name, key.name)) or _default(key), key.meaning) for key in keys
    ]
    yield name, _markdown(("key", "what", "default", "meaning"), rows)
    for key in keys:
        for section in sections_within(key.form):
            yield from _with_sections_within(f"{name}.{key.name}", section)


def _table_of_file() -> str:
    rows = []
    keys: Mapping[str, Key] = {key.name: key for key in keys_of(Settings)}
    for name in [*(name for name in keys if name not in _OF_THE_FILE), *_OF_THE_FILE]:
        what, meaning = _OF_THE_FILE.get(name) or (f"[mapping](#{name})", "")
        if name in keys:
            meaning = meaning or keys[name].meaning
        required = "required" if name in keys and keys[name].is_required else ""
        rows.append((f"`{name}`", what, required, meaning))
    return _markdown(("key", "what", "", "meaning"), rows)


def _markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(one_line(cell.replace("|", "\\|")) for cell in line) + " |\n" for line in lines)


def _default(key: Key) -> str:
    if key.is_required:
        return "required"
    match key.default:
        case None | "" | [] | {}:
            return ""
        case bool(truth):
            return f"`{str(truth).lower()}`"
        case str(text) if not isinstance(key.form, Special) or " " in text:
            return f"`{yaml_scalar(text)}`"
        case value:
            return f"`{value}`"


def _spoken_of(key: Key) -> str:
    forms = key.form.forms if isinstance(key.form, AnyOf) else (key.form,)
    if not key.is_required:  # the default tells of null
        forms = tuple(form for form in forms if form is not None)
    if Scalar("number") in forms:
        forms = tuple(form for form in forms if form != Scalar("integer"))
    return _either([_spoken(form, key.name) for form in forms])


def _spoken(form: Form, name: str) -> str:  # noqa: PLR0911 - one for each form
    match form:
        case Scalar(kind, bounds):
            return _SPOKEN[kind] + _range(bounds, _with_commas)
        case Special(written, bounds):
            return written.spoken + _range(bounds, lambda limit: _with_commas(written.write(limit)))
        case Choice(values):
            return _either([f"`{yaml_scalar(value)}`" for value in values])
        case ListOf(SectionForm()):
            return f"list of [mappings](#{name})"
        case ListOf(each):
            return f"list of {_spoken(each, name)}"
        case MappingOf(each):
            return f"mapping of text to {_spoken(each, name)}"
        case SectionForm():
            return f"[mapping](#{name})"
        case AnyOf(forms):
            return _either([_spoken(each, name) for each in forms])
        case None:
            return "`null`"


def _either(choices: list[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


def _with_commas(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _range(bounds: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    spoken = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
    }
    if set(bounds) == {"minimum", "maximum"}:
        return f", {write(bounds['minimum'])} to {write(bounds['maximum'])}"
    return "".join(f", {text.format(write(bounds[bound]))}" for bound, text in spoken.items() if bound in bounds)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
