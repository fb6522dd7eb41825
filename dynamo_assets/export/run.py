"""One export from its request to its manifest: describe, plan, claim, read, commit."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import boto3
from botocore.exceptions import ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.attempt import Attempt, Mapper
from dynamo_assets.export.claim import Claim, claim_label, utc_now
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.hint import expected_facts
from dynamo_assets.export.lease import take_lease
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.export.native_export.conversion_plan import plan_conversion
from dynamo_assets.export.native_export.merge_plan import plan_merge
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.plan import Plan
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.scan_plan import plan_scan
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.export.throttle import Throttle
from dynamo_assets.export.unit import Job


@dataclass(frozen=True)
class Observer:
    """Who wants to know how an export goes.

    Attributes:
        on_plan: Called once, before anything is read.
        on_warning: Called with what a person should know before it is too late.
        on_progress: Called with the items exported and the items expected, the latter by DynamoDB's own count of some
            hours ago. In process it comes at least every second, even while the export waits for its share of the
            rate, from whichever thread reads, one at a time; what it raises ends the export.
    """

    on_plan: Callable[[Plan], None] = lambda _plan: None
    on_warning: Callable[[str], None] = lambda _text: None
    on_progress: Callable[[int, int], None] = lambda _done, _expected: None


def plan_export(request: ExportRequest, parallelism: int, session: boto3.Session | None = None) -> Plan:
    """What `run_export` would do, without doing it.

    Raises:
        PlanError: The table cannot be read as asked.
        IntegrityError: The native export's manifests are not whole.
    """
    clients = Clients(request, session)
    return _plan(request, clients, TableDescription.of(clients.dynamodb, request.table), parallelism)


def _plan(request: ExportRequest, clients: Clients, table: TableDescription, parallelism: int) -> Plan:
    if request.base_snapshot:
        return plan_merge(clients.s3, request, table, parallelism)
    if request.native_export:
        return plan_conversion(clients.s3, request, parallelism)
    return plan_scan(table, request, parallelism)


def run_export(
    request: ExportRequest,
    map_units: Mapper,
    *,
    session: boto3.Session | None = None,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Manifest:
    """Takes one snapshot of one table.

    Whatever goes wrong, Ctrl-C included, either the snapshot is complete by then and stays, or it has no manifest and
    its files are removed; notes on the exception tell which, and what could not be removed. Where S3 does not answer
    whether it took the manifest, the files are left: a request that is on its way can arrive late.

    Args:
        request: What to export.
        map_units: What runs the units.
        session: Where AWS credentials come from; boto3's own search where None.
        observer: Is told the plan and the progress.
        now: The wall clock.

    Returns:
        The manifest, written; of a native export that was converted before, the one of that time.

    Raises:
        ExportError: See its subclasses in `dynamo_assets.errors`.
    """
    request = replace(request, attempt=request.attempt or uuid.uuid4().hex)
    observer = observer or Observer()
    clients = Clients(request, session, map_units.parallelism)
    table = TableDescription.of(clients.dynamodb, request.table)
    store = ManifestStore(clients.s3, request.layout)
    watch = _Watch(observer)
    previous = _previous(store, request, observer)
    hint = expected_facts(previous) if previous and not request.rediscover else Facts()
    if request.is_of_native_exports:
        claim = take_lease(clients.s3, request, pause=watch.pause, on_wait=observer.on_warning)
    else:
        claim = claim_label(clients.s3, request, now=now)
    if claim is None:
        return store.read(request.name, request.snapshot_timestamp or "")
    with claim:
        watch.claim = claim
        attempt = Attempt(Job(request, claim.label, table, hint), claim, clients, map_units, watch, previous)
        try:
            # Whoever completes a point-in-time snapshot removes the native export: until then the lease keeps it.
            plan = _plan(request, clients, table, map_units.parallelism)
            watch.follow(plan)
            observer.on_plan(plan)
            for warning in plan.warnings():
                observer.on_warning(warning)
            started_at = now()
            results = map_units.read(attempt, plan)
            manifest = attempt.commit(results, started_at=started_at, now=now, read_facts=plan.read_facts())
            if left_over := attempt.tidy_up():
                observer.on_warning(left_over)
            return manifest
        except BaseException as error:
            attempt.discard(error)
            raise


def _previous(store: ManifestStore, request: ExportRequest, observer: Observer) -> Manifest | None:
    try:
        known = request.snapshot_timestamp
        # Before the first snapshot of the past that is filled in, later ones tell what columns to expect.
        label = (known and store.before(request.name, known)) or store.latest(request.name)
        return store.read(request.name, label) if label else None
    except ManifestError as error:
        observer.on_warning(f"The columns of the last snapshot are not known, so nothing is expected of them: {error}")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchBucket":  # the claim says that better
            raise
    return None


class _Watch(Supervisor):
    """The supervisor of an export's units, for all of them."""

    def __init__(self, observer: Observer):
        self.claim: Claim | None = None
        self._observer = observer
        self._throttle = Throttle(math.inf)
        self._expected = self._items = 0
        self._lock = threading.Lock()

    def follow(self, plan: Plan) -> None:
        """From here on keeps a plan's rate, and counts towards what it expects."""
        self._throttle = Throttle(plan.read_units_per_second)
        self._expected = plan.expected_items

    def progress(self, items: int) -> None:
        if self.claim:
            self.claim.check()
        with self._lock:
            self._items += items
            self._observer.on_progress(self._items, self._expected)

    def reserve(self, units: float, correction: float = 0.0) -> float:
        return self._throttle.reserve(units, correction)
