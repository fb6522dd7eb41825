"""Observations as they stand in a manifest, and back: the schema that the next snapshot starts from.

What the last snapshot held is expected of the next one: a column keeps its name, its place and at least its type, so
that views and queries go on working when a rare attribute stays away for a day, and nothing has to be discovered again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.export.observed import Facts, NumberRange, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import field_names


def document_of(observed: Observed, options: ExportRequest) -> dict[str, Any]:
    """Observations as JSON, empty parts left out.

    Returns:
        `types` (counts by DynamoDB type), `numbers` (`decimal` or `text` where 64 bits do not hold them), `fields` of
        maps in the column's order, each with the `name` it has there if that is another one, `elements` of lists and
        sets, `too_many_fields`.
    """
    document: dict[str, Any] = {"types": dict(sorted(observed.counts.items()))}
    if observed.numbers != NumberRange.INT64:
        document["numbers"] = observed.numbers.name.lower()
    if observed.too_many_fields:
        document["too_many_fields"] = True
    if observed.fields:
        document["fields"] = {
            field: ({"name": name} if name != field else {}) | document_of(observed.fields[field], options)
            for field, name in field_names(observed, options).items()
        }
    if observed.elements is not None:
        document["elements"] = document_of(observed.elements, options)
    return document


def counted(document: Mapping[str, Any]) -> Observed:
    """The observations that a document was made of."""
    return _observed(document, dict)


def expected(document: Mapping[str, Any]) -> Observed:
    """What a document leads to expect: its types, with nothing counted yet."""
    return _observed(document, lambda types: dict.fromkeys(types, 0))


def _observed(document: Mapping[str, Any], counts: Callable[[Mapping[str, int]], dict[str, int]]) -> Observed:
    fields: Mapping[str, Any] = document.get("fields", {})
    elements = document.get("elements")
    return Observed(
        counts=counts(document.get("types", {})),
        numbers=NumberRange[document.get("numbers", "int64").upper()],
        fields={name: _observed(inner, counts) for name, inner in fields.items()},
        names={name: inner.get("name", name) for name, inner in fields.items()},
        too_many_fields=document.get("too_many_fields", False),
        elements=None if elements is None else _observed(elements, counts),
    )


def expected_facts(manifest: Manifest) -> Facts:
    """What a table's last snapshot leads to expect of the next one."""
    return Facts(
        {c.attribute: expected(c.observed or {"types": c.dynamodb_types}) for c in manifest.columns},
        {c.attribute: c.name for c in manifest.columns},
    )


def counted_facts(manifest: Manifest) -> Facts:
    """What was observed of a snapshot, as its manifest has it."""
    facts = expected_facts(manifest)
    for column in manifest.columns:
        observed = counted(column.observed or {"types": column.dynamodb_types})
        # The manifest has one number for all that was lost at a path and below it.
        observed.lossy = column.lossy
        facts.attributes[column.attribute] = observed
    return facts
