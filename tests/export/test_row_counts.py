"""A snapshot's files are counted as they lie in S3 now; what is not there, or not whole, is named."""

from __future__ import annotations

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from dynamo_assets.errors import ManifestError
from dynamo_assets.export.row_counts import rows_in_file
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.conftest import own_client
from tests.export.formats.files import written

FORMATS = ["parquet", "orc", "avro", "json", "csv"]
TABLE = pa.Table.from_pylist([{"id": str(number), "n": number} for number in range(2000)])


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_s_rows_are_counted_in_s3(aws: Endpoint, bucket: str, format: str) -> None:
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="f", Body=written(format, [TABLE, TABLE]))
    assert rows_in_file(s3, bucket, "f", format) == 4000


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_is_cut_short_or_empty_is_named(aws: Endpoint, bucket: str, format: str) -> None:
    s3 = aws.client("s3")
    for body in (written(format, [TABLE])[:-20], b""):
        s3.put_object(Bucket=bucket, Key="a/f", Body=body)
        with pytest.raises(ManifestError, match=rf"^s3://{bucket}/a/f: not a complete {format} file: "):
            rows_in_file(s3, bucket, "a/f", format)


def test_a_file_that_is_not_there_is_named(aws: Endpoint, bucket: str) -> None:
    with pytest.raises(
        ManifestError, match=rf"^s3://{bucket}/gone: the manifest names this file, and it does not exist"
    ):
        rows_in_file(aws.client("s3"), bucket, "gone", "parquet")


def test_a_bucket_that_may_not_be_read_is_no_damaged_file(aws: Endpoint, bucket: str) -> None:
    s3 = own_client(aws, "s3")
    forbidden = {"Error": {"Code": "403", "Message": "Forbidden"}}

    def forbid(**_: object) -> None:
        raise ClientError(forbidden, "HeadObject")  # pyright: ignore[reportArgumentType]

    s3.meta.events.register("before-call.s3.HeadObject", forbid)
    with pytest.raises(ClientError, match="403"):
        rows_in_file(s3, bucket, "f", "parquet")
