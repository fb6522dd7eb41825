from __future__ import annotations

import json
import socket
import struct
import threading
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from dynamo_assets.errors import ReadError
from dynamo_assets.export import source
from dynamo_assets.export.reading_client import reading_client
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.source import Page, ScanSegment, scan
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.throttle import Throttle
from dynamo_assets.sandbox.endpoint import Endpoint

WHOLE = ScanSegment(0, 1, 0.5)
ITEMS = [[{"pk": {"S": f"{page}-{row}"}} for row in range(3)] for page in range(4)]

Fault = Callable[["FlakyTable"], None]


class FlakyTable(BaseHTTPRequestHandler):
    """A table of four pages of three items. Each request first meets the next of its faults."""

    faults: list[Fault]
    requests: list[dict[str, Any]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(request)
        start = request.get("ExclusiveStartKey")
        self.page = int(start["pk"]["S"].split("-")[0]) + 1 if start else 0
        (self.faults.pop(0) if self.faults else FlakyTable.serve)(self)

    def body(self) -> bytes:
        answer: dict[str, Any] = {"Items": ITEMS[self.page], "Count": 3, "ScannedCount": 3}
        answer["ConsumedCapacity"] = {"TableName": "Flaky", "CapacityUnits": 0.5}
        if self.page < len(ITEMS) - 1:
            answer["LastEvaluatedKey"] = {"pk": ITEMS[self.page][-1]["pk"]}
        return json.dumps(answer).encode()

    def serve(self) -> None:
        self.answer(200, self.body())

    def answer(self, status: int, body: bytes, *, crc32: int | None = None, promised: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(promised or len(body)))
        self.send_header("x-amz-crc32", str(zlib.crc32(body) if crc32 is None else crc32))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def reset(table: FlakyTable) -> None:
    table.hang_up()


def reset_within_the_body(table: FlakyTable) -> None:
    body = table.body()
    table.answer(200, body[:40], promised=len(body))
    table.wfile.flush()
    table.hang_up()


def truncated(table: FlakyTable) -> None:
    body = table.body()
    table.answer(200, body[:40], promised=len(body))
    table.close_connection = True


def changed_on_the_way(table: FlakyTable) -> None:
    body = table.body()
    table.answer(200, body.replace(b"0-0", b"9-9").replace(b"1-0", b"9-9"), crc32=zlib.crc32(body) ^ 1)


def not_json(table: FlakyTable) -> None:
    table.answer(200, b"<html>a proxy's greeting</html>")


def error(status: int, code: str) -> Fault:
    def fault(table: FlakyTable) -> None:
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"sorry: {code}"}
        table.answer(status, json.dumps(body).encode())

    fault.__name__ = code
    return fault


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FlakyTable]]:
    class Table(FlakyTable):
        faults, requests = [], []

    with ThreadingHTTPServer(("127.0.0.1", 0), Table) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Table
        server.shutdown()


@cache
def _session() -> boto3.Session:
    """One for all tests: it keeps the service's description, which takes long to load."""
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")


class Unhurried(Supervisor):
    """A supervisor that notes what is asked of it and lets nobody wait."""

    def __init__(self, rate: float = 1e9):
        self.waits: list[float] = []
        self._throttle = Throttle(rate)

    def progress(self, items: int) -> None:
        pass

    def reserve(self, units: float, correction: float = 0.0) -> float:
        return self._throttle.reserve(units, correction)

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    def paid(self) -> float:
        """How many seconds of the rate have been used up, at one read unit a second."""
        return self.reserve(0.0)


def read(segment: ScanSegment = WHOLE, supervisor: Supervisor | None = None, **options: Any) -> list[Page]:
    client = reading_client(_session(), None, 1)
    request = ExportRequest(table="Flaky", bucket="exports", **options)
    return list(scan(client, request, segment, supervisor or Unhurried()))


def items(pages: list[Page]) -> list[list[dict[str, Any]]]:
    return [json.loads(page.items) for page in pages]


def test_pages_come_as_dynamodb_wrote_them(flaky: type[FlakyTable]) -> None:
    pages = read()
    assert items(pages) == ITEMS
    assert {(page.count, page.read_units) for page in pages} == {(3, 0.5)}
    assert flaky.requests[0] == {"TableName": "Flaky", "ReturnConsumedCapacity": "TOTAL", "ConsistentRead": False}


FAULTS = [
    reset,
    reset_within_the_body,
    truncated,
    changed_on_the_way,
    not_json,
    error(500, "InternalServerError"),
    error(503, "ServiceUnavailable"),
    error(502, "SomethingUnheardOf"),
    error(400, "ProvisionedThroughputExceededException"),
    error(400, "ThrottlingException"),
    error(400, "RequestLimitExceeded"),
    error(400, "ExpiredTokenException"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_leaves_the_same_pages_as_a_quiet_run(flaky: type[FlakyTable], fault: Fault) -> None:
    flaky.faults[:] = [fault, fault, FlakyTable.serve, fault, FlakyTable.serve, fault]
    supervisor = Unhurried()
    assert items(read(supervisor=supervisor)) == ITEMS
    assert flaky.faults == []
    assert len(flaky.requests) == 4 + 4
    assert len([wait for wait in supervisor.waits if wait]) == 4


def test_an_answer_that_was_lost_on_the_way_counts_as_consumed(flaky: type[FlakyTable]) -> None:
    """DynamoDB has read the page; only what it refused to read costs nothing."""
    flaky.faults[:] = [truncated, truncated, error(400, "ThrottlingException")]
    supervisor = Unhurried(rate=1)
    read(ScanSegment(0, 1, 100.0), supervisor)
    assert supervisor.paid() == pytest.approx(2 * 100.0 + 4 * 0.5, abs=1.5)


def test_a_storm_of_all_faults_skips_nothing_and_doubles_nothing(flaky: type[FlakyTable]) -> None:
    flaky.faults[:] = [*FAULTS, FlakyTable.serve] * 3 + FAULTS
    assert items(read()) == ITEMS
    assert flaky.faults == []


def test_waits_grow_under_throttling_and_have_a_limit(flaky: type[FlakyTable], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source.random, "uniform", lambda low, high: high)
    flaky.faults[:] = [error(400, "ThrottlingException")] * 14
    supervisor = Unhurried()
    read(supervisor=supervisor)
    waits = [wait for wait in supervisor.waits if wait]
    assert waits == sorted(waits)
    assert waits[0] < 0.1
    assert waits[-1] == source.MAX_BACKOFF_SECONDS


def test_a_table_that_answers_nothing_is_given_up_with_the_reason(
    flaky: type[FlakyTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PATIENCE_SECONDS", -1)
    flaky.faults[:] = [error(400, "ThrottlingException")]
    with pytest.raises(
        ReadError, match=r"table Flaky: no page for .* sorry: ThrottlingException.* lower read_percentage"
    ):
        read()


def test_a_refusal_is_not_tried_again(flaky: type[FlakyTable]) -> None:
    flaky.faults[:] = [error(400, "AccessDeniedException")]
    with pytest.raises(ReadError, match=r"table Flaky could not be read: .* sorry: AccessDeniedException"):
        read()
    assert len(flaky.requests) == 1


def test_the_segment_its_share_and_its_page_size_reach_dynamodb(flaky: type[FlakyTable]) -> None:
    supervisor = Unhurried(rate=0.1)
    pages = read(ScanSegment(2, 5, 0.5, page_items=7), supervisor, consistent_read=True)
    assert len(pages) == 4
    assert [(r["Segment"], r["TotalSegments"], r["Limit"], r["ConsistentRead"]) for r in flaky.requests] == [
        (2, 5, 7, True)
    ] * 4
    assert [round(wait) for wait in supervisor.waits] == [0, 5, 10, 15]  # 0.5 units a page at 0.1 a second


@pytest.mark.parametrize("segments", [1, 4])
def test_a_table_of_several_megabytes_is_read_whole_page_after_page(aws: Endpoint, unique: Any, segments: int) -> None:
    table = unique("pages")
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "B"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    written = set()
    for start in range(0, 60, 20):
        keys = [(bytes([number % 7, 255]), str(number)) for number in range(start, start + 20)]
        written |= set(keys)
        puts = [{"PutRequest": {"Item": {"pk": {"B": b}, "sk": {"N": n}, "x": {"S": "x" * 60_000}}}} for b, n in keys]
        dynamodb.batch_write_item(RequestItems={table: puts})
    client = reading_client(boto3.Session(), None, segments)
    request = ExportRequest(table=table, bucket="exports")
    found, pages = [], 0
    for number in range(segments):
        for page in scan(client, request, ScanSegment(number, segments, 128), Unhurried()):
            pages += 1
            entries = json.loads(page.items)
            assert len(entries) == page.count
            found += [(b64decode(entry["pk"]["B"]), entry["sk"]["N"]) for entry in entries]
    assert pages >= 4
    assert len(found) == len(written)
    assert set(found) == written
