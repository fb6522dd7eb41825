"""How the Data Catalog describes each format, so that Athena reads it exactly."""

from __future__ import annotations

from typing import get_args

import pytest

from dynamo_assets.aws.storage_formats import (
    HEADER,
    STORAGE_FORMATS,
    format_of,
    other_suffixes,
    storage_descriptor,
    table_parameters,
)
from dynamo_assets.export.formats import file_format
from dynamo_assets.export.request import Format

FORMATS = get_args(Format)


def descriptor(format: str, **serde_parameters: str) -> dict:
    return storage_descriptor(format, [("id", "string"), ("n", "bigint")], "s3://b/t/", serde_parameters)


def test_every_format_of_a_request_is_described_and_its_files_have_the_suffix_that_is_said() -> None:
    assert set(STORAGE_FORMATS) == set(FORMATS)
    for name, storage in STORAGE_FORMATS.items():
        assert storage.suffix == file_format(name).SUFFIX


def test_no_suffix_is_the_end_of_another() -> None:
    """A crawler leaves out the files of all other formats by their suffixes."""
    for name in FORMATS:
        own, others = STORAGE_FORMATS[name].suffix, other_suffixes(name)
        assert len(others) == len(FORMATS) - 1
        assert not [other for other in others if own.endswith(other) or other.endswith(own)]


@pytest.mark.parametrize("format", FORMATS)
def test_a_descriptor_tells_its_format_whatever_else_it_says(format: str) -> None:
    storage = descriptor(format, more="x")
    assert format_of(storage) == format
    assert storage["Columns"] == [{"Name": "id", "Type": "string"}, {"Name": "n", "Type": "bigint"}]
    assert storage["Location"] == "s3://b/t/"
    assert storage["SerdeInfo"]["Parameters"]["more"] == "x"
    assert table_parameters(format)["classification"] == format
    assert descriptor(format)["SerdeInfo"]["Parameters"] == STORAGE_FORMATS[format].serde_parameters


def test_another_serde_is_none_of_them() -> None:
    assert format_of({}) is None
    assert (
        format_of({"SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"}}) is None
    )


@pytest.mark.parametrize(("format", "compression"), [("parquet", "none"), ("json", "gzip"), ("csv", "gzip")])
def test_only_text_is_compressed_as_a_whole(format: str, compression: str) -> None:
    assert table_parameters(format)["compressionType"] == compression
    assert descriptor(format)["Compressed"] == (compression != "none")


def test_orc_s_columns_are_found_by_their_names() -> None:
    """Athena's default is by their places."""
    assert descriptor("orc")["SerdeInfo"]["Parameters"]["orc.column.index.access"] == "false"


def test_csv_has_a_header_by_table_and_by_partition_and_no_escape_that_occurs_in_text() -> None:
    said = descriptor("csv")["SerdeInfo"]["Parameters"]
    assert said["escapeChar"] == "\x01"
    assert said.items() >= HEADER.items()
    assert table_parameters("csv").items() >= HEADER.items()
    assert "skip.header.line.count" not in table_parameters("json")


def test_what_one_caller_changes_is_not_another_s() -> None:
    descriptor("csv")["SerdeInfo"]["Parameters"]["escapeChar"] = "!"
    descriptor("csv")["Parameters"]["x"] = "y"
    assert descriptor("csv")["SerdeInfo"]["Parameters"]["escapeChar"] == "\x01"
    assert "x" not in descriptor("csv")["Parameters"]
