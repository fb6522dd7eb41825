"""Every write to a DynamoDB table goes into its write log.

Whatever the API it came by (PutItem, BatchWriteItem, UpdateItem, DeleteItem, TransactWriteItems, PartiQL, an import),
a write of moto's ends in one of the three methods that the functions here replace. They also see to it that a failed
update leaves the item as it was, and that an item is at most 400 KB by DynamoDB's own arithmetic.

A transaction that fails leaves nothing: moto puts back its deep copy of the table, which carries a copy of the log.
"""

from __future__ import annotations

import copy
import threading
from typing import Any

from moto.core.exceptions import ServiceException
from moto.dynamodb.exceptions import ItemSizeTooLarge, ItemSizeToUpdateTooLarge
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from werkzeug.exceptions import HTTPException

from dynamo_assets.sandbox.dynamodb.errors import refusal
from dynamo_assets.sandbox.dynamodb.item_size import MAX_ITEM_BYTES
from dynamo_assets.sandbox.dynamodb.write_log import Image, WriteLog, image_of

# DynamoDB's requests are answered one at a time: moto iterates over dictionaries that other threads would change.
LOCK = threading.RLock()

_moto_put_item = Table.put_item
_moto_delete_item = Table.delete_item
_moto_update_item = DynamoDBBackend.update_item
_moto_execute_statement = DynamoDBBackend.execute_statement


def log_of(table: Table) -> WriteLog:
    """The table's log; for one that moto restored from a backup, begun with what it holds."""
    log = vars(table).get("write_log")
    if log is None:
        log = vars(table)["write_log"] = WriteLog(table.table_key_attrs)
        for item in table.all_items():
            log.write(item.attrs, image_of(item.attrs))
    return log


def put_item(table: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
    """`Table.put_item`, remembered."""
    with LOCK:
        log = log_of(table)
        log.refuse_the_past(table.name)
        image = image_of(item_attrs)
        if image.size > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge
        item = _moto_put_item(table, item_attrs, *args, **kwargs)
        log.write(item_attrs, image)
        return item


def delete_item(table: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
    """`Table.delete_item`, remembered."""
    with LOCK:
        log = log_of(table)
        log.refuse_the_past(table.name)
        item = _moto_delete_item(table, hash_key, range_key)
        if item is not None:
            log.write(item.attrs, None)
        return item


def update_item(backend: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
    """`DynamoDBBackend.update_item`, remembered: it changes items in place, and puts a new one before it fills it."""
    with LOCK:
        table = backend.get_table(table_name)
        log = log_of(table)
        log.refuse_the_past(table.name)
        hash_key, range_key = backend.get_keys_value(table, key)
        before = copy.deepcopy(table.get_item(hash_key, range_key))
        log.paused = True
        try:
            item = _moto_update_item(backend, table_name, key, *args, **kwargs)
            image = _image_of_updated(item)
        except BaseException:
            _put_back(table, hash_key, range_key, before)
            raise
        finally:
            log.paused = False
        log.write(item.attrs, image)
        return item


def _image_of_updated(item: Item) -> Image:
    image = image_of(item.attrs)
    if image.size > MAX_ITEM_BYTES:
        raise ItemSizeToUpdateTooLarge
    return image


def execute_statement(
    backend: DynamoDBBackend, statement: str, parameters: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """`DynamoDBBackend.execute_statement`, which refuses what moto's reader of PartiQL trips over."""
    try:
        return _moto_execute_statement(backend, statement, parameters)
    except (HTTPException, ServiceException):
        raise
    except Exception as error:
        # Otherwise an answer of status 500, which boto3 tries ten times.
        raise refusal(
            f"understand the PartiQL statement {statement!r}: write it otherwise, or use another API"
        ) from error


def _put_back(table: Table, hash_key: DynamoType, range_key: DynamoType | None, before: Item | None) -> None:
    # Without a sort key moto's items are one level deep, with one two.
    items: Any = table.items
    place, key = (items, hash_key) if range_key is None else (items[hash_key], range_key)
    if before is None:
        place.pop(key, None)
    else:
        place[key] = before
