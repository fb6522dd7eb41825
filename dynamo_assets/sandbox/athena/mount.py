"""A table as one query sees it: which partitions, which columns, and the files' rows read into DuckDB."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from dynamo_assets.sandbox.athena import types
from dynamo_assets.sandbox.athena.catalog import NULL_PARTITION, Catalog, Partition, Table
from dynamo_assets.sandbox.athena.data_files import DataFile, Wanted
from dynamo_assets.sandbox.athena.errors import QueryFailure, unsupported
from dynamo_assets.sandbox.athena.formats import reader_of
from dynamo_assets.sandbox.athena.schemas import conform, declared_columns


@dataclass(frozen=True)
class MountColumn:
    """A column of a mounted table; `sql` is its name in the generated SQL."""

    name: str
    type: pa.DataType
    sql: str


@dataclass(eq=False)
class Mount:
    """One mention of a table in a query, a DuckDB table of its own.

    Attributes:
        name: Of the DuckDB table.
        columns: The table's, then its partition keys.
        table: What the files belong to; None for a table of the engine's own, such as `"t$partitions"`.
        rows: The rows of such a table.
        restrictions: Conditions, SQL, on partition keys alone, that every row of use meets.
    """

    name: str
    columns: list[MountColumn]
    table: Table | None = None
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    restrictions: list[str] = field(default_factory=list)

    @property
    def keys(self) -> list[MountColumn]:
        """The partition keys."""
        return self.columns[-len(self.table.partition_keys) :] if self.table and self.table.partition_keys else []

    @property
    def mark(self) -> str:
        """A column of no table: it counts the rows where a query wants no column."""
        return f"{self.name}_mark"

    @property
    def definition(self) -> str:
        """Its CREATE TABLE."""
        columns = [f"{column.sql} {types.duckdb_name(column.type)}" for column in self.columns]
        return f"CREATE TABLE {self.name} ({', '.join([*columns, f'{self.mark} BOOLEAN'])})"


class Progress(Protocol):
    """Told of every part of the work."""

    def __call__(self, scanned_bytes: int = 0) -> None:
        """Counts bytes.

        Raises:
            QueryCancelled: The query was stopped, or may scan no more.
        """
        ...


class Filler:
    """Reads tables' files into DuckDB.

    Args:
        connection: The query's own.
        catalog: Where partitions are registered.
        s3: A boto3 client.
        directory: Where a file lies while it is read.
        progress: Told of what is scanned.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, s3: Any, directory: Path, progress: Progress
    ) -> None:
        self.connection = connection
        self.catalog = catalog
        self.s3 = s3
        self.directory = directory
        self.progress = progress

    def fill(self, mount: Mount, used: set[str]) -> None:
        """Reads what the query needs of a table.

        Args:
            mount: A table already created, empty.
            used: The columns that the query's plan reads, by their generated names.

        Raises:
            QueryFailure: A file cannot be read, or does not hold what the catalog says.
        """
        if mount.table is None:
            self._insert(mount, _batches_of(mount))
            return
        _refuse_what_cannot_be_read(mount.table)
        wanted = [column for column in mount.columns if column.sql in used and column not in mount.keys]
        partitions = self._pruned(mount)
        self._insert(mount, (batch for partition in partitions for batch in self._rows(mount, partition, wanted)))

    def _pruned(self, mount: Mount) -> list[Partition]:
        assert mount.table is not None
        partitions = list(self.catalog.partitions(mount.table))
        if not mount.restrictions or not partitions:
            return partitions
        keys = {key.sql: _key_array([partition.values[index] for partition in partitions], key)
                for index, key in enumerate(mount.keys)}  # fmt: skip
        self.connection.register("partition_keys", pa.table({**keys, "partition": list(range(len(partitions)))}))
        chosen = self.connection.execute(
            f"SELECT partition FROM partition_keys WHERE {' AND '.join(mount.restrictions)} ORDER BY 1"
        ).fetchall()
        self.connection.unregister("partition_keys")
        return [partitions[index] for (index,) in chosen]

    def _rows(self, mount: Mount, partition: Partition, columns: list[MountColumn]) -> Iterator[pa.RecordBatch]:
        assert mount.table is not None
        read = reader_of(mount.table, partition)
        wanted = _wanted(mount.table, partition, columns)
        keys = {key.sql: _key_array([partition.values[index]], key) for index, key in enumerate(mount.keys)}
        for location, size in self._files(partition.storage.get("Location", "")):
            path = self._fetch(location)
            try:
                for rows, arrays in read(DataFile(path, location, size), wanted, self.progress):
                    self.progress()
                    values = {
                        column.sql: conform(array, column.type) for column, array in zip(columns, arrays, strict=True)
                    }
                    repeated = {sql: key.take(pa.repeat(pa.scalar(0, pa.int8()), rows)) for sql, key in keys.items()}
                    yield pa.RecordBatch.from_pydict({**values, **repeated, mount.mark: pa.nulls(rows, pa.bool_())})
            finally:
                path.unlink()

    def _files(self, location: str) -> Iterator[tuple[str, int]]:
        bucket, prefix = bucket_and_key(location)
        prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        try:
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for found in page.get("Contents", []):
                    # As Hive: what begins with _ or . is no data.
                    hidden = any(part.startswith(("_", ".")) for part in found["Key"][len(prefix) :].split("/"))
                    if found["Size"] and not hidden:
                        yield f"s3://{bucket}/{found['Key']}", found["Size"]
        except self.s3.exceptions.NoSuchBucket as error:
            raise QueryFailure("HIVE_FILESYSTEM_ERROR", f"{location}: the bucket does not exist") from error

    def _fetch(self, location: str) -> Path:
        bucket, key = bucket_and_key(location)
        path = self.directory / uuid.uuid4().hex
        with path.open("wb") as copy:
            shutil.copyfileobj(self.s3.get_object(Bucket=bucket, Key=key)["Body"], copy)
        return path

    def _insert(self, mount: Mount, batches: Iterator[pa.RecordBatch]) -> None:
        first = next(batches, None)
        if first is None:
            return

        def all_batches() -> Iterator[pa.RecordBatch]:
            yield first
            yield from batches

        # DuckDB reports what fails inside a stream as an error of its own.
        failures: list[BaseException] = []
        stream = pa.RecordBatchReader.from_batches(first.schema, _remembering(all_batches(), failures))
        self.connection.register("batches", stream)
        columns = ", ".join(first.schema.names)
        try:
            self.connection.execute(f"INSERT INTO {mount.name} ({columns}) SELECT {columns} FROM batches")
        except duckdb.Error:
            if failures:
                raise failures[0] from None
            raise
        finally:
            self.connection.unregister("batches")


def _remembering(batches: Iterator[pa.RecordBatch], failures: list[BaseException]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except BaseException as error:
        failures.append(error)
        raise


def _wanted(table: Table, partition: Partition, columns: list[MountColumn]) -> list[Wanted]:
    """The columns as the partition, which may be older than the table, declares them."""
    declared = declared_columns(table, partition)
    places = {column.name: index for index, column in enumerate(table.columns)}
    wanted = []
    for column in columns:
        found = declared[places[column.name]]
        wanted.append(Wanted(found.name if found else column.name, places[column.name], found.type if found else None))
    return wanted


def key_value(value: str, key: MountColumn) -> Any:
    """A partition key's value, of its type.

    Raises:
        QueryFailure: HIVE_INVALID_PARTITION_VALUE.
    """
    return _key_array([value], key)[0].as_py()


def _key_array(values: list[str], key: MountColumn) -> pa.Array:
    texts = pa.array([None if value == NULL_PARTITION else value for value in values], pa.string())
    try:
        return texts.cast(key.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise QueryFailure(
            "HIVE_INVALID_PARTITION_VALUE",
            f"Invalid partition value for {types.display(key.type)} partition key: {key.name}: {error}",
        ) from error


def _batches_of(mount: Mount) -> Iterator[pa.RecordBatch]:
    columns = {
        column.sql: pa.array([row[index] for row in mount.rows], column.type)
        for index, column in enumerate(mount.columns)
    }
    yield pa.RecordBatch.from_pydict({**columns, mount.mark: pa.nulls(len(mount.rows), pa.bool_())})


def _refuse_what_cannot_be_read(table: Table) -> None:
    if table.parameters.get("projection.enabled", "").lower() == "true":
        raise unsupported(f"project partitions: table {table.name} has projection.enabled")
    if kind := table.parameters.get("table_type"):
        raise unsupported(f"read {kind} tables: table {table.name}")


def bucket_and_key(location: str) -> tuple[str, str]:
    """An S3 address's parts.

    Raises:
        QueryFailure: It is no S3 address.
    """
    parts = urlsplit(location, allow_fragments=False)
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
        raise QueryFailure("HIVE_FILESYSTEM_ERROR", f"{location!r} is not an S3 address: s3://bucket/prefix/")
    return parts.netloc, location.split("/", 3)[3] if location.count("/") > 2 else ""
