"""How the Data Catalog describes data files of each format, so that Athena reads them exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")


@dataclass(frozen=True)
class StorageFormat:
    """What the catalog says of a format.

    Attributes:
        suffix: What the files' names end with.
        classes: Hive's input and output format.
        serde: Its serializer and deserializer.
        serde_parameters: What that must know.
        parameters: What the table must say besides.
        compressed: How the files as a whole are compressed, as Glue calls it.
    """

    suffix: str
    classes: tuple[str, str]
    serde: str
    serde_parameters: Mapping[str, str] = field(default_factory=lambda: {"serialization.format": "1"})
    parameters: Mapping[str, str] = field(default_factory=dict)
    compressed: str = "none"


_FORMAT_FIELDS = ("InputFormat", "OutputFormat")
HEADER = {"skip.header.line.count": "1"}

STORAGE_FORMATS = {
    "parquet": StorageFormat(
        ".parquet",
        (
            "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        ),
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": StorageFormat(
        ".orc",
        (
            "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
            "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        ),
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        # By default Athena finds ORC's columns by their places (user guide, "Handle schema updates": ORC).
        {"serialization.format": "1", "orc.column.index.access": "false"},
    ),
    "avro": StorageFormat(
        ".avro",
        (
            "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
            "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        ),
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "json": StorageFormat(".json.gz", _TEXT, "org.openx.data.jsonserde.JsonSerDe", compressed="gzip"),
    "csv": StorageFormat(
        ".csv.gz",
        _TEXT,
        "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        # The escape character is one that never stands in a cell: a backslash is a backslash. That there is a header
        # is said here, too, because it is so in this partition, whatever the table's other files are.
        {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\x01", **HEADER},
        HEADER,
        compressed="gzip",
    ),
}
"""By the name of the format in `tables.yaml`."""


def storage_descriptor(
    format: str, columns: Iterable[tuple[str, str]], location: str, serde_parameters: Mapping[str, str]
) -> dict[str, Any]:
    """A table's or partition's `StorageDescriptor`.

    Args:
        format: Its name in `tables.yaml`.
        columns: Names and Athena's types, in the files' order.
        location: The folder, `s3://.../`.
        serde_parameters: What the format's own are joined by.
    """
    storage = STORAGE_FORMATS[format]
    input_format, output_format = storage.classes
    return {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        "Location": location,
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "Compressed": storage.compressed != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": storage.serde,
            "Parameters": {**storage.serde_parameters, **serde_parameters},
        },
        "Parameters": dict(storage.parameters),
        "StoredAsSubDirectories": False,
    }


class _Column(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


class Described(Protocol):
    """What a manifest says of a snapshot, as far as it matters to the catalog."""

    @property
    def snapshot_timestamp(self) -> str: ...  # noqa: D102 - see `dynamo_assets.export.manifest.Manifest`
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def location(self) -> str: ...  # noqa: D102
    @property
    def columns(self) -> Sequence[_Column]: ...  # noqa: D102
    @property
    def serde_parameters(self) -> Mapping[str, str]: ...  # noqa: D102


def storage_of(snapshot: Described, location: str | None = None) -> dict[str, Any]:
    """A `StorageDescriptor` with a snapshot's columns and format.

    Args:
        snapshot: The snapshot.
        location: The folder; the snapshot's own where None.
    """
    columns = [(column.name, column.type) for column in snapshot.columns]
    return storage_descriptor(
        snapshot.format, columns, snapshot.location if location is None else location, snapshot.serde_parameters
    )


def table_parameters(format: str) -> dict[str, str]:
    """What a table's `Parameters` must say of the format; crawlers tell by them whether the table is theirs to keep."""
    storage = STORAGE_FORMATS[format]
    return {"classification": format, "compressionType": storage.compressed, **storage.parameters}


def format_of(storage: Mapping[str, Any]) -> str | None:
    """The format of a table's or partition's `StorageDescriptor`; None where it is none of these."""
    serde = storage.get("SerdeInfo", {}).get("SerializationLibrary")
    return next((name for name, known in STORAGE_FORMATS.items() if known.serde == serde), None)


def other_suffixes(format: str) -> list[str]:
    """The suffixes of files of all other formats."""
    return [storage.suffix for name, storage in STORAGE_FORMATS.items() if name != format]


def differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """In what a `StorageDescriptor` is not as wanted, a line each; more than `storage_descriptor` says is no matter."""
    serde, wanted_serde = current.get("SerdeInfo", {}), wanted["SerdeInfo"]
    lines = [
        f"{field}: {current.get(field)} -> {wanted[field]}"
        for field in _FORMAT_FIELDS
        if current.get(field) != wanted[field]
    ]
    if serde.get("SerializationLibrary") != wanted_serde["SerializationLibrary"]:
        lines.append(f"SerDe: {serde.get('SerializationLibrary')} -> {wanted_serde['SerializationLibrary']}")
    known = serde.get("Parameters", {})
    lines += [
        f"SerDe's {key}: {_short(known.get(key))} -> {_short(value)}"
        for key, value in wanted_serde["Parameters"].items()
        if known.get(key) != value
    ]
    types = {column["Name"]: column.get("Type", "") for column in current.get("Columns", [])}
    wanted_types = {column["Name"]: column["Type"] for column in wanted["Columns"]}
    lines += [f"{n}: {types.get(n, 'missing')} -> {kind}" for n, kind in wanted_types.items() if types.get(n) != kind]
    lines += [f"{name}: {kind} -> none" for name, kind in types.items() if name not in wanted_types]
    if not lines and list(types) != list(wanted_types):
        lines.append("the columns' order")
    return lines


def _short(text: str | None) -> str:
    return repr(text) if text is None or len(text) <= 40 else f"{text[:40]!r}..."
