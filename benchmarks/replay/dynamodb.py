"""DescribeTable and Scan of tables whose pages are ready.

A table `friendly-200000` is the data set `friendly` with 200,000 items, or as many more as fill its last page. The keys
in `LastEvaluatedKey` are of the table's key attributes, and hold positions instead of the last item's values: where
pages are repeated, an item's key does not tell where it was.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pages import Pages
from dynamo_assets.sandbox.dynamodb.item_size import read_units

# More than any client reads: no throttle ever waits.
READ_UNITS_PER_SECOND = 10**9
_SCAN_PARAMETERS = {
    "TableName",
    "Segment",
    "TotalSegments",
    "ExclusiveStartKey",
    "ReturnConsumedCapacity",
    "ConsistentRead",
}


class RefusalError(Exception):
    """DynamoDB's answer to a request that it, or the replay server, does not take.

    Args:
        code: DynamoDB's name of the error.
        message: What is wrong.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}).encode()


@dataclass(frozen=True)
class Answer:
    """A body in parts that are never copied together, and its CRC-32."""

    parts: Sequence[bytes | memoryview]
    crc32: int

    @classmethod
    def of(cls, document: Any) -> Answer:
        body = json.dumps(document).encode()
        return cls([body], zlib.crc32(body))


@dataclass
class Tables:
    """The tables there are.

    Attributes:
        cache: Where the data sets are.
    """

    cache: Path
    _pages: dict[str, Pages] = field(default_factory=dict)

    def answer(self, operation: str, request: dict[str, Any]) -> Answer:
        """Answers one request.

        Raises:
            RefusalError: DynamoDB would refuse it, or it asks for what the replay server does not do.
        """
        match operation:
            case "Scan":
                return self._scan(request)
            case "DescribeTable":
                return self._describe_table(request["TableName"])
            case _:
                raise RefusalError("UnknownOperationException", f"the replay server does not do {operation}")

    def find(self, table: str) -> tuple[Pages, int]:
        """A table's data set and number of items.

        Raises:
            RefusalError: There is no such table.
        """
        name, _, items = table.rpartition("-")
        if not items.isdecimal() or not (self.cache / name / "pages.json").exists():
            raise RefusalError("ResourceNotFoundException", f"Requested resource not found: Table: {table} not found")
        if name not in self._pages:
            self._pages[name] = Pages(self.cache / name)
        return self._pages[name], int(items)

    def _describe_table(self, table: str) -> Answer:
        pages, items = self.find(table)
        description = {
            "TableName": table,
            "TableArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}",
            "TableStatus": "ACTIVE",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in pages.keys],
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(pages.keys, ("HASH", "RANGE"), strict=False)
            ],
            "ItemCount": pages.items(items),
            "TableSizeBytes": pages.size(items),
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "WarmThroughput": {"ReadUnitsPerSecond": READ_UNITS_PER_SECOND, "Status": "ACTIVE"},
        }
        return Answer.of({"Table": description})

    def _scan(self, request: dict[str, Any]) -> Answer:
        if unknown := request.keys() - _SCAN_PARAMETERS:
            raise RefusalError("ValidationException", f"the replay server does not do {', '.join(sorted(unknown))}")
        pages, items = self.find(request["TableName"])
        start = request.get("ExclusiveStartKey")
        found = pages.at(
            items,
            int(start[pages.keys[0]]["S"]) if start else None,
            request.get("Segment", 0),
            request.get("TotalSegments", 1),
        )
        if found is None:
            return Answer.of({"Items": [], "Count": 0, "ScannedCount": 0})
        page, following = found
        rest: dict[str, Any] = {"Count": page.items, "ScannedCount": page.items}
        if following is not None:
            rest["LastEvaluatedKey"] = {key: {"S": str(following)} for key in pages.keys}
        if request.get("ReturnConsumedCapacity", "NONE") != "NONE":
            units = read_units(page.size, consistent=request.get("ConsistentRead", False))
            rest["ConsumedCapacity"] = {"TableName": request["TableName"], "CapacityUnits": units}
        # The page's own part ends with its items; the object goes on after them.
        tail = b"," + json.dumps(rest).encode()[1:]
        return Answer([pages.body(page), tail], zlib.crc32(tail, page.crc32))
