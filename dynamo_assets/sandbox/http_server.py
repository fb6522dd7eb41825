"""HTTP in front of moto: connections stay open, and what http.server and moto do slowly for each request is done fast.

Small requests are what a sandbox gets by the thousand. moto's own server, werkzeug's for development, makes a
connection and a thread for each of them.
"""

from __future__ import annotations

import functools
import http.client
import io
import threading
import traceback
from http import HTTPStatus
from typing import Any, Self

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import InternalServerError
from werkzeug.serving import DechunkedInput, make_server
from werkzeug.test import run_wsgi_app

from dynamo_assets.sandbox.request_checks.checks import request_checks
from dynamo_assets.sandbox.traffic import traffic

_LONGEST_LINE = 65536
_MOST_HEADERS = 100
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class _Dispatcher(DomainDispatcherApplication):
    """moto's, which otherwise tries each service's patterns on each request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = functools.cache(super().get_backend_for_host)


class _Handler(MotoRequestHandler):
    """Serves the requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer's end would wait for the client to acknowledge its beginning
    wbufsize = -1

    def parse_request(self) -> bool:
        """As http.server's, without the parser for e-mail that it gives the headers to."""
        self.command, self.close_connection = "", True
        self.requestline = self.raw_requestline.decode("iso-8859-1").rstrip("\r\n")
        words = self.requestline.split()
        if len(words) != 3 or words[2] not in ("HTTP/1.0", "HTTP/1.1"):
            self.request_version = "HTTP/1.0"
            self.send_error(HTTPStatus.BAD_REQUEST, f"Bad request line ({self.requestline!r})")
            return False
        self.command, self.path, self.request_version = words
        self.headers = http.client.HTTPMessage()
        for _ in range(_MOST_HEADERS + 1):
            line = self.rfile.readline(_LONGEST_LINE + 1)
            if line in (b"\r\n", b"\n", b""):
                break
            name, colon, value = line.decode("iso-8859-1").partition(":")
            if not colon or len(line) > _LONGEST_LINE:
                self.send_error(HTTPStatus.BAD_REQUEST, "Bad header line")
                return False
            self.headers.set_raw(name, value.strip())
        else:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Too many headers")
            return False
        connection = self.headers.get("Connection", "").lower()
        self.close_connection = connection == "close" or (
            self.request_version == "HTTP/1.0" and connection != "keep-alive"
        )
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing, where the sandbox did not fail: a line for each request is a twelfth of answering it."""
        if str(code).startswith("5"):
            super().log_request(code, size)

    def make_environ(self) -> dict[str, Any]:
        """The request with its whole body, so that none of it is left to be taken for the next one."""
        environ = super().make_environ()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = DechunkedInput(self.rfile).readall()  # pyright: ignore[reportArgumentType]
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return environ

    def run_wsgi(self) -> None:
        """Answers one request."""
        self.environ = environ = self.make_environ()
        traffic.note(environ)
        try:
            answer = request_checks.refusal(environ) or run_wsgi_app(self.server.app, environ)
        except Exception:  # noqa: BLE001 - whatever it was, a client waits for an answer
            self.log("error", "%s", f"Error on request:\n{traceback.format_exc()}")
            answer = run_wsgi_app(InternalServerError(), environ)
        chunks, status, headers = answer
        code, _, reason = status.partition(" ")
        body = b"".join(chunks)
        self.send_response(int(code), reason)
        for name, value in headers:
            # An answer to HEAD says the length of what it does not send.
            if self.command == "HEAD" or name.lower() != "content-length":
                self.send_header(name, value)
        if int(code) in _WITHOUT_BODY or self.command == "HEAD":
            body = b""
        else:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


class MotoServer:
    """moto's services behind one address, on threads of this process; a context manager.

    Args:
        host: The address to listen on.
        port: 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = make_server(host, port, _Dispatcher(), threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port: int = self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
