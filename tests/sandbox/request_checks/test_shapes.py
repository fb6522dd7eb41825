from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from botocore.session import get_session

from dynamo_assets.sandbox.request_checks.checks import RequestChecks
from dynamo_assets.sandbox.request_checks.json_protocol import JsonProtocol

PUT = b'{"TableName": "Orders", "Item": {"a": {"M": {"b": {"L": [{"N": "1"}, {"NULL": true}]}}}}}'


def _request(target: str, body: bytes) -> dict[str, Any]:
    return {"HTTP_X_AMZ_TARGET": target, "wsgi.input": io.BytesIO(body), "PATH_INFO": "/"}


def test_the_first_requests_may_come_at_once() -> None:
    """A shape that contains itself is looked up while it is made; another thread must not meet it half made."""
    model = get_session().get_service_model("dynamodb")
    workers, interval = 8, sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(workers) as pool:
            for _ in range(5):
                protocol, together = JsonProtocol(model), Barrier(workers)

                def ask(protocol: JsonProtocol = protocol, together: Barrier = together) -> Any:
                    together.wait(timeout=60)
                    return protocol.check(_request("DynamoDB_20120810.PutItem", PUT))

                found = [asked.result() for asked in [pool.submit(ask) for _ in range(workers)]]
                assert found == [("PutItem", [])] * workers
    finally:
        sys.setswitchinterval(interval)


def test_another_service_of_the_same_signature_is_left_to_itself() -> None:
    protocol = JsonProtocol(get_session().get_service_model("dynamodb"))
    assert protocol.check(_request("DynamoDBStreams_20120810.ListStreams", b"{}"))[1] == []
    assert protocol.check(_request("DynamoDB_20120810.ListStreams", b"{}"))[1] != []


def test_what_nobody_has_signed_or_modelled_passes() -> None:
    checks = RequestChecks()
    signed = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"
    request = _request("DynamoDB_20120810.Scan", b"{}")
    assert checks.refusal(request) is None
    for service in ("monitoring", "lambda", "nothing"):
        assert checks.refusal({**request, "HTTP_AUTHORIZATION": signed.format(service)}) is None
    assert checks.refusal({**request, "HTTP_AUTHORIZATION": signed.format("dynamodb")}) is not None
