from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.credentials import Role, reading_session
from dynamo_assets.errors import PlanError, RoleError
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.naming import table_name
from tests.other_account import OtherAccount


@pytest.fixture
def other(aws, unique) -> OtherAccount:
    return OtherAccount(aws, unique)


def _request(table: str, role: str | None = None, external_id: str | None = None) -> ExportRequest:
    return ExportRequest(table=table, bucket="exports", role_arn=role, external_id=external_id)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on an executor"])
def test_dynamodb_alone_is_asked_with_the_tables_role(other: OtherAccount, elsewhere: bool) -> None:
    arn = other.table("Orders")
    clients = Clients(_request(arn, other.role(external_id="shop"), "shop"))
    if elsewhere:
        clients = pickle.loads(pickle.dumps(clients))

    assert TableDescription.of(clients.dynamodb, arn).arn == arn
    assert clients.reader.scan(TableName=table_name(arn))["Body"].startswith(b"{")  # pyright: ignore[reportTypedDictNotRequiredAccess, reportGeneralTypeIssues]
    assert {_access_key(clients.dynamodb)[:4], _access_key(clients.reader)[:4]} == {"ASIA"}
    assert _access_key(clients.s3) == "sandbox"


def test_clients_of_a_run_are_the_tables_own_and_others_keep_theirs(other: OtherAccount) -> None:
    role, arn = other.role(), other.table("Orders")
    aws = AwsClients()

    with_role = aws.dynamodb_of(_request(arn, role))
    assert with_role is aws.dynamodb_of(_request(arn, role))
    assert with_role.describe_table(TableName=arn)["Table"]["TableArn"] == arn  # pyright: ignore[reportTypedDictNotRequiredAccess]
    with pytest.raises(PlanError, match="no resource-based policy allows the dynamodb:DescribeTable action"):
        TableDescription.of(aws.dynamodb_of(_request(arn)), arn)


def test_a_role_that_may_not_be_assumed_is_named_with_table_and_cure_and_nothing_else_is_tried(
    other: OtherAccount, aws
) -> None:
    arn = other.table("Orders")
    name, role = table_name(arn), other.role(trusts="arn:aws:iam::333333333333:root")
    aws.client("dynamodb").create_table(  # one of that name, which the own credentials could read
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    with pytest.raises(RoleError) as refused:
        TableDescription.of(Clients(_request(name, role, "shop")).dynamodb, name)

    told = str(refused.value)
    assert told.startswith(f"table {name}: the role {role} may not be assumed: ")
    assert f"is not authorized to perform: sts:AssumeRole on resource: {role}" in told
    assert 'sts:ExternalId is "shop"' in told


def test_credentials_are_renewed_before_they_expire(other: OtherAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    session = reading_session(boto3.Session(), "Orders", Role(other.role()))
    credentials: Any = session.get_credentials()
    first = credentials.get_frozen_credentials().access_key
    assert credentials.get_frozen_credentials().access_key == first

    def later() -> datetime:
        return datetime.now(UTC) + timedelta(minutes=52)

    monkeypatch.setattr("botocore.credentials._local_now", later)
    credentials._time_fetcher = later

    assert credentials.get_frozen_credentials().access_key != first


def _access_key(client: Any) -> str:
    return client._request_signer._credentials.get_frozen_credentials().access_key
