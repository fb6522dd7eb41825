"""Refuses requests that are not as botocore's model of their operation has them, and remembers which.

    curl "$AWS_ENDPOINT_URL/moto-api/sandbox/refused"

lists what has been refused; a POST forgets what it lists. What differs from AWS is listed in docs/sandbox.md.
"""

from __future__ import annotations

import functools
import json
import urllib.request
from collections import deque
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.session import get_session

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.request_checks.answers import Answer, answer
from dynamo_assets.sandbox.request_checks.json_protocol import JsonProtocol
from dynamo_assets.sandbox.request_checks.problems import message
from dynamo_assets.sandbox.request_checks.query_protocol import QueryProtocol
from dynamo_assets.sandbox.request_checks.s3_protocol import S3Protocol
from dynamo_assets.sandbox.traffic import CREDENTIAL

PATH = "/moto-api/sandbox/refused"
_OWN_PATHS = "/moto-api/"
_MOST_REMEMBERED = 1000
_PROTOCOLS = {"json": JsonProtocol, "query": QueryProtocol, "rest-xml": S3Protocol}


class RequestChecks:
    """The checks of all services, each made at its first request."""

    def __init__(self) -> None:
        self._session = get_session()
        self._refused: deque[str] = deque(maxlen=_MOST_REMEMBERED)
        self._service = functools.cache(self._load)

    def _load(self, service: str) -> tuple[str, Any] | None:
        try:
            model = self._session.get_service_model(service)
        except UnknownServiceError:
            return None
        make = _PROTOCOLS.get(model.protocol)
        if make is None or (make is S3Protocol and service != "s3"):
            return None
        return model.protocol, make(model)

    def refusal(self, request: Mapping[str, Any]) -> Answer | None:
        """What to answer to a request, given as WSGI has it; None where it is as it should be, or nobody knows how."""
        signed = CREDENTIAL.search(request.get("HTTP_AUTHORIZATION", ""))
        found = self._service(signed[2]) if signed and not request["PATH_INFO"].startswith(_OWN_PATHS) else None
        if signed is None or found is None:
            return None
        protocol, checks = found
        operation, problems = checks.check(request)
        if not problems:
            return None
        self._refused.append(f"{signed[2]} {operation}: {message(problems)}")
        return answer(signed[2], protocol, problems)

    def serve(self, request: Any, _url: str, _headers: Any) -> tuple[int, dict[str, str], str]:
        """Answers the route above."""
        told = json.dumps(list(self._refused))
        if request.method == "POST":
            self._refused.clear()
        return 200, {"Content-Type": "application/json"}, told


request_checks = RequestChecks()


def refused_requests(endpoint: Endpoint, *, forget: bool = False) -> list[str]:
    """What a running sandbox has refused: service, operation, and what was wrong.

    Args:
        endpoint: The sandbox.
        forget: Begin anew after this.
    """
    url = f"{endpoint.url}{PATH}"
    with urllib.request.urlopen(url, data=b"" if forget else None, timeout=30) as found:  # noqa: S310 - the sandbox's own address
        return json.load(found)
