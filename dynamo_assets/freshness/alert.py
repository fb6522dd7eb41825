"""Who is to be told of views that are too old, once each time: in one message, however many they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dynamo_assets.alerts.message import Message, asset_url, entries, listed, one_line
from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.configuration.settings import Alerts
from dynamo_assets.freshness.known import Known, State
from dynamo_assets.freshness.text import told
from dynamo_assets.freshness.watched import Watched

TOO_OLD: frozenset[State] = frozenset({"fail", "gone", "by_hand", "unreadable"})
"""Of these the topic is told. A table of which nothing was ever published is not one: somebody has just added it."""

GOOD_ENOUGH: frozenset[State] = frozenset({"fresh", "warn"})


@dataclass(frozen=True)
class News:
    """What the topic does not know yet.

    Attributes:
        failing: Views that became too old.
        over: Views that are no more.
    """

    failing: Sequence[Watched]
    over: Sequence[Watched]

    def __bool__(self) -> bool:
        return bool(self.failing or self.over)

    @classmethod
    def of(cls, known: Mapping[Watched, Known], told_of: Collection[str]) -> News:
        """What has changed since the topic was told of some views."""
        limited = {watched: known for watched, known in known.items() if watched.limits}
        failing = [each for each in limited if limited[each].state in TOO_OLD and id_of(each) not in told_of]
        over = [each for each in limited if limited[each].state in GOOD_ENOUGH and id_of(each) in told_of]
        return cls(failing, over)

    def message(self, known: Mapping[Watched, Known], alerts: Alerts, region: str, now: datetime) -> Message:
        """As a mail."""
        names, again = [each.title for each in self.failing], [each.title for each in self.over]
        parts = [f"Not fresh: {listed(names)}"] if names else []
        parts += [f"Fresh again: {listed(again)}"] if again else []
        news = [(f"NOT FRESH: {each.title}", each) for each in self.failing]
        news += [(f"Fresh again: {each.title}", each) for each in self.over]
        paragraphs = [
            "\n".join([f"{what}: {one_line(told(each, known[each], now))}", *_links(each, alerts, region)])
            for what, each in news
        ]
        return Message("freshness", "; ".join(parts), entries(paragraphs))


def told_now(known: Mapping[Watched, Known], told_of: Collection[str]) -> tuple[str, ...]:
    """The views of which the topic knows that they are too old, when it has been told the news."""
    over = {id_of(watched) for watched, known in known.items() if known.state in GOOD_ENOUGH or not watched.limits}
    failing = {id_of(watched) for watched, known in known.items() if known.state in TOO_OLD and watched.limits}
    return tuple(sorted((set(told_of) - over) | failing))


def id_of(watched: Watched) -> str:
    """Names a view in the cursor."""
    return watched.asset.to_user_string()


def _links(watched: Watched, alerts: Alerts, region: str) -> Iterator[str]:
    path = watched.asset.path
    if url := asset_url(alerts, path):
        yield f"  asset: {url}"
    if not watched.is_set:
        yield f"  view: {catalog_table_url(region, path[0], path[-1])}"
