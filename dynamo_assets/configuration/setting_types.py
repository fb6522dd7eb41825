"""The types of values in `tables.yaml` that YAML has not: durations, sizes, shares, cron expressions."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from dagster import TimeWindowPartitionsDefinition
from pydantic import BaseModel, BeforeValidator, ConfigDict

from dynamo_assets.export.request import NO_XML
from dynamo_assets.naming import SLOT_FORMAT

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _parse_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a whole number and a unit: 90s, 30m, 2h or 1d")
    try:
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    except OverflowError as error:
        raise ValueError("longer than can be counted; write less") from error


_SIZE = re.compile(r"(\d+)\s*([KMG]B)")
_BYTES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}


def _parse_size(value: Any) -> Any:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value if isinstance(value, int) and not isinstance(value, bool) else _refuse_size()
    return int(match[1]) * _BYTES[match[2]]


def _refuse_size() -> None:
    raise ValueError("write a whole number and a unit: 64MB, 256MB or 1GB")


Size = Annotated[int, BeforeValidator(_parse_size)]


def refuse_xml(value: Any) -> Any:
    """Says why a format that users of Glue know is not offered."""
    if value == "xml":
        raise ValueError(NO_XML)
    return value


Duration = Annotated[timedelta, BeforeValidator(_parse_duration)]


def _check_cron(value: Any) -> Any:
    if not isinstance(value, str) or len(value.split()) != 5:
        raise ValueError('write a cron expression of five fields in quotes, such as "0 10 * * *" (UTC)')
    try:
        TimeWindowPartitionsDefinition(cron_schedule=value, start=datetime(2026, 1, 1, tzinfo=UTC), fmt=SLOT_FORMAT)
    except Exception as error:
        raise ValueError(f"not a cron expression of five fields ({error})") from error
    return value


Cron = Annotated[str, BeforeValidator(_check_cron)]


def _check_workers(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and 2 <= value <= 299
    if value != "auto" and not number:
        raise ValueError("write auto, or a whole number from 2 to 299, the driver included")
    return value


Workers = Annotated[int | Literal["auto"], BeforeValidator(_check_workers)]


_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def _parse_share(value: Any) -> Any:
    if isinstance(value, float):
        return value  # 0.5 can be nothing but a half
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number and a percent sign: 50%")
    return float(match[1]) / 100


Share = Annotated[float, BeforeValidator(_parse_share)]


def read_off(value: Any) -> Any:
    """`off`, which YAML 1.1 takes for a boolean."""
    return "off" if value is False else value  # to YAML 1.1 a bare `off` is a boolean


Level = Annotated[Literal["block", "warn", "off"], BeforeValidator(read_off)]
"""What a check that does not pass does: keep the snapshot out of the view, warn, or nothing, for it is not run."""


# SNS API reference, "CreateTopic": 256 of these characters; the name of a FIFO topic ends in `.fifo`.
_SNS_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


def _check_topic(value: Any) -> Any:
    if not isinstance(value, str) or not _SNS_TOPIC.fullmatch(value):
        raise ValueError(
            "write the ARN of a standard SNS topic: arn:aws:sns:eu-west-1:123456789012:data-alerts (a FIFO topic sends "
            "no mail)"
        )
    return value


SnsTopic = Annotated[str, BeforeValidator(_check_topic)]


_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:[0-9*]*:[A-Za-z0-9_.*:/-]+")


def _check_arn(value: Any) -> Any:
    if not isinstance(value, str) or not _ARN.fullmatch(value):
        raise ValueError("write an ARN, such as arn:aws:dynamodb:eu-west-1:123456789012:table/Orders")
    return value


Arn = Annotated[str, BeforeValidator(_check_arn)]


class Section(BaseModel):
    """A mapping of `tables.yaml`; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
