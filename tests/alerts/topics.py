"""A topic of SNS, and a queue that hears what it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True)
class Topic:
    """A topic with one subscriber."""

    name: str
    arn: str

    @classmethod
    def of(cls, name: str) -> Topic:
        """A topic that does not exist yet."""
        return cls(name, f"arn:aws:sns:us-east-1:123456789012:{name}")

    def create(self) -> None:
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        assert sns.create_topic(Name=self.name)["TopicArn"] == self.arn
        url = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue)

    def heard(self) -> list[dict[str, Any]]:
        """The messages since the last time, as SNS gives them to a queue."""
        sqs = boto3.client("sqs")
        url = sqs.get_queue_url(QueueName=self.name)["QueueUrl"]
        messages: list[dict[str, Any]] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                messages.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return messages
