"""The launcher of runs, as deploy/dagster.yaml configures it, on the task definitions and policies of deploy/ecs.yaml.

The sandbox's ECS takes tasks down and starts none. That a run really runs so was tried by hand (docs/production.md).
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT, JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.test_utils import create_run_for_test

from dynamo_assets.sandbox.endpoint import Endpoint
from dynamo_assets.sandbox.traffic import used_actions
from tests.deploy.deployed import INSTANCE, evaluated, of_the_api
from tests.infrastructure.template_policies import allowed_actions

MAX_OVERRIDES = 8192
"""What RunTask takes (Amazon ECS API reference, RunTask, overrides)."""

NOT_SEEN_OF_THE_SERVICE = {
    "ecs:TagResource": "is no call; RunTask demands it for a task's tags",
    "iam:PassRole": "is no call; RunTask demands it",
    "logs:GetLogEvents": "only of a task that has failed",
    "s3:AbortMultipartUpload": "only where an upload in parts fails",
}
NOT_SEEN_OF_A_RUN = {"s3:AbortMultipartUpload": "only where an upload in parts fails"}
KEY = ["a-run", "compute_logs", "a-step"]


@contextmanager
def _metadata(cluster: str, task: str) -> Iterator[str]:
    """What ECS tells a container of the task that it is in; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"Cluster": cluster, "TaskARN": task}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def service(aws: Endpoint, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unique) -> Iterator[Any]:
    """An instance as production has it, but for its storage, in a task of the service; and what is around it."""
    ecs, ec2, cluster = aws.client("ecs"), aws.client("ec2"), unique("dagster")
    ecs.create_cluster(clusterName=cluster)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=cluster, Description="tasks", VpcId=vpc)["GroupId"]
    resources = evaluated(Cluster=cluster, LogGroup=cluster)
    for task in ("RunTask", "ServiceTask"):
        for container in resources[task]["ContainerDefinitions"]:
            container["Memory"] = 512  # optional on Fargate, but moto adds up the containers'
    run = ecs.register_task_definition(**of_the_api(resources["RunTask"]))["taskDefinition"]["taskDefinitionArn"]
    ecs.register_task_definition(**of_the_api(resources["ServiceTask"]))
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    [itself] = ecs.run_task(
        cluster=cluster, taskDefinition="dagster-service", launchType="FARGATE", networkConfiguration=network
    )["tasks"]
    monkeypatch.setenv("DAGSTER_RUN_TASK_DEFINITION", run)
    monkeypatch.setenv("DAGSTER_LOGS_BUCKET", bucket)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", cluster)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # Dagster's clients are of it, and it keeps its key
    own = {**INSTANCE, "storage": {"sqlite": {"base_dir": "storage"}}, "compute_logs": dict(INSTANCE["compute_logs"])}
    own["compute_logs"]["config"] = {**own["compute_logs"]["config"], "local_dir": str(tmp_path / "logs")}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(own))
    monkeypatch.chdir(tmp_path)
    with _metadata(cluster, itself["taskArn"]) as address:
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", address)
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            yield instance, ecs, subnet, cluster


def _run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    pointer = ModuleCodePointer("dynamo_assets.definitions", "defs", "/opt/dagster")
    repository = RepositoryPythonOrigin(
        sys.executable, pointer, entry_point=DEFAULT_DAGSTER_ENTRY_POINT, container_context={}
    )
    origin = JobPythonOrigin("export_daily_at_1000", repository)
    return create_run_for_test(
        instance, job_name=origin.job_name, job_code_origin=origin, status=dg.DagsterRunStatus.STARTING
    )


def _print(instance: dg.DagsterInstance) -> None:
    # As `capture_logs` does of what a process prints, where pytest captures that already.
    stream: Any
    with instance.compute_log_manager.open_log_stream(KEY, ComputeIOType.STDOUT) as stream:
        stream.write("printed by a step\n")


def _policy(role: str, name: str) -> set[str]:
    [policy] = [each for each in evaluated()[role]["Policies"] if each["PolicyName"] == name]
    return allowed_actions(policy["PolicyDocument"])


def test_a_run_is_launched_beside_the_service_whose_role_allows_that_and_nothing_more(service, aws: Endpoint) -> None:
    instance, ecs, subnet, key = service
    run, logs = _run(instance), instance.compute_log_manager

    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    health = instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run.run_id))
    stopped = instance.run_launcher.terminate(run.run_id)
    _print(instance)
    logs.local_manager.delete_logs(log_key=KEY)
    printed = logs.get_log_data(KEY).stdout
    logs.get_log_keys_for_log_key_prefix(KEY[:-1], ComputeIOType.STDOUT)
    logs.delete_logs(prefix=KEY[:-1])

    assert (health.status, stopped, printed) == (WorkerStatus.RUNNING, True, b"printed by a step\n")
    arn = instance.get_run_by_id(run.run_id).tags["ecs/task_arn"]
    [task] = ecs.describe_tasks(cluster=key, tasks=[arn])["tasks"]
    assert task["taskDefinitionArn"].split("/")[1] == "dagster-run:1"
    assert {"name": "subnetId", "value": subnet} in task["attachments"][0]["details"]
    assert run.run_id in str(task["overrides"])
    assert len(json.dumps(task["overrides"])) < MAX_OVERRIDES * 0.75
    used, allowed = used_actions(aws, key), _policy("ServiceRole", "runs")
    assert used - allowed == set()
    assert allowed - used == set(NOT_SEEN_OF_THE_SERVICE)


def test_what_a_run_prints_goes_to_s3_and_its_role_allows_nothing_more(service, aws: Endpoint) -> None:
    instance, *_, key = service

    _print(instance)

    used, allowed = used_actions(aws, key), _policy("RunRole", "logs")
    assert used - allowed == set()
    assert allowed - used == set(NOT_SEEN_OF_A_RUN)
