"""What Athena would make of CSV and JSON lines that other writers wrote, told from the lines alone."""

from __future__ import annotations

import pytest

from dynamo_assets.adoption.text_columns import CsvLook, JsonLook, csv_columns, json_columns
from dynamo_assets.errors import AdoptionError
from dynamo_assets.export.formats.adopted_csv import ESCAPED, QUOTED
from dynamo_assets.export.request import ExportRequest

REQUEST = ExportRequest(table="Orders", bucket="a-bucket", format="json")


def looked(*lines: bytes) -> CsvLook:
    look = CsvLook()
    look.add(lines)
    return look


def test_csv_with_doubled_quotes_is_told_from_csv_with_escaped_ones() -> None:
    doubled = looked(b"id,note", b'1,"a ""b"", c"', b"2,C:\\dir")
    assert (doubled.header, doubled.rows, doubled.rules) == (("id", "note"), 2, (QUOTED,))
    escaped = looked(b"id,note", b'1,"a \\"b\\", c"')
    assert escaped.rules == (ESCAPED,)
    assert escaped.rules[0].cells(b'1,"a \\"b\\", c"') == ["1", 'a "b", c']
    assert looked(b"id,note\r", b"1,\r").rules == (QUOTED, ESCAPED), "of plain cells both are true"


@pytest.mark.parametrize(
    "lines",
    [
        (b"id,note", b'1,"a line', b'break"'),
        (b"id,note", b"1,2,3"),
        (b"id,note", b'1,"a \\"b\\", c"', b"2,C:\\dir"),
        (b"id,note", b'1,"a \\"b"', b'2,"a ""b"""'),
        (b"id,note", b"1,\xff"),
    ],
)
def test_csv_that_athena_would_misread_is_refused(lines: tuple[bytes, ...]) -> None:
    with pytest.raises(AdoptionError, match=r"line \d: Athena would not read it as it was written"):
        looked(*lines)


def test_columns_of_csv_have_names_without_quotes_and_keep_their_places() -> None:
    columns = csv_columns(["Id", "order-no", "b", "snapshot_timestamp"])
    assert [(column.name, column.attribute, column.file_name) for column in columns] == [
        ("id", "Id", "Id"),
        ("order_no", "order-no", "order-no"),
        ("b", "b", "b"),
        ("snapshot_timestamp_2", "snapshot_timestamp", "snapshot_timestamp"),
    ]
    with pytest.raises(AdoptionError, match="a name twice"):
        csv_columns(["a", "a"])


def test_json_gets_the_types_of_the_export_core_over_all_lines() -> None:
    look = JsonLook()
    look.add([
        b'{"Id":"1","n":1,"price":1.50,"huge":1e200,"mixed":1,"m":{"City":"Ulm"},"odd":{"a-b":1},"l":[1,2]}',
        b"",
        b'{"Id":"2","n":9223372036854775807,"price":2,"mixed":"x","m":{"zip":7},"order-no":null,"ok":true}',
    ])  # fmt: skip
    columns, mapping = json_columns(look.facts, ["Id"], REQUEST, {"other", "mixed"})
    assert look.rows == 2
    assert {column.name: column.type for column in columns} == {
        "id": "string",
        "huge": "string",
        "l": "array<bigint>",
        "m": "struct<city:string,zip:bigint>",
        "mixed": "string",
        "n": "bigint",
        "odd": "string",
        "ok": "boolean",
        "order_no": "string",
        "price": "decimal(38,18)",
    }
    doubles, _ = json_columns(look.facts, ["Id"], REQUEST, {"price"})
    assert {column.name: column.type for column in doubles}["price"] == "double"
    assert mapping == {"mapping.order_no": "order-no"}
    assert not any(column.dynamodb_types or column.observed for column in columns), (
        "of DynamoDB's types nothing is known"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a":{"Id":1,"id":2}}', "upper and lower case alone"),
        (b'{"a":1', "is not JSON"),
        (b"[1]", "no JSON object"),
    ],
)
def test_json_at_which_athena_fails_is_refused(line: bytes, message: str) -> None:
    with pytest.raises(AdoptionError, match=message):
        JsonLook().add([line])


def test_json_attributes_that_are_one_key_for_athena_are_refused() -> None:
    look = JsonLook()
    look.add([b'{"Id":1}', b'{"id":2}'])
    with pytest.raises(AdoptionError, match="Id, id differ in upper and lower case alone"):
        json_columns(look.facts, [], REQUEST)
