"""True `ConsumedCapacity`, where moto has constants.

Capacity is counted from the sizes in the write log, before projections and filters, as DynamoDB counts it. Where the
sandbox does not measure (secondary indexes, transactions, PartiQL, a Query that filters), asking for it is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from dynamo_assets.sandbox.dynamodb.errors import refusal
from dynamo_assets.sandbox.dynamodb.item_size import read_units, write_units
from dynamo_assets.sandbox.dynamodb.table_writes import log_of
from dynamo_assets.sandbox.dynamodb.write_log import image_of

Operation = Callable[[DynamoHandler], ActionResult]


_moto_get_item = DynamoHandler.get_item
_moto_batch_get_item = DynamoHandler.batch_get_item
_moto_query = DynamoHandler.query
_moto_put_item = DynamoHandler.put_item
_moto_update_item = DynamoHandler.update_item
_moto_delete_item = DynamoHandler.delete_item
_moto_batch_write_item = DynamoHandler.batch_write_item


def wanted_level(body: dict[str, Any]) -> str:
    """The request's `ReturnConsumedCapacity`: NONE, TOTAL or INDEXES."""
    return body.get("ReturnConsumedCapacity", "NONE")


def described(level: str, table_name: str, units: float) -> dict[str, Any]:
    """One `ConsumedCapacity` structure, for a request that used no secondary index."""
    capacity: dict[str, Any] = {"TableName": table_name, "CapacityUnits": units}
    if level == "INDEXES":
        capacity["Table"] = {"CapacityUnits": units}
    return capacity


def get_item(handler: DynamoHandler) -> ActionResult:
    """GetItem: the item's size, before any projection."""
    body = handler.body
    level = wanted_level(body)
    answer = _moto_get_item(handler)
    table = handler.dynamodb_backend.get_table(body["TableName"])
    units = read_units(_size(table, body["Key"]), consistent=body.get("ConsistentRead", False))
    return _report(answer, level, described(level, body["TableName"], units))


def batch_get_item(handler: DynamoHandler) -> ActionResult:
    """BatchGetItem: every item is rounded up by itself."""
    level = wanted_level(handler.body)
    answer = _moto_batch_get_item(handler)
    unread = _content(answer).get("UnprocessedKeys", {})
    capacities: list[dict[str, Any]] = []
    for name, request in handler.body["RequestItems"].items():
        table = handler.dynamodb_backend.get_table(name)
        keys = [key for key in request["Keys"] if key not in unread.get(name, {}).get("Keys", [])]
        consistent = request.get("ConsistentRead", False)
        units = sum(read_units(_size(table, key), consistent=consistent) for key in keys)
        capacities.append(described(level, name, units))
    return _report(answer, level, capacities)


def query(handler: DynamoHandler) -> ActionResult:
    """Query: the items found, as one sum; refused where what it answers is not what it read."""
    body = handler.body
    level = wanted_level(body)
    reshaping = {"IndexName", "FilterExpression", "QueryFilter", "ProjectionExpression", "AttributesToGet", "Select"}
    if level != "NONE" and (used := sorted(reshaping & body.keys())):
        raise refusal(f"measure the capacity of a Query with {used[0]}: leave out ReturnConsumedCapacity")
    answer = _moto_query(handler)
    found = sum(image_of(item).size for item in _content(answer).get("Items", ())) if level != "NONE" else 0
    units = read_units(found, consistent=body.get("ConsistentRead", False))
    return _report(answer, level, described(level, body["TableName"], units))


def put_item(handler: DynamoHandler) -> ActionResult:
    """PutItem: the larger of the item before and after."""
    return _write(handler, _moto_put_item)


def update_item(handler: DynamoHandler) -> ActionResult:
    """UpdateItem: the larger of the item before and after."""
    return _write(handler, _moto_update_item)


def delete_item(handler: DynamoHandler) -> ActionResult:
    """DeleteItem: the item that was there, or one unit for none."""
    return _write(handler, _moto_delete_item)


def batch_write_item(handler: DynamoHandler) -> ActionResult:
    """BatchWriteItem: every put and delete is rounded up by itself."""
    level = wanted_level(handler.body)
    requests = handler.body["RequestItems"]
    tables = {name: handler.dynamodb_backend.get_table(name) for name in requests}
    for table in tables.values():
        _prepare(table, level)
    answer = _moto_batch_write_item(handler)
    capacities = [described(level, name, _written(table, len(requests[name]))) for name, table in tables.items()]
    return _report(answer, level, capacities)


def _write(handler: DynamoHandler, operation: Operation) -> ActionResult:
    level = wanted_level(handler.body)
    table = handler.dynamodb_backend.get_table(handler.body["TableName"])
    _prepare(table, level)
    answer = operation(handler)
    return _report(answer, level, described(level, handler.body["TableName"], _written(table, 1)))


def _prepare(table: Table, level: str) -> None:
    if level != "NONE" and table.all_indexes():
        raise refusal(
            f"measure what a write to the secondary indexes of {table.name!r} costs: leave out ReturnConsumedCapacity"
        )
    log_of(table).touched.clear()


def _written(table: Table, requests: int) -> float:
    touched = log_of(table).touched
    # Deleting what is not there costs the least there is.
    return sum(map(write_units, touched)) + (requests - len(touched)) * write_units(0)


def _size(table: Table, key: dict[str, Any]) -> int:
    image = log_of(table).image(key)
    return image.size if image else 0


def _content(answer: ActionResult) -> dict[str, Any]:
    return cast("dict[str, Any]", answer.result)


def _report(answer: ActionResult, level: str, capacity: Any) -> ActionResult:
    content = _content(answer)
    content.pop("ConsumedCapacity", None)
    if level != "NONE":
        content["ConsumedCapacity"] = capacity
    return answer


def _unmeasured(operation: Operation) -> Operation:
    def answer(handler: DynamoHandler) -> ActionResult:
        if wanted_level(handler.body) != "NONE":
            raise refusal(
                "measure the capacity of transactions and PartiQL statements: leave out ReturnConsumedCapacity"
            )
        return operation(handler)

    return answer


transact_get_items = _unmeasured(DynamoHandler.transact_get_items)
transact_write_items = _unmeasured(DynamoHandler.transact_write_items)
execute_statement = _unmeasured(DynamoHandler.execute_statement)
execute_transaction = _unmeasured(DynamoHandler.execute_transaction)
batch_execute_statement = _unmeasured(DynamoHandler.batch_execute_statement)
