"""The snapshot that changes are merged with: its columns as its files have them, and its files as units."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from botocore.exceptions import ClientError

from dynamo_assets.errors import MergeError
from dynamo_assets.export import read_back
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding import Batch
from dynamo_assets.export.hint import expected_facts
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.export.native_export.changed_keys import ChangedKeys
from dynamo_assets.export.native_export.item_keys import keys_of, places_of
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import Column, TableSchema, athena_type
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.unit import UNIT_FORMAT, Job, UnitResult, stem
from dynamo_assets.export.write import DataFile, FileWriter, fetch, upload

LARGE_SHARE = 0.5
"""A file of at least so much of the target size, of which no item changed, is not written again."""
_GONE = {"404", "NoSuchKey", "NoSuchBucket"}


@dataclass(frozen=True)
class Base:
    """The snapshot before.

    Attributes:
        manifest: Its manifest.
        schema: Its columns, with the facts that they follow from.
    """

    manifest: Manifest
    schema: TableSchema = field(repr=False)

    @classmethod
    def of(cls, manifest: Manifest, request: ExportRequest) -> Base:
        """Makes the columns from what the manifest says of them.

        Raises:
            MergeError: They are not those that it says the files have.
        """
        schema = TableSchema.of(expected_facts(manifest), request, manifest.keys)
        made = {a: (column.name, athena_type(column.type), column.encoding) for a, column in schema.columns.items()}
        said = {column.attribute: (column.name, column.type, column.encoding) for column in manifest.columns}
        if wrong := [attribute for attribute in said if made.get(attribute) != said[attribute]]:
            raise MergeError(
                f"table {request.table}: the columns of snapshot {manifest.snapshot_timestamp} are not what this "
                f"version of the package makes of its manifest: {', '.join(wrong)}"
            )
        return cls(manifest, schema)

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by their names in the catalog."""
        return {column.name: column for column in self.schema.columns.values()}


@dataclass(frozen=True)
class BaseFiles:
    """Some of the base's files: a unit that copies the rows of items that did not change.

    Attributes:
        number: From 0; part of the names of the files that are made of them.
        files: The files.
    """

    number: int
    files: tuple[ManifestFile, ...]

    @property
    def part(self) -> str:
        """See `dynamo_assets.export.unit.Unit`."""
        return f"part-base-{self.number:05d}"

    def export(self, job: Job, clients: Clients, supervisor: Supervisor) -> UnitResult:
        """See `dynamo_assets.export.unit.FilesUnit`; there are no facts: the base's manifest has them.

        Raises:
            MergeError: A file is missing, or is not the one that the manifest names.
        """
        if job.merge is None:
            raise MergeError(f"table {job.request.table}: files of a snapshot without changes to merge with it")
        rows, begin = 0, stem(job.unit_folder, self.part)
        taken: list[DataFile] = []
        with FileWriter(clients.s3, job.request, begin, UNIT_FORMAT, job.merge.base.schema) as writer:
            for number, file in enumerate(self.files):
                with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
                    copy = _Copy(job.merge.base, file, Path(folder, "base"))
                    copy.fetch(clients, job.request)
                    same = copy.unchanged(job.merge.changed, job.table.keys)
                    if kernels.all(same).as_py() and copy.is_worth_keeping(job.request):
                        taken.append(copy.upload(clients, job.request, f"{begin}-as-it-is-{number:04d}.parquet"))
                        rows += file.rows
                        supervisor.progress(file.rows)
                        continue
                    for batch in copy.rows(same):
                        writer.write(batch)
                        rows += batch.rows
                        supervisor.progress(batch.rows)
            return UnitResult([*writer.finish(), *taken], Facts(), rows)


@dataclass(frozen=True)
class _Copy:
    """A file of the base, on this machine."""

    base: Base
    file: ManifestFile
    path: Path

    def fetch(self, clients: Clients, request: ExportRequest) -> None:
        name = f"table {request.table}: s3://{request.bucket}/{self.file.key}, a file of the base snapshot,"
        try:
            whole = fetch(clients.s3, request.bucket, self.file, self.path)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _GONE:
                raise
            raise MergeError(f"{name} is gone") from error
        if not whole:
            raise MergeError(f"{name} is not what its manifest says")
        if strange := set(self.names) - self.base.by_name.keys():
            raise MergeError(f"{name} has columns that its manifest has not: {strange}")

    @cached_property
    def names(self) -> list[str]:
        return read_back.column_names(self.path, self.base.manifest.format)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        return read_back.batches(self.path, self.base.manifest.format, columns)

    def unchanged(self, changed: ChangedKeys, keys: Mapping[str, str]) -> pa.ChunkedArray:
        """Of each row whether its item did not change.

        Raises:
            MergeError: There is an item that, by the changes, was not there before them.
        """
        columns = [self.base.schema.columns[attribute].name for attribute in keys]
        found = (
            keys_of([batch.column(name) for name in columns], list(keys.values())) for batch in self.batches(columns)
        )
        places = pa.chunked_array(places_of(found, changed.keys), pa.int32())
        if (last := kernels.max(places).as_py()) is not None and last >= changed.removed:
            raise MergeError(
                f"snapshot {self.base.manifest.snapshot_timestamp} has the item {changed.keys[last].as_py()!r}, and by "
                "the changes since it was not there. A full export is needed"
            )
        return kernels.is_null(places)

    def rows(self, wanted: pa.ChunkedArray) -> Iterator[Batch]:
        row = 0
        for batch in self.batches():
            kept = batch.filter(wanted.slice(row, batch.num_rows).combine_chunks())
            row += batch.num_rows
            columns = [(self.base.by_name[name], array) for name, array in zip(self.names, kept.columns, strict=True)]
            arrays = {column.attribute: _typed(array, column) for column, array in columns}
            yield Batch(kept.num_rows, arrays, self.base.schema)

    def is_worth_keeping(self, request: ExportRequest) -> bool:
        """Whether it may stay a file of its own; small ones become one."""
        units_format = self.base.manifest.format == UNIT_FORMAT
        return units_format and self.file.bytes >= LARGE_SHARE * request.target_file_bytes

    def upload(self, clients: Clients, request: ExportRequest, key: str) -> DataFile:
        schema = self.base.schema.only(self.base.by_name[name].attribute for name in self.names)
        return DataFile(upload(clients.s3, request.bucket, key, self.path, self.file.rows), schema)


def _typed(array: pa.Array, column: Column) -> pa.Array:
    return array if array.type == column.type else array.cast(column.type)


def are_digits_missing(narrow: pa.DataType, wide: pa.DataType) -> bool:
    """Whether doubles, which may have lost digits, are to become something that would show it.

    Args:
        narrow: A column's type as the base has it.
        wide: Its type now.
    """
    if pa.types.is_struct(narrow):
        fields = {part.name: part.type for part in wide} if pa.types.is_struct(wide) else {}
        return any(are_digits_missing(part.type, fields.get(part.name, pa.string())) for part in narrow)
    if pa.types.is_list(narrow):
        return are_digits_missing(narrow.value_type, wide.value_type if pa.types.is_list(wide) else wide)
    return pa.types.is_floating(narrow) and not pa.types.is_floating(wide)
