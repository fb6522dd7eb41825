"""Whatever the last snapshot leads to expect: every value comes back, names stay, and types only widen."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export.hint import expected_facts
from dynamo_assets.export.observed import Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import arrow_type, field_names
from tests.export.any_items import as_boto3_reads, units
from tests.export.manifests import manifest_of

OPTIONS = ExportRequest(table="Zoo", bucket="exports")
other_options = st.builds(
    partial(ExportRequest, table="Zoo", bucket="exports"),
    format=st.sampled_from(["parquet", "orc", "avro", "json", "csv"]),
    nested=st.sampled_from(["struct", "json"]),
    mixed_types=st.sampled_from(["text", "dynamodb_json"]),
    numbers=st.sampled_from(["exact", "double"]),
)


@settings(max_examples=60, deadline=None)
@given(st.tuples(units, other_options), units)
def test_every_value_comes_back_as_boto3_reads_it(
    export_pages: Any, make_page: Any, assert_same: Any, last: Any, data: Any
) -> None:
    """Even where the last snapshot was made with other options."""
    before, options_before = last
    hint = expected_facts(manifest_of(export_pages(before, options_before).facts, options_before))
    exported = export_pages(data, OPTIONS, hint)
    items = as_boto3_reads(data, make_page)
    assert len(exported.rows) == len(items)
    for row, item in zip(exported.rows, items, strict=True):
        for attribute, column in exported.schema.columns.items():
            assert_same(row.get(attribute), item.get(attribute), column.type, column.observed)


@settings(max_examples=40, deadline=None)
@given(units, units)
def test_names_and_places_stay_and_types_only_widen(export_pages: Any, before: Any, data: Any) -> None:
    first = manifest_of(export_pages(before, OPTIONS).facts, OPTIONS)
    exported = export_pages(data, OPTIONS, expected_facts(first))
    columns = list(exported.schema.columns.values())
    assert [(c.attribute, c.name) for c in columns[: len(first.columns)]] == [
        (c.attribute, c.name) for c in first.columns
    ]
    hint = expected_facts(first)
    for column in columns[: len(first.columns)]:
        assert_wider(hint.attributes[column.attribute], column.observed)


@settings(max_examples=25, deadline=None)
@given(units, units)
def test_what_was_expected_and_stays_away_changes_nothing(export_pages: Any, before: Any, data: Any) -> None:
    """The schema is the same after an empty snapshot, and after the same pages again, down to the last field."""
    first = manifest_of(export_pages(before, OPTIONS).facts, OPTIONS)
    second = manifest_of(export_pages(data, OPTIONS, expected_facts(first)).facts, OPTIONS)
    third = manifest_of(export_pages([[]], OPTIONS, expected_facts(second)).facts, OPTIONS)
    fourth = manifest_of(export_pages(data, OPTIONS, expected_facts(third)).facts, OPTIONS)
    described = [[(c.name, c.attribute, c.type) for c in manifest.columns] for manifest in (second, third, fourth)]
    assert described[0] == described[1] == described[2]


def assert_wider(before: Observed, now: Observed) -> None:
    """Fails unless every value of a column fits it still, and every name in it is there still."""
    kind, wide = arrow_type(before, OPTIONS), arrow_type(now, OPTIONS)
    never_a_value = not before.tags() or (before.tags() == {"M"} and not before.fields and not before.too_many_fields)
    if kind == wide or pa.types.is_string(wide) or never_a_value:
        return
    if pa.types.is_struct(kind):
        assert pa.types.is_struct(wide)
        names = list(field_names(before, OPTIONS).items())
        assert list(field_names(now, OPTIONS).items())[: len(names)] == names
        for field, inner in before.fields.items():
            assert_wider(inner, now.fields[field])
    elif pa.types.is_list(kind):
        assert pa.types.is_list(wide)
        assert before.tags() == now.tags()
        if before.tags() == {"L"}:
            assert_wider(before.element(), now.element())
    else:
        assert kind == pa.int64()
        assert wide == pa.decimal128(38, 18)
