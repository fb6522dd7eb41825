"""Over any history: a snapshot that was merged is the one that a full export of the same instant gives."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyarrow import orc

from dynamo_assets.export import ExportRequest, Manifest
from dynamo_assets.export.hint import counted_facts
from dynamo_assets.export.schema import TableSchema
from dynamo_assets.naming import parse_snapshot
from tests.export.native_export.conftest import BEGINNING, Merges, label_at
from tests.same_values import assert_same
from tests.sandbox.exports import HOUR, Exports, Item

KEYS: dict[str, list[Any]] = {
    "S": ["a", "b", "1:a", "ä"],
    "N": [Decimal(text) for text in ("0", "1", "-20", "1.5", "1E+30", "1E-18", "1E-130")],
    "B": [b"\x00", b"\xff:", b"2:a"],
}
KEY_SCHEMAS = st.lists(st.sampled_from("SNB"), min_size=1, max_size=2)
SCALARS = st.sampled_from(
    [Decimal(1), Decimal("2.5"), Decimal("1E+40"), Decimal(-12345678901234567890123456789012345678), "x", "", True]
)
VALUES = st.one_of(
    SCALARS,
    st.none(),
    st.just(b"\x00\xff"),
    st.sampled_from([{"x"}, {"x", "y"}, {Decimal(1)}, {Decimal("0.5"), Decimal(7)}, {b"z"}]),
    st.lists(st.one_of(SCALARS, st.none()), max_size=3),
    st.dictionaries(st.sampled_from(["S", "M", "x"]), st.one_of(SCALARS, st.none()), max_size=2),
)
ITEMS = st.dictionaries(st.sampled_from(["n", "v", "Deep", "deep"]), VALUES, max_size=3)
# Which of the keys, and what becomes of it: None for a deletion.
WRITES = st.lists(st.tuples(st.integers(0, 11), st.one_of(ITEMS, st.none())), max_size=8)


def make_table(merges: Merges, tags: list[str]) -> tuple[str, list[dict[str, Any]]]:
    """A table with these key types, and some keys of it."""
    names = ["pk", "sk"][: len(tags)]
    table = merges._unique("table")
    merges.dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in zip(names, ["HASH", "RANGE"], strict=False)],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in zip(names, tags, strict=True)],
        BillingMode="PAY_PER_REQUEST",
    )
    merges.recover(table)
    choices = [KEYS[tag] for tag in tags]
    keys = [{name: some[i % len(some)] for name, some in zip(names, choices, strict=True)} for i in range(12)]
    return table, keys


def write(merges: Merges, table: str, key: Mapping[str, Any], item: Mapping[str, Any] | None) -> None:
    serialized = {name: TypeSerializer().serialize(value) for name, value in {**key, **(item or {})}.items()}
    if item is None:
        merges.dynamodb.delete_item(TableName=table, Key=serialized)
    else:
        merges.dynamodb.put_item(TableName=table, Item=serialized)


def items_at(merges: Merges, table: str, label: str) -> list[Item]:
    """What a full export has, as boto3 gives it."""
    lines = merges.lines(merges.run(table, ExportTime=parse_snapshot(label)))
    return [{name: TypeDeserializer().deserialize(v) for name, v in _typed(line["Item"]).items()} for line in lines]


def _typed(value: Any) -> Any:
    """boto3 wants binary as bytes, where it stands in the file as base64."""
    if isinstance(value, dict) and len(value) == 1:
        ((tag, inner),) = value.items()
        if tag == "B" and isinstance(inner, str):
            return {tag: base64.b64decode(inner)}
        if tag == "BS" and isinstance(inner, list):
            return {tag: [base64.b64decode(one) for one in inner]}
    if isinstance(value, dict):
        return {name: _typed(inner) for name, inner in value.items()}
    return [_typed(inner) for inner in value] if isinstance(value, list) else value


def rows_of(merges: Exports, manifest: Manifest) -> pa.Table:
    """Everything in the snapshot's folder, under the columns of its manifest."""
    read: Any = pq.read_table if manifest.format == "parquet" else orc.read_table
    keys = merges.keys(manifest.location.removeprefix(f"s3://{merges.bucket}/"))
    return pa.concat_tables([read(io.BytesIO(merges.get(key))) for key in sorted(keys)], promote_options="default")


def assert_is(merges: Merges, manifest: Manifest, items: list[Item], options: ExportRequest) -> None:
    """A snapshot holds these items and nothing else."""
    facts = counted_facts(manifest)
    schema = TableSchema.of(facts, options, manifest.keys)
    rows = rows_of(merges, manifest).to_pylist()
    assert len(rows) == len(items) == manifest.rows
    names = [schema.columns[attribute].name for attribute in manifest.keys]
    by_key = {tuple(_comparable(row[name]) for name in names): row for row in rows}
    assert len(by_key) == len(rows)
    for item in items:
        row = by_key.pop(tuple(_comparable(item[attribute]) for attribute in manifest.keys))
        for attribute, column in schema.columns.items():
            expected = item.get(attribute)
            assert_same(row.get(column.name), expected, column.type, facts.attributes[attribute], options)
    assert not by_key


def _comparable(value: Any) -> Any:
    value = getattr(value, "value", value)  # boto3's Binary
    if isinstance(value, str):
        try:
            return Decimal(value)
        except ArithmeticError:
            return value
    return Decimal(value) if isinstance(value, int) else value


def counts(manifest: Manifest) -> dict[str, dict[str, int]]:
    return {c.attribute: dict(c.dynamodb_types) for c in manifest.columns if c.dynamodb_types}


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate),  # an example takes seconds, so that shrinking one would take minutes
)
@given(
    tags=KEY_SCHEMAS,
    history=st.lists(WRITES, min_size=3, max_size=5),
    format=st.sampled_from(["parquet", "parquet", "orc"]),
    data=st.data(),
)
def test_a_chain_of_merges_is_the_full_export_at_each_of_its_instants(
    merges: Merges, tags: list[str], history: Any, format: Any, data: Any
) -> None:
    """Hour by hour; each snapshot is merged of some hours' changes, each hour's an export of its own."""
    merges.clock(BEGINNING)
    table, keys = make_table(merges, tags)
    labels = []
    for hour, writes in enumerate(history):
        merges.clock(BEGINNING + hour * HOUR + 60)
        for number, item in writes:
            write(merges, table, keys[number], item)
        labels.append(label_at(hour * HOUR + HOUR))
    merges.clock(BEGINNING + (len(history) + 1) * HOUR)
    options = {"format": format, "name": f"{table}_merged"}
    done = 0
    merges.full(table, labels[0], **options)
    while done < len(labels) - 1:
        then = data.draw(st.integers(done + 1, len(labels) - 1))
        merged = merges.merged(table, *labels[done : then + 1], **options)
        full = merges.full(table, labels[then], **{**options, "name": f"{table}_full"})
        request = ExportRequest(table=table, bucket=merges.bucket, format=format)
        assert_is(merges, merged, items_at(merges, table, labels[then]), request)
        assert counts(merged) == counts(full)
        assert merged.rows == full.rows
        done = then
