from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint

SIGNED = "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"


@pytest.fixture
def connection(sandbox: Endpoint) -> Iterator[http.client.HTTPConnection]:
    found = http.client.HTTPConnection(urllib.parse.urlsplit(sandbox.url).netloc, timeout=30)
    yield found
    found.close()


def _answer(connection: http.client.HTTPConnection, method: str, path: str, **what: Any) -> tuple[int, bytes]:
    connection.request(method, path, headers={"Authorization": SIGNED}, **what)
    response = connection.getresponse()
    return response.status, response.read()


def test_one_connection_serves_any_requests_one_after_another(connection, bucket: str) -> None:
    path = f"/{bucket}/a%20key"
    assert _answer(connection, "PUT", path, body=b"x" * 100_000) == (200, b"")
    socket = connection.sock
    assert _answer(connection, "HEAD", path) == (200, b"")
    assert _answer(connection, "GET", path) == (200, b"x" * 100_000)
    assert _answer(connection, "PUT", path, body=iter([b"in ", b"chunks"]), encode_chunked=True) == (200, b"")
    assert _answer(connection, "GET", path) == (200, b"in chunks")
    assert _answer(connection, "DELETE", path) == (204, b"")
    assert _answer(connection, "GET", path)[0] == 404
    # A body that nobody reads is not taken for the next request.
    assert _answer(connection, "POST", "/moto-api/nothing", body=b"GET / HTTP/1.1\r\n\r\n")[0] == 404
    assert _answer(connection, "HEAD", path) == (404, b"")
    assert connection.sock is socket


@pytest.mark.parametrize("request_text", [b"GET\r\n\r\n", b"GET / HTTP/1.1\r\na header without a colon\r\n\r\n"])
def test_what_is_no_request_is_refused(connection, request_text: bytes) -> None:
    connection.connect()
    connection.sock.sendall(request_text)
    assert connection.sock.recv(100).split()[1] == b"400"
