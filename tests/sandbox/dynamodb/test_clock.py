from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, HOUR, Exports, item


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


def test_history_is_not_rewritten(exports: Exports) -> None:
    start = int(time.time()) - DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a")
    exports.clock(start - HOUR)
    for write in (
        lambda: exports.put(table, "b"),
        lambda: exports.delete(table, "a"),
        lambda: exports.dynamodb.update_item(TableName=table, Key={"pk": {"S": "a"}}),
    ):
        with pytest.raises(ClientError, match="The sandbox does not write to the past"):
            write()
    exports.clock(start + HOUR)
    assert exports.state(table) == {"a": item("a")}


def test_the_clock_is_dynamodbs_alone(exports: Exports, dynamodb_clock: Callable[[float], datetime]) -> None:
    shown = dynamodb_clock(-DAY)
    assert (datetime.now(UTC) - shown).total_seconds() == pytest.approx(DAY, abs=5)
    table = exports.table()
    created = exports.dynamodb.describe_table(TableName=table)["Table"]["CreationDateTime"]
    assert (datetime.now(UTC) - created).total_seconds() == pytest.approx(DAY, abs=5)
    exports.s3.put_object(Bucket=exports.bucket, Key="now", Body=b"")
    stored = exports.s3.head_object(Bucket=exports.bucket, Key="now")["LastModified"]
    assert abs((datetime.now(UTC) - stored).total_seconds()) < 60
