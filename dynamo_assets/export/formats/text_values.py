"""Values as JSON text, for formats that have no types of their own: numbers with all their digits, binary as base64."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from typing import Any

import msgspec

from dynamo_assets.export.decoding.values import digits

_ENCODER = msgspec.json.Encoder(order=None)


def json_value(value: Any) -> Any:
    """A Python value of an Arrow column, ready to be encoded: fields that are null are left out, elements stay."""
    if isinstance(value, dict):
        return {name: json_value(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    if isinstance(value, Decimal):
        return msgspec.Raw(digits(value).encode())
    return b64encode(value).decode() if isinstance(value, bytes) else value


def json_line(value: Any) -> bytes:
    """A value as compact JSON, on one line."""
    return _ENCODER.encode(json_value(value))
