"""What the sandbox takes down of requests, by access key."""

from __future__ import annotations

import io
import urllib.error
import urllib.request

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from dynamo_assets.sandbox.endpoint import REGION, Endpoint
from dynamo_assets.sandbox.traffic import used_actions


def test_actions_are_taken_down_by_key_as_policies_name_them(aws: Endpoint, bucket: str, monkeypatch, unique) -> None:
    key = unique("somebody")
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="x", region_name=REGION)
    s3, part = session.client("s3"), b"x" * 5 * 1024**2
    seen: set[str] = set()

    def used(*actions: str) -> None:
        now = used_actions(aws, key)
        assert now - seen == set(actions)
        seen.update(now)

    s3.list_objects_v2(Bucket=bucket)
    used("s3:ListBucket")
    s3.upload_fileobj(io.BytesIO(part * 2), bucket, "a", Config=TransferConfig(multipart_threshold=1))
    used("s3:PutObject")
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    used("s3:GetObject")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}]})
    used("s3:DeleteObject")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="c")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="c", UploadId=upload)
    used("s3:AbortMultipartUpload")
    s3.get_bucket_versioning(Bucket=bucket)
    used("s3:GetBucketVersioning")
    s3.put_bucket_policy(Bucket=bucket, Policy='{"Version": "2012-10-17", "Statement": []}')
    used("s3:PUT?policy")
    session.client("dynamodb").list_tables()
    used("dynamodb:ListTables")
    session.client("sts").get_caller_identity()
    used("sts:GetCallerIdentity")
    assert used_actions(aws, key, forget=True) == set()
    assert used_actions(aws, unique("nobody")) == set()


@pytest.mark.parametrize("header", ["", "Bearer x"])
def test_a_request_without_a_signature_is_nobodys(aws: Endpoint, header: str) -> None:
    request = urllib.request.Request(
        f"{aws.url}/no-such-bucket/key", headers={"Authorization": header} if header else {}
    )
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
