"""`<database>/<set>` and the views of its members: one step, which moves them all or none."""

from collections.abc import Iterator, Sequence

import dagster as dg

from dynamo_assets.assets.snapshot import retry_policy
from dynamo_assets.assets.table_sets.checks import MOVED_TOGETHER, moved_together_spec, what_to_do
from dynamo_assets.assets.table_sets.instant import Instants, instants_of
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import HeldBackError, PublishingError
from dynamo_assets.failures import explained_of
from dynamo_assets.naming import format_snapshot, parse_slot, set_asset_key
from dynamo_assets.publishing.choice import Choice
from dynamo_assets.publishing.kept_views import KeptViews
from dynamo_assets.publishing.move import Move, WrongRowsError, require_passed
from dynamo_assets.publishing.pins import Pin, Pins
from dynamo_assets.publishing.presentation import (
    CAVEAT,
    blocking_results,
    check_results,
    set_metadata,
    spoken_pin,
    view_result,
    view_spec,
)
from dynamo_assets.publishing.target import Target
from dynamo_assets.publishing.views import Views
from dynamo_assets.verification.asset_checks import view_specs
from dynamo_assets.verification.verify import Verifier


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
        freshness_policy=_freshness(table_set, settings),
    )
    # The step is as patient as its most patient member.
    patient = max(members, key=lambda table: (table.retries, table.retry_delay))
    target = Target.of_set(table_set, settings)

    @dg.multi_asset(
        name="__".join(key.path),
        specs=[*views, own],
        check_specs=[
            *(spec for table, view in zip(members, views, strict=True) for spec in view_specs(table, view.key)),
            moved_together_spec(key),
        ],
        retry_policy=retry_policy(patient),
    )
    def _set(
        context: dg.AssetExecutionContext, aws: AwsClients
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        attempt = f"{context.run.run_id}/{context.retry_number}"
        slot = context.run.tags.get("dagster/partition")
        log = context.log.info
        with (
            explained_of({"set": table_set.name}, patient.retries, context),
            target.alone(aws.s3, settings.layout, attempt=attempt, log=log) as hold,
        ):
            warehouse, verifier = Views.of(settings, aws), Verifier(settings, aws)
            pin = Pins(aws.s3, settings.layout).of(table_set.name)
            try:
                choice = Choice.of(warehouse.catalog, verifier)
                instants = _pinned(pin) if pin else instants_of(members, choice, slot=slot)
                label = _require_instant(instants, None if pin else slot)
                move = Move(warehouse, [verifier.manifests.read(table.name, label) for table in members], hold, log)
                candidates = move.verify()
                yield from blocking_results(candidates, database)
                require_passed(candidates, problem=" held the set back")
                try:
                    shown = move.make(candidates)
                except WrongRowsError as error:
                    for candidate, each in zip(candidates, error.shown, strict=True):
                        yield from check_results(candidate, each, database)
                    raise
            except PublishingError as error:
                context.log_event(dg.AssetObservation(key, description=str(error)))
                yield _check(key, str(error), passed=False)
                raise
            for candidate, each in zip(candidates, shown, strict=True):
                yield view_result(candidate, each, pin, settings)
            yield dg.MaterializeResult(
                asset_key=key,
                metadata=set_metadata(move.manifests, pin, aws.region_name(), database),
                data_version=dg.DataVersion(label),
                check_results=[_check_of(key, instants, pin)],
            )
            for table in members:
                KeptViews(warehouse, verifier, log).refresh(table)

    return _set


def _description(table_set: TableSet, members: Sequence[Table], database: str) -> str:
    listed = "\n".join(f"- `{database}.{table.name}`: {table.table}" for table in members)
    intro = f"{table_set.description}\n\n" if table_set.description else ""
    return (
        f"{intro}Views that move together, from one instant to the next:\n\n{listed}\n\n{CAVEAT}\n\n"
        "They move once every member's snapshot of the instant is complete and verified; until then all of them show "
        f"what they showed, and the check `{MOVED_TOGETHER}` says which member held them back."
    )


def _freshness(table_set: TableSet, settings: Settings) -> dg.FreshnessPolicy | None:
    limits = settings.limits_of(table_set)
    return limits and dg.FreshnessPolicy.time_window(fail_window=limits.fail, warn_window=limits.warn)


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
    return " ".join(f"{table} held the set back: {why.rstrip('.')}." for table, why in instants.held_back.items())


def _pinned(pin: Pin) -> Instants:
    return Instants(pin.snapshot_timestamp, pin.snapshot_timestamp, {})


def _check(asset: dg.AssetKey, text: str, *, passed: bool, warn: bool = False) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=MOVED_TOGETHER,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
        description=text,
    )


def _check_of(asset: dg.AssetKey, instants: Instants, pin: Pin | None) -> dg.AssetCheckResult:
    """Of views that show one instant. That some member has a newer one may be a run in flight, so it is a warning."""
    if pin:
        return _check(asset, f"All views are pinned {spoken_pin(pin)}", passed=True)
    if not instants.held_back:
        return _check(asset, f"All views show {instants.common}, the newest instant", passed=True)
    tables, slot = " and ".join(instants.held_back), (instants.newest or "")[:16]
    text = (
        f"All views show {instants.common}, and there are snapshots of {instants.newest}. {_held_back(instants)} "
        f"Where no run is at it now: {what_to_do(tables, slot)}"
    )
    return _check(asset, text, passed=False, warn=True)
