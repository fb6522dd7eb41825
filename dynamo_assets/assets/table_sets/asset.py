"""`<database>/<set>` and the views of its members: one step, which moves them all or none."""

from collections.abc import Iterator, Sequence

import dagster as dg

from dynamo_assets.assets.checks import rows_in_view_spec
from dynamo_assets.assets.failures import explained_of
from dynamo_assets.assets.metadata import SNAPSHOT_LABEL
from dynamo_assets.assets.publishing import Views, view_spec
from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.table_sets.checks import MOVED_TOGETHER, moved_together_spec, what_to_do
from dynamo_assets.assets.table_sets.instant import Instants, instants_of
from dynamo_assets.assets.table_sets.together import Move, alone
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.console import catalog_table_url
from dynamo_assets.errors import HeldBackError, SetError
from dynamo_assets.export.manifest import Manifest, ManifestStore
from dynamo_assets.naming import format_snapshot, parse_slot, parse_snapshot, set_asset_key
from dynamo_assets.settings import Settings, Table, TableSet

CAVEAT = (
    "All views are as of one instant, each within the minute's accuracy that DynamoDB gives its own exports. They are "
    "not a transaction: a write shortly before or after the instant may be in one table and not in another."
)


def set_asset(table_set: TableSet, settings: Settings) -> dg.AssetsDefinition:
    """The views of a set's members and the set's own asset, which stands for the instant they show."""
    database, members = settings.catalog.database, settings.members(table_set)
    views = [view_spec(table, settings) for table in members]
    key = dg.AssetKey(set_asset_key(database, table_set.name))
    own = dg.AssetSpec(
        key=key,
        deps=views,
        group_name=members[0].group,
        kinds={"athena", "set"},
        owners=table_set.owners,
        tags=table_set.tags,
        description=_description(table_set, members, database),
        freshness_policy=_freshness(members),
    )
    # The step is as patient as its most patient member.
    patient = max(members, key=lambda table: (table.retries, table.retry_delay))

    @dg.multi_asset(
        name="__".join(key.path),
        specs=[*views, own],
        check_specs=[*(rows_in_view_spec(view.key) for view in views), moved_together_spec(key)],
        retry_policy=retry_policy(patient),
    )
    def _set(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        manifests = ManifestStore(aws.s3, settings.layout)
        attempt = f"{context.run.run_id}/{context.retry_number}"
        slot = context.run.tags.get("dagster/partition")
        log = context.log.info
        with (
            explained_of({"set": table_set.name}, patient.retries, context),
            alone(aws.s3, settings.layout, table_set.name, attempt=attempt, log=log) as hold,
        ):
            try:
                warehouse = Views.of(settings, aws)
                instants = instants_of(members, warehouse.catalog, manifests, slot=slot)
                label = _require_instant(instants, slot)
                move = Move(warehouse, [manifests.read(table.name, label) for table in members], hold, log)
                wrong = [check for check in move.verify() if not check.passed]
                yield from wrong
                _require_rows(move.manifests, wrong)
                results = move.make()
            except SetError as error:
                context.log_event(dg.AssetObservation(key, description=str(error)))
                yield _check(key, str(error), passed=False)
                raise
            yield from results
            yield dg.MaterializeResult(
                asset_key=key,
                metadata=_metadata(move.manifests, aws.region_name(), database),
                data_version=dg.DataVersion(label),
                check_results=[_check_of(key, instants)],
            )

    return _set


def _description(table_set: TableSet, members: Sequence[Table], database: str) -> str:
    listed = "\n".join(f"- `{database}.{table.name}`: {table.table}" for table in members)
    intro = f"{table_set.description}\n\n" if table_set.description else ""
    return (
        f"{intro}Views that move together, from one instant to the next:\n\n{listed}\n\n{CAVEAT}\n\n"
        "They move once every member's snapshot of the instant is complete and verified; until then all of them show "
        f"what they showed, and the check `{MOVED_TOGETHER}` says which member held them back."
    )


def _freshness(members: Sequence[Table]) -> dg.FreshnessPolicy | None:
    limits = [table.freshness for table in members if table.freshness]
    if not limits:
        return None
    return dg.FreshnessPolicy.time_window(
        fail_window=min(limit.fail for limit in limits), warn_window=min(limit.warn for limit in limits)
    )


def _require_instant(instants: Instants, slot: str | None) -> str:
    """The instant to show.

    Raises:
        HeldBackError: There is none, or not the run's own; names the members that lack it.
    """
    if instants.newest is None:
        raise HeldBackError("No member of the set has a complete snapshot; run the job of their schedule first.")
    asked = format_snapshot(parse_slot(slot)) if slot else ""
    if instants.common and asked <= instants.common:
        return instants.common
    raise HeldBackError(
        f"{_held_back(instants)} No view was touched: all show what they showed before. "
        f"{what_to_do(' and '.join(instants.held_back), instants.newest[:16])}"
    )


def _held_back(instants: Instants) -> str:
    reasons = "; ".join(f"{table} held the set back: {reason}" for table, reason in instants.held_back.items())
    return f"{reasons}."


def _require_rows(manifests: Sequence[Manifest], wrong: Sequence[dg.AssetCheckResult]) -> None:
    tables = {manifest.name: manifest.table for manifest in manifests}
    if wrong:
        reasons = " ".join(
            f"{tables[check.asset_key.path[-1]]} held the set back: {check.description}"
            for check in wrong
            if check.asset_key
        )
        raise HeldBackError(f"{reasons} No view of the set was touched.")


def _check(asset: dg.AssetKey, text: str, *, passed: bool, warn: bool = False) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=MOVED_TOGETHER,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=text,
    )


def _check_of(asset: dg.AssetKey, instants: Instants) -> dg.AssetCheckResult:
    """Of views that show one instant. That some member has a newer one may be a run in flight, so it is a warning."""
    if not instants.held_back:
        return _check(asset, f"All views show {instants.common}, the newest instant", passed=True)
    tables, slot = " and ".join(instants.held_back), (instants.newest or "")[:16]
    text = (
        f"All views show {instants.common}, and there are snapshots of {instants.newest}. {_held_back(instants)} "
        f"Where no run is at it now: {what_to_do(tables, slot)}"
    )
    return _check(asset, text, passed=False, warn=True)


def _metadata(manifests: Sequence[Manifest], region: str, database: str) -> dict[str, dg.MetadataValue]:
    label = manifests[0].snapshot_timestamp
    lines = ["| table | view | rows | bytes |", "| --- | --- | ---: | ---: |"] + [
        f"| {manifest.table} | [{database}.{manifest.name}]({catalog_table_url(region, database, manifest.name)}) "
        f"| {manifest.rows:,} | {manifest.bytes:,} |"
        for manifest in manifests
    ]
    return {
        SNAPSHOT_LABEL: dg.MetadataValue.text(label),
        "published_snapshot": dg.MetadataValue.timestamp(parse_snapshot(label)),
        "members": dg.MetadataValue.md("\n".join(lines)),
        "rows_of_all_members": dg.MetadataValue.int(sum(manifest.rows for manifest in manifests)),
        "accuracy": dg.MetadataValue.text(CAVEAT),
    }
