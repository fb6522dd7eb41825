"""The clock of the sandbox's DynamoDB: it stamps writes, and says what is past and what is to come.

It shows the machine's time until somebody moves it, so that a test or a demonstration can have a history without
waiting for one. Moving it is no part of AWS's API and cannot be mistaken for it:

    curl -X POST "$AWS_ENDPOINT_URL/moto-api/sandbox/clock?offset_seconds=-86400"

puts it a day behind the machine's, `offset_seconds=0` puts it right; a GET shows it. It is DynamoDB's alone:
tables' creation, writes, point-in-time recovery and exports go by it, every other service by the machine's.
Behind the last write of a table, that table takes no writes (`write_log.py`).
"""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

from dynamo_assets.sandbox.endpoint import Endpoint

PATH = "/moto-api/sandbox/clock"
MICROS = 1_000_000


class Clock:
    """The machine's time, moved by an offset."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def micros(self) -> int:
        """Microseconds since 1970, the precision of DynamoDB's write timestamps."""
        return time.time_ns() // 1000 + round(self.offset_seconds * MICROS)


clock = Clock()


def to_datetime(micros: int) -> datetime:
    """The same moment without a time zone, in UTC, as moto's serializers want it."""
    return datetime.fromtimestamp(micros // MICROS, UTC).replace(tzinfo=None, microsecond=micros % MICROS)


def to_micros(moment: datetime) -> int:
    """The inverse of `to_datetime`; takes moments with a time zone too."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.replace(microsecond=0).timestamp()) * MICROS + aware.microsecond


def serve_clock(request: Any, _url: str, _headers: Any) -> tuple[int, dict[str, str], str]:
    """Answers the route above."""
    if request.method == "POST":
        try:
            clock.offset_seconds = float(request.args["offset_seconds"])
        except (ValueError, KeyError):
            return 400, {}, json.dumps({"error": "expected ?offset_seconds=<seconds>; 0 is the machine's time"})
    now = to_datetime(clock.micros()).isoformat(timespec="microseconds") + "Z"
    answer = json.dumps({"now": now, "offset_seconds": clock.offset_seconds})
    return 200, {"Content-Type": "application/json"}, answer


def move_clock(endpoint: Endpoint, offset_seconds: float) -> datetime:
    """Moves a running sandbox's DynamoDB clock; returns the time it then shows, in UTC.

    Args:
        endpoint: The sandbox.
        offset_seconds: Seconds ahead of the machine's clock; negative is behind it, 0 puts it right.
    """
    url = f"{endpoint.url}{PATH}?offset_seconds={offset_seconds}"
    with urllib.request.urlopen(url, data=b"", timeout=30) as answer:  # noqa: S310 - the sandbox's own address
        return datetime.fromisoformat(json.load(answer)["now"])
