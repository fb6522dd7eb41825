"""Avro's object container files, read by the specification (Apache Avro 1.12) and by nothing of fastavro's."""

from __future__ import annotations

import io
import json
import struct
import zlib
from decimal import Decimal
from typing import Any


def read_avro(data: bytes) -> list[Any]:
    """All records of a file."""
    file = io.BytesIO(data)
    assert file.read(4) == b"Obj\x01"
    header = _read(file, {"type": "map", "values": "bytes"})
    sync, schema = file.read(16), json.loads(header["avro.schema"])
    records = []
    while file.tell() < len(data):
        count, size = _long(file), _long(file)
        block = io.BytesIO(zlib.decompress(file.read(size), wbits=-15))
        assert header["avro.codec"] == b"deflate"
        assert file.read(16) == sync
        records += [_read(block, schema) for _ in range(count)]
        assert block.read() == b""
    return records


def _read(file: io.BytesIO, kind: Any) -> Any:  # noqa: PLR0911 - one for each of Avro's types
    if isinstance(kind, list):
        return _read(file, kind[_long(file)])
    name = kind["type"] if isinstance(kind, dict) else kind
    match name:
        case "record":
            return {field["name"]: _read(file, field["type"]) for field in kind["fields"]}
        case "array":
            return [entry for block in _blocks(file) for entry in (_read(file, kind["items"]) for _ in block)]
        case "map":
            return {_read(file, "string"): _read(file, kind["values"]) for block in _blocks(file) for _ in block}
        case "bytes":
            data = file.read(_long(file))
            if isinstance(kind, dict) and kind.get("logicalType") == "decimal":
                return Decimal(f"{int.from_bytes(data, signed=True)}E-{kind['scale']}")
            return data
        case "string":
            return file.read(_long(file)).decode()
        case "long":
            return _long(file)
        case "double":
            return struct.unpack("<d", file.read(8))[0]
        case "boolean":
            return file.read(1) == b"\x01"
        case "null":
            return None
    raise AssertionError(kind)


def _blocks(file: io.BytesIO) -> Any:
    while count := _long(file):
        if count < 0:
            _long(file)
        yield range(abs(count))


def _long(file: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = file.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)
