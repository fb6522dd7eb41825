"""The Glue job's script on a local Spark. That the sandbox's StartJobRun runs it is shown by the acceptance tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

import glue_scripts
from dynamo_assets.sandbox.endpoint import Endpoint

SCRIPT = Path(glue_scripts.__path__[0], "export_table.py")
# Both exports in one Spark session: its start is what takes the time.
TWO_EXPORTS = """
import json, runpy, sys
script = runpy.run_path(sys.argv[1], run_name="export_table")
for arguments in json.loads(sys.argv[2]):
    try:
        script["main"](arguments)
    except Exception as error:
        print("failed", type(error).__name__, str(error), flush=True)
"""


@pytest.fixture
def table(aws: Endpoint, unique: Callable[[str], str]) -> str:
    name = unique("Orders")
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with boto3.resource("dynamodb").Table(name).batch_writer() as batch:
        for number in range(200):
            batch.put_item(Item={"id": str(number), "note": "x"} | ({"rare": {"a": 1}} if number == 7 else {}))
    return name


def test_units_run_on_executors_and_an_executor_s_error_is_the_run_s(aws: Endpoint, table: str, bucket: str) -> None:
    common = ["--table", table, "--bucket", bucket, "--segments", "3", "--JOB_NAME", "x", "--enable-metrics", "true"]
    runs = [[*common, "--columns", '{"note": "bigint"}'], common]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", TWO_EXPORTS, str(SCRIPT), json.dumps(runs)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
        check=False,
    )
    said = done.stdout.splitlines()
    reason = f"failed ConversionError table {table}: attribute 'note' is to be int64 (columns), but 'x' is not a number"
    assert len([line for line in said if line.startswith(reason)]) == 1, done.stdout + done.stderr
    assert "exported 200 of about 200 items (100 %)" in said
    assert said[-1].startswith(f"manifest s3://{bucket}/_manifests/snapshots_")
    s3 = aws.client("s3")
    (manifest_key,) = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="_manifests/")["Contents"]]
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=manifest_key)["Body"].read())
    assert (manifest["rows"], manifest["engine"], manifest["read"]["segments"]) == (200, "glue", 3)
    assert {c["attribute"]: c["type"] for c in manifest["columns"]}["rare"] == "struct<a:bigint>"
    data = s3.list_objects_v2(Bucket=bucket, Prefix="snapshots_")["Contents"]
    assert sorted(entry["Key"] for entry in data) == [file["key"] for file in manifest["files"]]
