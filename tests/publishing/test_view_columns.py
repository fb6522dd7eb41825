"""What a view selects of each column, so that it has the exact value and its own type."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.publishing.view_columns import view_columns
from tests.export.manifests import manifest_of


def selected(format: Any, *columns: ManifestColumn) -> list[str]:
    manifest = manifest_of(Facts(), ExportRequest(table="Zoo", bucket="exports", format=format))
    return view_columns(replace(manifest, columns=columns))


def column(name: str, type: str, encoding: str = "", view_type: str = "") -> ManifestColumn:
    return ManifestColumn(name, name, type, encoding=encoding, view_type=view_type)


@pytest.mark.parametrize("format", ["parquet", "orc", "avro"])
def test_formats_with_types_are_selected_as_they_are(format: str) -> None:
    columns = [column("id", "string"), column("data", "binary"), column("select", "struct<a:bigint>")]
    assert selected(format, *columns) == ['"id"', '"data"', '"select"']


def test_binary_in_json_is_decoded() -> None:
    assert selected("json", column("id", "string"), column("data", "string", "base64", "binary")) == [
        '"id"',
        'from_base64("data") AS "data"',
    ]


def test_csv_s_text_is_what_it_was_or_what_its_type_says() -> None:
    assert selected(
        "csv",
        column("text", "string", "csv"),
        column("n", "string", "csv", "decimal(38,18)"),
        column("flag", "string", "csv", "boolean"),
        column("data", "string", "base64", "binary"),
        column("plain", "string"),
    ) == [
        """CASE "text" WHEN '' THEN NULL WHEN '%' THEN '' ELSE url_decode("text") END AS "text\"""",
        """CAST(NULLIF("n", '') AS decimal(38,18)) AS "n\"""",
        """CAST(NULLIF("flag", '') AS boolean) AS "flag\"""",
        """from_base64(replace(NULLIF("data", ''), '%', '')) AS "data\"""",
        """NULLIF("plain", '') AS "plain\"""",
    ]


def test_columns_come_in_the_manifest_s_order_and_none_is_left_out() -> None:
    names = ["z", "a", "from", "m_2"]
    assert selected("parquet", *(column(name, "string") for name in names)) == [f'"{name}"' for name in names]
    assert selected("parquet") == []
