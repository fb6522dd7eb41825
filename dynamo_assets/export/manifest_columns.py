"""The columns of a snapshot as its manifest describes them: their types in the catalog, which differ by format."""

from __future__ import annotations

import json

import pyarrow as pa

from dynamo_assets.export.hint import document_of
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import Column, TableSchema, athena_type


def manifest_columns(schema: TableSchema, facts: Facts, request: ExportRequest) -> tuple[ManifestColumn, ...]:
    """Describes every column.

    Args:
        schema: The snapshot's schema.
        facts: What was observed, counted over all units.
        request: The export's options.
    """
    return tuple(
        _manifest_column(column, facts.attributes[attribute].total_lossy(), request)
        for attribute, column in schema.columns.items()
    )


def _manifest_column(column: Column, lossy: int, request: ExportRequest) -> ManifestColumn:
    kind, encoding, view_type = _stored(column, request.format)
    return ManifestColumn(
        name=column.name,
        attribute=column.attribute,
        type=kind,
        dynamodb_types={tag: count for tag, count in sorted(column.observed.counts.items()) if count},
        encoding=encoding,
        view_type=view_type,
        lossy=lossy,
        observed=document_of(column.observed, request),
    )


def _stored(column: Column, format: str) -> tuple[str, str, str]:
    """A column's type in the raw table, its encoding, and the view's type where that differs."""
    exact = athena_type(column.type)
    if format == "csv":
        # The OpenCSVSerDe knows no type but text. The view gives scalars their types back.
        if pa.types.is_binary(column.type):
            return "string", "base64", exact
        return "string", "csv", "" if exact == "string" else exact
    if format == "json":
        # The OpenX SerDe of old has no binary, and JSON has none anyway.
        if pa.types.is_binary(column.type):
            return "string", "base64", exact
        return athena_type(_with_text_for_binary(column.type)), column.encoding, ""
    return exact, column.encoding, ""


def _with_text_for_binary(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([(part.name, _with_text_for_binary(part.type)) for part in kind])
    if pa.types.is_list(kind):
        return pa.list_(_with_text_for_binary(kind.value_type))
    return pa.string() if pa.types.is_binary(kind) else kind


def serde_parameters(schema: TableSchema, request: ExportRequest) -> dict[str, str]:
    """What the catalog must tell a reader of the files beside the format: for Avro, its own schema."""
    if request.format != "avro":
        return {}
    from dynamo_assets.export.formats.avro import avro_schema  # noqa: PLC0415 - loaded where it is used

    return {"avro.schema.literal": json.dumps(avro_schema(schema.arrow), separators=(",", ":"))}
