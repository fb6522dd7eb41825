from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from dynamo_assets.errors import ConservationError, ConversionError
from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.decoding.landing import Landing
from dynamo_assets.export.decoding.page_decoder import MAX_DENSE_ATTRIBUTES
from dynamo_assets.export.observed import MAX_STRUCT_FIELDS, Facts, Observed
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.schema import athena_type
from dynamo_assets.export.source import Page

OPTIONS = ExportRequest(table="Zoo", bucket="exports")


def decoded(*items: dict[str, Any], **options: Any) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Items as DynamoDB JSON, all in one page: Athena's types and the values, by attribute."""
    decoder = PageDecoder(Facts(), ExportRequest(table="Zoo", bucket="exports", **options), [])
    batch = decoder.decode(Page(json.dumps(items).encode(), len(items)))
    types = {attribute: athena_type(column.type) for attribute, column in batch.schema.columns.items()}
    nulls = {attribute: [None] * batch.rows for attribute in types}
    columns = nulls | {attribute: array.to_pylist() for attribute, array in batch.arrays.items()}
    return types, [{name: values[row] for name, values in columns.items()} for row in range(batch.rows)]


def one_column(*values: dict[str, Any] | None, **options: Any) -> tuple[str, list[Any]]:
    """The column `a` of items that have just that; None leaves it out."""
    types, rows = decoded(*({} if value is None else {"a": value} for value in values), **options)
    return types["a"], [row["a"] for row in rows]


@pytest.mark.parametrize(
    ("values", "athena", "expected"),
    [
        ([{"S": "x"}, {"S": ""}, None, {"NULL": True}], "string", ["x", "", None, None]),
        ([{"N": "1"}, {"N": "-9223372036854775808"}, None], "bigint", [1, -(2**63), None]),
        ([{"N": "1"}, {"N": "0.5"}], "decimal(38,18)", [Decimal(1), Decimal("0.5")]),
        ([{"N": "9223372036854775808"}], "decimal(38,18)", [Decimal(2**63)]),
        ([{"N": "1"}, {"N": "1E-19"}, {"N": "1.50"}], "string", ["1", "1E-19", "1.50"]),
        ([{"BOOL": True}, {"BOOL": False}, None], "boolean", [True, False, None]),
        ([{"B": "AAH/"}, {"B": ""}, None], "binary", [b"\x00\x01\xff", b"", None]),
        ([{"SS": ["x", "y"]}, None], "array<string>", [["x", "y"], None]),
        ([{"NS": ["1", "2.5"]}], "array<decimal(38,18)>", [[Decimal(1), Decimal("2.5")]]),
        ([{"BS": ["AA==", ""]}], "array<binary>", [[b"\x00", b""]]),
        ([{"NULL": True}, None], "string", [None, None]),
        ([{"L": [{"N": "1"}, {"NULL": True}]}, {"L": []}, None], "array<bigint>", [[1, None], [], None]),
        ([{"L": [{"N": "1"}, {"S": "x"}]}], "string", ['[1,"x"]']),
        ([{"L": []}], "array<string>", [[]]),
        ([{"L": [{"L": [{"S": "x"}]}, {"L": []}]}], "array<array<string>>", [[["x"], []]]),
        ([{"M": {"Zip": {"S": "1"}}}, None], "struct<zip:string>", [{"zip": "1"}, None]),
        (
            [{"M": {"x": {"S": "1"}}}, {"M": {"y": {"N": "2"}}}],
            "struct<x:string,y:bigint>",
            [{"x": "1", "y": None}, {"x": None, "y": 2}],
        ),
        ([{"M": {}}, None], "string", ["{}", None]),
        ([{"M": {}}, {"M": {"x": {"S": "1"}}}], "struct<x:string>", [{"x": None}, {"x": "1"}]),
        ([{"M": {"x": {"NULL": True}}}], "struct<x:string>", [{"x": None}]),
        ([{"M": {"x": {"S": "1"}}}, {"M": {"x": {"N": "1"}}}], "string", ['{"x":"1"}', '{"x":1}']),
        (
            [{"M": {"m": {"M": {"x": {"L": [{"S": "1"}, {"N": "1"}]}}}}}],
            "struct<m:struct<x:string>>",
            [{"m": {"x": '["1",1]'}}],
        ),
    ],
)  # fmt: skip
def test_each_dynamodb_type_has_its_column(values: list[Any], athena: str, expected: list[Any]) -> None:
    assert one_column(*values) == (athena, expected)


MIXED = [
    {"S": "x"},
    {"N": "1.50"},
    {"BOOL": True},
    {"B": "AAH/"},
    {"NULL": True},
    {"SS": ["b", "a"]},
    {"NS": ["1E+2"]},
    {"BS": ["AA=="]},
    {"M": {"z": {"N": "1E-130"}, "a": {"NULL": True}, "é": {"B": "AA=="}}},
    {"L": [{"S": 'q"'}, {"BOOL": False}]},
]


def test_several_types_become_each_value_s_text() -> None:
    """The documented representation: digits as written, binary as base64, sets as arrays, keys sorted."""
    assert one_column(*MIXED) == (
        "string",
        [
            "x",
            "1.50",
            "true",
            "AAH/",
            None,
            '["b","a"]',
            "[1E+2]",
            '["AA=="]',
            '{"a":null,"z":1E-130,"é":"AA=="}',
            '["q\\"",false]',
        ],
    )


def test_several_types_become_dynamodb_json_where_that_is_asked_for() -> None:
    athena, texts = one_column(*MIXED, mixed_types="dynamodb_json")
    assert athena == "string"
    assert [None if text is None else json.loads(text) for text in texts] == [
        None if value == {"NULL": True} else value for value in MIXED
    ]


def test_several_types_fail_where_that_is_asked_for() -> None:
    with pytest.raises(ConversionError, match="attribute 'a'"):
        one_column({"S": "x"}, {"N": "1"}, mixed_types="fail")


def test_a_map_used_as_a_dictionary_becomes_json() -> None:
    fields = {f"key{number:03}": {"N": str(number)} for number in range(MAX_STRUCT_FIELDS + 1)}
    assert one_column({"M": dict(list(fields.items())[:-1])})[0].startswith("struct<key000:bigint,")
    athena, (text,) = one_column({"M": fields})
    assert athena == "string"
    assert json.loads(text) == {name: int(value["N"]) for name, value in fields.items()}


def test_nested_json_is_for_maps_and_lists_only() -> None:
    types, rows = decoded(
        {"m": {"M": {"b": {"N": "1"}, "a": {"S": "x"}}}, "l": {"L": [{"N": "1"}]}, "s": {"SS": ["x"]}}, nested="json"
    )
    assert types == {"m": "string", "l": "string", "s": "array<string>"}
    assert rows == [{"m": '{"a":"x","b":1}', "l": "[1]", "s": ["x"]}]


def test_every_attribute_of_a_very_wide_table_has_its_column() -> None:
    names = [f"attribute{number}" for number in range(MAX_DENSE_ATTRIBUTES + 700)]
    items = [
        {name: {"N": str(row)} for name in names[row::7]} | {"m": {"M": {"x": {"S": str(row)}}}} for row in range(20)
    ]
    types, rows = decoded(*items)
    assert types == {**dict.fromkeys(names, "bigint"), "m": "struct<x:string>"}
    assert rows == [
        {name: row if name in item else None for name in names} | {"m": {"x": str(row)}}
        for row, item in enumerate(items)
    ]


def test_attributes_that_look_like_dynamodb_json_are_told_by_structure() -> None:
    types, rows = decoded(
        {
            "S": {"N": "1"},
            "N": {"S": "x"},
            "Items": {"L": [{"M": {"S": {"S": "deep"}}}]},
            "M": {"M": {"M": {"M": {"NULL": {"BOOL": True}}}}},
            "NULL": {"S": '{"S":"text"}'},
        }
    )
    assert types["S"] == "bigint"
    assert types["M"] == "struct<m:struct<null:boolean>>"
    assert rows == [
        {"S": 1, "N": "x", "Items": [{"s": "deep"}], "M": {"m": {"null": True}}, "NULL": '{"S":"text"}'},
    ]


def test_what_a_page_shows_first_widens_the_schema_and_later_pages_keep_it() -> None:
    decoder = PageDecoder(Facts.of_keys({"pk": "S"}), OPTIONS, ["pk"])

    def types_after(*items: dict[str, Any]) -> dict[str, str]:
        batch = decoder.decode(Page(json.dumps(items).encode(), len(items)))
        return {column.name: athena_type(column.type) for column in batch.schema.columns.values()}

    assert types_after({"pk": {"S": "1"}, "n": {"N": "1"}}) == {"pk": "string", "n": "bigint"}
    assert types_after({"pk": {"S": "2"}, "n": {"N": "1.5"}}) == {"pk": "string", "n": "decimal(38,18)"}
    assert types_after({"pk": {"S": "3"}, "n": {"N": "1"}, "late": {"BOOL": True}}) == {
        "pk": "string",
        "late": "boolean",
        "n": "decimal(38,18)",
    }
    assert types_after({"pk": {"S": "4"}}) == {"pk": "string", "late": "boolean", "n": "decimal(38,18)"}


def test_values_are_counted_by_type_with_null() -> None:
    decoder = PageDecoder(Facts(), OPTIONS, [])
    items = [{"a": {"S": "x"}, "b": {"N": "1"}}, {"a": {"NULL": True}, "b": {"S": "y"}}, {"a": {"S": "z"}}]
    for _ in range(2):
        decoder.decode(Page(json.dumps(items).encode(), len(items)))
    assert {name: observed.counts for name, observed in decoder.facts.attributes.items()} == {
        "a": {"S": 4, "NULL": 2},
        "b": {"N": 2, "S": 2},
    }


def test_doubles_are_made_of_number_sets_too_at_the_top_and_below() -> None:
    sets = [{"NS": ["1", "2.5"]}, {"NS": ["1e100"]}, None]
    assert one_column(*sets, numbers="double") == ("array<double>", [[1.0, 2.5], [1e100], None])
    kind, values = one_column({"M": {"x": {"NS": ["3"]}}}, {"L": []}, numbers="double")
    assert (kind, values) == ("string", ['{"x":[3]}', "[]"])
    kind, values = one_column({"M": {"x": {"NS": ["3"]}}}, numbers="double")
    assert (kind, values) == ("struct<x:array<double>>", [{"x": [3.0]}])


def test_doubles_that_lose_digits_are_counted() -> None:
    decoder = PageDecoder(Facts(), ExportRequest(table="Zoo", bucket="exports", numbers="double"), [])
    numbers = ["0.1", "12345678901234567890123", "1E+125", "100000000000000000000", "1.2345678901234567"]
    items = [{"n": {"N": number}, "l": {"L": [{"N": number}]}} for number in numbers]
    batch = decoder.decode(Page(json.dumps(items).encode(), len(items)))
    assert batch.arrays["n"].to_pylist() == [float(number) for number in numbers]
    assert decoder.facts.attributes["n"].total_lossy() == decoder.facts.attributes["l"].total_lossy() == 1


@pytest.mark.parametrize(
    ("forced", "values", "expected", "lossy"),
    [
        ("double", [{"N": "1.5"}, {"S": "2.5"}, {"NULL": True}], [1.5, 2.5, None], 0),
        ("bigint", [{"N": "1E+2"}, {"S": "7"}], [100, 7], 0),
        ("decimal(5,2)", [{"N": "1.005"}, {"N": "2.5"}], [Decimal("1.00"), Decimal("2.50")], 1),
        ("string", [{"N": "1.50"}, {"M": {"x": {"N": "1"}}}], ["1.50", '{"x":1}'], 0),
        ("json", [{"N": "1.50"}, {"S": "x"}], ["1.50", '"x"'], 0),
    ],
)
def test_a_forced_type_is_kept_whatever_comes_and_losses_are_counted(
    forced: str, values: list[Any], expected: list[Any], lossy: int
) -> None:
    decoder = PageDecoder(Facts(), ExportRequest(table="Zoo", bucket="exports", columns={"a": forced}), [])
    batch = decoder.decode(Page(json.dumps([{"a": value} for value in values]).encode(), len(values)))
    assert batch.arrays["a"].to_pylist() == expected
    assert batch.arrays["a"].type == batch.schema.columns["a"].type
    assert decoder.facts.attributes["a"].lossy == lossy


@pytest.mark.parametrize(
    ("forced", "value"),
    [
        ("bigint", {"N": "1.5"}),
        ("bigint", {"N": "9223372036854775808"}),
        ("bigint", {"S": "many"}),
        ("double", {"M": {}}),
        ("decimal(5,2)", {"N": "12345"}),
        ("bigint", {"BOOL": True}),
    ],
)
def test_a_value_that_does_not_fit_a_forced_type_is_an_error_that_names_it(forced: str, value: Any) -> None:
    with pytest.raises(ConversionError, match=r"table Zoo: attribute 'a' is to be .* choose a wider type"):
        one_column(value, columns={"a": forced})


@pytest.mark.parametrize("wide", [False, True])
def test_values_that_do_not_land_are_an_error_and_never_nulls(monkeypatch: pytest.MonkeyPatch, wide: bool) -> None:
    extra = {f"a{number}": {"S": "x"} for number in range(MAX_DENSE_ATTRIBUTES)} if wide else {}
    count = Landing.count

    def one_is_lost(landing: Landing, observed: Observed, tag: str, values: int, objects: int | None = None) -> None:
        objects = values if objects is None else objects
        count(landing, observed, tag, values, objects - (tag == "N"))

    monkeypatch.setattr(Landing, "count", one_is_lost)
    with pytest.raises(ConservationError, match=r"table Zoo: a page .* please report this"):
        decoded({"a": {"N": "1"}, **extra})
    monkeypatch.undo()
    assert decoded({"a": {"N": "1"}, **extra})[1][0]["a"] == 1


@pytest.mark.parametrize("escaped", [r"\ud83d\ude00", r"\uD840\uDC00", r"\uDBFF\uDFFF", r"\\ud83d", r"\\\ud840\udc00x"])
def test_characters_are_the_same_however_json_writes_them(escaped: str) -> None:
    """The typed reader makes another character of an escaped one beyond U+1FFFF."""
    decoder = PageDecoder(Facts(), OPTIONS, [])
    page = Page(f'[{{"a":{{"S":"{escaped}"}},"é{escaped}":{{"M":{{"{escaped}":{{"S":"x"}}}}}}}}]'.encode(), 1)
    text = json.loads(f'"{escaped}"')
    for _ in range(2):
        arrays = decoder.decode(page).arrays
        assert arrays["a"].to_pylist() == [text]
        assert set(arrays) == {"a", f"é{text}"}


def test_braces_within_texts_and_names_are_not_taken_for_values() -> None:
    assert decoded({"a{": {"S": "{{}"}, "b": {"M": {"}{": {"S": "{"}}}})[1] == [{"a{": "{{}", "b": {"__": "{"}}]


def test_a_page_with_another_number_of_items_than_dynamodb_counted_is_an_error() -> None:
    decoder = PageDecoder(Facts(), OPTIONS, [])
    with pytest.raises(ConservationError, match="a page of 2 items"):
        decoder.decode(Page(b'[{"a":{"S":"x"}}]', 2))


def test_a_value_of_no_dynamodb_type_is_an_error() -> None:
    with pytest.raises(ConservationError, match="type"):
        one_column({"X": "?"})
