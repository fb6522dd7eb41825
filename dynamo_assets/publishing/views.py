"""The views of one database: what each of them is to show, whether it may, and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dynamo_assets.aws.athena import Athena, QueryResult, quote_identifier
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.aws.views import create_view, published_label, published_snapshot, view_query
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.export.manifest import Manifest
from dynamo_assets.publishing.declared_checks import run_declared
from dynamo_assets.publishing.expiry import not_expired
from dynamo_assets.publishing.view_columns import view_columns
from dynamo_assets.verification.finding import VIEW, Finding, finding_of

SAMPLE_ROWS = 5
LOOK = "Look for files in the snapshot's folder that the manifest does not name, and materialize the slot again."


@dataclass(frozen=True)
class Candidate:
    """A snapshot that a view is to show, as Athena reads it before the view is touched.

    Attributes:
        manifest: The snapshot's.
        rows: How many rows the view is going to show.
        findings: Of the check `view` and of the declared ones.
        scanned: The bytes that each query has scanned that counted them.
    """

    manifest: Manifest
    rows: int
    findings: tuple[Finding, ...]
    scanned: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shown:
    """What was read through a view.

    Attributes:
        manifest: Of the snapshot that it shows.
        rows: How many rows it shows.
        sql: The statement that makes it.
        counted: The query that counted them.
        sample: A few rows.
        finding: Of the check `view`; None where that is off.
        scanned: The bytes that each query has scanned, before the view was touched and after; those of declared checks
            are not among them.
    """

    manifest: Manifest
    rows: int
    sql: str
    counted: QueryResult
    sample: QueryResult
    finding: Finding | None
    scanned: tuple[int, ...]


@dataclass(frozen=True)
class Views:
    """The views of one database.

    Attributes:
        catalog: Says what they show.
        athena: Makes them, and counts.
        tables: Whose they are, by catalog name.
    """

    catalog: Catalog
    athena: Athena
    tables: Mapping[str, Table]

    @classmethod
    def of(cls, settings: Settings, aws: AwsClients) -> Views:
        """Those of the settings' database."""
        database = settings.catalog.database
        athena = Athena(
            aws.session(),
            workgroup=settings.athena.workgroup,
            database=database,
            time_limit=settings.athena.time_limit,
        )
        return cls(Catalog(aws.glue, database), athena, {table.name: table for table in settings.tables})

    def query_of(self, manifest: Manifest) -> str:
        """The SQL of the view that shows a snapshot."""
        return self._query(manifest, not_expired(manifest, self.tables[manifest.name].ttl_attribute))

    def check_before(self, manifest: Manifest, *, declared: bool = True) -> Candidate:
        """Counts the snapshot's rows before its view is touched, so that one with too many or too few is never shown.

        What is counted is the query that the view is going to have: one that Athena cannot answer fails here, too.

        Args:
            manifest: The snapshot's.
            declared: Whether the table's declared checks are run, too.

        Raises:
            QueryError: Athena could not answer.
            AwsTimeoutError: It took too long.
        """
        table, query = self.tables[manifest.name], self.query_of(manifest)
        whole = self._query(manifest)
        counted = [self._count(f"({whole})", manifest)]
        rows = int(counted[-1].scalar())
        findings = [self._finding_before(manifest, rows)] if table.verification.view != "off" else []
        if query != whole:
            counted.append(self._count(f"({query})", manifest))
            rows = int(counted[-1].scalar())
        if declared and not any(finding.blocks for finding in findings):
            findings += run_declared(table, query, self.athena)
        return Candidate(manifest, rows, tuple(findings), tuple(each.bytes_scanned for each in counted))

    def shows(self, manifest: Manifest) -> bool:
        """Whether the view is just as this snapshot makes it."""
        return self.catalog.view_sql(manifest.name) == self.query_of(manifest)

    def publish(self, manifest: Manifest, *, log: Callable[[str], None]) -> None:
        """Re-points the view to a snapshot; where it already shows just that, nothing is done."""
        view = f"View {self.catalog.database}.{manifest.name}"
        if self.shows(manifest):
            log(f"{view} shows snapshot {manifest.snapshot_timestamp} already")
        else:
            self.athena.query(self._statement(manifest), subject=manifest.table)
            log(f"{view} now shows snapshot {manifest.snapshot_timestamp}")

    def read(self, candidate: Candidate) -> Shown:
        """What the view shows: its rows counted through it, a few of them, and whether all of it is as it was found."""
        manifest, view = candidate.manifest, self.quoted(candidate.manifest.name)
        counted = self._count(view, manifest)
        sample = self.athena.query(f"SELECT * FROM {view} LIMIT {SAMPLE_ROWS}", subject=manifest.table)
        rows = int(counted.scalar())
        off = self.tables[manifest.name].verification.view == "off"
        finding = None if off else self._finding_after(candidate, rows)
        scanned = (*candidate.scanned, counted.bytes_scanned, sample.bytes_scanned)
        return Shown(manifest, rows, self._statement(manifest), counted, sample, finding, scanned)

    def quoted(self, name: str) -> str:
        """A view's or a raw table's name as SQL takes it."""
        return f"{quote_identifier(self.catalog.database)}.{quote_identifier(name)}"

    def _finding_before(self, manifest: Manifest, counted: int) -> Finding:
        shown = published_snapshot(self.catalog, manifest.name) == manifest.snapshot_timestamp
        stands = "shows this snapshot" if shown else "was not touched and shows what it showed before"
        problems = _miscounted(manifest, counted, manifest.rows)
        return self._finding(manifest, problems, counted, f"The view {stands}. {LOOK}")

    def _finding_after(self, candidate: Candidate, counted: int) -> Finding:
        manifest = candidate.manifest
        label = published_label(self.catalog.view_sql(manifest.name) or "")
        problems = _miscounted(manifest, counted, candidate.rows)
        if label != manifest.snapshot_timestamp:
            problems.append(f"the view shows {label or 'nothing'}, and should show {manifest.snapshot_timestamp}")
        return self._finding(manifest, problems, counted, LOOK, expired=manifest.rows - candidate.rows)

    def _finding(self, manifest: Manifest, problems: list[str], counted: int, advice: str, expired: int = 0) -> Finding:
        level = self.tables[manifest.name].verification.view
        return finding_of(
            VIEW,
            problems,
            good=f"shows {manifest.snapshot_timestamp}: {counted:,} rows",
            advice=advice,
            level="warn" if level == "warn" else "block",
            figures={"rows_counted": counted, "rows_in_manifest": manifest.rows}
            | ({"rows_expired": expired} if expired else {}),
        )

    def _query(self, manifest: Manifest, condition: str = "") -> str:
        label = manifest.snapshot_timestamp
        return view_query(self.catalog.database, manifest.name, view_columns(manifest), label, condition)

    def _count(self, source: str, manifest: Manifest) -> QueryResult:
        return self.athena.query(f"SELECT count(*) FROM {source}", subject=manifest.table)

    def _statement(self, manifest: Manifest) -> str:
        return create_view(self.catalog.database, manifest.name, self.query_of(manifest))


def _miscounted(manifest: Manifest, counted: int, expected: int) -> list[str]:
    if counted == expected:
        return []
    said = "the manifest says" if expected == manifest.rows else "without those that have expired there were"
    return [f"Athena counts {counted:,} rows of snapshot {manifest.snapshot_timestamp}, {said} {expected:,}"]
