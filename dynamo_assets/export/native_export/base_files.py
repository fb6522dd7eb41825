"""The snapshot that changes are merged with: its columns as its files have them, and its files as units."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from botocore.exceptions import ClientError

from dynamo_assets.errors import MergeError
from dynamo_assets.export import read_back
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding import Batch
from dynamo_assets.export.hint import expected_facts
from dynamo_assets.export.kernels import kernels
from dynamo_assets.export.manifest import Manifest, ManifestFile
from dynamo_assets.export.native_export.item_keys import are_among, keys_of
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import Column, TableSchema, athena_type
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.unit import UNIT_FORMAT, Job, UnitResult, stem
from dynamo_assets.export.write import FileWriter, fetch

if TYPE_CHECKING:
    from dynamo_assets.export.native_export.merge_plan import Merge

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
        with FileWriter(clients.s3, job.request, begin, UNIT_FORMAT, job.merge.base.schema) as writer:
            for file in self.files:
                for batch in _unchanged(job, job.merge, clients, file):
                    writer.write(batch)
                    rows += batch.rows
                    supervisor.progress(batch.rows)
            return UnitResult(writer.finish(), Facts(), rows)


def _unchanged(job: Job, merge: Merge, clients: Clients, file: ManifestFile) -> Iterator[Batch]:
    """The rows of one file whose keys are not among the changed ones."""
    request, base = job.request, merge.base
    with tempfile.TemporaryDirectory(prefix="dynamo-assets-export-") as folder:
        path = Path(folder, "base")
        _fetch(clients, request, file, path)
        names = read_back.column_names(path, base.manifest.format)
        if strange := set(names) - base.by_name.keys():
            raise MergeError(f"s3://{request.bucket}/{file.key} has columns that its manifest has not: {strange}")
        changed = pa.chunked_array(are_among(_keys(job, base, path), merge.changed.keys), pa.bool_())
        row = 0
        for batch in read_back.batches(path, base.manifest.format):
            kept = batch.filter(kernels.invert(changed.slice(row, batch.num_rows).combine_chunks()))
            row += batch.num_rows
            columns = [(base.by_name[name], array) for name, array in zip(names, kept.columns, strict=True)]
            arrays = {column.attribute: _typed(array, column) for column, array in columns}
            yield Batch(kept.num_rows, arrays, base.schema)


def _keys(job: Job, base: Base, path: Path) -> Iterator[pa.Array]:
    columns = [base.schema.columns[attribute].name for attribute in job.table.keys]
    for batch in read_back.batches(path, base.manifest.format, columns):
        yield keys_of([batch.column(name) for name in columns], list(job.table.keys.values()))


def _typed(array: pa.Array, column: Column) -> pa.Array:
    return array if array.type == column.type else array.cast(column.type)


def _fetch(clients: Clients, request: ExportRequest, file: ManifestFile, path: Path) -> None:
    name = f"s3://{request.bucket}/{file.key}"
    try:
        whole = fetch(clients.s3, request.bucket, file, path)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in _GONE:
            raise
        raise MergeError(f"table {request.table}: {name}, a file of the base snapshot, is gone") from error
    if not whole:
        raise MergeError(f"table {request.table}: {name}, a file of the base snapshot, is not what its manifest says")
