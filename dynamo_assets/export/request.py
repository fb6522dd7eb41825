"""What is asked of an export, and its form as command-line arguments: the Glue job's and the command's are the same."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Literal, get_args

from dynamo_assets.credentials import Role
from dynamo_assets.naming import Layout, catalog_name, parse_snapshot, table_name

Format = Literal["parquet", "orc", "avro", "json", "csv"]
NO_XML = "xml is not offered, because Athena cannot read it: choose parquet, orc, avro, json or csv"
MixedTypes = Literal["text", "dynamodb_json", "fail"]
Nested = Literal["struct", "json"]
Numbers = Literal["exact", "double"]
READ_PERCENTAGE_RANGE = (0.1, 1.0)
DEFAULT_FILE_BYTES = 256 * 1024 * 1024
"""Target size of one data file; Athena reads files of 128 MB and more at full speed."""
SHAPING = ("mixed_types", "nested", "numbers", "columns")
"""The options that decide which form a value has in a file: of one that has lost something, nothing can be made."""
READ_BACK_FORMATS = ("parquet", "orc")
"""The formats of which the core reads its own files again, with nothing lost."""


_CHOICES = {"format": Format, "mixed_types": MixedTypes, "nested": Nested, "numbers": Numbers}
DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")


def _is_column_type(kind: str) -> bool:
    if match := DECIMAL.fullmatch(kind):
        return int(match[2]) <= int(match[1]) <= 38 and int(match[1]) > 0
    return kind in {"string", "json", "bigint", "double"}


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Everything one export needs to know. Immutable, picklable, and the same for every engine.

    Attributes:
        table: The DynamoDB table's name or ARN.
        bucket: Where snapshots and manifests go.
        prefix: What every S3 key begins with; see `dynamo_assets.naming.Layout`.
        name: The catalog name; derived from `table` where empty.
        format: The data files' format.
        read_percentage: The share of the table's read capacity the export may use, 0.1 to 1.0.
        max_read_units: An absolute cap in read units a second, beside the percentage.
        consistent_read: Strongly consistent reads, at twice the price.
        snapshot_timestamp: A label given in advance; otherwise the second in which the export began.
        native_export: The key of a native export's `manifest-summary.json` in the same bucket: it is converted, and the
            table is not read. Its instant must be the label's.
        incremental_exports: The keys of the summary manifests of incremental exports, oldest first, back to back: their
            changes are merged with the base snapshot, and the table is not read.
        base_snapshot: The label of the snapshot from whose instant on they hold changes.
        slot: The Dagster partition this snapshot is for, if any.
        engine: Recorded in the manifest.
        attempt: Identifies this run of the export in its manifest.
        mixed_types: What becomes of an attribute that holds several types: each value's `text`, its DynamoDB JSON,
            or an error.
        nested: `struct` (and array) columns, or one `json` text column, for maps and lists.
        numbers: `exact`, or `double`: shorter columns, digits beyond about 15 lost.
        columns: Types forced upon single columns, by attribute name.
        target_file_bytes: Compressed size, in bytes, at which a data file is closed and the next one opened.
        rediscover: Start the columns from nothing, instead of from the last snapshot's.
        segments: Overrides the planned number of scan segments.
        time_limit_seconds: When whoever runs the export will stop it; the plan says if that is too early.
        role_arn: The role whose credentials DynamoDB is asked with, of the table's account; the own where None.
        external_id: What that role's trust policy demands to hear.
    """

    table: str
    bucket: str
    prefix: str = ""
    name: str = ""
    format: Format = "parquet"
    read_percentage: float = 0.25
    max_read_units: float | None = None
    consistent_read: bool = False
    snapshot_timestamp: str | None = None
    native_export: str | None = None
    incremental_exports: tuple[str, ...] = ()
    base_snapshot: str | None = None
    slot: str | None = None
    engine: str = "in_process"
    attempt: str = ""
    mixed_types: MixedTypes = "text"
    nested: Nested = "struct"
    numbers: Numbers = "exact"
    columns: Mapping[str, str] = field(default_factory=dict)
    target_file_bytes: int = DEFAULT_FILE_BYTES
    rediscover: bool = False
    segments: int | None = None
    time_limit_seconds: int | None = None
    role_arn: str | None = None
    external_id: str | None = None

    def __post_init__(self) -> None:
        table_name(self.table)
        for problem in self._problems():
            raise ValueError(f"table {self.table}: {problem}")
        if self.snapshot_timestamp is not None:
            parse_snapshot(self.snapshot_timestamp)
        if not self.name:
            object.__setattr__(self, "name", catalog_name(self.table))

    def _problems(self) -> Iterator[str]:
        low, high = READ_PERCENTAGE_RANGE
        if not low <= self.read_percentage <= high:
            yield f"read_percentage is {self.read_percentage}; it must be between {low} and {high}"
        if str(self.format) == "xml":
            yield f"format {NO_XML}"
        for option, choices in _CHOICES.items():
            if (value := getattr(self, option)) not in get_args(choices):
                yield f"{option} {value!r} is none of {', '.join(get_args(choices))}"
        for attribute, kind in self.columns.items():
            if not _is_column_type(kind):
                yield (
                    f"columns: attribute {attribute!r} cannot be {kind!r}; choose string, json, bigint, double or "
                    "decimal(precision,scale) with a precision of at most 38"
                )
        for option in ("max_read_units", "target_file_bytes", "time_limit_seconds"):
            if (value := getattr(self, option)) is not None and value <= 0:
                yield f"{option} is {value}; it must be above 0"
        if self.segments is not None and not 1 <= self.segments <= 1_000_000:
            yield f"segments is {self.segments}; DynamoDB takes 1 to 1,000,000"
        if self.external_id is not None and self.role_arn is None:
            yield "external_id is for role_arn, which is not given"
        yield from self._problems_of_native_exports()
        if self.rediscover and self.format == "csv":
            yield (
                "rediscover cannot be used with csv, whose columns are told by their places alone: older snapshots "
                "would be misread; choose another format"
            )

    def _problems_of_native_exports(self) -> Iterator[str]:
        if self.native_export and not self.snapshot_timestamp:
            yield "native_export needs snapshot_timestamp, the instant that was exported"
        if bool(self.incremental_exports) != bool(self.base_snapshot):
            yield "incremental_exports and base_snapshot need each other: changes, and what they are changes of"
        if self.base_snapshot and (self.native_export or not self.snapshot_timestamp):
            yield "base_snapshot needs snapshot_timestamp, up to which there are changes, and no native_export"
        if self.base_snapshot and self.format not in READ_BACK_FORMATS:
            yield f"base_snapshot needs a format that can be read back: {', '.join(READ_BACK_FORMATS)}"

    @property
    def role(self) -> Role | None:
        """The role that the table is read with; None for the own credentials."""
        return Role(self.role_arn, self.external_id) if self.role_arn else None

    @property
    def layout(self) -> Layout:
        """Where this export's objects lie in S3."""
        return Layout(self.bucket, self.prefix)

    @property
    def is_of_native_exports(self) -> bool:
        """Whether DynamoDB's own exports are converted, so that the label is fixed and the table is not read."""
        return bool(self.native_export or self.base_snapshot)

    @property
    def shape(self) -> dict[str, Any]:
        """The options that decide which form a value has in a file."""
        return {option: getattr(self, option) for option in SHAPING}

    @property
    def nested_as_json(self) -> bool:
        """Whether maps and lists are text: they cannot be anything else in CSV."""
        return self.nested == "json" or self.format == "csv"

    def to_arguments(self) -> dict[str, str]:
        """The arguments of a Glue job run, `{"--read_percentage": "0.25", ...}`; defaults are left out."""
        arguments = {}
        for option in fields(self):
            value = getattr(self, option.name)
            default = option.default_factory() if option.default_factory is not MISSING else option.default
            if value != default:
                text = json.dumps(value) if isinstance(value, (bool, Mapping, tuple)) else str(value)
                arguments[f"--{option.name}"] = text
        return arguments

    @classmethod
    def from_arguments(cls, argv: Sequence[str]) -> ExportRequest:
        """The request in a Glue job's argument list; arguments of Glue's own (`--JOB_NAME`, ...) are passed over.

        Raises:
            ValueError: An option's value is out of its range.
        """
        parser = argparse.ArgumentParser(allow_abbrev=False)
        add_arguments(parser)
        known, _ = parser.parse_known_args(argv)
        return cls(**vars(known))


def _json_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return value


def _json_strings(text: str) -> tuple[str, ...]:
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON array of strings")
    return tuple(value)


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text == "true"


_PARSERS: dict[str, Any] = {
    "read_percentage": float,
    "max_read_units": float,
    "consistent_read": _boolean,
    "rediscover": _boolean,
    "columns": _json_object,
    "incremental_exports": _json_strings,
    "target_file_bytes": int,
    "segments": int,
    "time_limit_seconds": int,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds one option for each field of a request, spelled `--read_percentage` or `--read-percentage`."""
    for option in fields(ExportRequest):
        spellings = dict.fromkeys([f"--{option.name}", f"--{option.name.replace('_', '-')}"])
        required = option.default is MISSING and option.default_factory is MISSING
        parser.add_argument(
            *spellings,
            dest=option.name,
            type=_PARSERS.get(option.name, str),
            required=required,
            default=argparse.SUPPRESS,
        )
