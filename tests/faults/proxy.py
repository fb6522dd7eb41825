"""An HTTP proxy between AWS clients and the sandbox: it sees every request, and may do something to it on the way."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dynamo_assets.sandbox.endpoint import Endpoint

_SERVICES = {"AWSGlue": "glue", "AmazonAthena": "athena", "Logs_20140328": "logs"}
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length", "date", "server"}


@dataclass(frozen=True)
class Request:
    """One request as it arrived.

    Attributes:
        number: From 1, in the order of arrival.
        operation: Such as `dynamodb.Scan`, `s3.PutObject`, `glue.StartCrawler`.
        access_key: Who signed it.
    """

    number: int
    operation: str
    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    access_key: str = ""

    @property
    def key(self) -> str:
        """Of an S3 object; empty for requests of a whole bucket."""
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    @property
    def parameters(self) -> dict[str, Any]:
        """Of a request to DynamoDB, Glue, Athena or CloudWatch Logs."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass
class Exchange:
    """A request, and the way to whoever made it and to the sandbox."""

    request: Request
    _handler: _Handler
    _upstream: tuple[str, int]

    def forward(self) -> Answer:
        """Lets the sandbox do what is asked; gives what it says."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            request = self.request
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            body = response.read()
            kept = [(n, v) for n, v in response.getheaders() if n.lower() not in _HOP_BY_HOP]
            if request.method == "HEAD":
                kept.append(("Content-Length", response.getheader("Content-Length", "0")))
            return Answer(response.status, kept, body)
        finally:
            connection.close()

    def send(self, answer: Answer, *, promised: int | None = None) -> None:
        """Answers.

        Args:
            answer: What to say.
            promised: The `Content-Length` to announce, if it is not the body's; the connection then ends.
        """
        handler = self._handler
        handler.send_response(answer.status)
        for name, value in answer.headers:
            handler.send_header(name, value)
        if self.request.method != "HEAD":
            handler.send_header("Content-Length", str(len(answer.body) if promised is None else promised))
        if promised is not None:
            handler.close_connection = True
        handler.end_headers()
        handler.wfile.write(answer.body)

    def hang_up(self) -> None:
        """Resets the connection."""
        sock = self._handler.connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.close_connection = True
        os.close(sock.detach())


Behaviour = Callable[[Exchange], None]


def pass_on(exchange: Exchange) -> None:
    """What a proxy does that does nothing."""
    exchange.send(exchange.forward())


def name_of(value: object) -> str:
    """What a behaviour is called in a test's name."""
    return getattr(value, "__name__", str(value))


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        url: Its address.
        behaviour: What it does with each request; called from several threads.
        requests: All requests so far.
    """

    url: str
    sandbox: Endpoint
    behaviour: Behaviour = pass_on
    requests: list[Request] = field(default_factory=list)
    _under_way: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def environment(self) -> dict[str, str]:
        return {**self.sandbox.environment(), "AWS_ENDPOINT_URL": self.url}

    def reset(self) -> None:
        """Waits until nothing is under way, forgets what it saw, and goes back to doing nothing."""
        self.wait_until_idle()
        with self._changed:
            self.behaviour = pass_on
            self.requests = []

    def wait_until_idle(self) -> None:
        """Waits until no request is under way any more: one may be whose sender is dead."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._under_way, timeout=60)

    def operations(self) -> list[str]:
        with self._changed:
            return [request.operation for request in self.requests]

    @contextmanager
    def noted(self, request: Callable[[int], Request]) -> Iterator[Request]:
        """A request given its number, under way until the block ends."""
        with self._changed:
            self.requests.append(noted := request(len(self.requests) + 1))
            self._under_way += 1
        try:
            yield noted
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes
    proxy: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = self.headers.items()
        operation = _operation(self.command, self.path, self.headers.get("X-Amz-Target"))
        key = _access_key(self.headers.get("Authorization", ""))
        upstream = urlsplit(self.proxy.sandbox.url)
        address = (str(upstream.hostname), upstream.port or 80)
        with self.proxy.noted(
            lambda number: Request(number, operation, self.command, self.path, headers, body, key)
        ) as request:
            try:
                self.proxy.behaviour(Exchange(request, self, address))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked is gone

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _operation(method: str, path: str, target: str | None) -> str:
    if target:
        service, _, operation = target.rpartition(".")
        return f"{_SERVICES.get(service, 'dynamodb')}.{operation}"
    parts = urlsplit(path)
    asked = parse_qs(parts.query, keep_blank_values=True)
    has_key = "/" in parts.path.strip("/")
    match method:
        case "PUT" if has_key:
            return "s3.UploadPart" if "partNumber" in asked else "s3.PutObject"
        case "POST":
            return next(
                f"s3.{name}"
                for argument, name in {
                    "delete": "DeleteObjects",
                    "uploads": "CreateMultipartUpload",
                    "uploadId": "CompleteMultipartUpload",
                }.items()
                if argument in asked
            )
        case "GET":
            return "s3.GetObject" if has_key else "s3.ListObjectsV2"
        case "DELETE":
            return "s3.AbortMultipartUpload" if "uploadId" in asked else "s3.DeleteObject"
    return f"s3.{method}"


def _access_key(authorization: str) -> str:
    found = re.search(r"Credential=([^/]+)/", authorization)
    return found[1] if found else ""


@contextmanager
def serve_proxy(sandbox: Endpoint) -> Iterator[Proxy]:
    """Runs a proxy in front of a sandbox until the block ends."""

    class Handler(_Handler):
        pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        Handler.proxy = proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", sandbox)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield proxy
        finally:
            server.shutdown()
