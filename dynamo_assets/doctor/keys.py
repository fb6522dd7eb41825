"""The KMS keys that encrypt what is written, and those of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem
from dynamo_assets.doctor.inquiry import UntoldError
from dynamo_assets.doctor.storage import bucket_key

KEY = "KMS key"
NOT_FOUND = frozenset({"NotFoundException"})


def keys_in_use(case: Case) -> dict[str, str]:
    """The keys by which files are encrypted, as they are named, and where each is named."""
    named: dict[str, str] = {}
    wanted = case.settings.deploy.kms_key
    if wanted and wanted != "new":
        named[wanted] = "deploy.kms_key"
    elif wanted and (made := case.own.get("Key")):
        named[case.place.arn("kms", f"key/{made}")] = "the stack"
    with suppress(UntoldError):  # that is a finding of the bucket's encryption
        if key := bucket_key(case):
            named.setdefault(_arn(case, key), "the bucket")
    for table in case.settings.tables:
        if key := table.point_in_time.kms_key:
            named.setdefault(_arn(case, key), f"point_in_time.kms_key of {table.table}")
    return named


def arns_of_keys(case: Case) -> list[str]:
    """The ARNs of the keys in use that a policy must allow, whichever way each is named.

    AWS's own keys let everybody of the account use them through their service (KMS developer guide, "AWS KMS keys").
    """
    found: dict[str, None] = {}
    for key in keys_in_use(case):
        described: Mapping[str, Any] | None = None
        with suppress(UntoldError):  # that is a finding of the key's
            described = _described(case, key)
        if described and described.get("KeyManager") != "AWS":
            found[described["Arn"]] = None
        elif described is None and ":key/" in key:
            found[key] = None
    return list(found)


def _described(case: Case, key: str) -> Mapping[str, Any] | None:
    answer = case.inquiry.ask("kms:DescribeKey", lambda: case.aws.kms_of(key).describe_key(KeyId=key), NOT_FOUND)
    return answer["KeyMetadata"] if answer else None


def _arn(case: Case, key: str) -> str:
    """A key is named by its ID, its ARN, or an alias."""
    if key.startswith("arn:"):
        return key
    return case.place.arn("kms", key if key.startswith("alias/") else f"key/{key}")


def examine_keys(case: Case) -> Iterator[Finding]:
    """Whether each can be used now."""
    for key, where in keys_in_use(case).items():
        yield from examine_key(case, key, KEY, f"{key}, named by {where},")


def examine_key(case: Case, key: str, subject: str, what: str, table: str | None = None) -> Iterator[Finding]:
    """Whether one can be used now.

    Args:
        case: The case.
        key: Its ID or ARN.
        subject: For the finding.
        what: What it is called there.
        table: Whose it is.

    Raises:
        UntoldError: The caller may not look.
    """
    described = _described(case, key)
    if described is None:
        yield problem(subject, f"{what} does not exist", "Name one that does, or take it out of tables.yaml", table)
        return
    state = described["KeyState"]
    if state != "Enabled":
        yield problem(
            subject, f"{what} is {state}: nothing can be encrypted or read with it", "Enable it in KMS", table
        )
    else:
        yield ok(subject, f"{what} is enabled; its own policy must let IAM policies decide, or name the roles", table)
