from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.exports import DAY, HOUR, MINUTE, Exports, item, refused


@pytest.fixture
def exports(aws: Endpoint, bucket: str, unique: Any, dynamodb_clock: Any) -> Exports:
    return Exports(aws, bucket, unique, dynamodb_clock)


def test_recovery_reaches_back_as_many_days_as_it_is_told(exports: Exports) -> None:
    start = int(time.time()) - 40 * DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a")
    exports.clock(start + 36 * DAY)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + DAY - MINUTE)
    assert exports.state(table, start + DAY + MINUTE) == {"a": item("a")}
    exports.recover(table, RecoveryPeriodInDays=2)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + 34 * DAY - MINUTE)
    exports.recover(table, RecoveryPeriodInDays=35)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + 34 * DAY - MINUTE)
    assert exports.state(table, start + 34 * DAY + MINUTE) == {"a": item("a")}


def test_switching_recovery_off_and_on_begins_a_new_history(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table()
    exports.put(table, "a", "b")
    exports.clock(start + HOUR)
    off = {"PointInTimeRecoveryEnabled": False}
    exports.dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    exports.delete(table, "a")
    exports.clock(start + 2 * HOUR)
    exports.recover(table)
    exports.clock(start + 3 * HOUR)
    refused(exports, "InvalidExportTimeException", "invalid", table, ExportTime=start + HOUR)
    assert exports.state(table, start + 2 * HOUR) == {"b": item("b")}


def test_continuous_backups_tell_what_can_be_recovered(exports: Exports) -> None:
    start = int(time.time()) - 5 * DAY
    exports.clock(start)
    table = exports.table(recovery=False)

    def described() -> dict[str, Any]:
        answer = exports.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        assert answer["ContinuousBackupsStatus"] == "ENABLED"
        return answer["PointInTimeRecoveryDescription"]

    assert described() == {"PointInTimeRecoveryStatus": "DISABLED"}
    exports.recover(table, RecoveryPeriodInDays=7)
    exports.clock(start + HOUR)
    found = described()
    assert found["PointInTimeRecoveryStatus"] == "ENABLED"
    assert found["RecoveryPeriodInDays"] == 7
    assert found["EarliestRestorableDateTime"].timestamp() == pytest.approx(start, abs=5)
    assert found["LatestRestorableDateTime"].timestamp() == pytest.approx(start + HOUR - 5 * MINUTE, abs=5)
    exports.clock(start + 10 * DAY)
    assert described()["EarliestRestorableDateTime"].timestamp() == pytest.approx(start + 3 * DAY, abs=5)
    exports.run(table, ExportTime=described()["EarliestRestorableDateTime"] + timedelta(minutes=1))


@pytest.mark.parametrize("days", [0, 36])
def test_recovery_is_of_1_to_35_days(exports: Exports, days: int) -> None:
    table = exports.table()
    with pytest.raises((ClientError, ParamValidationError), match="ecoveryPeriodInDays"):
        exports.recover(table, RecoveryPeriodInDays=days)
    assert exports.recover(table)["RecoveryPeriodInDays"] == 35


def test_restoring_to_another_moment_is_refused(exports: Exports) -> None:
    table = exports.table()
    with pytest.raises(ClientError, match="The sandbox does not restore a table to a RestoreDateTime"):
        exports.dynamodb.restore_table_to_point_in_time(
            SourceTableName=table, TargetTableName=table + "_2", RestoreDateTime=datetime.now(UTC)
        )
