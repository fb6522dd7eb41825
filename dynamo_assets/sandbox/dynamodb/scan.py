"""DynamoDB's Scan, as AWS does it.

A page is put together from the write log: items in the order of their partition keys' hashes, each already
encoded, so that a page costs little more than its bytes. Segments are ranges of the hash space, up to 1,000,000 of
them; the items of one partition key are in one segment. Reads see every write at once, also the eventually consistent.

Nothing is throttled: unlike AWS's, a provisioned table answers however much is asked of it.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.dynamodb.comparisons import create_condition_expression_parser, get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import (
    DynamoHandler,
    ProjectionExpressionParser,
    validate_attributes_used,
    validate_select,
)

from dynamo_assets.sandbox.dynamodb.consumed_capacity import described, wanted_level
from dynamo_assets.sandbox.dynamodb.errors import invalid, refusal
from dynamo_assets.sandbox.dynamodb.hash_space import OrderKey, position, segment_bounds
from dynamo_assets.sandbox.dynamodb.item_size import read_units
from dynamo_assets.sandbox.dynamodb.other_accounts import enter
from dynamo_assets.sandbox.dynamodb.table_writes import LOCK, log_of
from dynamo_assets.sandbox.dynamodb.write_log import Page, encode

_LEGACY_SCAN_PARAMETERS = ("ScanFilter", "ConditionalOperator", "AttributesToGet")
_CONTENT_TYPE = {"Content-Type": "application/x-amz-json-1.0"}

_moto_call_action = DynamoHandler.call_action
_moto_scan = DynamoHandler.scan


def call_action(handler: DynamoHandler) -> TYPE_RESPONSE:
    """Answers one request at a time; moto adds the `x-amz-crc32` that clients check bodies by."""
    with LOCK:
        return enter(handler) or _moto_call_action(handler)


def is_within_segment(item: Item, segments: tuple[int, int] | tuple[None, None]) -> bool:
    """`Item.is_within_segment`, which moto uses for scans of indexes, with as many segments as AWS has."""
    number, total = segments
    if number is None or total is None:
        return True
    first, end = segment_bounds((number, total))
    return first <= position(item.hash_key) < end


def scan(handler: DynamoHandler) -> TYPE_RESPONSE | ActionResult:
    """One page of a table, or of one segment of it."""
    body = handler.body
    level = wanted_level(body)
    table = handler.dynamodb_backend.get_table(body["TableName"])
    segment = _segment(body)
    if used := [name for name in _LEGACY_SCAN_PARAMETERS if name in body]:
        raise refusal(f"do the legacy parameter {used[0]} in a Scan: use expressions")
    if "IndexName" in body:
        if level != "NONE":
            raise refusal("measure the capacity of scanning a secondary index: leave out ReturnConsumedCapacity")
        return _moto_scan(handler)
    shape = _Reshaping(handler, table)
    page = log_of(table).page(segment, _start(table, body, segment), body.get("Limit"))
    items = shape.apply(page) if shape.needed else [msgspec.Raw(image.json) for image in page.images]
    answer: dict[str, Any] = {"Count": len(items), "ScannedCount": len(page.images)}
    if body.get("Select") != "COUNT":
        answer["Items"] = items
    if page.more:
        answer["LastEvaluatedKey"] = page.records[-1].keys
    if level != "NONE":
        units = read_units(page.size, consistent=body.get("ConsistentRead", False))
        answer["ConsumedCapacity"] = described(level, body["TableName"], units)
    # moto types bodies as text; its checksum and Flask take bytes as well.
    return 200, dict(_CONTENT_TYPE), cast("str", encode(answer))


class _Reshaping:
    """A Scan's filter and projection, which apply to a page after it is read, and paid for."""

    def __init__(self, handler: DynamoHandler, table: Table) -> None:
        body = handler.body
        names = body.get("ExpressionAttributeNames", {})
        filter_text = handler._get_filter_expression()
        values = handler._get_expr_attr_values()
        condition = create_condition_expression_parser(filter_text, names, values)
        projection_text = handler._get_projection_expression()
        projection = ProjectionExpressionParser(projection_text, names)
        try:
            condition.parse()
            self._filter = get_filter_expression(filter_text, names, values)
        except ValueError as error:
            raise invalid(f"Invalid FilterExpression: {error}") from error
        self._projection = projection.parse()
        used = [*condition.expr_attr_names_found, *projection.expr_attr_names_found]
        validate_attributes_used(names, used, validation_error_prefix=False)
        validate_select(
            operation="Scan",
            select=body.get("Select"),
            projection_expression=projection_text,
            attributes_to_get=None,
            table=table,
            index_name=None,
        )
        self._table = table
        self.needed = bool(filter_text or self._projection)

    def apply(self, page: Page) -> list[dict[str, Any]]:
        """What is left of a page."""
        read = [self._item(record.keys) for record in page.records]
        kept = [item for item in read if self._filter.expr(item)]
        if self._projection:
            kept = [item.project(self._projection) for item in kept]
        return [dict(item.attrs) for item in kept]

    def _item(self, keys: dict[str, Any]) -> Item:
        partition, *sort = (DynamoType(value) for value in keys.values())
        item = self._table.get_item(partition, sort[0] if sort else None)
        assert item is not None, "the log has what the table has"
        return item


def _segment(body: dict[str, Any]) -> tuple[int, int]:
    number, total = body.get("Segment"), body.get("TotalSegments")
    if number is None and total is None:
        return 0, 1
    if number is None or total is None:
        missing, given = ("Segment", "TotalSegments") if number is None else ("TotalSegments", "Segment")
        raise invalid(
            f"The {missing} parameter is required but was not present in the request when parameter {given} is present"
        )
    if number >= total:
        raise invalid(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {number} is not less than TotalSegments: {total}"
        )
    return number, total


def _start(table: Table, body: dict[str, Any], segment: tuple[int, int]) -> OrderKey | None:
    given = body.get("ExclusiveStartKey")
    if given is None:
        return None
    types = {table.hash_key_attr: table.hash_key_type}
    if table.range_key_attr:
        types[table.range_key_attr] = cast("str", table.range_key_type)
    if {name: next(iter(value)) for name, value in given.items()} != types:
        raise invalid("The provided starting key is invalid: The provided key element does not match the schema")
    start = log_of(table).order_key(given)
    first, end = segment_bounds(segment)
    if not first <= start[0] < end:
        number, total = segment
        raise invalid(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with "
            f"correct Segment. TotalSegments: {total} Segment: {number}"
        )
    return start
