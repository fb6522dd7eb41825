"""The SQL of each column of a view: the column, or, where a format holds only text, the exact value in that text."""

from __future__ import annotations

from dynamo_assets.aws.athena import quote_identifier, quote_literal
from dynamo_assets.export.manifest import Manifest, ManifestColumn


def view_columns(manifest: Manifest) -> list[str]:
    """One item of a SELECT for each column of a snapshot, in the manifest's order."""
    return [_item(column, manifest.format) for column in manifest.columns]


def _item(column: ManifestColumn, format: str) -> str:
    name = quote_identifier(column.name)
    value = column_value(column, format)
    return name if value == name else f"{value} AS {name}"


def column_value(column: ManifestColumn, format: str) -> str:
    """The SQL of a column's exact value, of the raw table's column."""
    name = quote_identifier(column.name)
    if format == "csv":
        return _from_csv(name, column)
    return f"from_base64({name})" if column.view_type == "binary" else name


def _from_csv(name: str, column: ManifestColumn) -> str:
    """Undoes what `dynamo_assets.export.formats.quoted_csv` has done."""
    from dynamo_assets.export.formats.quoted_csv import EMPTY_TEXT  # noqa: PLC0415 - it brings pyarrow

    cell = f"NULLIF({name}, '')"  # an empty cell is null
    if column.view_type == "binary":
        return f"from_base64(replace({cell}, {quote_literal(EMPTY_TEXT)}, ''))"
    if column.view_type:
        return f"CAST({cell} AS {column.view_type})"
    if column.encoding != "csv":
        return cell
    return f"CASE {name} WHEN '' THEN NULL WHEN {quote_literal(EMPTY_TEXT)} THEN '' ELSE url_decode({name}) END"
