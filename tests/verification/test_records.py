from __future__ import annotations

import msgspec
import pytest

from dynamo_assets.naming import Layout
from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.verification.finding import Finding
from dynamo_assets.verification.records import Record, Records
from tests.export.manifests import snapshot_of

LABELS = [f"2026-11-{day:02}T10:00:00" for day in range(1, 5)]
BAD = Finding("volume", False, "0 rows, and 2 before", "block")
ODD = Finding("schema", False, "added: new", "warn")


@pytest.fixture
def records(aws: Endpoint, bucket: str) -> Records:
    return Records(aws.client("s3"), Layout(bucket))


def _record(label: str, *findings: Finding, rows: int = 2, accepted_by: str = "") -> Record:
    manifest = snapshot_of(Layout("lake"), label, "parquet", rows=rows)
    return Record.of(manifest, findings, accepted_by=accepted_by)


def test_a_snapshot_that_nobody_asked_is_neither_verified_nor_rejected(records: Records) -> None:
    assert records.state("zoo", LABELS[0]) == "unknown"
    assert records.read("zoo", LABELS[0]) is None


def test_what_only_warns_passes_and_what_blocks_does_not(records: Records) -> None:
    records.write(_record(LABELS[0], ODD))
    records.write(_record(LABELS[1], ODD, BAD))
    assert records.state("zoo", LABELS[0]) == "verified"
    assert records.state("zoo", LABELS[1]) == "rejected"
    rejected = records.read("zoo", LABELS[1])
    assert rejected is not None
    assert rejected.reasons() == "volume: 0 rows, and 2 before."
    assert (rejected.findings, rejected.rows, rejected.table) == ((ODD, BAD), 2, "Zoo")


def test_a_further_look_takes_the_place_of_the_one_before(records: Records) -> None:
    records.write(_record(LABELS[0]))
    records.write(_record(LABELS[0], BAD))
    assert records.state("zoo", LABELS[0]) == "rejected"
    records.write(_record(LABELS[0], BAD, accepted_by="ada"))
    assert records.state("zoo", LABELS[0]) == "verified"
    assert list(records.verified("zoo")) == LABELS[:1]
    assert list(records.rejected("zoo")) == []


def test_while_there_are_both_records_the_snapshot_is_rejected(records: Records, aws: Endpoint, bucket: str) -> None:
    records.write(_record(LABELS[0]))
    rejection = msgspec.json.encode(_record(LABELS[0], BAD))
    aws.client("s3").put_object(Bucket=bucket, Key=Layout(bucket).rejected_key("zoo", LABELS[0]), Body=rejection)
    assert records.state("zoo", LABELS[0]) == "rejected"


def test_the_record_before_an_instant_is_the_last_that_passed(records: Records) -> None:
    for rows, label in enumerate(LABELS, 1):
        records.write(_record(label, *([BAD] if label == LABELS[2] else []), rows=rows))
    before = records.before("zoo", LABELS[3])
    assert before is not None
    assert (before.snapshot_timestamp, before.rows) == (LABELS[1], 2)
    assert records.before("zoo", LABELS[0]) is None
