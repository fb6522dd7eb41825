"""Requests of DynamoDB, Glue, Athena, CloudWatch Logs and others: the operation in a header, JSON in the body."""

from __future__ import annotations

from typing import Any

import msgspec

from dynamo_assets.sandbox.request_checks.problems import Problem
from dynamo_assets.sandbox.request_checks.shapes import Shapes

_TOKENS_NEEDED = frozenset({"athena"})
"""Athena's API reference (StartQueryExecution): without one, and without an SDK, "the action will fail"."""


class JsonProtocol:
    """The requests of one service."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._shapes = Shapes(needs_tokens=model.service_name in _TOKENS_NEEDED)

    def check(self, request: Any) -> tuple[str, list[Problem]]:
        """The operation, and what is wrong with the request."""
        service, _, operation = request.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
        if service != self._model.metadata["targetPrefix"]:
            return operation, []  # another service, signed for by the same name: DynamoDB Streams, say
        if operation not in self._model.operation_names:
            return operation, [Problem("operation", (), f"{self._model.service_name} has no operation {operation!r}")]
        shape = self._model.operation_model(operation).input_shape
        try:
            body = msgspec.json.decode(request["wsgi.input"].getvalue() or b"{}")
        except msgspec.DecodeError as error:
            return operation, [Problem("body", (), f"The body is no JSON: {error}")]
        if shape is None:
            return operation, [Problem("unknown", (name,), operation) for name in body]
        return operation, list(self._shapes.checker(shape)(body))
