"""Another account of the sandbox: tables of its own, and roles that let others read them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import boto3

from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint

OTHER = "210987654321"


class OtherAccount:
    """Makes things in the account `OTHER`, with names that nothing else has."""

    def __init__(self, sandbox: Endpoint, unique: Callable[[str], str]) -> None:
        self._sandbox, self._unique = sandbox, unique

    def client(self, service: str, region: str = REGION) -> Any:
        return self._sandbox.client(service, OTHER, region)

    def table(self, stem: str, items: Iterable[Mapping[str, Any]] = (), region: str = REGION) -> str:
        """A table with the key `id`; gives its ARN."""
        name, dynamodb = self._unique(stem), self.client("dynamodb", region)
        made = dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for item in items:
            dynamodb.put_item(TableName=name, Item=item)
        return made["TableDescription"]["TableArn"]

    def role(self, trusts: str = f"arn:aws:iam::{ACCOUNT_ID}:root", external_id: str | None = None) -> str:
        """A role; gives its ARN."""
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": trusts}, "Action": "sts:AssumeRole"}
        if external_id:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        made = self.client("iam").create_role(
            RoleName=self._unique("reader"),
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        return made["Role"]["Arn"]

    def client_with(self, role: str, service: str) -> Any:
        """A client with the role's credentials, assumed by the sandbox's own account."""
        given = self._sandbox.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        session: Any = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
        return session.client(service, endpoint_url=self._sandbox.url)
