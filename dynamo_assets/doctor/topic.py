"""The SNS topic of alerts."""

from __future__ import annotations

from collections.abc import Iterator

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem

TOPIC = "SNS topic"


def examine_topic(case: Case) -> Iterator[Finding]:
    """Whether it exists, where one is named."""
    topic = case.settings.alerts.sns_topic
    if not topic:
        yield ok(TOPIC, "none is named: nobody is told of failed runs and old views")
        return
    answer = case.inquiry.ask(
        "sns:GetTopicAttributes",
        lambda: case.aws.sns_of(topic).get_topic_attributes(TopicArn=topic),
        {"NotFound", "NotFoundException"},
    )
    if answer is None:
        yield problem(TOPIC, f"there is no topic {topic}", "`dynamo-assets deploy` makes it in this account and region")
        return
    subscribed = int(answer["Attributes"].get("SubscriptionsConfirmed", 0))
    yield ok(TOPIC, f"{topic} is there, with {subscribed} confirmed subscription(s)")
