"""What a manifest is to say of an old snapshot: made of all its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dynamo_assets.adoption.column_types import columns_by_name, unified
from dynamo_assets.adoption.data_files import Looked, look
from dynamo_assets.adoption.old_folders import OldFolder
from dynamo_assets.adoption.text_columns import CsvLook, csv_columns, json_columns
from dynamo_assets.aws.cancellation import all_side_by_side
from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.manifest import ManifestColumn, ManifestFile
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Description:
    """What the files of a snapshot are.

    Attributes:
        format: Their format.
        files: Each, as the manifest names it.
        columns: The snapshot's columns, as Athena reads them.
        serde_parameters: What the catalog must tell a reader beside the format.
    """

    format: str
    files: tuple[ManifestFile, ...]
    columns: tuple[ManifestColumn, ...]
    serde_parameters: Mapping[str, str]

    @property
    def rows(self) -> int:
        """How many rows all files hold."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True)
class Describer:
    """Describes snapshots of one table.

    Attributes:
        s3: Where they are.
        bucket: Their bucket.
        table: The DynamoDB table, for messages.
        keys: Its key attributes and their types; empty where nobody knows them.
        doubles: Attributes of which its settings say that they are `double`.
    """

    s3: S3Client
    bucket: str
    table: str
    keys: Mapping[str, str]
    doubles: Collection[str] = ()

    def describe(self, folder: OldFolder, *, checksums: bool = True) -> Description:
        """Looks at all files of a folder.

        Args:
            folder: The folder.
            checksums: Whether the files' SHA-256 are wanted.

        Raises:
            AdoptionError: Athena could not read the files, or they are not of this table; says why.
        """
        if not folder.files:
            raise AdoptionError("it has no file that holds anything, so nothing tells which columns it would have")
        tasks = [partial(look, self.s3, self.bucket, file, checksum=checksums) for file in folder.files]
        looked = all_side_by_side(tasks)
        formats = sorted({each.format for each in looked})
        if len(formats) > 1:
            raise AdoptionError(f"its files are {' and '.join(formats)}: a partition has one format")
        found, parameters = self._columns(formats[0], looked)
        columns = tuple(_with_keys(found, self.keys))
        if missing := [key for key in self.keys if key not in {column.attribute for column in columns}]:
            raise AdoptionError(
                f"it has no column for the key attribute {missing[0]!r}; is it a snapshot of {self.table}?"
            )
        return Description(formats[0], tuple(each.file for each in looked), columns, parameters)

    def _columns(self, name: str, looked: Sequence[Looked]) -> tuple[list[ManifestColumn], dict[str, str]]:
        if name == "json":
            facts = Facts()
            for each in looked:
                facts.merge(each.json.facts if each.json else Facts())
            request = ExportRequest(table=self.table, bucket=self.bucket, format="json")
            return json_columns(facts, self.keys, request, self.doubles)
        if name == "csv":
            return _csv([each.csv for each in looked if each.csv])
        columns = list(columns_by_name(unified([each.schema for each in looked if each.schema])))
        if name == "avro":
            # The reader's schema is the writer's own: of several no one can be told that resolves with all of them.
            if len({each.avro for each in looked}) > 1:
                raise AdoptionError("its files have several Avro schemas, and the catalog has room for one")
            return columns, {"avro.schema.literal": looked[0].avro}
        return columns, {}


def _csv(found: Sequence[CsvLook]) -> tuple[list[ManifestColumn], dict[str, str]]:
    if len({each.header for each in found}) > 1:
        raise AdoptionError("its files begin with different lines, which then are no headers, or not of one snapshot")
    rules = [each for each in found[0].rules if all(each in other.rules for other in found)]
    if not rules:
        raise AdoptionError("its files escape quotes in different ways")
    escape = rules[0].escape
    return csv_columns(found[0].header), {"escapeChar": escape} if escape else {}


def _with_keys(columns: Sequence[ManifestColumn], keys: Mapping[str, str]) -> Iterator[ManifestColumn]:
    """Columns of key attributes by the attributes' own names, also where a writer has made them lower case."""
    named = {column.attribute for column in columns}
    missing = {key.lower(): key for key in keys if key not in named}
    for column in columns:
        if key := missing.get(column.attribute.lower()):
            in_files = "" if column.name == column.attribute else column.attribute
            yield replace(column, attribute=key, in_files=in_files)
        else:
            yield column
