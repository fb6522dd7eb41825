"""The schema of text files: JSON documents and delimited values, inferred from a sample of their beginning.

Follows what AWS documents of Glue's built-in JSON and CSV classifiers (developer guide, "Defining and managing
classifiers"; re:Post, "How does the AWS Glue crawler detect the schema?"). An attribute that first appears after the
sample is not seen: that is so in AWS too.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from dynamo_assets.sandbox.crawlers.classifiers import CsvClassifier
from dynamo_assets.sandbox.crawlers.schema_merge import merge_columns, merge_types

CSV_SAMPLE_RECORDS = 1000
_DELIMITERS = (",", "|", "\t", ";", "\x01")
_HEADER_CELL_CHARACTERS = 150
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True)
class TextSchema:
    """What a sample of text says.

    Attributes:
        classification: `json` or `csv`.
        columns: Names as the text has them, in order of appearance.
        records: How many records the sample holds whole.
        parameters: What the catalog's table says of the format besides.
        serde: What a custom classifier says reads it, where it says so.
    """

    classification: str
    columns: dict[str, pa.DataType]
    records: int
    parameters: dict[str, str] = field(default_factory=dict)
    serde: str = ""


def infer_text(sample: str, *, complete: bool, classifiers: Sequence[CsvClassifier] = ()) -> TextSchema | None:
    """The schema of a text, or None where it is neither JSON nor delimited values.

    Args:
        sample: The beginning of the text.
        complete: Whether that is all of it; otherwise its last record may be cut and is left out.
        classifiers: Custom ones, tried first.

    Raises:
        ValueError: It begins as JSON and goes on as something else; says where.
    """
    for classifier in classifiers:
        if found := _classified_csv(sample, classifier, complete=complete):
            return found
    if sample.lstrip()[:1] in {"{", "["}:
        return _infer_json(sample, complete=complete)
    return _infer_csv(sample, complete=complete)


def _infer_json(sample: str, *, complete: bool) -> TextSchema | None:
    columns: dict[str, pa.DataType] = {}
    records = 0
    for document in _documents(sample, complete=complete):
        records += 1
        # Glue makes one column named `array` of a file that is one JSON array.
        items = document if isinstance(document, dict) else {"array": document}
        columns = merge_columns([columns, {name: _json_type(value) for name, value in items.items()}])
    return TextSchema("json", columns, records) if records else None


def _documents(sample: str, *, complete: bool) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    position, end = 0, len(sample)
    while True:
        while position < end and sample[position].isspace():
            position += 1
        if position == end:
            return
        try:
            document, position = decoder.raw_decode(sample, position)
        except json.JSONDecodeError as error:
            # A document that is cut where the sample ends fails at its end, or inside a string that never closes.
            if not complete and (error.pos >= end - 10 or "Unterminated" in error.msg):
                return
            line = sample.count("\n", 0, error.pos) + 1
            raise ValueError(f"it begins as JSON, but line {line} is none: {error.msg}") from error
        if not isinstance(document, dict | list):
            raise ValueError(f"it begins as JSON, but holds {document!r} outside of any object")
        yield document


def _json_type(value: Any) -> pa.DataType:
    if isinstance(value, dict):
        # An empty object says nothing of its fields, and Hive has no empty struct.
        return pa.struct([(name, _json_type(item)) for name, item in value.items()]) if value else pa.null()
    if isinstance(value, list):
        merged: pa.DataType = pa.null()
        for item in value:
            merged = merge_types(merged, _json_type(item))
        return pa.list_(merged)
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int32() if value in _INT32 else pa.int64() if value in _INT64 else pa.float64()
    return pa.float64() if isinstance(value, float) else pa.string() if isinstance(value, str) else pa.null()


def _infer_csv(sample: str, *, complete: bool) -> TextSchema | None:
    if not complete:
        sample = sample[: sample.rfind("\n") + 1]
    for delimiter in _DELIMITERS:
        # Strict: a stray quote means that the text is something else.
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
        try:
            rows = [row for row in reader if row]
        except csv.Error:
            continue
        # Glue wants two columns and two rows of them to call a file CSV.
        if len(rows) > 1 and len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            return _csv_schema(rows, delimiter, quoted=sample.lstrip().startswith('"'))
    return None


def _classified_csv(sample: str, classifier: CsvClassifier, *, complete: bool) -> TextSchema | None:
    """The schema as a custom classifier sees it; None where it does not know the text."""
    if not complete:
        sample = sample[: sample.rfind("\n") + 1]
    text = io.StringIO(sample, newline="")
    reader = csv.reader(text, delimiter=classifier.delimiter, quotechar=classifier.quote, strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        return None
    width = len(classifier.names) or len(rows[0] if rows else ())
    if not rows or width < (1 if classifier.single_column else 2) or any(len(row) != width for row in rows):
        return None
    found = _csv_schema(rows, classifier.delimiter, quoted=True, header=classifier.header)
    columns = dict(zip(classifier.names or found.columns, found.columns.values(), strict=True))
    return replace(found, columns=columns, serde=classifier.serde)


def _csv_schema(rows: Sequence[Sequence[str]], delimiter: str, *, quoted: bool, header: str = "UNKNOWN") -> TextSchema:
    body = rows[1 : CSV_SAMPLE_RECORDS + 1]
    types = [_column_type(row[index] for row in body) for index in range(len(rows[0]))]
    parameters = {"delimiter": delimiter, "columnsOrdered": "true", "areColumnsQuoted": str(quoted).lower()}
    if header == "PRESENT" or (header == "UNKNOWN" and _is_header(rows[0], types)):
        parameters["skip.header.line.count"] = "1"
        return TextSchema("csv", dict(zip(rows[0], types, strict=True)), len(rows) - 1, parameters)
    types = [merge_types(data_type, _cell_type(cell)) for data_type, cell in zip(types, rows[0], strict=True)]
    names = [f"col{index}" for index in range(len(types))]
    return TextSchema("csv", dict(zip(names, types, strict=True)), len(rows), parameters)


def _is_header(cells: Sequence[str], body_types: Sequence[pa.DataType]) -> bool:
    """A header is all text and unlike the rows below it: where every column is text, Glue takes it for data."""
    return (
        all(_cell_type(cell) == pa.string() and len(cell) < _HEADER_CELL_CHARACTERS for cell in cells)
        and len(set(cells)) == len(cells)
        and any(data_type not in {pa.string(), pa.null()} for data_type in body_types)
    )


def _column_type(cells: Iterator[str]) -> pa.DataType:
    merged: pa.DataType = pa.null()
    for cell in cells:
        merged = merge_types(merged, _cell_type(cell))
    return merged


def _cell_type(cell: str) -> pa.DataType:
    text = cell.strip()
    if not text:
        return pa.null()
    if _INTEGER.fullmatch(text):
        return pa.int64()
    if _NUMBER.fullmatch(text):
        return pa.float64()
    return pa.bool_() if text.lower() in {"true", "false"} else pa.string()
