"""Faults of the control APIs: what Glue, Athena and CloudWatch Logs may answer, and what happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.proxy import Answer, Behaviour, Exchange, Request, pass_on

Wanted = Callable[[Request], bool]


def to(*operations: str, containing: str = "") -> Wanted:
    """Requests of these operations with this in their bodies."""
    return lambda request: request.operation in operations and containing.encode() in request.body


def refused(status: int, code: str, message: str = "sorry") -> Behaviour:
    """A service with a JSON protocol refuses."""

    def fault(exchange: Exchange) -> None:
        body = json.dumps({"__type": code, "message": message, "Message": message}).encode()
        exchange.send(Answer(status, [("Content-Type", "application/x-amz-json-1.1")], body))

    return fault


THROTTLED = refused(400, "ThrottlingException", "Rate exceeded")


def changed(edit: Callable[[dict[str, Any]], None]) -> Behaviour:
    """The answer says something else."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        if answer.status == 200:
            document = json.loads(answer.body)
            edit(document)
            # DynamoDB's checksum would be of the true answer, and boto3 would ask again and again.
            headers = [(name, value) for name, value in answer.headers if name.lower() != "x-amz-crc32"]
            answer = replace(answer, headers=headers, body=json.dumps(document).encode())
        exchange.send(answer)

    return fault


@dataclass
class When:
    """What happens to some requests; all others are passed on.

    Attributes:
        wanted: Which.
        fault: What happens to them.
        times: To how many of them, None for all.
        met: To how many it has happened.
    """

    wanted: Wanted
    fault: Behaviour
    times: int | None = None
    met: list[Request] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        if self.wanted(exchange.request) and (self.times is None or len(self.met) < self.times):
            self.met.append(exchange.request)
            self.fault(exchange)
        else:
            pass_on(exchange)


def after(action: Callable[[], object]) -> Behaviour:
    """Something happens in AWS once the request has been served, and before its answer comes."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        action()
        exchange.send(answer)

    return fault


def before(action: Callable[[], object]) -> Behaviour:
    """Something happens in AWS before the request comes there."""

    def fault(exchange: Exchange) -> None:
        action()
        pass_on(exchange)

    return fault
