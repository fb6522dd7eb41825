"""Views of single older snapshots, `<name>_<yyyymmddthhmm>`, and of all of them, `<name>_history`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dynamo_assets.aws.athena import quote_identifier, quote_literal
from dynamo_assets.aws.cancellation import all_side_by_side
from dynamo_assets.aws.views import create_view
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import CatalogError
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.naming import PARTITION_COLUMN, history_view, is_further_view, kept_view, snapshots_table
from dynamo_assets.publishing.view_columns import view_columns
from dynamo_assets.publishing.views import Views
from dynamo_assets.verification.verify import Verifier

HISTORY_LIMIT = 5_000
"""So many snapshots the history shows at most: a label takes 23 characters, and Athena's SQL ends at 262,144 bytes."""


@dataclass(frozen=True)
class KeptViews:
    """Keeps the further views of tables.

    Attributes:
        views: Where they are.
        verifier: Says which snapshots are verified.
        log: Hears what happens.
    """

    views: Views
    verifier: Verifier
    log: Callable[[str], None]

    def refresh(self, table: Table) -> None:
        """Makes the views that are missing, and drops those of snapshots that are no longer among the last.

        Those of a table whose `keep_views` has become zero are dropped, too.

        Raises:
            CatalogError: Something else has the name of one of them.
            QueryError: Athena would not make one.
        """
        catalog = self.views.catalog
        there = {name for name in catalog.names(table.name) if is_further_view(table.name, name)}
        if not table.keep_views and not there:
            return
        labels = self._labels(table)
        kept = labels[-table.keep_views :] if table.keep_views else []
        newest_of = {kept_view(table.name, label): label for label in kept}
        for name, label in newest_of.items():
            self._make(table, name, self.views.query_of(self.verifier.manifests.read(table.name, label)))
        wanted = set(newest_of)
        if kept:
            self._make(table, history_view(table.name), self._history(table, labels[-HISTORY_LIMIT:]))
            wanted.add(history_view(table.name))
        for name in sorted(there - wanted):
            if self._is_ours(table, catalog.view_sql(name)):
                catalog.drop(name)
                self.log(f"View {catalog.database}.{name} is gone: keep_views is {table.keep_views}")

    def _labels(self, table: Table) -> list[str]:
        """The verified snapshots that the raw table has, oldest first."""
        registered = set(self.views.catalog.labels(snapshots_table(table.name)))
        return [label for label in self.verifier.records.verified(table.name) if label in registered]

    def _make(self, table: Table, name: str, query: str) -> None:
        catalog = self.views.catalog
        sql = catalog.view_sql(name)
        if sql == query:
            return
        if sql is not None and not self._is_ours(table, sql):
            raise CatalogError(
                f"{table.table}: the view {catalog.database}.{name} is somebody else's; rename it, or set keep_views "
                "to 0"
            )
        self.views.athena.query(create_view(catalog.database, name, query), subject=table.table)
        self.log(f"View {catalog.database}.{name} was made")

    def _is_ours(self, table: Table, sql: str | None) -> bool:
        return f" FROM {self._raw(table)} WHERE " in (sql or "")

    def _history(self, table: Table, labels: list[str]) -> str:
        """The newest snapshot's columns, of all snapshots; each label is named, so that no other folder is read."""
        newest = self.verifier.manifests.read(table.name, labels[-1])
        if newest.format == "csv":
            labels = self._written_alike(newest, labels)
        columns = ", ".join([*view_columns(newest), quote_identifier(PARTITION_COLUMN)])
        listed = ", ".join(map(quote_literal, labels))
        return f"SELECT {columns} FROM {self._raw(table)} WHERE {quote_identifier(PARTITION_COLUMN)} IN ({listed})"

    def _written_alike(self, newest: Manifest, labels: list[str]) -> list[str]:
        """Without snapshots whose text is not such as the newest one's: what undoes its escapes would change theirs."""
        manifests = self.verifier.manifests
        read = all_side_by_side([partial(manifests.read, newest.name, label) for label in labels])
        form = newest.file_format
        return [each.snapshot_timestamp for each in read if each.file_format == form]

    def _raw(self, table: Table) -> str:
        return self.views.quoted(snapshots_table(table.name))
