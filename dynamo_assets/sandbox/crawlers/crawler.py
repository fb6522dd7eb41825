"""One crawler: what it is, whether it runs, and what its crawls came to."""

from __future__ import annotations

import json
import re
import statistics
from datetime import datetime
from typing import Any

from dynamo_assets.sandbox.crawlers.classifiers import CsvClassifier
from dynamo_assets.sandbox.crawlers.crawl import LOG_GROUP, Crawl, CrawlMemory, now
from dynamo_assets.sandbox.crawlers.settings import TARGET_KINDS, CrawlerSettings

_LAST_CRAWL_STATUS = {"COMPLETED": "SUCCEEDED", "FAILED": "FAILED", "STOPPED": "CANCELLED"}
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/")
_MESSAGE_MAX = 2048


class Crawler:
    """One crawler: its definition, its state, its crawls. The lock of `Crawlers` guards it."""

    def __init__(self, definition: dict[str, Any], settings: CrawlerSettings):
        self.definition, self.settings = definition, settings
        self.created_at = self.updated_at = now()
        self.version = 1
        self.state = "READY"
        self.crawls: list[Crawl] = []
        self._memory = CrawlMemory()

    @property
    def running(self) -> bool:
        """Whether a crawl is under way, or its last lines are being written."""
        return self.state != "READY"

    def redefine(self, definition: dict[str, Any], settings: CrawlerSettings) -> None:
        """Gives it another definition."""
        self.definition, self.settings = definition, settings
        self.updated_at = now()
        self.version += 1

    def begin(self, classifiers: tuple[CsvClassifier, ...]) -> Crawl:
        """A new crawl, which is now the running one."""
        configuration = self.definition.get("Configuration") or ""
        crawl = Crawl(self.settings, self._memory, classifiers, configuration, on_written=self._written)
        self.state = "RUNNING"
        self.crawls.append(crawl)
        return crawl

    def _written(self) -> None:
        self.state = "STOPPING"

    def end(self, crawl: Crawl, state: str) -> None:
        """The crawl has ended in this state."""
        crawl.ended_at, crawl.state = now(), state
        self.state = "READY"

    def describe(self) -> dict[str, Any]:
        """As GetCrawler answers."""
        described = {key: value for key, value in self.definition.items() if key != "CatalogId"}
        described["Role"] = _ROLE_ARN.sub("", described["Role"])
        targets = described["Targets"]
        described["Targets"] = {kind: targets.get(kind) or [] for kind in TARGET_KINDS}
        described["Targets"]["S3Targets"] = [{"Exclusions": [], **target} for target in targets["S3Targets"]]
        running = self.crawls[-1] if self.running else None
        described |= {
            "State": self.state,
            "CrawlElapsedTime": _milliseconds_since(running.started_at) if running else 0,
            "CreationTime": self.created_at,
            "LastUpdated": self.updated_at,
            "Version": self.version,
        }
        if last := next((crawl for crawl in reversed(self.crawls) if crawl.ended_at), None):
            described["LastCrawl"] = {
                "Status": _LAST_CRAWL_STATUS[last.state],
                "LogGroup": LOG_GROUP,
                "LogStream": self.settings.name,
                "MessagePrefix": last.id,
                "StartTime": last.started_at,
                **({"ErrorMessage": last.error[:_MESSAGE_MAX]} if last.error else {}),
            }
        return described

    def metrics(self) -> dict[str, Any]:
        """As GetCrawlerMetrics answers: durations of all crawls, changes of the latest."""
        seconds = [(crawl.ended_at - crawl.started_at).total_seconds() for crawl in self.crawls if crawl.ended_at]
        changes = self.crawls[-1].changes if self.crawls else None
        return {
            "CrawlerName": self.settings.name,
            "TimeLeftSeconds": 0.0,
            "StillEstimating": self.running,
            "LastRuntimeSeconds": seconds[-1] if seconds else 0.0,
            "MedianRuntimeSeconds": statistics.median(seconds) if seconds else 0.0,
            "TablesCreated": changes.count("TABLE", "ADD") if changes else 0,
            "TablesUpdated": changes.count("TABLE", "UPDATE") if changes else 0,
            "TablesDeleted": changes.count("TABLE", "DELETE") if changes else 0,
        }


def _milliseconds_since(instant: datetime) -> int:
    return round((now() - instant).total_seconds() * 1000)


def describe_crawl(crawl: Crawl) -> dict[str, Any]:
    """As ListCrawls answers."""
    described: dict[str, Any] = {
        "CrawlId": crawl.id,
        "State": crawl.state,
        "StartTime": crawl.started_at,
        "LogGroup": LOG_GROUP,
        "LogStream": crawl.settings.name,
        "MessagePrefix": crawl.id,
        "DPUHour": 0.0,  # nothing here is billed
    }
    if crawl.ended_at:
        described["EndTime"] = crawl.ended_at
    if crawl.error:
        described["ErrorMessage"] = crawl.error[:_MESSAGE_MAX]
    # AWS's shape: JSON in JSON, no summary where nothing changed.
    summary: dict[str, dict[str, str]] = {}
    for (kind, action), names in crawl.changes.names.items():
        summary.setdefault(kind, {})[action] = json.dumps({"Details": {"names": names}})
    if summary:
        described["Summary"] = json.dumps(summary)
    return described
