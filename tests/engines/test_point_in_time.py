"""What the engine makes of errors; what it does with exports is shown by the acceptance tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from dynamo_assets.aws.native_exports import CompletedExport, NativeExports
from dynamo_assets.aws.wanted_export import WantedExport
from dynamo_assets.engines.increments import Chain
from dynamo_assets.engines.point_in_time import PointInTimeEngine
from dynamo_assets.engines.sizing import Limits
from dynamo_assets.engines.snapshot import Engine, Snapshot
from dynamo_assets.errors import IntegrityError, MergeError
from dynamo_assets.export import ExportRequest, Manifest, ManifestStore
from tests.engines.test_increments import KEYS, Snapshots, snapshot

SLOT, LABEL = "2026-11-25T10:00", "2026-11-25T10:00:00"


class Exports:
    """DynamoDB, which has exported whatever is asked for."""

    url = "https://console"

    def __init__(self) -> None:
        self.asked: list[WantedExport] = []

    def is_begun(self, _: WantedExport) -> bool:
        return False

    def obtain(self, wanted: WantedExport, **more: Any) -> CompletedExport:
        return self.obtain_all([wanted], **more)[0]

    def obtain_all(self, wanted: list[WantedExport], **_: Any) -> list[CompletedExport]:
        self.asked += wanted
        return [CompletedExport("arn", "manifest", 10, 1.0, False) for _ in wanted]


class DynamoDB:
    """One table, which can be recovered."""

    def describe_continuous_backups(self, **_: Any) -> Any:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "EarliestRestorableDateTime": datetime(2026, 11, 1, tzinfo=UTC),
        }
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    def describe_table(self, **_: Any) -> Any:
        return {
            "Table": {
                "TableStatus": "ACTIVE",
                "KeySchema": [
                    {"AttributeName": name, "KeyType": kind}
                    for name, kind in zip(KEYS, ("HASH", "RANGE"), strict=False)
                ],
                "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in KEYS.items()],
            }
        }


class Converter:
    """Converts, or fails as it is told to, once; another run may complete the snapshot meanwhile."""

    def __init__(self, manifests: Snapshots, error: Exception | None, elsewhere: Manifest | None = None):
        self._manifests, self._error, self._elsewhere = manifests, error, elsewhere

    def take_snapshot(self, request: ExportRequest, **_: Any) -> Snapshot:
        if self._elsewhere:
            self._manifests.add(self._elsewhere)
        if error := self._error:
            self._error = None
            raise error
        return Snapshot(snapshot(request.snapshot_timestamp or "", read={"base": "x"} if request.base_snapshot else {}))


def take(error: Exception | None, elsewhere: Manifest | None, *before: Manifest) -> tuple[Snapshot, Exports, list[str]]:
    manifests, exports, lines = Snapshots(*before), Exports(), []
    store = cast("ManifestStore", manifests)
    converter = cast("Engine", Converter(manifests, error, elsewhere))
    engine = PointInTimeEngine(
        dynamodb=cast("Any", DynamoDB()),
        exports=cast("NativeExports", exports),
        manifests=store,
        s3=cast("Any", None),
        in_process=converter,
        glue=converter,
        in_process_below=1000,
        limits=Limits(timedelta(seconds=1)),
        keep_native_export=True,
        chain=Chain(store, lambda _: None),
    )
    request = ExportRequest(table="Orders", bucket="exports", slot=SLOT)
    return engine.take_snapshot(request, before_start=lambda: None, log=lines.append), exports, lines


BASE = snapshot("2026-11-25T09:00:00")


def test_a_merge_that_fails_is_made_good_by_a_full_export_and_both_are_billed() -> None:
    taken, exports, lines = take(MergeError("does not fit"), None, BASE)
    assert [wanted.since is None for wanted in exports.asked] == [False, True]
    assert (taken.facts["full_because"], taken.facts["billed_bytes"]) == ("does not fit", 20)
    assert "WARNING: A full export is taken: does not fit" in lines


@pytest.mark.parametrize("before", [(), (BASE,)])
def test_a_snapshot_that_another_run_completed_is_adopted_and_nothing_more_is_exported(before: Any) -> None:
    """That run has removed the files of the export that both shared."""
    elsewhere = snapshot(LABEL)
    taken, exports, _ = take(IntegrityError("manifest-summary.json is missing"), elsewhere, *before)
    assert taken == Snapshot(elsewhere, {"adopted": True})
    assert len(exports.asked) == 1


def test_a_full_export_that_is_damaged_is_an_error() -> None:
    with pytest.raises(IntegrityError, match="damaged"):
        take(IntegrityError("damaged"), None)
