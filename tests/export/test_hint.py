"""What a manifest keeps of a snapshot's observations is what the next snapshot starts from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export.hint import document_of, expected, expected_facts
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.observed import Facts, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import TableSchema, arrow_type, field_names
from tests.export.any_items import units
from tests.export.manifests import manifest_of

PARQUET = ExportRequest(table="Zoo", bucket="exports")
options = st.builds(
    partial(ExportRequest, table="Zoo", bucket="exports"),
    format=st.sampled_from(["parquet", "orc", "avro", "json", "csv"]),
    nested=st.sampled_from(["struct", "json"]),
    mixed_types=st.sampled_from(["text", "dynamodb_json"]),
)


def without_counts(observed: Observed) -> Observed:
    """Facts with nothing counted, and without the names of fields that are not there any more."""
    return Observed(
        counts=dict.fromkeys(observed.counts, 0),
        numbers=observed.numbers,
        fields={name: without_counts(inner) for name, inner in observed.fields.items()},
        names=observed.names,
        too_many_fields=observed.too_many_fields,
        elements=without_counts(observed.elements) if observed.elements else None,
    )


def same_but_names(one: Observed, other: Observed) -> bool:
    return (
        one.counts == other.counts
        and one.numbers == other.numbers
        and one.too_many_fields == other.too_many_fields
        and one.fields.keys() == other.fields.keys()
        and all(same_but_names(inner, other.fields[name]) for name, inner in one.fields.items())
        and (one.elements is None) == (other.elements is None)
        and (one.elements is None or other.elements is None or same_but_names(one.elements, other.elements))
    )


@settings(max_examples=40, deadline=None)
@given(units, options)
def test_a_document_leads_to_expect_what_was_observed(export_pages: Any, data: Any, request_: ExportRequest) -> None:
    for observed in export_pages(data, request_).facts.attributes.values():
        hint = expected(document_of(observed, request_))
        assert same_but_names(hint, without_counts(observed))
        assert arrow_type(hint, request_) == arrow_type(observed, request_)
        assert list(field_names(hint, request_).items()) == list(field_names(observed, request_).items())


@settings(max_examples=40, deadline=None)
@given(units, options)
def test_an_expected_schema_is_the_schema_that_it_comes_from(
    export_pages: Any, data: Any, request_: ExportRequest
) -> None:
    """Types, names and places of all columns; and so is the one that comes from that one in turn."""
    facts = export_pages(data, request_).facts
    schema = TableSchema.of(facts, request_, ["pk"])
    for _ in range(2):
        facts = expected_facts(manifest_of(facts, request_, ("pk",)))
        again = TableSchema.of(facts, request_, ["pk"])
        assert list(again.columns) == list(schema.columns)
        assert again.arrow == schema.arrow
        assert again.same_columns(schema)


@settings(max_examples=40, deadline=None)
@given(units)
def test_a_document_counts_every_value(export_pages: Any, data: Any) -> None:
    exported = export_pages(data, PARQUET)
    seen: dict[str, int] = {}
    for item in (item for unit in data for page in unit for item in page):
        for name in item:
            seen[name] = seen.get(name, 0) + 1
    assert {
        name: sum(document_of(o, PARQUET)["types"].values()) for name, o in exported.facts.attributes.items()
    } == seen


def test_what_a_document_looks_like(export_pages: Any) -> None:
    exported = export_pages(
        [[[{"m": {"Id": 1, "id": "x", "list": [{2**70}, None]}, "n": None}, {"m": {"Id": 2}}]]], PARQUET
    )
    assert {name: document_of(observed, PARQUET) for name, observed in exported.facts.attributes.items()} == {
        "m": {
            "types": {"M": 2},
            "fields": {
                "Id": {"name": "id_2", "types": {"N": 2}},
                "id": {"types": {"S": 1}},
                "list": {
                    "types": {"L": 1},
                    "elements": {"types": {"NS": 1, "NULL": 1}, "elements": {"types": {}, "numbers": "text"}},
                },
            },
        },
        "n": {"types": {"NULL": 1}},
    }


def test_too_many_fields_stay_too_many(export_pages: Any) -> None:
    observed = export_pages([[[{"m": {f"k{n}": n for n in range(201)}}]]], PARQUET).facts.attributes["m"]
    hint = expected(document_of(observed, PARQUET))
    assert hint.too_many_fields
    assert hint.below("k1") is None
    assert hint.fields == {}


def test_manifests_that_say_types_only_lead_to_expect_those() -> None:
    """As the first manifests were."""
    manifest = replace(manifest_of(Facts(), PARQUET), columns=(ManifestColumn("price", "Price", "bigint", {"N": 3}),))
    facts = expected_facts(manifest)
    assert facts.attributes["Price"].counts == {"N": 0}
    assert facts.names == {"Price": "price"}
