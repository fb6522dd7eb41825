"""Requests that are not as botocore's models have them, sent as somebody sends them who signs by hand."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import REGION, Endpoint
from dynamo_assets.sandbox.request_checks.checks import refused_requests

TARGETS = {
    "dynamodb": "DynamoDB_20120810",
    "glue": "AWSGlue",
    "athena": "AmazonAthena",
    "logs": "Logs_20140328",
    "kms": "TrentService",
}
VERSIONS = {"cloudformation": "2010-05-15", "iam": "2010-05-08", "sts": "2011-06-15", "sns": "2010-03-31"}


def _send(
    sandbox: Endpoint, service: str, method: str = "POST", path: str = "/", body: bytes = b"", **headers: str
) -> tuple[int, str]:
    signed = f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=x"
    request = urllib.request.Request(
        sandbox.url + path,
        data=body or None,
        method=method,
        headers={"Authorization": signed, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _send_json(sandbox: Endpoint, service: str, operation: str, body: Any) -> tuple[str, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, text = _send(sandbox, service, body=content, X_Amz_Target=f"{TARGETS[service]}.{operation}")
    assert status == 400, text
    answer = json.loads(text)
    assert answer["message"] == answer["Message"]
    return answer["__type"], answer["message"]


ITEM = {"id": {"S": "1"}}
SCAN: dict[str, Any] = {"TableName": "Orders"}
COLUMNS = [{"Name": "a"}, {"Name": "b", "Comment": "two\nlines"}]
QUERY = {"QueryString": "SELECT 1", "ClientRequestToken": "x" * 32}

CONSTRAINT = "1 validation error detected: Value {} at '{}' failed to satisfy constraint: Member must {}"


@pytest.mark.parametrize(
    ("service", "operation", "body", "code", "message"),
    [
        ("dynamodb", "Scan", {**SCAN, "Limit": 0}, "ValidationException",
         CONSTRAINT.format("'0'", "limit", "have value greater than or equal to 1")),
        ("dynamodb", "Scan", {**SCAN, "TotalSegments": 1_000_001}, "ValidationException",
         CONSTRAINT.format("'1000001'", "totalSegments", "have value less than or equal to 1000000")),
        ("dynamodb", "Scan", {"Limit": 1}, "ValidationException",
         CONSTRAINT.format("null", "tableName", "not be null")),
        ("dynamodb", "Scan", {**SCAN, "TableName": None}, "ValidationException",
         CONSTRAINT.format("null", "tableName", "not be null")),
        ("dynamodb", "Scan", {**SCAN, "Limt": 5}, "ValidationException",
         "The sandbox does not pass over Limt, as AWS would: ScanInput has no such member"),
        ("dynamodb", "Scan", {**SCAN, "Limit": "5"}, "SerializationException",
         "'5' cannot be converted to Integer at 'limit'"),
        ("dynamodb", "Scan", {**SCAN, "Limit": True}, "SerializationException",
         "a boolean cannot be converted to Integer at 'limit'"),
        ("dynamodb", "Scan", {**SCAN, "ConsistentRead": "true"}, "SerializationException",
         "'true' cannot be converted to Boolean at 'consistentRead'"),
        ("dynamodb", "Scan", {**SCAN, "ExclusiveStartKey": []}, "SerializationException",
         "a list cannot be converted to map at 'exclusiveStartKey'"),
        ("dynamodb", "Scan", {**SCAN, "ExclusiveStartKey": {"id": {"S": "1", "N": "1"}}}, "ValidationException",
         "at 'exclusiveStartKey.id' failed to satisfy constraint: AttributeValue must contain exactly one of: S, N, B"),
        ("dynamodb", "PutItem", {**SCAN, "Item": {"a": {"M": {"b": {"L": [{"N": 1}]}}}}}, "SerializationException",
         "1 cannot be converted to String at 'item.a.m.b.l.1.member.n'"),
        ("dynamodb", "PutItem", {**SCAN, "Item": {"a": {"B": "not base64"}}}, "SerializationException",
         "'not base64' cannot be converted to ByteBuffer at 'item.a.b'"),
        ("dynamodb", "BatchWriteItem", {"RequestItems": {"Orders": [{"PutRequest": {"Item": ITEM}}] * 26}},
         "ValidationException", "at 'requestItems.Orders' failed to satisfy constraint: Member must have length less"),
        ("dynamodb", "ExportTableToPointInTime", {"TableArn": "x", "S3Bucket": "b", "ExportTime": "yesterday"},
         "SerializationException", "'yesterday' cannot be converted to timestamp at 'exportTime'"),
        ("dynamodb", "ExportTableToPointInTime", {"TableArn": "x", "S3Bucket": "bb", "ClientToken": "a$"},
         "ValidationException", "'a$' at 'clientToken' failed to satisfy constraint: Member must satisfy regular"),
        ("glue", "StartJobRun", {"JobName": "x", "WorkerType": "G.3X"}, "ValidationException",
         "'G.3X' at 'workerType' failed to satisfy constraint: Member must satisfy enum value set: [G.025X, "),
        ("glue", "StartJobRun", b"{", "SerializationException", "The body is no JSON"),
        ("glue", "StartJobbRun", {}, "UnknownOperationException", "glue has no operation 'StartJobbRun'"),
        ("glue", "CreateTable",
         {"DatabaseName": "d", "TableInput": {"Name": "t", "StorageDescriptor": {"Columns": COLUMNS}}},
         "ValidationException",
         "'two\nlines' at 'tableInput.storageDescriptor.columns.2.member.comment' failed to satisfy constraint: Mem"),
        ("glue", "GetPartitions", {"DatabaseName": "d", "TableName": "t", "Segment": {"SegmentNumber": 0}},
         "ValidationException", CONSTRAINT.format("null", "segment.totalSegments", "not be null")),
        ("athena", "StartQueryExecution", {**QUERY, "ClientRequestToken": "x"}, "InvalidRequestException",
         CONSTRAINT.format("'x'", "clientRequestToken", "have length greater than or equal to 32")),
        ("athena", "StartQueryExecution", {"QueryString": "SELECT 1"}, "InvalidRequestException",
         CONSTRAINT.format("null", "clientRequestToken", "not be null")),
        ("athena", "StartQueryExecution", {**QUERY, "QueryString": "x" * 262_145}, "InvalidRequestException",
         "at 'queryString' failed to satisfy constraint: Member must have length less than or equal to 262144"),
        ("logs", "GetLogEvents", {"logStreamName": "a:b"}, "InvalidParameterException",
         CONSTRAINT.format("'a:b'", "logStreamName", "satisfy regular expression pattern: [^:*]*")),
        ("kms", "CreateKey", {"KeySpec": "ROT13"}, "ValidationException", "'ROT13' at 'keySpec' failed to satisfy"),
    ],
)  # fmt: skip
def test_json_that_is_not_as_the_model_has_it_is_refused(  # noqa: PLR0917 - a row of the table above
    sandbox: Endpoint, service: str, operation: str, body: Any, code: str, message: str
) -> None:
    refused_requests(sandbox, forget=True)
    found, text = _send_json(sandbox, service, operation, body)
    assert (found, message in text) == (code, True), (found, text)
    [told] = refused_requests(sandbox)
    assert told == f"{service} {operation}: {text}"


def test_all_that_is_wrong_is_told_at_once(sandbox: Endpoint) -> None:
    _, text = _send_json(sandbox, "dynamodb", "Scan", {"Limit": 0, "Select": "ALL"})
    assert text.startswith("3 validation errors detected: Value '0' at 'limit' failed")
    assert "; Value null at 'tableName' failed" in text


@pytest.mark.parametrize(
    ("service", "form", "code", "message"),
    [
        ("cloudformation", "CreateChangeSet&StackName=9x&ChangeSetName=c", "ValidationError",
         "'9x' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: "),
        ("cloudformation", "CreateChangeSet&StackName=s&ChangeSetName=c&Capabilities.member.1=CAPABILITY_ALL",
         "ValidationError", "'CAPABILITY_ALL' at 'capabilities.1.member' failed to satisfy constraint: Member must"),
        ("cloudformation", "CreateChangeSet&StackName=s&ChangeSetName=c&Parameters.member.1.ParameterNam=x",
         "ValidationError", "The sandbox does not pass over Parameters.1.member.ParameterNam, as AWS would: Parameter"),
        ("cloudformation", "CreateChangeSet&StackName=s&ChangeSetName=c&Parameters.1.ParameterKey=x",
         "MalformedQueryString", "'member' is expected at 'parameters.1'"),
        ("cloudformation", "CreateChangeSet&StackName=s&ChangeSetName=c&Capabilities.member.2=CAPABILITY_IAM",
         "MalformedQueryString", "its parts are not numbered from 1 on at 'capabilities'"),
        ("cloudformation", "CreateChangeSet&StackName=s&ChangeSetName=c&IncludeNestedStacks=maybe", "ValidationError",
         "'maybe' cannot be converted to Boolean at 'includeNestedStacks'"),
        ("cloudformation", "DescribeStack", "InvalidAction", "cloudformation of 2010-05-15 has no operation 'Describe"),
        ("iam", "GetRole", "ValidationError", CONSTRAINT.format("null", "roleName", "not be null")),
        ("iam", f"GetRole&RoleName={'r' * 65}", "ValidationError", "'roleName' failed to satisfy constraint"),
        ("iam", "ListRoles&MaxItems=many", "ValidationError", "'many' cannot be converted to Integer at 'maxItems'"),
        ("sns", "CreateTopic&Name=a&Attributes.entry.1.key=x", "MalformedQueryString", "value are expected at 'attri"),
        ("sts", "GetCallerIdentity&Name=x", "ValidationError", "The sandbox does not pass over Name, as AWS would: "),
    ],
)  # fmt: skip
def test_forms_that_are_not_as_the_model_has_them_are_refused(
    sandbox: Endpoint, service: str, form: str, code: str, message: str
) -> None:
    refused_requests(sandbox, forget=True)
    status, text = _send(sandbox, service, body=f"Version={VERSIONS[service]}&Action={form}".encode())
    assert (status, f"<Code>{code}</Code>" in text, message in text) == (400, True, True), text
    [told] = refused_requests(sandbox)
    assert told.startswith(f"{service} {form.partition('&')[0]}: ")


MD5 = {"Content_MD5": "x"}


@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "headers", "code", "message"),
    [
        ("PutObject", "PUT", "/b/k", "x", {"x_amz_acl": "everybody"}, "InvalidArgument",
         "'everybody' at 'ACL' failed to satisfy constraint: Member must satisfy enum value set: [authenticated-read"),
        ("PutObject", "PUT", "/b/k?acll", "x", {}, "InvalidArgument", "does not pass over acll, as AWS would: PutObj"),
        ("PutObject", "PUT", "/b/k", "x", {"x_amz_storage": "GLACIER"}, "InvalidArgument", "pass over x-amz-storage, "),
        # Whoever relies on a condition that the operation does not know is deceived.
        ("DeleteObject", "DELETE", "/b/k", "", {"If_None_Match": "*"}, "InvalidArgument", "pass over if-none-match,"),
        ("ListObjectsV2", "GET", "/b?list-type=2&max-keys=all", "", {}, "InvalidArgument",
         "'all' cannot be converted to Integer at 'maxKeys'"),
        ("ListObjectsV2", "GET", "/b?list-type=2&marker=x", "", {}, "InvalidArgument", "does not pass over marker, as"),
        ("GetObject", "GET", "/b/k", "", {"If_Modified_Since": "soon"}, "InvalidArgument",
         "'soon' cannot be converted to timestamp at 'ifModifiedSince'"),
        ("DeleteObjects", "POST", "/b?delete", "<Delete><Objekt/></Delete>", MD5, "InvalidArgument",
         "does not pass over Delete.Objekt, as AWS would: Delete has no such member"),
        ("DeleteObjects", "POST", "/b?delete", "<Delete><Object><VersionId>1</VersionId></Object></Delete>", MD5,
         "InvalidArgument", "Value null at 'delete.objects.1.member.key' failed to satisfy constraint: Member must"),
        ("DeleteObjects", "POST", "/b?delete", "<Remove/>", MD5, "MalformedXML", "The body's root is Remove, Delete"),
        ("DeleteObjects", "POST", "/b?delete", "<Delete>", MD5, "MalformedXML", "The body is no XML"),
        ("DeleteObjects", "POST", "/b?delete", "<Delete><Object><Key>k</Key></Object></Delete>", {}, "MalformedXML",
         "Content-MD5 or a header x-amz-checksum-... is required"),
        ("PutBucketVersioning", "PUT", "/b?versioning",
         "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", MD5, "InvalidArgument",
         "'On' at 'versioningConfiguration.status' failed to satisfy constraint: Member must satisfy enum value set"),
        ("CreateMultipartUpload", "POST", "/b/k?uploads", "x", {}, "InvalidArgument", "does not pass over the body"),
        ("PATCH /b/k?", "PATCH", "/b/k", "x", {}, "MethodNotAllowed", "S3 has no operation of the kind 'PATCH /b/k?'"),
    ],
)  # fmt: skip
def test_requests_to_s3_that_are_not_as_the_model_has_them_are_refused(  # noqa: PLR0917 - a row of the table above
    sandbox: Endpoint, operation: str, method: str, path: str, body: str, headers: Any, code: str, message: str
) -> None:
    refused_requests(sandbox, forget=True)
    status, text = _send(sandbox, "s3", method, path, body.encode(), **headers)
    assert (status, f"<Code>{code}</Code>" in text, message in text) == (400, True, True), text
    [told] = refused_requests(sandbox, forget=True)
    assert told.startswith(f"s3 {operation}: ")


def test_boto3_raises_what_is_refused(sandbox: Endpoint) -> None:
    config = Config(parameter_validation=False)
    session: Any = boto3.Session("x", "x", region_name=REGION)
    for service, operation, code in (
        ("dynamodb", "scan", "ValidationException"),
        ("logs", "get_log_events", "InvalidParameterException"),
        ("iam", "get_role", "ValidationError"),
    ):
        client: Any = session.client(service, endpoint_url=sandbox.url, config=config)
        with pytest.raises(ClientError, match="Member must not be null") as caught:
            getattr(client, operation)()
        assert caught.value.response["Error"]["Code"] == code
    s3: Any = session.client("s3", endpoint_url=sandbox.url, config=config)
    with pytest.raises(ClientError, match=r"InvalidArgument.* PutObject .*enum value set"):
        s3.put_object(Bucket="bucket", Key="key", StorageClass="WARM")


def test_what_is_right_passes_in_every_protocol(sandbox: Endpoint, bucket: str, unique) -> None:
    refused_requests(sandbox, forget=True)
    s3, sns, iam, logs = (sandbox.client(service) for service in ("s3", "sns", "iam", "logs"))
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"", Metadata={"who": "me"}, Tagging="a=b", IfNoneMatch="*")
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]},
    )
    grants = [
        {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "READ"}
    ]
    owner = s3.get_object_acl(Bucket=bucket, Key="a/b")["Owner"]
    s3.put_object_acl(Bucket=bucket, Key="a/b", AccessControlPolicy={"Grants": grants, "Owner": owner})
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/b"}, {"Key": "c"}]})
    s3.list_buckets()
    sns.create_topic(Name=unique("topic"), Attributes={"DisplayName": "x", "KmsMasterKeyId": ""}, Tags=[])
    name = unique("role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=[{"Key": "Größe", "Value": "2"}], Path="/")
    logs.create_log_group(logGroupName=name, tags={"a": ""})
    assert refused_requests(sandbox) == []
