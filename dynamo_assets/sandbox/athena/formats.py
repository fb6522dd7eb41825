"""Data files of the formats that Athena reads, as Arrow arrays of the columns that are wanted."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

from dynamo_assets.sandbox.athena.catalog import Partition, Table
from dynamo_assets.sandbox.athena.data_files import BATCH_ROWS, Count, DataFile, Reader, Rows, Wanted
from dynamo_assets.sandbox.athena.errors import QueryFailure, unsupported
from dynamo_assets.sandbox.athena.schemas import check_file_type, conform, reads_by_name
from dynamo_assets.sandbox.athena.text_formats import read_csv, read_delimited, read_json


def reader_of(table: Table, partition: Partition) -> Reader:
    """What reads a partition's files: a function of a file, the wanted columns, and a count of the bytes scanned.

    It gives the number of rows and the columns' arrays, batch by batch. A file that is not what it should be fails with
    HIVE_BAD_DATA or HIVE_CURSOR_ERROR.

    Raises:
        QueryFailure: The sandbox does not know the SerDe.
    """
    serde = partition.storage.get("SerdeInfo", {})
    library = serde.get("SerializationLibrary", "")
    parameters = {**table.parameters, **serde.get("Parameters", {})}
    by_name = reads_by_name(partition.storage)
    match library.rsplit(".", 1)[-1]:
        case "ParquetHiveSerDe":
            return _whole("Parquet", partial(_read_parquet, by_name=by_name))
        case "OrcSerde":
            return _whole("ORC", partial(_read_orc, by_name=by_name))
        case "AvroSerDe":
            return _whole("Avro", _read_avro)
        case "JsonSerDe":
            return partial(read_json, library=library, parameters=parameters)
        case "OpenCSVSerde":
            return partial(read_csv, parameters=parameters)
        case "LazySimpleSerDe":
            return partial(read_delimited, parameters=parameters)
    raise unsupported(f"read files of the SerDe {library!r}: table {table.name}")


def _whole(name: str, read: Reader) -> Reader:
    """A reader that fails, as Athena does, on a file that is cut short or of another format."""

    def reader(file: DataFile, wanted: list[Wanted], count: Count) -> Rows:
        try:
            yield from read(file, wanted, count)
        except (OSError, ValueError, EOFError) as error:
            raise QueryFailure("HIVE_BAD_DATA", f"Malformed {name} file {file.location}: {error}") from error

    return reader


def _matches(schema: pa.Schema, wanted: list[Wanted], *, by_name: bool) -> list[pa.Field | None]:
    own = {field.name.lower(): field for field in schema}
    if by_name:
        return [own.get(column.name) if column.type else None for column in wanted]
    return [schema.field(column.index) if column.type and column.index < len(schema) else None for column in wanted]


def _read_parquet(file: DataFile, wanted: list[Wanted], count: Count, *, by_name: bool) -> Rows:
    parquet = pq.ParquetFile(file.path)
    fields = _matches(parquet.schema_arrow, wanted, by_name=by_name)
    physical: dict[str, str] = {}
    roots = {field.name for field in fields if field is not None}
    for index in range(len(parquet.schema)):
        leaf = parquet.schema.column(index)
        physical.setdefault(leaf.path.split(".")[0], leaf.physical_type)
    for column, field in zip(wanted, fields, strict=True):
        if field is not None and column.type is not None:
            shown = f"{physical[field.name]} in parquet file"
            check_file_type(field.type, column.type, column.name, shown, file.location)
    groups = [parquet.metadata.row_group(index) for index in range(parquet.metadata.num_row_groups)]
    chunks = [group.column(index) for group in groups for index in range(group.num_columns)]
    count(sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in roots))
    if not roots:
        yield parquet.metadata.num_rows, [pa.nulls(parquet.metadata.num_rows)] * len(wanted)
        return
    for batch in parquet.iter_batches(BATCH_ROWS, columns=sorted(roots)):
        yield batch.num_rows, _arrays(batch, wanted, fields)


def _arrays(batch: pa.RecordBatch, wanted: list[Wanted], fields: list[pa.Field | None]) -> list[pa.Array]:
    return [
        conform(batch.column(field.name), column.type)
        if field is not None and column.type is not None
        else pa.nulls(batch.num_rows)
        for column, field in zip(wanted, fields, strict=True)
    ]


def _read_orc(file: DataFile, wanted: list[Wanted], count: Count, *, by_name: bool) -> Rows:
    reader = orc.ORCFile(file.path)
    fields = _matches(reader.schema, wanted, by_name=by_name)
    names = [field.name for field in fields if field is not None]
    for column, field in zip(wanted, fields, strict=True):
        if field is not None and column.type is not None:
            check_file_type(field.type, column.type, column.name, f"{field.type} in ORC file", file.location)
    if not names:
        yield reader.nrows, [pa.nulls(reader.nrows)] * len(wanted)
        return
    # The reader does not say what a column weighs.
    count(file.size)
    for stripe in range(reader.nstripes):
        batch = reader.read_stripe(stripe, columns=names)
        yield batch.num_rows, _arrays(batch, wanted, fields)


def _read_avro(file: DataFile, wanted: list[Wanted], count: Count) -> Rows:
    count(file.size)
    with file.path.open("rb") as stream:
        reader = fastavro.reader(stream)
        schema = reader.writer_schema
        if not isinstance(schema, dict) or schema["type"] != "record":
            raise ValueError("its schema is no record's")
        own = {field["name"].lower(): field["name"] for field in schema["fields"]}
        while records := list(islice(reader, BATCH_ROWS)):
            yield len(records), [_avro_column(records, own.get(column.name), column, file) for column in wanted]


def _avro_column(records: list[Any], name: str | None, column: Wanted, file: DataFile) -> pa.Array:
    if name is None or column.type is None:
        return pa.nulls(len(records))
    values = [_pairs_for_maps(record[name], column.type) for record in records]
    try:
        return pa.array(values, column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError) as error:
        raise QueryFailure(
            "HIVE_BAD_DATA", f"Field {column.name} in Avro file {file.location} is not of type {column.type}: {error}"
        ) from error


def _pairs_for_maps(value: Any, data_type: pa.DataType) -> Any:
    """A value in which every map is a list of pairs, as Arrow takes it; names of fields in the catalog's case."""
    if isinstance(data_type, pa.MapType) and isinstance(value, dict):
        return [(key, _pairs_for_maps(item, data_type.item_type)) for key, item in value.items()]
    if isinstance(data_type, pa.StructType) and isinstance(value, dict):
        own = {key.lower(): item for key, item in value.items()}
        return {field.name: _pairs_for_maps(own.get(field.name.lower()), field.type) for field in data_type.fields}
    if isinstance(data_type, pa.ListType) and isinstance(value, list):
        return [_pairs_for_maps(item, data_type.value_type) for item in value]
    return value
