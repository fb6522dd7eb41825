"""Avro, JSON and CSV: read row by row; of JSON and CSV the lines that stay are copied as they are."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

import fastavro
import msgspec
from fastavro.write import Writer

from dynamo_assets.erasure.key_columns import KeyColumns
from dynamo_assets.erasure.rewritten import Counted, Rewritten
from dynamo_assets.export.formats.json_lines import COMPRESSION_LEVEL, lines_of
from dynamo_assets.export.native_export.item_keys import value_bytes

_CELL = re.compile(r'(?:^|,)("(?:[^"]|"")*"|[^,"]*)')


def count(file: IO[bytes], format: str, key: KeyColumns) -> Counted:
    """How many rows a file has, and how many of them go."""
    rows = going = 0
    if format == "avro":
        for block in fastavro.block_reader(file):
            rows += block.num_records
            going += sum(key.has(_avro_key(row, key)) for row in block)
        return Counted(rows, going)
    lines = lines_of(file)
    reader = _READERS[format](lines, key)
    for line in lines:
        rows += 1
        going += key.has(reader.key(line))
    return Counted(rows, going)


def rewrite(source: Path, target: Path, format: str, key: KeyColumns) -> Rewritten:
    """Writes a file again without the rows that go."""
    with source.open("rb") as file:
        return _rewrite_avro(file, target, key) if format == "avro" else _rewrite_lines(file, target, format, key)


def _rewrite_avro(file: IO[bytes], target: Path, key: KeyColumns) -> Rewritten:
    present: Counter[str] = Counter()
    kept = gone = 0
    blocks = fastavro.block_reader(file)
    # The schema as it stands in the file.
    schema = fastavro.parse_schema(json.loads(blocks.metadata["avro.schema"]))
    with target.open("wb") as out:
        writer = Writer(out, schema, codec="deflate")
        for block in blocks:
            rows: list[Any] = list(block)
            goes = [key.has(_avro_key(row, key)) for row in rows]
            kept += len(rows) - sum(goes)
            if not any(goes):
                writer.write_block(block)
                continue
            for row, its in zip(rows, goes, strict=True):
                if its:
                    gone += 1
                    present.update(name for name, value in row.items() if value is not None)
                else:
                    writer.write(row)
        writer.flush()
    return Rewritten(kept, gone, present)


def _avro_key(row: Any, key: KeyColumns) -> list[bytes]:
    values = [row[name] for name in key.names]
    return [
        value if isinstance(value, bytes) else value_bytes(_text(value), tag)
        for value, tag in zip(values, key.tags, strict=True)
    ]


def _text(value: str | float | Decimal) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _rewrite_lines(file: IO[bytes], target: Path, format: str, key: KeyColumns) -> Rewritten:
    present: Counter[str] = Counter()
    kept = gone = 0
    lines = lines_of(file)
    with gzip.open(target, "wb", compresslevel=COMPRESSION_LEVEL) as out:
        reader = _READERS[format](lines, key)
        out.write(reader.header)
        for line in lines:
            if key.has(reader.key(line)):
                gone += 1
                present.update(reader.present(line))
            else:
                kept += 1
                out.write(line)
    return Rewritten(kept, gone, present)


@dataclass
class _JsonReader:
    """Reads the lines of a JSON file."""

    lines: Iterator[bytes]
    of: KeyColumns
    header = b""

    def __post_init__(self) -> None:
        fields = [f"k{number}" for number in range(len(self.of.names))]
        # Of a line only these fields are made objects of; their names need not be Python's.
        keys = msgspec.defstruct(
            "_Keys", [(field, msgspec.Raw) for field in fields], rename=dict(zip(fields, self.of.names, strict=True))
        )
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(keys).decode
        self._fields = fields

    def key(self, line: bytes) -> list[bytes]:
        found = self._decode(line)
        return [
            value_bytes(_json_text(bytes(getattr(found, field))), tag)
            for field, tag in zip(self._fields, self.of.tags, strict=True)
        ]

    def present(self, line: bytes) -> Sequence[str]:
        return list(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))


def _json_text(raw: bytes) -> str:
    """A text, or a number with the digits that it has."""
    return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode()


@dataclass
class _CsvReader:
    """Reads the lines of a CSV file, each of which is a row; see `dynamo_assets.export.formats.quoted_csv`."""

    lines: Iterator[bytes]
    of: KeyColumns

    def __post_init__(self) -> None:
        self.header = next(self.lines, b"")
        self._names = self.header.decode().rstrip("\n").split(",")
        self._places = [self._names.index(name) for name in self.of.names]

    def key(self, line: bytes) -> list[bytes]:
        cells = _cells(line)
        if len(cells) != len(self._names):
            raise ValueError("a row has more or fewer cells than the header")
        return [
            b64decode(cells[place], validate=True) if tag == "B" else value_bytes(unquote(cells[place]), tag)
            for place, tag in zip(self._places, self.of.tags, strict=True)
        ]

    def present(self, line: bytes) -> Sequence[str]:
        return [name for name, cell in zip(self._names, _cells(line), strict=True) if cell]


def _cells(line: bytes) -> list[str]:
    # Python's csv has a limit for cells, for all of a process, that DynamoDB's values exceed.
    cells = _CELL.findall(line.decode().rstrip("\n"))
    return [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in cells]


_READERS: dict[str, Callable[[Iterator[bytes], KeyColumns], _JsonReader | _CsvReader]] = {
    "json": _JsonReader,
    "csv": _CsvReader,
}
