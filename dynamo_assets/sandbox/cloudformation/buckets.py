"""S3 buckets and their policies, as a stack makes them."""

from __future__ import annotations

from typing import Any, ClassVar

from dynamo_assets.sandbox.cloudformation.errors import ResourceError
from dynamo_assets.sandbox.cloudformation.resource_types import Properties, ResourceType, as_json

_LIFECYCLE_RULE = {"Id", "Status", "Prefix", "ExpirationInDays", "AbortIncompleteMultipartUpload"}


class Bucket(ResourceType):
    """A bucket."""

    properties: ClassVar = {
        "BucketName", "BucketEncryption", "LifecycleConfiguration", "OwnershipControls",
        "PublicAccessBlockConfiguration", "VersioningConfiguration",
    }  # fmt: skip
    replacing: ClassVar = {"BucketName"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: D102
        name, s3 = properties.get("BucketName", generated_name.lower()), self._api.client("s3")
        try:  # in us-east-1 CreateBucket of one's own bucket is no error
            s3.head_bucket(Bucket=name)
        except s3.exceptions.ClientError:
            self._api.call("s3", "create_bucket", Bucket=name)
        else:
            raise ResourceError(f"{name} already exists")
        try:
            self._configure(name, properties)
        except Exception:
            s3.delete_bucket(Bucket=name)
            raise
        return name

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: D102
        if gone := set(former) - set(properties):
            raise ResourceError(f"The sandbox does not take {', '.join(sorted(gone))} from a bucket")
        self._configure(physical_id, {name: each for name, each in properties.items() if each != former.get(name)})

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("s3", "delete_bucket", Bucket=physical_id)

    def attribute(self, physical_id: str, properties: Properties, name: str) -> str:  # noqa: D102
        return f"arn:aws:s3:::{physical_id}" if name == "Arn" else super().attribute(physical_id, properties, name)

    def _configure(self, bucket: str, properties: Properties) -> None:
        # The same names in the API, each with a call of its own.
        for name, operation in {
            "PublicAccessBlockConfiguration": "put_public_access_block",
            "OwnershipControls": "put_bucket_ownership_controls",
            "VersioningConfiguration": "put_bucket_versioning",
        }.items():
            if name in properties:
                self._api.call("s3", operation, Bucket=bucket, **{name: properties[name]})
        if "BucketEncryption" in properties:
            rules = [
                _encryption_rule(rule) for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            ]
            self._api.call(
                "s3", "put_bucket_encryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
            )
        if "LifecycleConfiguration" in properties:
            rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
            self._api.call(
                "s3",
                "put_bucket_lifecycle_configuration",
                Bucket=bucket,
                LifecycleConfiguration={"Rules": rules},
            )


def _encryption_rule(rule: Properties) -> dict[str, Any]:
    given = dict(rule)
    return {"ApplyServerSideEncryptionByDefault": given.pop("ServerSideEncryptionByDefault"), **given}


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    if unknown := set(rule) - _LIFECYCLE_RULE:
        raise ResourceError(f"Encountered unsupported property {', '.join(sorted(unknown))} in Rules")
    made: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "AbortIncompleteMultipartUpload" in rule:
        made["AbortIncompleteMultipartUpload"] = rule["AbortIncompleteMultipartUpload"]
    return made


class BucketPolicy(ResourceType):
    """A bucket's policy."""

    properties: ClassVar = {"Bucket", "PolicyDocument"}
    replacing: ClassVar = {"Bucket"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: ARG002, D102
        self.update(properties["Bucket"], properties, {})
        return properties["Bucket"]

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        policy = as_json(properties["PolicyDocument"])
        self._api.call("s3", "put_bucket_policy", Bucket=physical_id, Policy=policy)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("s3", "delete_bucket_policy", Bucket=physical_id)
