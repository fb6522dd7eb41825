"""Credentials that expire while an export runs are renewed by the session that they come from, and it goes on."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dynamo_assets.errors import ReadError
from dynamo_assets.export import InProcess, run_export, s3_client, source
from tests.faults.catalogue import dynamodb_error, s3_error
from tests.faults.proxy import Exchange, pass_on
from tests.faults.trials import Trial

pytestmark = pytest.mark.usefixtures("no_waiting")


class Container:
    """Gives credentials as ECS and EKS do. Every page and HEAD, and every third request, meets the end of its own.

    botocore asks for new ones ten minutes before the end of the old, so these are asked for anew for every request.
    """

    def __init__(self) -> None:
        self.expired: Counter[str] = Counter()
        self._generation = 0
        self._seen = 0
        self._met: set[tuple[str, bytes]] = set()
        self._lock = threading.Lock()

    def credentials(self) -> dict[str, str]:
        return {
            "AccessKeyId": f"KEY{self._generation}",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": (datetime.now(UTC) + timedelta(minutes=5)).isoformat(),
        }

    def __call__(self, exchange: Exchange) -> None:
        request = exchange.request
        with self._lock:
            self._seen += 1
            asked = (request.path, request.body)
            new = request.operation in {"dynamodb.Scan", "s3.HEAD"} and asked not in self._met
            if new or self._seen % 3 == 0:
                self._met.add(asked)
                self._generation += 1
            valid = request.access_key == f"KEY{self._generation}"
            if not valid:
                self.expired[request.operation] += 1
        if valid:
            pass_on(exchange)
        elif request.operation.startswith("s3."):
            s3_error(400, "ExpiredToken")(exchange)
        else:
            dynamodb_error(400, "ExpiredTokenException")(exchange)


@pytest.fixture
def container(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    container = Container()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(container.credentials()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_address[1]}/role")
        yield container
        server.shutdown()


@pytest.mark.parametrize("format", ["parquet", "json"])
def test_an_export_goes_on_with_renewed_credentials(trial: Trial, container: Container, format: str) -> None:
    trial.proxy.behaviour = container
    made = trial.exports(format=format)
    run_export(made.request, InProcess(3))
    assert container.expired["dynamodb.Scan"] >= 3
    assert container.expired["s3.HEAD"] >= 1
    assert len(container.expired) >= 3
    trial.assert_as_quiet(made)


def test_credentials_that_nobody_renews_end_the_export_with_the_reason(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(s3_client, "ATTEMPTS", 3)

    def behave(exchange: Exchange) -> None:
        expired = exchange.request.operation == "dynamodb.Scan"
        (dynamodb_error(400, "ExpiredTokenException") if expired else pass_on)(exchange)

    trial.proxy.behaviour = behave
    made = trial.exports()
    with pytest.raises(ReadError, match=r"table SmallCorpus: no page for .* sorry: ExpiredTokenException"):
        run_export(made.request, InProcess(2))
    assert made.keys() == []
