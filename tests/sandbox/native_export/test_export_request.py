from __future__ import annotations

import time
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, HOUR, MINUTE, Exports, refused


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        (0, 14 * MINUTE, "less than 15 minutes"),
        (HOUR, MINUTE, "less than 15 minutes"),
        (0, 25 * HOUR, "greater than 24 hours"),
        (-MINUTE, HOUR, "ExportFromTime .* is not between"),
        (30 * HOUR, 60 * HOUR, "ExportToTime .* is not between"),
    ],
)
def test_a_period_is_of_15_minutes_to_24_hours_of_the_past(
    exports: Exports, since: int, until: int, message: str
) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.clock(start + 48 * HOUR)
    period = {"ExportFromTime": start + since, "ExportToTime": start + until}
    parameters = {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": period}
    refused(exports, "InvalidExportTimeException", message, table, **parameters)


@pytest.mark.parametrize("length", [15 * MINUTE, 24 * HOUR])
def test_the_shortest_and_the_longest_period_are_taken(exports: Exports, length: int) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.clock(start + 48 * HOUR)
    assert exports.changes(table, start, start + length) == []


def test_without_recovery_there_is_nothing_to_export(exports: Exports) -> None:
    table = exports.table(recovery=False)
    refused(exports, "PointInTimeRecoveryUnavailableException", f"not enabled for table '{table}'", table)
    exports.recover(table)
    exports.run(table)
    exports.dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    refused(exports, "PointInTimeRecoveryUnavailableException", "not enabled", table)


def test_the_future_and_what_was_before_recovery_are_refused(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table(recovery=False)
    exports.clock(start + HOUR)
    exports.recover(table)
    exports.clock(start + 2 * HOUR)
    code = "InvalidExportTimeException"
    refused(exports, code, "Export Time is invalid", table, ExportTime=start + HOUR - 1)
    refused(exports, code, "Export Time is invalid", table, ExportTime=start + 2 * HOUR + 30)
    exports.run(table, ExportTime=start + HOUR)
    exports.run(table, ExportTime=start + 2 * HOUR)


def test_a_table_that_is_not_there_is_not_found(exports: Exports) -> None:
    table = exports.table()
    refused(exports, "TableNotFoundException", "Table not found", table, TableArn=exports.arn(table) + "_no")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ExportFormat": "QWERTY"}, "Value 'QWERTY' at 'exportFormat' failed to satisfy constraint"),
        ({"ExportFormat": "ION"}, "The sandbox does not write exports in Amazon Ion"),
        ({"ExportType": "HALF"}, "at 'exportType' failed to satisfy constraint"),
        ({"S3SseAlgorithm": "ROT13"}, "at 's3SseAlgorithm' failed to satisfy constraint"),
        ({"S3Bucket": "no/bucket"}, "at 's3Bucket' failed to satisfy constraint"),
        ({"ExportType": "INCREMENTAL_EXPORT"}, "needs an IncrementalExportSpecification"),
        ({"IncrementalExportSpecification": {"ExportFromTime": 1}}, "is of an INCREMENTAL_EXPORT"),
        (
            {
                "ExportType": "INCREMENTAL_EXPORT",
                "IncrementalExportSpecification": {"ExportFromTime": 1, "ExportViewType": "OLD"},
            },
            "at 'incrementalExportSpecification.exportViewType' failed to satisfy constraint",
        ),
        (
            {
                "ExportType": "INCREMENTAL_EXPORT",
                "ExportTime": 1,
                "IncrementalExportSpecification": {"ExportFromTime": 1},
            },
            "ExportTime is of a FULL_EXPORT",
        ),
    ],
)
def test_bad_parameters_start_nothing(exports: Exports, parameters: Any, message: str) -> None:
    table = exports.table()
    refused(exports, "ValidationException", message, table, **parameters)
    assert exports.dynamodb.list_exports(TableArn=exports.arn(table))["ExportSummaries"] == []
