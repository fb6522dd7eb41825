"""The HTTP of the replay server, and how to have one in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from benchmarks.replay.dynamodb import Answer, RefusalError, Tables
from benchmarks.replay.s3 import Buckets, Request, Response

ROOT = Path(__file__).parent.parent.parent


def _undo_aws_chunked(body: bytes) -> bytes:
    """The content of a body that comes in chunks, each after its length and perhaps its signature.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
    """
    content, position = [], 0
    while True:
        end = body.index(b"\r\n", position)
        length = int(body[position:end].partition(b";")[0], 16)
        if length == 0:
            return b"".join(content)
        content.append(body[end + 2 : end + 2 + length])
        position = end + 2 + length + 2


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A head and a body go out as they are written; waiting to join them would cost 40 ms with delayed acknowledgements.
    disable_nagle_algorithm = True
    tables: Tables
    buckets: Buckets

    def _reply(self, status: HTTPStatus, headers: Mapping[str, str], *parts: bytes | memoryview) -> None:
        self.send_response_only(status)
        self.send_header("Date", self.date_time_string())
        for name, value in {"Content-Length": str(sum(map(len, parts))), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        # The answer to a HEAD is that to a GET without its body, its length included.
        for part in parts if self.command != "HEAD" else ():
            self.wfile.write(part)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            raise ValueError("the replay server takes bodies of a known length only")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return _undo_aws_chunked(body) if "aws-chunked" in self.headers.get("Content-Encoding", "") else body

    def do_POST(self) -> None:
        if (target := self.headers.get("X-Amz-Target")) is None:
            self._s3()
            return
        status = HTTPStatus.OK
        try:
            answer = self.tables.answer(target.rpartition(".")[2], json.loads(self._body()))
        except RefusalError as refusal:
            status, answer = HTTPStatus.BAD_REQUEST, Answer([refusal.body], zlib.crc32(refusal.body))
        headers = {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": str(answer.crc32)}
        self._reply(status, headers, *answer.parts)

    def _s3(self) -> None:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        response: Response = self.buckets.answer(Request(self.command, bucket, key, query, headers, self._body()))
        self._reply(response.status, response.headers, response.body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _s3  # noqa: N815 - named by http.server

    def log_message(self, format: str, *args: object) -> None:
        """Keeps no log: a line for every page would cost time."""


def serve(cache: Path) -> None:
    """Serves the tables of a cache until the process ends, after a line that says at which port."""
    _Handler.tables, _Handler.buckets = Tables(cache), Buckets()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


@dataclass(frozen=True)
class Replay:
    """A replay server that runs."""

    url: str

    def environment(self) -> dict[str, str]:
        """What points any AWS client at it and at nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def replay_server(cache: Path, core: int | None = None) -> Iterator[Replay]:
    """A replay server in a process of its own, ended on leaving.

    Args:
        cache: Where the tables' pages are.
        core: The only one it may use, if any.
    """
    command = [sys.executable, "-m", "benchmarks.replay", "--cache", str(cache.resolve())]
    command += [] if core is None else ["--core", str(core)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the replay server did not start; what it wrote above says why")
            yield Replay(f"http://127.0.0.1:{port}")
        finally:
            # Nothing of it need be saved; and whoever ignores SIGTERM has its children ignore it, too.
            process.kill()
