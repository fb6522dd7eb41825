"""No value changes: a hostile corpus through both engines and every format, read back through Athena."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from dynamo_assets.export.manifest import Manifest
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.conftest import Pipeline
from tests.acceptance.tables import FORMATS, assert_rows, by_athena, fill, snapshot


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("engine", ["in_process", "glue"])
def test_a_hostile_corpus_comes_back_equal(make_pipeline, unique, aws: Endpoint, engine: str, format: str) -> None:
    table = unique("Zoo")
    items = fill(aws, table, hostile.items())
    pipeline = make_pipeline({table: {"engine": engine, "format": format}})
    manifest = snapshot(pipeline, table)
    assert manifest.rows == len(items)
    assert_rows(by_athena(pipeline, manifest), items, manifest)


def by_pyarrow(pipeline: Pipeline, manifest: Manifest) -> dict[str, dict[str, Any]]:
    """What is in the files themselves, read without Athena and without the catalog."""
    rows: dict[str, dict[str, Any]] = {}
    for file in manifest.files:
        body = pipeline.clients.s3.get_object(Bucket=pipeline.settings.storage.bucket, Key=file.key)["Body"].read()
        data = io.BytesIO(body)
        table = pq.read_table(data) if manifest.format == "parquet" else orc.read_table(data)
        missing = dict.fromkeys(column.name for column in manifest.columns)
        rows |= {row["id"]: {**missing, **row} for row in table.to_pylist()}
    return rows


@pytest.mark.parametrize(
    ("settings", "corpus"),
    [
        ({"engine": "in_process"}, hostile.items),
        ({"engine": "in_process"}, hostile.wide_items),
        ({"engine": "in_process"}, hostile.big_items),
        ({"engine": "glue"}, hostile.items),
        ({"format": "orc"}, hostile.items),
        ({"format": "orc"}, hostile.wide_items),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_the_files_themselves_hold_every_value(
    make_pipeline, unique, aws: Endpoint, settings: dict[str, str], corpus: Callable[[], Iterable[hostile.Item]]
) -> None:
    table = unique("Zoo")
    items = fill(aws, table, corpus())
    pipeline = make_pipeline({table: {"engine": "in_process", **settings}})
    manifest = snapshot(pipeline, table)
    assert_rows(by_pyarrow(pipeline, manifest), items, manifest)
