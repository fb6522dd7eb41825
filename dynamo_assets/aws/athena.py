"""Athena queries through PyAthena: with a time limit, cancelled when the run is, failures with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pyathena
from pyathena.async_cursor import AsyncCursor
from pyathena.error import Error as PyAthenaError

from dynamo_assets.aws.cancellation import pause
from dynamo_assets.aws.console import athena_query_url
from dynamo_assets.aws.waiting import stopping, wait_until
from dynamo_assets.errors import QueryError

WHAT_TO_DO = {
    "FAILED": "Mend what the reason names and materialize this asset again.",
    "CANCELLED": "Somebody stopped it, or a limit of the workgroup did; materialize this asset again if that was not "
    "meant.",
}
"""Every state but success that Athena ends a query in."""


@dataclass(frozen=True)
class QueryResult:
    """A query that succeeded.

    Attributes:
        query_id: Athena's QueryExecutionId.
        url: Its page in the console.
        columns: The result's column names.
        rows: All rows; ask only for few.
        bytes_scanned: What Athena bills.
    """

    query_id: str
    url: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    bytes_scanned: int

    def scalar(self) -> Any:
        """The one value of a result of one row and one column."""
        [[value]] = self.rows
        return value


class Athena:
    """One workgroup, one default database, one connection; may be used by several threads."""

    def __init__(self, session: boto3.Session, *, workgroup: str, database: str, time_limit: timedelta):
        self._session = session
        self._time_limit = time_limit
        # Made once: a connection makes a client, which takes longer than a small query.
        self._connection = pyathena.connect(
            session=session,
            region_name=session.region_name,
            work_group=workgroup,
            schema_name=database,
            poll_interval=1.0,  # 100 steps at once are what an account may ask in a second
            cursor_class=AsyncCursor,
            cursor_kwargs={"max_workers": 2},
        )

    def query(self, sql: str, *, subject: str) -> QueryResult:
        """Runs one statement and waits for its end. However this returns, the query has ended or is cancelled.

        Args:
            sql: Athena SQL. Identifiers in it must have been quoted by `quote_identifier`.
            subject: Whose query it is, for messages.

        Raises:
            QueryError: Athena refused, failed or cancelled it.
            AwsTimeoutError: It did not end within the time limit; it has been cancelled.
        """
        cursor = self._connection.cursor()
        try:
            query_id, future = cursor.execute(sql)
            url = athena_query_url(str(self._session.region_name), query_id)
            with stopping(lambda: cursor.cancel(query_id).result(), what=f"The query ({url})"):
                result = wait_until(
                    lambda: future.result() if future.done() else None,
                    what=f"{subject}: Athena query {query_id}",
                    timeout=self._time_limit,
                    interval_seconds=1.0,
                    pause=_pause_briefly,
                )
            if result.state != "SUCCEEDED":
                reason = result.state_change_reason or "Athena gave no reason"
                todo = WHAT_TO_DO.get(str(result.state), "")
                raise QueryError(f"{subject}: Athena query {query_id} ended {result.state}: {reason}. {todo} {url}")
            return QueryResult(
                query_id=query_id,
                url=url,
                columns=tuple(column[0] for column in result.description or ()),
                rows=tuple(tuple(row) for row in result.fetchall()),
                bytes_scanned=result.data_scanned_in_bytes or 0,
            )
        except PyAthenaError as error:
            raise QueryError(
                f"{subject}: Athena would not run a query: {error}. Mend that and materialize this asset again"
            ) from error
        finally:
            cursor.close()


def _pause_briefly(seconds: float) -> None:
    """Looking at what PyAthena has got costs no call, however often."""
    pause(min(seconds, 1.0))


def quote_identifier(name: str) -> str:
    """A name as Athena's SQL takes it, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A string literal of Athena's SQL."""
    return "'" + text.replace("'", "''") + "'"
