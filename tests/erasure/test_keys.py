"""Keys as people give them, and that nobody who reads a message learns one."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from dynamo_assets.erasure.keys import Keys, read_keys
from dynamo_assets.errors import KeysError
from dynamo_assets.export.native_export.item_keys import key_of

S, N, B = {"id": "S"}, {"id": "N"}, {"id": "B"}
BOTH = {"customer": "S", "at": "N"}


def wanted(*texts: str, of: dict[str, str]) -> list[bytes]:
    return sorted(Keys.of(texts, "--key").wanted(of).items)


@pytest.mark.parametrize(
    ("given", "keys", "value"),
    [
        ('{"id": "42"}', S, {"S": "42"}),
        ('{"id": {"S": "42"}}', S, {"S": "42"}),
        ('{"id": 42}', N, {"N": "42"}),
        ('{"id": "4.20e1"}', N, {"N": "42"}),
        ('{"id": {"N": "42.0"}}', N, {"N": "42"}),
        ('{"id": 12345678901234567890123456789012345678}', N, {"N": "12345678901234567890123456789012345678"}),
        ('{"id": 0.1234567890123456789012345}', N, {"N": "0.1234567890123456789012345"}),
        ('{"id": {"B": "AP8="}}', B, {"B": "AP8="}),
        ('{"id": "{\\"S\\": 1}\\u00e9\\n"}', S, {"S": '{"S": 1}é\n'}),
    ],
)
def test_a_value_is_taken_in_plain_and_in_dynamodb_json(given: str, keys: dict[str, str], value: Any) -> None:
    assert wanted(given, of=keys) == [key_of({"id": value}, keys)]


def test_a_key_is_the_tables_or_its_partition_keys() -> None:
    found = Keys.of(['{"at": 7, "customer": "a"}', "", '{"customer": "b"}'], "line").wanted(BOTH)
    assert found.items == {key_of({"customer": {"S": "a"}, "at": {"N": "7"}}, BOTH)}
    assert found.partitions == {b"b"}


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (f'{{"id": "{SECRET}"', S),
        (f'["{SECRET}"]', S),
        (f'"{SECRET}"', S),
        (f'{{"{SECRET}": "id"}}', S),
        (f'{{"id": "{SECRET}", "{SECRET}": 1}}', S),
        (f'{{"id": "{SECRET}", "id": "2"}}', S),
        (f'{{"id": "{SECRET}"}}', N),
        (f'{{"id": "{SECRET}"}}', B),
        (f'{{"id": {{"B": "{SECRET}!"}}}}', B),
        (f'{{"id": {{"S": "{SECRET}", "N": "1"}}}}', S),
        (f'{{"id": ["{SECRET}"]}}', S),
        (f'{{"id": "{SECRET}\\ud800"}}', S),
        (f'{{"id": "{SECRET}"}}', BOTH),
        (f'{{"at": 7, "{SECRET}": 1}}', BOTH),
        ('{"id": ""}', S),
        ('{"id": true}', S),
        ('{"id": null}', S),
        ('{"id": 42}', S),
        ('{"id": NaN}', N),
        ('{"id": "Infinity"}', N),
        ('{"id": {"N": 42}}', S),
        ("", S),
    ],
)
def test_what_is_no_key_is_refused_and_not_told(given: str, keys: dict[str, str]) -> None:
    with pytest.raises(KeysError) as refused:
        Keys.of([given], "--key").wanted(keys)
    told = "".join(traceback.format_exception(refused.value))
    assert SECRET not in told.replace(f"'{given}'", "")


def test_keys_do_not_show_in_what_is_printed_of_them() -> None:
    keys = Keys.of([f'{{"id": "{SECRET}"}}'], "--key")
    assert SECRET not in repr(keys) + str(keys) + repr(keys.wanted(S))


def test_a_file_has_a_key_a_line(tmp_path, bucket, aws) -> None:
    text = '{"id": "1"}\r\n\n{"id": "2"}'
    (tmp_path / "keys").write_text(text)
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="a/keys", Body=text.encode())
    for source in (str(tmp_path / "keys"), f"s3://{bucket}/a/keys"):
        assert read_keys(source, s3).wanted(S).items == {b"1", b"2"}
    with pytest.raises(KeysError, match="line 2 is no JSON object"):
        Keys.of(['{"id": "1"}', "id=2"], "line")
    (tmp_path / "keys").write_bytes(b"\xff\xfe")
    with pytest.raises(KeysError, match="not UTF-8"):
        read_keys(str(tmp_path / "keys"), s3)
    for source in (str(tmp_path / "none"), f"s3://{bucket}/none"):
        with pytest.raises(KeysError, match="cannot be read"):
            read_keys(source, s3)
