"""Files without some of their rows: just what would have been written without them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynamo_assets.erasure import columnar_files, row_files
from dynamo_assets.erasure.key_columns import KeyColumns
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.export.formats import file_format

FORMATS = ["parquet", "orc", "avro", "json", "csv"]
NESTED = pa.struct([("city", pa.string()), ("zip", pa.decimal128(38, 18)), ("tags", pa.list_(pa.string()))])


def module(format: str) -> Any:
    return columnar_files if format in {"parquet", "orc"} else row_files


def write(path: Path, format: str, *tables: pa.Table) -> bytes:
    writer = file_format(format).open_writer(path, tables[0].schema)
    for table in tables:
        if table.num_rows:
            writer.write(table)
    writer.close()
    return path.read_bytes()


def columns(keys: dict[str, str], *texts: str) -> KeyColumns:
    return KeyColumns(tuple(keys), tuple(keys.values()), Keys.of(texts, "--key").wanted(keys))


def counted(body: bytes, format: str, key: KeyColumns) -> tuple[int, int]:
    found = module(format).count(io.BytesIO(body), format, key)
    return found.rows, found.going


def rich(numbers: Sequence[int], format: str) -> pa.Table:
    """Rows with everything that a file may hold; in CSV maps and lists arrive as text."""
    rows = list(numbers)
    arrays: dict[str, Any] = {
        "id": pa.array([f'k,"{n}"\n\'+%é' for n in rows]),
        "at": pa.array([Decimal(n) / 4 for n in rows], pa.decimal128(38, 18)),
        "text": pa.array([None if n % 3 else f'a"b,\r\n%{n}' for n in rows]),
        "empty": pa.array(["" if n % 2 else None for n in rows], pa.string()),
        "long": pa.array(["x" * 200_000 if n == 1 else "x" for n in rows]),
        "bytes": pa.array([bytes([n % 256, 0, 255]) for n in rows], pa.binary()),
        "yes": pa.array([bool(n % 2) for n in rows]),
        "double": pa.array([n / 7 for n in rows]),
    }
    if format != "csv":
        place = [{"city": f"c{n}", "zip": Decimal(n), "tags": ["t", None]} if n % 2 else None for n in rows]
        arrays["place"] = pa.array(place, NESTED)
    return pa.table(arrays)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_is_written_as_if_the_rows_had_never_been(format: str, tmp_path: Path) -> None:
    pieces = [rich(range(1000), format), rich(range(1000, 1500), format)]
    keys = {"id": "S", "at": "N"}
    gone = [3, 999, 1000]
    # A key of both, of which one is another row's: of no row.
    texts = [f'{{"id": "k,\\"{n}\\"\\n\'+%é", "at": {n / 4}}}' for n in gone] + ['{"id": "k", "at": 0.25}']
    key = columns(keys, *texts)
    body = write(tmp_path / "old", format, *pieces)
    wanted = [rich([n for n in range(1000) if n not in gone], format), rich(range(1001, 1500), format)]

    assert counted(body, format, key) == (1500, 3)
    done = module(format).rewrite(tmp_path / "old", tmp_path / "new", format, key)

    new, ideal = (tmp_path / "new").read_bytes(), write(tmp_path / "ideal", format, *wanted)
    assert (done.kept, done.gone) == (1497, 3)
    assert done.present["id"] == 3
    assert done.present["text"] == 2
    assert done.present["empty"] == 2
    assert counted(new, format, key) == (1497, 0)
    match format:
        case "orc":
            assert new == ideal
        case "parquet":
            # Arrow cuts pages by how it holds the rows in memory.
            assert read_parquet(new) == read_parquet(ideal)
        case "avro":
            # The mark between its blocks is random, and blocks without the rows are taken as they are.
            assert read_avro(new) == read_avro(ideal)
        case _:
            assert gzip.decompress(new) == gzip.decompress(ideal)


def read_parquet(body: bytes) -> tuple[Any, ...]:
    file = pq.ParquetFile(io.BytesIO(body))
    groups = [file.metadata.row_group(number).to_dict() for number in range(file.num_row_groups)]
    for group in groups:
        for column in group["columns"]:
            for place in ("total_compressed_size", "total_uncompressed_size", "file_offset", "data_page_offset"):
                del column[place]
            column["dictionary_page_offset"] = column["dictionary_page_offset"] is not None
            assert column["compression"] == "ZSTD"
        del group["total_byte_size"]
    assert file.metadata.row_group(0).column(0).has_offset_index
    return file.schema_arrow, file.schema_arrow.metadata, file.metadata.metadata, groups, file.read()


def read_avro(body: bytes) -> tuple[Any, Any, list[Any]]:
    import fastavro

    reader = fastavro.reader(io.BytesIO(body))
    return reader.metadata["avro.schema"], reader.metadata["avro.codec"], list(reader)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("tag", "values", "given"),
    [
        ("N", pa.array([1, 42, -7]), "42"),
        ("N", pa.array([Decimal("0.5"), Decimal("4E+1"), Decimal(-1)], pa.decimal128(38, 18)), "40"),
        ("N", pa.array(["1", "1E+125", "123456789012345678901234567890.5"]), "1e125"),
        ("N", pa.array([0.1, 1e21, -2.0]), "1000000000000000000000"),
        ("B", pa.array([b"a", b"\x00\xff", b"\xff"], pa.binary()), '{"B": "AP8="}'),
    ],
)
def test_keys_of_any_type_are_found_in_any_form(
    format: str, tag: str, values: pa.Array, given: str, tmp_path: Path
) -> None:
    key = columns({"id": tag}, f'{{"id": {given}}}')
    body = write(tmp_path / "old", format, pa.table({"id": values}))
    assert counted(body, format, key) == (3, 1)
    assert module(format).rewrite(tmp_path / "old", tmp_path / "new", format, key).kept == 2
    assert counted((tmp_path / "new").read_bytes(), format, key) == (2, 0)


@pytest.mark.parametrize("format", FORMATS)
def test_a_partition_key_alone_takes_all_of_its_items(format: str, tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "b", "a", "ab"], "at": [1, 1, 2, 3]})
    keys = {"id": "S", "at": "N"}
    body = write(tmp_path / "old", format, table)
    assert counted(body, format, columns(keys, '{"id": "a"}')) == (4, 2)
    assert counted(body, format, columns(keys, '{"id": "a"}', '{"id": "ab", "at": 3}')) == (4, 3)
    assert counted(body, format, columns(keys, '{"id": "a", "at": 3}')) == (4, 0)


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_which_nothing_is_left_says_what_its_columns_are(format: str, tmp_path: Path) -> None:
    table = rich(range(1), format)
    write(tmp_path / "old", format, table)
    key = columns({"text": "S"}, '{"text": "a\\"b,\\r\\n%0"}')
    done = module(format).rewrite(tmp_path / "old", tmp_path / "new", format, key)
    assert (done.kept, done.gone) == (0, 1)
    assert counted((tmp_path / "new").read_bytes(), format, key) == (0, 0)
    if format == "parquet":
        assert pq.read_schema(tmp_path / "new") == table.schema
