"""`dynamo-assets init` on an account of the sandbox: a region of its own, so that it has no other tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from jsonschema import Draft7Validator

from dynamo_assets.cli import main
from dynamo_assets.configuration.json_schema import json_schema
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.definitions import build_definitions
from dynamo_assets.discovery.account import Account, FoundTable
from dynamo_assets.discovery.filters import Filters
from dynamo_assets.discovery.tables_file import TablesFile
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, Endpoint
from dynamo_assets.yaml_file import read_yaml
from tests.acceptance.faults.answers import Wanted, changed, refused, to
from tests.faults.proxy import Behaviour, Exchange, Proxy, pass_on, serve_proxy

HOSTILE = ["null", "1.5", "off", "YES", "0x1F", "---", "...", "a.b-c", "A.B-C", "_.-", "z" * 255]
REGION = "eu-north-1"


@pytest.fixture(scope="module")
def account(module_aws: Endpoint) -> Any:
    """DynamoDB, with the tables `Orders`, `shop-carts` and one for each hostile name."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_REGION", REGION)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        dynamodb: Any = boto3.client("dynamodb")
        for name in ["Orders", "shop-carts", *HOSTILE]:
            dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        dynamodb.tag_resource(
            ResourceArn=_arn("Orders"),
            Tags=[{"Key": "Owner", "Value": "ada@example.com"}, {"Key": "Team", "Value": "Shop & Co"}],
        )
        dynamodb.update_time_to_live(
            TableName="Orders",
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires\n  engine: glue_connector"},
        )
        dynamodb.update_continuous_backups(
            TableName="Orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        yield dynamodb


@pytest.fixture(scope="module")
def proxy(module_aws: Endpoint) -> Iterator[Proxy]:
    with serve_proxy(module_aws) as proxy:
        yield proxy


@pytest.fixture
def faulty(account: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Lets some requests go wrong: `faulty({wanted: fault})`."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)

    def behave(faults: Mapping[Wanted, Behaviour]) -> None:
        def behaviour(exchange: Exchange) -> None:
            fault = next((fault for wanted, fault in faults.items() if wanted(exchange.request)), pass_on)
            fault(exchange)

        proxy.behaviour = behaviour

    yield behave
    proxy.reset()


def _arn(table: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{table}"


def _init(path: Path, *arguments: str) -> Settings:
    assert main(["init", "--output", str(path), *arguments]) == 0
    problems = [error.message for error in Draft7Validator(json_schema()).iter_errors(_as_json(read_yaml(path)))]
    assert not problems
    return load_settings(path, {})


def _as_json(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "partitions": {"start": document["partitions"]["start"].isoformat()}}


def test_hostile_names_load_again_collide_with_none_and_make_definitions(account: Any, tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    settings = _init(path)
    assert {table.table for table in settings.tables} == {"Orders", "shop-carts", *HOSTILE}
    names = {table.table: table.name for table in settings.tables}
    assert (names["A.B-C"], names["a.b-c"], names["..."], names["---"]) == ("a_b_c", "a_b_c_2", "____2", "___")
    assert len(names["z" * 255]) == 228
    keys = {key.to_user_string() for key in build_definitions(settings).resolve_all_asset_keys()}
    assert {"dynamodb/1.5", "dynamodb_exports/a_b_c_2", "dynamodb/null"} <= keys


def test_a_table_is_described_with_its_owners_and_what_may_be_set(account: Any, tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    [orders] = _init(path, "--name", "Ord*", "--tag", "Owner", "--tag", "Team=Shop & Co").tables
    assert (orders.engine, orders.schedule) == ("auto", "0 10 * * *")
    assert orders.owners == ["ada@example.com", "team:Shop-Co"]
    assert orders.ttl_attribute is None
    settings = load_settings(path, {})
    assert settings.storage.bucket == f"dynamodb-exports-{ACCOUNT_ID}-{REGION}"
    assert settings.glue.role_arn == f"arn:aws:iam::{ACCOUNT_ID}:role/dynamodb-exports"
    text = path.read_text()
    for told in (
        f"account {ACCOUNT_ID} in {REGION}",
        "--name 'Ord*' --tag Owner --tag 'Team=Shop & Co'",
        "on demand, 12,000 read units a second",
        "Today `auto` means glue: DynamoDB has not counted the table yet",
        "Point-in-time recovery is on, since 20",
    ):
        assert told in text
    # What is suggested is right once it is no comment any more.
    suggested = text.replace("# ttl_attribute", "ttl_attribute")
    path.write_text(suggested)
    [orders] = load_settings(path, {}).tables
    assert (orders.ttl_attribute, orders.engine) == ("expires\n  engine: glue_connector", "auto")


def test_a_file_that_is_there_is_refused_before_aws_is_asked(
    faulty, proxy: Proxy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tables.yaml"
    path.write_text("mine")
    assert main(["init", "--output", str(path)]) == 1
    assert f"{path} is there already" in capsys.readouterr().err
    assert (path.read_text(), proxy.operations()) == ("mine", [])


def test_no_table_is_told_with_the_filters_and_the_region(
    account: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tables.yaml"
    assert main(["init", "--output", str(path), "--name", "zz*", "--tag", "env=x"]) == 1
    told = capsys.readouterr().err
    assert f"there is no DynamoDB table in {REGION} of this account that --name 'zz*' --tag env=x takes" in told
    monkeypatch.setenv("AWS_REGION", "ap-south-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-2")
    assert main(["init", "--output", str(path)]) == 1
    assert "there is no DynamoDB table in ap-south-2 of this account; see to region and credentials" in (
        capsys.readouterr().err
    )
    assert not path.exists()


DENIED = refused(400, "AccessDeniedException", "User: x is not authorized\n  Injected: {}")


def _is_deleting(answer: dict[str, Any]) -> None:
    answer["Table"]["TableStatus"] = "DELETING"


def test_a_table_that_aws_does_not_describe_is_a_comment(faulty, tmp_path: Path) -> None:
    path = tmp_path / "tables.yaml"
    faulty(
        {
            to("dynamodb.DescribeTable", containing='"shop-carts"'): DENIED,
            to("dynamodb.DescribeTable", containing='"a.b-c"'): changed(_is_deleting),
            to("dynamodb.DescribeTable", containing='"null"'): refused(400, "ResourceNotFoundException"),
            to("dynamodb.DescribeContinuousBackups"): DENIED,
            to("dynamodb.ListTagsOfResource"): DENIED,
            to("dynamodb.DescribeTimeToLive"): refused(400, "ResourceNotFoundException"),
        }
    )
    names = [option for name in ("Orders", "shop-carts", "a.b-c", "null") for option in ("--name", name)]
    settings = _init(path, *names)
    assert [(table.table, table.owners) for table in settings.tables] == [("Orders", [])]
    text = " ".join(line.strip("# ") for line in path.read_text().splitlines())
    for told in (
        "shop-carts: An error occurred (AccessDeniedException)",
        "a.b-c: is DELETING",
        '"null": does not exist',
        "whether point-in-time recovery is on (DescribeContinuousBackups is not allowed)",
        "its tags (ListTagsOfResource is not allowed)",
        "whether it has a time to live (DescribeTimeToLive does not find it)",
    ):
        assert told in text


def test_tables_whose_tags_are_not_told_are_named_where_tags_were_asked_for(
    faulty, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tables.yaml"
    faulty({to("dynamodb.ListTagsOfResource"): DENIED})
    assert main(["init", "--output", str(path), "--name", "Orders", "--tag", "Team"]) == 1
    told = capsys.readouterr().err
    assert f"1 table in {REGION} that --name Orders --tag Team takes, of which none could be described" in told
    assert "Orders: AWS would not tell its tags (ListTagsOfResource is not allowed), so whether it is wanted" in told
    assert not path.exists()


def test_what_says_nothing_of_a_table_ends_it_and_leaves_no_file(
    faulty, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tables.yaml"
    faulty({to("dynamodb.DescribeTimeToLive"): refused(400, "ExpiredTokenException")})
    assert main(["init", "--output", str(path), "--name", "Orders"]) == 1
    assert "The credentials of this run have expired" in capsys.readouterr().err
    assert not path.exists()


def test_every_page_of_the_listing_is_read(account: Any) -> None:
    client: Any = boto3.client("dynamodb")
    client.meta.events.register("provide-client-params.dynamodb.ListTables", lambda params, **_: {**params, "Limit": 2})
    found = Account(client).tables(Filters())
    assert [table.name for table in found] == sorted(["Orders", "shop-carts", *HOSTILE])


@pytest.mark.parametrize(
    ("size", "recoverable_from", "told"),
    [
        (10_000_000, "", "Today `auto` means in_process: the cheapest"),
        (50_000_000_000, "", "Today `auto` means glue:"),
        (900_000_000_000, "2026-10-01T00:00:00", "Today `auto` means point_in_time:"),
    ],
)
def test_the_engine_of_today_is_that_of_the_rules_of_auto(size: int, recoverable_from: str, told: str) -> None:
    description = TableDescription({"pk": "S"}, size // 500, size, "PROVISIONED", 200, _arn("Orders"))
    found = FoundTable("Orders", description, recoverable_from=recoverable_from)
    text = TablesFile([found], [], Filters(), datetime(2026, 11, 26, tzinfo=UTC)).text()
    assert told in text


def test_in_china_the_role_is_one_of_china() -> None:
    arn = f"arn:aws-cn:dynamodb:cn-north-1:{ACCOUNT_ID}:table/Orders"
    found = FoundTable("Orders", TableDescription({"pk": "S"}, 1, 1, "PROVISIONED", 5, arn))
    text = TablesFile([found], [], Filters(), datetime(2026, 11, 26, tzinfo=UTC)).text()
    assert f'"arn:aws-cn:iam::{ACCOUNT_ID}:role/dynamodb-exports"' in text
    assert f"bucket: dynamodb-exports-{ACCOUNT_ID}-cn-north-1" in text
