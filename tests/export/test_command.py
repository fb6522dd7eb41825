"""`python -m dynamo_assets.export`, as a person runs it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import boto3
import pytest

from dynamo_assets.export.__main__ import Progress
from dynamo_assets.export.progress import progress_line
from dynamo_assets.naming import Layout, catalog_name
from dynamo_assets.sandbox.endpoint import Endpoint

COMMAND = [sys.executable, "-m", "dynamo_assets.export"]


@pytest.fixture
def table(aws: Endpoint, unique: Callable[[str], str]) -> str:
    name = unique("Reviews")
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with boto3.resource("dynamodb").Table(name).batch_writer() as batch:
        for number in range(100):
            batch.put_item(Item={"id": str(number), "text": "x" * 30_000, "stars": number % 5})
    return name


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)


def keys(aws: Endpoint, bucket: str) -> list[str]:
    return [entry["Key"] for entry in aws.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_the_plan_is_said_first_and_the_manifest_s_key_last(aws: Endpoint, table: str, bucket: str) -> None:
    done = run("--table", table, "--bucket", bucket, "--prefix", "team", "--read-percentage", "1.0")
    assert done.returncode == 0, done.stderr
    (key,) = done.stdout.splitlines()
    assert key.startswith(Layout(bucket, "team").manifests_prefix(catalog_name(table)))
    manifest = json.loads(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert manifest["rows"] == 100
    said = done.stderr.splitlines()
    assert said[0].startswith("Plan: about 100 items")
    assert said[-1].startswith("100 rows, ")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "NoSuchTable"], "PlanError: table NoSuchTable does not exist in us-east-1"),
        (
            ["--read_percentage", "2"],
            "ValueError: table {table}: read_percentage is 2.0; it must be between 0.1 and 1.0",
        ),
        (["--bucket", "no-such-bucket"], "PlanError: table {table}: bucket no-such-bucket does not exist"),
        (["--columns", '{"text": "bigint"}'], "ConversionError: table {table}: attribute 'text' is to be int64"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_1(
    aws: Endpoint, table: str, bucket: str, arguments: list[str], message: str
) -> None:
    done = run("--table", table, "--bucket", bucket, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(message.format(table=table))
    assert "Traceback" not in done.stderr
    assert keys(aws, bucket) == []


@pytest.fixture
def slow_export(aws: Endpoint, table: str, bucket: str) -> Iterator[subprocess.Popen[str]]:
    """An export under way: its label is claimed, and at one unit a second it would take minutes."""
    command = [*COMMAND, "--table", table, "--bucket", bucket, "--max-read-units", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not keys(aws, bucket) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield process
        process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_export_clears_up_after_itself(
    aws: Endpoint, bucket: str, slow_export: subprocess.Popen[str], stop: signal.Signals
) -> None:
    assert keys(aws, bucket)[0].startswith("_claims/")
    slow_export.send_signal(stop)
    output, errors = slow_export.communicate(timeout=30)
    assert slow_export.returncode == 130
    assert output == ""
    assert "Interrupted: no snapshot was published" in errors
    assert keys(aws, bucket) == []


def test_a_killed_export_leaves_no_snapshot_and_the_next_one_makes_a_clean_one(
    aws: Endpoint, table: str, bucket: str, slow_export: subprocess.Popen[str]
) -> None:
    slow_export.kill()
    slow_export.wait(timeout=30)
    assert not [key for key in keys(aws, bucket) if key.startswith("_manifests/")]
    done = run("--table", table, "--bucket", bucket)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(aws.client("s3").get_object(Bucket=bucket, Key=done.stdout.strip())["Body"].read())
    assert manifest["rows"] == 100
    assert [key for key in keys(aws, bucket) if key.startswith("snapshots_")] == [f["key"] for f in manifest["files"]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_on_one_line() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show(250, 1000)
    progress.end()
    assert terminal.getvalue().startswith(
        "\r\x1b[K[#######.......................] exported 250 of about 1,000 items (25 %)"
    )
    assert terminal.getvalue().count("\n") == 1


def test_progress_is_said_with_rate_and_time_left() -> None:
    assert progress_line(12_345, 40_000) == "exported 12,345 of about 40,000 items (30 %)"
    assert progress_line(10_000, 40_000, 5) == "exported 10,000 of about 40,000 items (25 %), 2,000 a second, 15 s left"
    assert progress_line(50_000, 40_000, 5) == "exported 50,000 of about 40,000 items (100 %), 10,000 a second"
    assert progress_line(7, 0) == "exported 7 items"


def test_an_export_takes_its_credentials_and_endpoint_from_the_environment_only(table: str, bucket: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_DEFAULT_REGION": "us-east-1", "HOME": "/nonexistent"}
    command = [*COMMAND, "--table", table, "--bucket", bucket]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "NoCredentialsError: Unable to locate credentials"
