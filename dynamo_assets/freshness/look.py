"""Looks at the views of all tables and sets, and remembers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.freshness.known import Cursor, Known, judge
from dynamo_assets.freshness.sets import known_of_set
from dynamo_assets.freshness.tables import Tables
from dynamo_assets.freshness.watched import Watched, watched_sets, watched_tables
from dynamo_assets.publishing.pins import Pin, Pins


@dataclass(frozen=True)
class Seen:
    """What one look has told.

    Attributes:
        known: Of each view and set that could be read.
        before: What was known of them; those that are looked at for the first time are not in it.
        cursor: What to keep for the next look; of what could not be read what was known before.
        errors: Of what AWS could not be asked, by name.
    """

    known: Mapping[Watched, Known]
    before: Mapping[Watched, Known]
    cursor: Cursor
    errors: Mapping[str, Exception]


@dataclass(frozen=True)
class Look:
    """One look at everything.

    Attributes:
        settings: The tables and sets.
        aws: The clients.
        now: The wall clock.
        log: Hears what could not be read, table by table.
    """

    settings: Settings
    aws: AwsClients
    now: datetime
    log: Callable[[str], None]

    def at_all(self, cursor: Cursor, *, only: Collection[dg.AssetKey] | None = None) -> Seen:
        """Looks.

        Args:
            cursor: What is known.
            only: These assets alone.
        """
        sets = [pair for pair in watched_sets(self.settings) if only is None or pair[1].asset in only]
        members = {table.name for tables, _ in sets for table in tables}
        watched = [
            each
            for _, each in watched_tables(self.settings)
            if only is None or each.asset in only or each.name in members
        ]
        pins = self._pins({**cursor.tables, **cursor.sets})
        looker = Tables(self.settings, self.aws, self.now, self.log)
        tables = looker.known(watched, cursor.tables, pins)
        of_sets: dict[str, Known] = {}
        for tables_of, each in sets:
            found = [(table, tables[table.name]) for table in tables_of if table.name in tables]
            if len(found) < len(tables_of):
                continue
            before = cursor.sets.get(each.name, Known())
            try:
                known = known_of_set(found, before, pins.get(each.pinned_as), looker.manifests)
            except (ClientError, BotoCoreError) as error:
                self.log(f"{each.title}: {error}")
                continue
            of_sets[each.name] = judge(known, each.limits, self.now)
        everything = [(each, tables, cursor.tables) for each in watched]
        everything += [(each, of_sets, cursor.sets) for _, each in sets]
        return Seen(
            known={each: now_in[each.name] for each, now_in, _ in everything if each.name in now_in},
            before={each: was_in[each.name] for each, _, was_in in everything if each.name in was_in},
            cursor=Cursor(
                tables=_kept(cursor.tables, [each.name for each in watched]) | tables,
                sets=_kept(cursor.sets, [each.name for _, each in sets]) | of_sets,
                told=cursor.told,
            ),
            errors=looker.errors,
        )

    def _pins(self, before: Mapping[str, Known]) -> Mapping[str, Pin]:
        """All pins by their names; those known before, where they cannot be read."""
        try:
            return Pins(self.aws.s3, self.settings.layout).all()
        except (ClientError, BotoCoreError, msgspec.DecodeError) as error:
            self.log(f"The pins could not be read: {error}")
            return {known.pin.name: known.pin for known in before.values() if known.pin}


def _kept(before: Mapping[str, Known], names: Collection[str]) -> dict[str, Known]:
    return {name: before[name] for name in names if name in before}
