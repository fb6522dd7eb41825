"""A lake to crawl: a bucket, a database, and the crawlers that a test points at them."""

from __future__ import annotations

import io
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROLE = "arn:aws:iam::123456789012:role/service-role/crawler"
CRAWL_SECONDS_MAX = 60.0


@dataclass
class Lake:
    """A bucket and a database of one test's own."""

    s3: Any
    glue: Any
    logs: Any
    bucket: str
    database: str
    _serial: Any = field(default_factory=lambda: itertools.count(1))

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_json(self, key: str, *records: Any) -> None:
        self.put(key, "".join(json.dumps(record) + "\n" for record in records))

    def put_parquet(self, key: str, columns: Mapping[str, Any] | pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(dict(columns)), buffer)
        self.put(key, buffer.getvalue())

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def crawler(
        self,
        path: str,
        *,
        exclusions: Sequence[str] = (),
        configuration: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> str:
        """Defines a crawler of a folder of the bucket; returns its name."""
        name = f"{self.database}_crawler_{next(self._serial)}"
        if configuration is not None:
            settings["Configuration"] = json.dumps({"Version": 1.0, **configuration})
        targets = {"S3Targets": [{"Path": f"s3://{self.bucket}/{path}", "Exclusions": list(exclusions)}]}
        self.glue.create_crawler(
            **{"Name": name, "Role": ROLE, "DatabaseName": self.database, "Targets": targets, **settings}
        )
        return name

    def finish(self, crawler: str) -> dict[str, Any]:
        """Waits for the running crawl; returns the crawler's LastCrawl."""
        deadline = time.monotonic() + CRAWL_SECONDS_MAX
        while (described := self.glue.get_crawler(Name=crawler)["Crawler"])["State"] != "READY":
            assert time.monotonic() < deadline, f"{crawler} is still {described['State']}"
            time.sleep(0.01)
        return described["LastCrawl"]

    def crawl(self, crawler: str) -> None:
        """Crawls, and expects it to succeed."""
        self.glue.start_crawler(Name=crawler)
        last = self.finish(crawler)
        assert last["Status"] == "SUCCEEDED", last.get("ErrorMessage")

    def crawl_fails(self, crawler: str) -> str:
        """Crawls, and expects it to fail; returns why."""
        self.glue.start_crawler(Name=crawler)
        last = self.finish(crawler)
        assert last["Status"] == "FAILED"
        return last["ErrorMessage"]

    def tables(self) -> dict[str, Any]:
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName=self.database)["TableList"]}

    def table(self, name: str) -> Any:
        return self.glue.get_table(DatabaseName=self.database, Name=name)["Table"]

    def columns(self, table: str) -> dict[str, str]:
        return columns_of(self.table(table))

    def partitions(self, table: str) -> dict[tuple[str, ...], Any]:
        pages = self.glue.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=table)
        return {tuple(found["Values"]): found for page in pages for found in page["Partitions"]}

    def log(self, crawler: str) -> list[str]:
        answer = self.logs.get_log_events(
            logGroupName="/aws-glue/crawlers", logStreamName=crawler, startFromHead=True, limit=1000
        )
        return [event["message"] for event in answer["events"]]


def columns_of(described: Mapping[str, Any]) -> dict[str, str]:
    """Names and types of a table's or partition's columns."""
    return {column["Name"]: column["Type"] for column in described["StorageDescriptor"]["Columns"]}
