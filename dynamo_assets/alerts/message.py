"""One message to the topic, as people read it in a mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dynamo_assets.configuration.settings import Alerts

SUBJECT_CHARACTERS = 99
"""SNS API reference, "Publish": fewer than 100, without line breaks or control characters."""
REASON_CHARACTERS = 1_000
ENTRIES = 50
"""A message holds 256 KB; nobody reads that much of it."""

Event = Literal["run_failure", "freshness"]


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes:
        event: What it is about; also an attribute of the message, by which a subscription may filter.
        subject: The mail's subject; shortened where it is too long.
        text: The mail's text.
    """

    event: Event
    subject: str
    text: str

    def send(self, sns: Any, alerts: Alerts) -> None:
        """Publishes it.

        Raises:
            botocore.exceptions.ClientError: SNS refused it.
            botocore.exceptions.BotoCoreError: SNS could not be reached.
        """
        sns.publish(
            TopicArn=alerts.sns_topic,
            Subject=subject_line(self.subject),
            Message=self.text,
            MessageAttributes={"event": {"DataType": "String", "StringValue": self.event}},
        )


def subject_line(text: str) -> str:
    """As SNS takes it: printable ASCII of one line, cut off where it is too long."""
    ascii_only = one_line(text).encode("ascii", "replace").decode()
    cut = ascii_only if len(ascii_only) <= SUBJECT_CHARACTERS else f"{ascii_only[: SUBJECT_CHARACTERS - 3]}..."
    return cut or "(no subject)"


def one_line(text: str, limit: int = REASON_CHARACTERS) -> str:
    """Text of others without line breaks and control characters, cut off where it is too long."""
    flat = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 3]}..."


def listed(names: Sequence[str], shown: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def entries(paragraphs: Sequence[str]) -> str:
    """Paragraphs, and where there are too many how many were left out."""
    more = [f"... and {len(paragraphs) - ENTRIES} more."] if len(paragraphs) > ENTRIES else []
    return "\n\n".join([*paragraphs[:ENTRIES], *more])


def run_url(alerts: Alerts, run_id: str) -> str:
    """A run in the Dagster UI; empty where its address is not known."""
    return f"{alerts.dagster_url.rstrip('/')}/runs/{run_id}" if alerts.dagster_url else ""


def asset_url(alerts: Alerts, path: Sequence[str]) -> str:
    """An asset in the Dagster UI; empty where its address is not known."""
    return f"{alerts.dagster_url.rstrip('/')}/assets/{'/'.join(path)}" if alerts.dagster_url else ""
