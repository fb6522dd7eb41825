"""The bucket: whose it is, where, and how it is protected."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from dynamo_assets.aws.refusals import DENIED
from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem, warning

BUCKET = "bucket"
ENCRYPTION = "bucket encryption"
PUBLIC_ACCESS = "bucket public access"
MISSING = frozenset({"404", "NoSuchBucket"})
_OLD_NAMES = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}
"""What GetBucketLocation calls the two oldest regions."""


def examine_bucket(case: Case) -> Iterator[Finding]:
    """Whether it exists, in the region, and belongs to whom it should."""
    bucket, s3, region = case.settings.storage.bucket, case.aws.s3, case.place.region
    owner = case.settings.storage.bucket_owner or case.place.account
    try:
        there = case.inquiry.ask("s3:ListBucket", lambda: _looked_at(case, bucket, owner), MISSING)
    except _NotTheOwnersError:
        yield problem(
            BUCKET,
            f"{bucket} is there, and it is not account {owner}'s, or these credentials may not list it",
            "Bucket names are shared by all accounts: choose another for storage.bucket, or name the account that owns "
            "it in storage.bucket_owner, and allow s3:ListBucket on it",
        )
        return
    if there is None:
        yield problem(BUCKET, f"there is no bucket {bucket}", "`dynamo-assets deploy` makes it")
        return
    located = case.inquiry.ask("s3:GetBucketLocation", lambda: s3.get_bucket_location(Bucket=bucket)) or {}
    constraint = located.get("LocationConstraint")
    found = _OLD_NAMES.get(constraint, constraint)
    if found != region:
        yield problem(
            BUCKET,
            f"{bucket} is in {found}, and everything else is in {region}: Glue and Athena would read it across regions",
            f"Use a bucket in {region}, or set the region to {found}",
        )
    else:
        yield ok(BUCKET, f"{bucket} is there, in {region}, and account {owner}'s")


class _NotTheOwnersError(Exception):
    """S3 does not answer, and does not say more."""


def _looked_at(case: Case, bucket: str, owner: str) -> object:
    try:
        return case.aws.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner)
    except ClientError as error:
        if error.response["Error"]["Code"] in DENIED:
            raise _NotTheOwnersError from error
        raise


def bucket_key(case: Case) -> str | None:
    """The KMS key that encrypts new objects by default, as the bucket names it; None where S3 does by itself.

    Raises:
        UntoldError: The caller may not look.
    """
    rule = _encryption(case)
    return rule.get("KMSMasterKeyID") if rule else None


def _encryption(case: Case) -> dict[str, str] | None:
    bucket = case.settings.storage.bucket
    answer = case.inquiry.ask(
        "s3:GetEncryptionConfiguration",
        lambda: case.aws.s3.get_bucket_encryption(Bucket=bucket),
        MISSING | {"ServerSideEncryptionConfigurationNotFoundError"},
    )
    rules = answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else []
    return next((dict(rule.get("ApplyServerSideEncryptionByDefault", {})) for rule in rules), None)  # pyright: ignore[reportReturnType]


def examine_encryption(case: Case) -> Iterator[Finding]:
    """Whether new objects are encrypted, and with the key that the settings name."""
    bucket, wanted = case.settings.storage.bucket, case.settings.deploy.kms_key
    if not _is_there(case):
        return
    rule = _encryption(case)
    if rule is None:
        yield warning(
            ENCRYPTION, f"{bucket} has no default encryption", "Turn it on for the bucket: SSE-S3, or a KMS key"
        )
        return
    algorithm, key = rule.get("SSEAlgorithm", ""), rule.get("KMSMasterKeyID")
    if wanted and not algorithm.startswith("aws:kms"):
        yield warning(
            ENCRYPTION,
            f"{bucket} encrypts by {algorithm}, and deploy.kms_key is {wanted}",
            "Run `dynamo-assets deploy`; a bucket that is not the stack's is changed by hand",
        )
    elif wanted not in {None, "new", key}:
        yield warning(
            ENCRYPTION,
            f"{bucket} encrypts with key {key}, and deploy.kms_key is {wanted}",
            "Run `dynamo-assets deploy`; a bucket that is not the stack's is changed by hand",
        )
    else:
        yield ok(ENCRYPTION, f"{algorithm}{f' with key {key}' if key else ''}")


def examine_public_access(case: Case) -> Iterator[Finding]:
    """Whether all four blocks are on."""
    bucket = case.settings.storage.bucket
    if not _is_there(case):
        return
    answer = case.inquiry.ask(
        "s3:GetBucketPublicAccessBlock",
        lambda: case.aws.s3.get_public_access_block(Bucket=bucket),
        MISSING | {"NoSuchPublicAccessBlockConfiguration"},
    )
    blocks = dict(answer["PublicAccessBlockConfiguration"]) if answer else {}
    open_ones = [
        name
        for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        if not blocks.get(name)
    ]
    if open_ones:
        yield warning(
            PUBLIC_ACCESS,
            f"{bucket} does not have {', '.join(open_ones)}; the account may block public access for all its buckets",
            "Block all public access to the bucket",
        )
    else:
        yield ok(PUBLIC_ACCESS, "blocked")


def _is_there(case: Case) -> bool:
    bucket = case.settings.storage.bucket
    return case.inquiry.ask("s3:ListBucket", lambda: case.aws.s3.head_bucket(Bucket=bucket), MISSING) is not None
