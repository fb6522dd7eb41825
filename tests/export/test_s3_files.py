"""An S3 object read as a file gives what the object holds, and fetches little more than is read."""

from __future__ import annotations

import io
import random
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import IncompleteReadError
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.export import s3_files
from dynamo_assets.export.s3_files import S3File, delete_objects, read_object
from dynamo_assets.sandbox.endpoint import Endpoint
from tests.conftest import own_client


class Body:
    def __init__(self, data: bytes | Exception):
        self._data = data

    def read(self) -> bytes:
        if isinstance(self._data, Exception):
            raise self._data
        return self._data


class OneObject:
    """S3 with one object, which notes what is asked of it."""

    def __init__(self, data: bytes):
        self.data = data
        self.spans: list[tuple[int, int]] = []

    def get_object(self, **options: str) -> dict[str, Any]:
        first, last = map(int, options["Range"].removeprefix("bytes=").split("-"))
        assert 0 <= first <= last < len(self.data)
        self.spans.append((first, last + 1))
        return {"Body": Body(self.data[first : last + 1])}


def open_file(data: bytes) -> tuple[Any, S3File]:
    s3: Any = OneObject(data)
    return s3, S3File(s3, "b", "k", len(data))


steps = st.lists(
    st.tuples(st.just("seek"), st.integers(0, 260), st.sampled_from([io.SEEK_SET, io.SEEK_CUR]))
    | st.tuples(st.just("seek"), st.integers(-200, 20), st.just(io.SEEK_END))
    | st.tuples(st.just("read"), st.integers(0, 120), st.just(0)),
    max_size=12,
)


@pytest.fixture(autouse=True, scope="module")
def little_ahead() -> Any:
    """Reads ahead so little that the small objects of these tests are read in several parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3_files, "READ_AHEAD_BYTES", 50)
        yield


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), steps)
def test_reads_and_seeks_in_any_order_give_what_a_local_file_gives(size: int, todo: list[tuple[str, int, int]]) -> None:
    data = random.Random(size).randbytes(size)
    _, raw = open_file(data)
    file, local = io.BufferedReader(raw, 16), io.BytesIO(data)
    for what, number, whence in todo:
        if what == "read":
            assert file.read(number) == local.read(number)
        elif whence != io.SEEK_END or size + number >= 0:
            assert file.seek(number, whence) == local.seek(number, whence)
        assert file.tell() == local.tell()
    assert file.read() == local.read()


def test_a_small_object_is_fetched_at_once_and_read_backwards_from_memory() -> None:
    s3, file = open_file(bytes(range(40)))
    file.seek(-8, io.SEEK_END)
    assert file.read(8) == bytes(range(32, 40))
    file.seek(0)
    assert file.read(40) == bytes(range(40))
    assert s3.spans == [(0, 40)]


def test_the_end_of_a_large_object_is_fetched_with_what_lies_before_it() -> None:
    s3, file = open_file(bytes(200))
    file.seek(-8, io.SEEK_END)
    file.read(8)
    file.seek(-40, io.SEEK_END)
    file.read(30)
    assert s3.spans == [(150, 200)]


def test_reading_on_fetches_ahead_and_nothing_twice() -> None:
    s3, file = open_file(bytes(200))
    while file.read(10):
        pass
    assert s3.spans == [(0, 50), (50, 100), (100, 150), (150, 200)]


def test_a_place_before_the_beginning_is_an_error() -> None:
    _, file = open_file(bytes(10))
    with pytest.raises(ValueError, match="negative"):
        file.seek(-11, io.SEEK_END)
    assert file.tell() == 0


class Torn(OneObject):
    """Its body ends early so many times."""

    def __init__(self, times: int):
        super().__init__(b"whole")
        self.times = times

    def get_object(self, **options: str) -> dict[str, Any]:
        self.times -= 1
        short = IncompleteReadError(actual_bytes=2, expected_bytes=5)
        return {"Body": Body(short if self.times >= 0 else self.data)}


def test_a_body_that_ends_early_is_asked_for_again_but_not_for_ever() -> None:
    s3: Any = Torn(s3_files.READ_ATTEMPTS - 1)
    assert read_object(s3, "b", "k") == b"whole"
    s3 = Torn(s3_files.READ_ATTEMPTS)
    with pytest.raises(IncompleteReadError):
        read_object(s3, "b", "k")


def test_a_parquet_file_in_s3_is_counted_by_its_footer_alone(aws: Endpoint, bucket: str) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"x": range(200_000)}), buffer)
    data = buffer.getvalue()
    s3 = own_client(aws, "s3")
    s3.put_object(Bucket=bucket, Key="f", Body=data)
    spans: list[str] = []
    s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: spans.append(params["headers"]["Range"]))
    with io.BufferedReader(S3File(s3, bucket, "f", len(data))) as file:
        assert pq.read_metadata(file).num_rows == 200_000
    fetched = sum(int(last) + 1 - int(first) for first, last in (s.removeprefix("bytes=").split("-") for s in spans))
    assert fetched < len(data) / 10  # what pyarrow asks for first, 64 KB of the end


class _Refusing:
    """An S3 that would not delete some objects at first."""

    def __init__(self, code: str, times: int):
        self.code, self.times = code, times
        self.asked: list[list[str]] = []

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:  # noqa: N803 - boto3's
        keys = [entry["Key"] for entry in Delete["Objects"]]
        self.asked.append(keys)
        if len(self.asked) > self.times:
            return {}
        return {"Errors": [{"Key": keys[0], "Code": self.code, "Message": "no"}]}


def test_a_thousand_objects_are_deleted_at_once_and_those_that_s3_was_too_busy_for_again() -> None:
    s3 = cast("Any", _Refusing("SlowDown", 1))
    keys = [str(number) for number in range(1500)]
    assert delete_objects(s3, "b", keys) == ()
    assert s3.asked == [keys[:1000], ["0"], keys[1000:]]


def test_what_s3_will_not_delete_is_told_and_not_asked_for_again() -> None:
    s3 = cast("Any", _Refusing("AccessDenied", 9))
    [refused] = delete_objects(s3, "b", ["x", "y"])
    assert (refused["Key"], refused["Code"]) == ("x", "AccessDenied")
    assert len(s3.asked) == 1


def test_no_more_is_fetched_than_is_asked_for_where_nothing_is_wanted_ahead() -> None:
    s3: Any = OneObject(bytes(200))
    file = S3File(s3, "b", "k", 200, ahead=0)
    file.seek(20)
    assert len(file.read(60)) == 60
    file.seek(70)
    assert len(file.read(30)) == 30  # a part of it is there already
    assert s3.spans == [(20, 80), (80, 100)]
    assert file.fetched_bytes == 80


def test_an_object_that_became_shorter_meanwhile_is_an_error() -> None:
    s3: Any = Torn(0)  # of five bytes, whatever is asked for
    with pytest.raises(OSError, match="changed meanwhile"):
        S3File(s3, "b", "k", 40).read(40)
