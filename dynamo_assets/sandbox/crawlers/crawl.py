"""One crawl, from listing the targets to the last partition, with its log in CloudWatch."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.crawlers.catalog import CatalogWriter
from dynamo_assets.sandbox.crawlers.classifiers import CsvClassifier
from dynamo_assets.sandbox.crawlers.classify import FileSchema, classify
from dynamo_assets.sandbox.crawlers.grouping import CrawledFile, FoundTable, find_tables, table_of_file
from dynamo_assets.sandbox.crawlers.listing import S3File, S3Target, list_files
from dynamo_assets.sandbox.crawlers.revisions import CatalogChanges
from dynamo_assets.sandbox.crawlers.settings import CrawlerSettings
from dynamo_assets.sandbox.crawlers.table_input import Describer

LOG_GROUP = "/aws-glue/crawlers"
_Identity = tuple[str, str, str, tuple[CsvClassifier, ...]]


def now() -> datetime:
    """The time to the millisecond, which is all that Glue's answers carry."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


class CrawlStoppedError(SandboxError):
    """StopCrawler was called: the crawl ends where it is."""


@dataclass
class CrawlMemory:
    """What a crawler remembers from one crawl to the next, as Glue's does.

    Attributes:
        folders: Those that ended crawls have read: `CRAWL_NEW_FOLDERS_ONLY` passes them over.
        schemas: Of every object, by bucket, key, ETag and classifiers: an object that has not changed is not read
            again.
    """

    folders: set[str] = field(default_factory=set)
    schemas: dict[_Identity, FileSchema] = field(default_factory=dict)


@dataclass
class Crawl:
    """A crawl: what it is to do, and how it stands. Its thread writes, others read.

    Attributes:
        settings: The crawler's, as they were at the start.
        memory: The crawler's.
        classifiers: The crawler's own, tried before the built-in ones.
        configuration: The crawler's, as JSON, for the log.
        on_written: Called after the last write, before the log is complete.
        id: Also the prefix of its log's lines.
        state: As ListCrawls says: RUNNING, COMPLETED, FAILED or STOPPED.
        stopping: Set by StopCrawler.
    """

    settings: CrawlerSettings
    memory: CrawlMemory
    classifiers: tuple[CsvClassifier, ...] = ()
    configuration: str = ""
    on_written: Callable[[], None] = lambda: None
    id: str = field(default_factory=lambda: str(uuid4()))
    started_at: datetime = field(default_factory=now)
    ended_at: datetime | None = None
    state: str = "RUNNING"
    error: str | None = None
    changes: CatalogChanges = field(default_factory=CatalogChanges)
    stopping: threading.Event = field(default_factory=threading.Event)
    _schemas: dict[_Identity, FileSchema] = field(default_factory=dict)

    def run(self, clients: Mapping[str, Any]) -> str:
        """Crawls.

        Args:
            clients: boto3 clients of `s3`, `glue` and `logs`.

        Returns:
            The state it ended in: COMPLETED, FAILED (then `error` says why) or STOPPED.
        """
        log = _CrawlLog(clients["logs"], self)
        log.line(f"BENCHMARK : Running Start Crawl for Crawler {self.settings.name}")
        try:
            self._crawl(clients, log)
            state = "COMPLETED"
        except CrawlStoppedError:
            state = "STOPPED"
            log.line("INFO : Crawl is cancelled")
        except Exception as error:  # noqa: BLE001 - the crawl's thread ends here: whatever it was is the crawl's failure
            state = "FAILED"
            self.error = _explain(error)
            log.line(f"ERROR : {self.error}")
        self.on_written()
        log.summary(self.changes)
        log.line("BENCHMARK : Crawler has finished running and is in state READY")
        log.flush()
        return state

    def _crawl(self, clients: Mapping[str, Any], log: _CrawlLog) -> None:
        log.flush()
        # Checked first, so that a crawl into no database has read nothing.
        clients["glue"].get_database(Name=self.settings.database)
        found = [(target, self._find_tables(clients["s3"], target)) for target in self.settings.targets]
        count = sum(len(tables) for _, tables in found)
        threshold = self.settings.table_threshold
        if threshold is not None and count > threshold:
            raise SandboxError(
                f"The number of tables detected by crawler: {count} is greater than the table threshold value "
                f"provided: {threshold}. No table is written"
            )
        log.line(f"BENCHMARK : Classification complete, writing results to database {self.settings.database}")
        log.line(self._describe_policies())
        log.flush()
        writer = CatalogWriter(clients["glue"], self.settings, log=log.line, check_stop=self._check_stop)
        self.changes = writer.changes
        for target, tables in found:
            describer = Describer(self.settings.name, target, partition_index=self.settings.partition_index)
            for table in tables:
                writer.write(describer, table)
        if not self.settings.new_folders_only:
            writer.settle_missing(self.settings.targets)
        self._remember(found)
        log.line("BENCHMARK : Finished writing to Catalog")

    def _find_tables(self, s3: Any, target: S3Target) -> list[FoundTable]:
        files = [
            CrawledFile(file, self._classify(s3, target.bucket, file))
            for file in list_files(s3, target)
            if not (self.settings.new_folders_only and f"{target.bucket}/{file.folder}" in self.memory.folders)
        ]
        if files and files[0].file.key == target.key:
            return [table_of_file(files[0])]
        return find_tables(
            files,
            target.folder,
            combine=self.settings.combine_compatible_schemas,
            level=self.settings.table_level,
        )

    def _classify(self, s3: Any, bucket: str, file: S3File) -> FileSchema:
        self._check_stop()
        identity = (bucket, file.key, file.etag, self.classifiers)
        known = self.memory.schemas.get(identity)
        schema = self._schemas[identity] = known or classify(s3, bucket, file.key, file.size, self.classifiers)
        return schema

    def _remember(self, found: Iterable[tuple[S3Target, list[FoundTable]]]) -> None:
        self.memory.schemas = self._schemas
        self.memory.folders |= {
            f"{target.bucket}/{crawled.file.folder}"
            for target, tables in found
            for table in tables
            for crawled in table.files
        }

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise CrawlStoppedError

    def _describe_policies(self) -> str:
        policy = {
            "UpdateBehavior": self.settings.update_behavior,
            "DeleteBehavior": self.settings.delete_behavior,
        }
        line = f"SchemaChangePolicy \n{json.dumps(policy, indent=4)}\n."
        if self.configuration:
            configuration = json.dumps(json.loads(self.configuration), indent=4)
            line = (
                f"Configuration \n{configuration}\n and {line} Note that values in the Configuration override values "
                "in the SchemaChangePolicy for S3 Targets."
            )
        return f"INFO : Crawler configured with {line}"


def _explain(error: Exception) -> str:
    if isinstance(error, ClientError):
        answer = error.response["Error"]
        where = f", bucket {answer['BucketName']}" if "BucketName" in answer else ""
        return f"{answer['Code']}: {answer['Message']}{where}"
    if isinstance(error, SandboxError):
        return str(error)
    logging.getLogger(__name__).error("a crawl failed", exc_info=error)
    return f"Internal Service Exception: {type(error).__name__}: {error}"


class _CrawlLog:
    """Lines for the crawler's stream, sent together after each stage."""

    def __init__(self, logs: Any, crawl: Crawl):
        self._logs, self._crawl = logs, crawl
        self._events: list[dict[str, Any]] = []
        self._has_stream = False

    def line(self, text: str) -> None:
        message = f"[{self._crawl.id}] {text}"
        self._events.append({"timestamp": round(time.time() * 1000), "message": message})

    def summary(self, changes: CatalogChanges) -> None:
        for kind in ("PARTITION", "TABLE"):
            counts = {action: changes.count(kind, action) for action in ("ADD", "UPDATE", "DELETE")}
            if any(counts.values()):
                self.line(f"INFO : Run Summary For {kind}:")
            for action, count in counts.items():
                if count:
                    self.line(f"INFO : {action}: {count}")

    def flush(self) -> None:
        stream = self._crawl.settings.name
        if not self._has_stream:
            self._create_stream(stream)
            self._has_stream = True
        self._logs.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=self._events)
        self._events = []

    def _create_stream(self, stream: str) -> None:
        for create in (
            lambda: self._logs.create_log_group(logGroupName=LOG_GROUP),
            lambda: self._logs.create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream),
        ):
            try:
                create()
            except self._logs.exceptions.ResourceAlreadyExistsException:
                continue
