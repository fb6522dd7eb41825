"""Credentials of another role, assumed through STS: how a table of another account is read.

boto3 signs with them, and renews them before they expire: a role that is assumed with a role's credentials, as in a
Glue job, is assumed for one hour at most (IAM user guide, "Role chaining"), and exports run for longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.session import Session as BotocoreSession

from dynamo_assets.errors import RoleError
from dynamo_assets.naming import table_region

SESSION_NAME = "dynamo-assets"
"""What the other account's CloudTrail calls whoever reads."""
_NOT_ALLOWED = frozenset({"AccessDenied", "ValidationError"})


@dataclass(frozen=True)
class Role:
    """A role that a table is read with.

    Attributes:
        arn: The role.
        external_id: What its trust policy may demand to hear.
    """

    arn: str
    external_id: str | None = None


class ReadTable(Protocol):
    """What says which table is read, and with whose credentials."""

    @property
    def table(self) -> str:
        """Name or ARN."""
        ...

    @property
    def role(self) -> Role | None:
        """None where it is read with the own credentials."""
        ...


def reading_session(session: boto3.Session, table: str, role: Role | None) -> boto3.Session:
    """Where clients come from that ask DynamoDB for a table: of the table's role, or the session itself without one.

    Nothing is asked of STS yet; the first request of a client does so.

    Args:
        session: The own credentials.
        table: Its name or ARN.
        role: Its role.

    Raises:
        RoleError: Not here, but of each request: the role may not be assumed. Own credentials are never used instead.
    """
    if role is None:
        return session
    profile = None if session.profile_name == "default" else session.profile_name
    region = session.region_name or table_region(table)
    assumed = BotocoreSession(profile=profile)
    provider = _AssumedRole(session, boto3.Session(profile_name=profile, region_name=region), table, role)
    assumed.register_component("credential_provider", CredentialResolver([provider]))
    return boto3.Session(botocore_session=assumed, region_name=region)


class _AssumedRole(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, own: boto3.Session, asking: boto3.Session, table: str, role: Role) -> None:
        super().__init__()
        # STS gets a session of its own: a session is not thread-safe while it makes clients, and any request may renew.
        self._own, self._asking, self._table, self._role = own, asking, table, role

    def load(self) -> DeferredRefreshableCredentials:
        own = self._own.get_credentials()
        if own is None:
            raise NoCredentialsError
        wanted: dict[str, str] = {"RoleSessionName": SESSION_NAME}
        if self._role.external_id is not None:
            wanted["ExternalId"] = self._role.external_id
        fetcher = AssumeRoleCredentialFetcher(self._asking.client, own, self._role.arn, extra_args=wanted)

        def fetch() -> Mapping[str, Any]:
            try:
                return fetcher.fetch_credentials()
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _NOT_ALLOWED:
                    raise
                raise RoleError(_refused(self._table, self._role, error)) from error

        return DeferredRefreshableCredentials(refresh_using=fetch, method=self.METHOD)


def _refused(table: str, role: Role, error: ClientError) -> str:
    # Without an external ID of ours the policy may still demand one: AWS does not tell.
    condition = (
        f'under no other condition than that sts:ExternalId is "{role.external_id}"'
        if role.external_id is not None
        else "and demand no sts:ExternalId, or else set `external_id`"
    )
    return (
        f"table {table}: the role {role.arn} may not be assumed: {str(error).rstrip('.')}. Its trust policy must allow "
        f"sts:AssumeRole to whoever is named there, {condition}; and the policies of whoever is named must allow "
        "sts:AssumeRole of the role, which `dynamo-assets deploy` sees to (docs/accounts.md). The table was not read "
        "with other credentials"
    )
