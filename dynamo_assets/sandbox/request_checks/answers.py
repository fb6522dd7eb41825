"""How each service answers a request that is not as its model has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from dynamo_assets.sandbox.request_checks.problems import Kind, Problem, message

_KINDS: Sequence[Kind] = ("operation", "body", "type", "unknown", "constraint")
"""Of several problems the first of these names the error, as a service reads before it judges."""

_JSON_CODES: dict[Kind, str] = {
    "operation": "UnknownOperationException",
    "body": "SerializationException",
    "type": "SerializationException",
}
_QUERY_CODES: dict[Kind, str] = {"operation": "InvalidAction", "body": "MalformedQueryString"}
_S3_CODES: dict[Kind, str] = {
    "operation": "MethodNotAllowed",
    "body": "MalformedXML",
    "type": "InvalidArgument",
    "unknown": "InvalidArgument",
    "constraint": "InvalidArgument",
}
# As public reports of "validation error detected" have it; but Athena's, of which the API reference lists no other.
_INVALID = {
    "logs": "InvalidParameterException",
    "athena": "InvalidRequestException",
    "cloudformation": "ValidationError",
    "iam": "ValidationError",
    "sns": "ValidationError",
    "sts": "ValidationError",
}


class Answer(NamedTuple):
    """What `werkzeug.test.run_wsgi_app` gives of moto's."""

    chunks: list[bytes]
    status: str
    headers: list[tuple[str, str]]


def answer(service: str, protocol: str, problems: list[Problem]) -> Answer:
    """The error that a service answers with.

    Args:
        service: As requests are signed for it.
        protocol: The name that botocore has for it.
        problems: What is wrong; at least one.
    """
    found: set[Kind] = {problem.kind for problem in problems}
    kind: Kind = next(kind for kind in _KINDS if kind in found)
    text = message(problems)
    if protocol == "json":
        code = _JSON_CODES.get(kind) or _INVALID.get(service, "ValidationException")
        body = json.dumps({"__type": code, "message": text, "Message": text})
        return Answer([body.encode()], "400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
    if protocol == "query":
        code = _QUERY_CODES.get(kind) or _INVALID.get(service, "ValidationError")
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>sandbox</RequestId></ErrorResponse>"
    else:
        body = f"<Error><Code>{_S3_CODES[kind]}</Code><Message>{escape(text)}</Message></Error>"
    return Answer([body.encode()], "400 Bad Request", [("Content-Type", "text/xml")])
