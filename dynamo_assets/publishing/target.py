"""What is published as one: the view of a table, or those of a set."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from dynamo_assets.aws.cancellation import pause
from dynamo_assets.configuration.settings import Settings, TableSet
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import ConfigError
from dynamo_assets.export.holding import Held, Hold, one_at_a_time
from dynamo_assets.naming import Layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Target:
    """Views that move together: one, or those of a set.

    Attributes:
        name: The table's catalog name, or the set's name. Pins are kept by it.
        title: How a person calls it: the table's own name, or the set's.
        tables: Whose views they are.
        is_set: Whether it is a set.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    is_set: bool = False

    @classmethod
    def of_table(cls, table: Table) -> Target:
        """The view of a table that is in no set."""
        return cls(table.name, table.table, (table,))

    @classmethod
    def of_set(cls, table_set: TableSet, settings: Settings) -> Target:
        """The views of a set."""
        return cls(table_set.name, table_set.name, settings.members(table_set), is_set=True)

    @classmethod
    def find(cls, name: str, settings: Settings) -> Target:
        """What a person means.

        Args:
            name: A table as `tables` names it, a table's catalog name, or a set's name.
            settings: The settings.

        Raises:
            ConfigError: There is no such table or set, or it is a member of a set.
        """
        for table_set in settings.sets:
            if table_set.name == name:
                return cls.of_set(table_set, settings)
            for table in settings.members(table_set):
                if name in {table.table, table.name}:
                    raise ConfigError(
                        f"{name!r} is in the set {table_set.name!r}, and its view moves with the others of that: "
                        f"publish {table_set.name!r}"
                    )
        for table in settings.tables:
            if name in {table.table, table.name}:
                return cls.of_table(table)
        known = [*(table.table for table in settings.tables), *(table_set.name for table_set in settings.sets)]
        close = get_close_matches(name, known, 1)
        raise ConfigError(
            f"{name!r} is neither a table nor a set of tables.yaml; "
            + (f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known[:20])}")
        )

    def alone(
        self, s3: S3Client, layout: Layout, *, attempt: str, log: Callable[[str], None]
    ) -> AbstractContextManager[Hold]:
        """Only one publisher at a time looks at the views and moves them; others wait for their turn.

        Two at once, as a backfill and a tick may be, could leave a view at the older of their snapshots, or the views
        of a set at several.

        Args:
            s3: Where the claim is kept.
            layout: Where it lies.
            attempt: Who publishes.
            log: Hears why it waits.
        """
        key = layout.set_claim_key(self.name) if self.is_set else layout.view_claim_key(self.name)
        what = f"the views of set {self.name}" if self.is_set else f"the view {self.name}"
        owner = f"set {self.name}" if self.is_set else f"table {self.title}"
        held = Held(layout.bucket, key, attempt, owner=owner, what=what)
        return one_at_a_time(s3, held, pause=pause, on_wait=log)
