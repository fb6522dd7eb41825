"""A label given in advance, held by one attempt for as long as it lives.

A scan that dies leaves a claim behind, and the next one takes another second. A point-in-time snapshot has no other
label to take: so its claim is renewed while the attempt lives, and who finds one that was not renewed for long may
take it over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from botocore.exceptions import ClientError

from dynamo_assets.export.claim import Claim, no_bucket
from dynamo_assets.export.holding import Held, Hold, take_hold
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.export.request import ExportRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Lease(Claim):
    """The claim of an attempt that renews it, while its context lasts.

    Args:
        s3: Where claims lie.
        request: The table, the label and the attempt.
        hold: The claim that this attempt wrote.
    """

    def __init__(self, s3: S3Client, request: ExportRequest, hold: Hold):
        super().__init__(s3, request, request.snapshot_timestamp or "")
        self._hold = hold

    def __enter__(self) -> Self:
        self._hold.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._hold.__exit__(*raised)

    def check(self) -> None:
        """Costs nothing; to be called often.

        Raises:
            ExportError: Another attempt has the label, or may have it soon.
        """
        self._hold.check()

    def confirm(self) -> None:
        """Renews at once: for two minutes from here on nobody else touches the snapshot.

        Raises:
            ExportError: Another attempt has the label.
        """
        self._hold.confirm()


def take_lease(
    s3: S3Client, request: ExportRequest, *, pause: Callable[[float], None], on_wait: Callable[[str], None]
) -> Lease | None:
    """Makes a label this attempt's own; waits for an attempt that holds it and lives, or died a moment ago.

    Args:
        s3: Where claims and manifests lie.
        request: The table, the label and the attempt.
        pause: Waits some seconds; may raise.
        on_wait: Hears once why it waits.

    Returns:
        The lease, or None where the snapshot is complete.

    Raises:
        PlanError: The bucket does not exist.
    """
    store, label = ManifestStore(s3, request.layout), request.snapshot_timestamp or ""
    try:
        hold = take_hold(
            s3,
            _held(request),
            pause=pause,
            on_wait=on_wait,
            is_done=lambda: store.has(request.name, label),
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":
            raise
        raise no_bucket(request) from error
    return hold and Lease(s3, request, hold)


def _held(request: ExportRequest) -> Held:
    label = request.snapshot_timestamp or ""
    key = request.layout.claim_key(request.name, label)
    return Held(
        request.bucket,
        key,
        request.attempt,
        owner=f"table {request.table}",
        what=f"snapshot {label}",
        until="the snapshot is complete",
    )
