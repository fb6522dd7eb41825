"""Custom classifiers for CSV: kept as Glue keeps them, and used by crawls."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.lake import Lake, columns_of


def define(lake: Lake, **settings: Any) -> str:
    """A classifier of this lake's own; returns its name."""
    name = f"{lake.database}_classifier"
    lake.glue.create_classifier(CsvClassifier={"Name": name, **settings})
    return name


def crawl_with(lake: Lake, name: str, text: str) -> Any:
    lake.put("t/a.csv", text)
    lake.crawl(lake.crawler("t/", Classifiers=[name]))
    return lake.table("t")


def refusal(raised: pytest.ExceptionInfo[ClientError]) -> str:
    return raised.value.response["Error"]["Code"]


def test_a_classifier_is_described_as_it_was_defined(lake: Lake) -> None:
    name = define(lake, Delimiter="|", ContainsHeader="PRESENT", Header=["a", "b"])
    described = {"Name": name, "Delimiter": "|", "ContainsHeader": "PRESENT", "Header": ["a", "b"]}
    assert lake.glue.get_classifier(Name=name)["Classifier"] == {"CsvClassifier": described}
    assert {"CsvClassifier": described} in lake.glue.get_classifiers()["Classifiers"]


def test_a_change_changes_what_it_names_and_nothing_else(lake: Lake) -> None:
    name = define(lake, Delimiter="|", ContainsHeader="PRESENT")
    lake.glue.update_classifier(CsvClassifier={"Name": name, "Delimiter": ";"})
    described = lake.glue.get_classifier(Name=name)["Classifier"]["CsvClassifier"]
    assert described == {"Name": name, "Delimiter": ";", "ContainsHeader": "PRESENT"}


def test_a_change_that_is_refused_changes_nothing(lake: Lake) -> None:
    name = define(lake, Delimiter="|")
    with pytest.raises(ClientError, match="one character each, and differ"):
        lake.glue.update_classifier(CsvClassifier={"Name": name, "QuoteSymbol": "|"})
    assert lake.glue.get_classifier(Name=name)["Classifier"]["CsvClassifier"] == {"Name": name, "Delimiter": "|"}


def test_a_deleted_classifier_is_gone(lake: Lake) -> None:
    name = define(lake)
    lake.glue.delete_classifier(Name=name)
    for call in (lake.glue.get_classifier, lake.glue.delete_classifier):
        with pytest.raises(ClientError, match=f"Classifier entry with name {name} does not exist") as raised:
            call(Name=name)
        assert refusal(raised) == "EntityNotFoundException"
    with pytest.raises(ClientError) as raised:
        lake.glue.update_classifier(CsvClassifier={"Name": name})
    assert refusal(raised) == "EntityNotFoundException"
    define(lake)


def test_a_name_is_taken_once(lake: Lake) -> None:
    define(lake)
    with pytest.raises(ClientError, match="already exists") as raised:
        define(lake)
    assert refusal(raised) == "AlreadyExistsException"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Delimiter": '"'}, "must be one character each, and differ"),
        ({"CustomDatatypeConfigured": True}, "does not use custom data types"),
        ({"CustomDatatypes": ["INT"]}, "does not use custom data types"),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused(lake: Lake, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as raised:
        define(lake, **settings)
    assert refusal(raised) == "InvalidInputException"


def test_classifiers_of_other_kinds_are_refused(lake: Lake) -> None:
    with pytest.raises(ClientError, match="kind JsonClassifier: only CsvClassifier"):
        lake.glue.create_classifier(JsonClassifier={"Name": "j", "JsonPath": "$"})


def test_columns_have_the_names_that_a_classifier_gives(lake: Lake) -> None:
    table = crawl_with(lake, define(lake, Header=["Id", "amount"], ContainsHeader="ABSENT"), "1,2.5\n2,3.5\n")
    assert columns_of(table) == {"id": "bigint", "amount": "double"}
    assert "skip.header.line.count" not in table["Parameters"]


def test_a_header_that_looks_like_data_is_one_where_the_classifier_says_so(lake: Lake) -> None:
    text = "name,city\nAda,London\n"
    table = crawl_with(lake, define(lake, ContainsHeader="PRESENT"), text)
    assert list(columns_of(table)) == ["name", "city"]
    assert table["Parameters"]["skip.header.line.count"] == "1"
    lake.put("u/a.csv", text)
    lake.crawl(lake.crawler("u/"))
    assert list(columns_of(lake.table("u"))) == ["col0", "col1"]


def test_a_delimiter_and_a_quote_of_its_own_are_used(lake: Lake) -> None:
    table = crawl_with(lake, define(lake, Delimiter="~", QuoteSymbol="'", ContainsHeader="PRESENT"), "a~b\n1~'x~y'\n")
    assert columns_of(table) == {"a": "bigint", "b": "string"}
    assert table["Parameters"]["delimiter"] == "~"


def test_one_column_is_csv_only_where_that_is_allowed(lake: Lake) -> None:
    table = crawl_with(lake, define(lake, AllowSingleColumn=True, ContainsHeader="PRESENT"), "a\n1\n2\n")
    assert columns_of(table) == {"a": "bigint"}
    lake.put("u/a.csv", "a\n1\n2\n")
    assert "cannot be classified" in lake.crawl_fails(lake.crawler("u/"))


def test_the_serde_is_the_one_asked_for(lake: Lake) -> None:
    table = crawl_with(lake, define(lake, Serde="OpenCSVSerDe", ContainsHeader="PRESENT"), "a,b\n1,2\n")
    assert table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith(".OpenCSVSerde")


def test_a_file_that_the_classifier_does_not_know_is_left_to_the_built_in_ones(lake: Lake) -> None:
    table = crawl_with(lake, define(lake, Header=["only", "two"]), "a,b,c\n1,2,3\n")
    assert columns_of(table) == {"a": "bigint", "b": "bigint", "c": "bigint"}


def test_the_first_classifier_that_knows_a_file_decides(lake: Lake) -> None:
    first, second = f"{lake.database}_1", f"{lake.database}_2"
    for name, delimiter in ((first, "|"), (second, ",")):
        lake.glue.create_classifier(CsvClassifier={"Name": name, "Delimiter": delimiter, "ContainsHeader": "PRESENT"})
    lake.put("t/a.csv", "a|b,c\n1|2,3\n")
    lake.crawl(lake.crawler("t/", Classifiers=[second, first]))
    assert list(lake.columns("t")) == ["a|b", "c"]
    lake.put("u/a.csv", "a|b,c\n1|2,3\n")
    lake.crawl(lake.crawler("u/", Classifiers=[first, second]))
    assert list(lake.columns("u")) == ["a", "b,c"]
