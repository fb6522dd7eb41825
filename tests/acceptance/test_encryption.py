"""With a KMS key: whatever the package writes is encrypted by it."""

from __future__ import annotations

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.acceptance.conftest import failure_of


def test_with_a_key_of_yours_every_object_is_encrypted_by_it(make_pipeline, unique, aws: Endpoint) -> None:
    table = unique("Reviews")
    pipeline = make_pipeline({table: {"engine": "in_process"}}, catalog={"method": "direct"}, deploy={"kms_key": "new"})
    pipeline.create_table(table, [{"id": "1", "stars": 5}])

    result = pipeline.run(table)

    assert result.success, failure_of(result)
    bucket, s3 = pipeline.settings.storage.bucket, aws.client("s3")
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    written = {
        entry["Key"]: s3.head_object(Bucket=bucket, Key=entry["Key"]) for page in pages for entry in page["Contents"]
    }
    for folder in ("snapshots_", "_manifests/", "_verified/", "_athena_results/", "_glue/"):
        assert any(folder in name for name in written), folder
    otherwise = {
        name
        for name, head in written.items()
        if (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) != ("aws:kms", key)
    }
    assert otherwise == set()
