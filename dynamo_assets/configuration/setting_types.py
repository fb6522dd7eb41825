"""The types of values in `tables.yaml` that YAML has not: durations, sizes, shares, cron expressions.

Each says in a `Written` how a person writes it: the documentation and the JSON schema are made of that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from dagster import TimeWindowPartitionsDefinition
from pydantic import BaseModel, BeforeValidator, ConfigDict

from dynamo_assets.export.request import NO_XML
from dynamo_assets.naming import SLOT_FORMAT


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)  # a union of types hashes what it is made of, and a mapping has no hash
class Written:
    """How a value is written in YAML, where its type in Python does not say so.

    Attributes:
        spoken: For the documentation, in Markdown.
        schema: The same as a JSON Schema; `${VARIABLE}` is added to it.
        advice: What to write, for whom it is something else.
        write: A value of the Python type as a person would write it.
    """

    spoken: str
    schema: Mapping[str, Any]
    advice: str = ""
    write: Callable[[Any], Any] = _as_it_is


_A_DURATION = "write a whole number and a unit: 90s, 30m, 2h or 1d"
_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_A_DURATION)
    try:
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    except OverflowError as error:
        raise ValueError("longer than can be counted; write less") from error


def _written_duration(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(_parse_duration),
    Written("duration", {"type": "string", "pattern": r"^\s*[0-9]+\s*[smhd]\s*$"}, _A_DURATION, _written_duration),
]


_A_SIZE = "write a whole number and a unit: 64MB, 256MB or 1GB"
_SIZE = re.compile(r"(\d+)\s*([KMG]B)")
_BYTES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}


def _parse_size(value: Any) -> Any:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value if isinstance(value, int) and not isinstance(value, bool) else _refuse_size()
    return int(match[1]) * _BYTES[match[2]]


def _refuse_size() -> None:
    raise ValueError(_A_SIZE)


def _written_size(value: int) -> int | str:
    unit = next((unit for unit in ("GB", "MB", "KB") if value % _BYTES[unit] == 0), None)
    return f"{value // _BYTES[unit]}{unit}" if unit and value else value


Size = Annotated[
    int,
    BeforeValidator(_parse_size),
    Written("size", {"type": ["integer", "string"], "pattern": r"^\s*[0-9]+\s*[KMG]B\s*$"}, _A_SIZE, _written_size),
]


def refuse_xml(value: Any) -> Any:
    """Says why a format that users of Glue know is not offered."""
    if value == "xml":
        raise ValueError(NO_XML)
    return value


_A_CRON = 'write a cron expression of five fields in quotes, such as "0 10 * * *" (UTC)'


def _check_cron(value: Any) -> Any:
    if not isinstance(value, str) or len(value.split()) != 5:
        raise ValueError(_A_CRON)
    try:
        TimeWindowPartitionsDefinition(cron_schedule=value, start=datetime(2026, 1, 1, tzinfo=UTC), fmt=SLOT_FORMAT)
    except Exception as error:
        raise ValueError(f"not a cron expression of five fields ({error})") from error
    return value


Cron = Annotated[
    str,
    BeforeValidator(_check_cron),
    Written("cron expression", {"type": "string", "pattern": r"^\s*\S+(\s+\S+){4}\s*$"}, _A_CRON),
]


_SOME_WORKERS = "write auto, or a whole number from 2 to 299, the driver included"


def _check_workers(value: Any) -> Any:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)  # of a variable
    number = isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= 299
    if value != "auto" and not number:
        raise ValueError(_SOME_WORKERS)
    return value


Workers = Annotated[
    int | Literal["auto"],
    BeforeValidator(_check_workers),
    Written(
        "`auto`, or a whole number, 2 to 299",
        {"type": ["integer", "string"], "minimum": 2, "maximum": 299, "pattern": "^auto$"},
        _SOME_WORKERS,
    ),
]


_A_SHARE = "write a number and a percent sign: 50%"
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def _parse_share(value: Any) -> Any:
    if isinstance(value, float):
        return value  # 0.5 can be nothing but a half
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_A_SHARE)
    return float(match[1]) / 100


def _written_share(value: float) -> str:
    return f"{value * 100:g}%"


Share = Annotated[
    float,
    BeforeValidator(_parse_share),
    Written(
        "share",
        # 50 might be meant as 50%, so whole numbers are refused.
        {"type": ["number", "string"], "not": {"type": "integer"}, "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"},
        _A_SHARE,
        _written_share,
    ),
]


def read_off(value: Any) -> Any:
    """`off`, which YAML 1.1 takes for a boolean."""
    return "off" if value is False else value


Level = Annotated[Literal["block", "warn", "off"], BeforeValidator(read_off)]
"""What a check that does not pass does: keep the snapshot out of the view, warn, or nothing, for it is not run."""


class Section(BaseModel):
    """A mapping of `tables.yaml`; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
