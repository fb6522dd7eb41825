"""Very wide tables and very large items, in every format, read back through Athena and from the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest

from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance import hostile
from tests.acceptance.athena_values import read_view
from tests.acceptance.tables import FORMATS, TYPED, assert_rows, by_athena, by_pyarrow, fill, snapshot

Filled = tuple[str, Mapping[str, hostile.Item]]


@pytest.fixture(scope="module")
def wide(module_aws: Endpoint, unique: Callable[[str], str]) -> Filled:
    table = unique("Wide")
    return table, fill(module_aws, table, hostile.wide_items())


@pytest.fixture(scope="module")
def big(module_aws: Endpoint, unique: Callable[[str], str]) -> Filled:
    table = unique("Big")
    return table, fill(module_aws, table, hostile.big_items())


@pytest.mark.parametrize("format", FORMATS)
def test_1900_attributes_have_their_columns_in_athena(wide: Filled, make_pipeline, format: str) -> None:
    table, items = wide
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    manifest = snapshot(pipeline, table)
    assert len(manifest.columns) == 1901
    some = [column for column in manifest.columns if column.name == "id" or column.name.endswith("07")]
    rows = read_view(pipeline.query, f'"{pipeline.database}"."{manifest.name}"', "id", some)
    assert_rows(rows, {key: _only(item, some) for key, item in items.items()}, replace(manifest, columns=tuple(some)))
    if format in TYPED:
        assert_rows(by_pyarrow(pipeline, manifest), items, manifest)


def _only(item: hostile.Item, columns: Iterable[ManifestColumn]) -> hostile.Item:
    return {column.attribute: item[column.attribute] for column in columns if column.attribute in item}


@pytest.mark.parametrize("format", FORMATS)
def test_items_of_400_kb_and_maps_of_50000_keys_come_back_equal(big: Filled, make_pipeline, format: str) -> None:
    table, items = big
    pipeline = make_pipeline({table: {"engine": "in_process", "format": format}})
    manifest = snapshot(pipeline, table)
    assert {c.attribute: c.type for c in manifest.columns}["attributes"] == "string"
    assert_rows(by_athena(pipeline, manifest), items, manifest)
    if format in TYPED:
        assert_rows(by_pyarrow(pipeline, manifest), items, manifest)
