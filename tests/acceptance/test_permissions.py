"""Every call that a run makes is allowed by the template's policies, and everything that they allow is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dynamo_assets.alerts.message import Message
from dynamo_assets.erasure.keys import Keys
from dynamo_assets.erasure.run import ErasureRun
from dynamo_assets.export.claim import utc_now
from dynamo_assets.retention.run import RetentionRun
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, GLUE_ACCESS_KEY
from dynamo_assets.sandbox.traffic import used_actions
from tests.acceptance.conftest import Pipeline, failure_of
from tests.infrastructure.template_policies import allowed_actions

DAGSTER_KEY = "dagster-in-production"
ITEMS = [{"id": "1", "stars": 5}, {"id": "2", "stars": 2}]

_ATHENA = (
    "Athena asks with the caller's credentials (Athena user guide, fine-grained access to the Data Catalog and S3)"
)
_NATIVE = "DynamoDB writes its export with the caller's credentials (DynamoDB developer guide, exporting to S3)"
_STOP = "only where a run is cancelled or overruns its time limit"
_CRAWLER = "Glue's crawlers ask so, under the role (Glue developer guide, crawler prerequisites)"
_KEY = "S3 uses the key with the caller's credentials; only with deploy.kms_key"
_SPARK = "Glue writes its runs' logs and metrics under the role (Glue developer guide, IAM permissions for jobs)"
NOT_SEEN_OF_DAGSTER = {
    "athena:StopQueryExecution": _STOP,
    "glue:BatchStopJobRun": _STOP,
    "glue:StopCrawler": _STOP,
    "glue:UpdateCrawler": "only where a crawler's definition has changed",
    "glue:BatchUpdatePartition": "only where partitions have other types than the table",
    "glue:DeleteTable": "views of single snapshots that go (keep_views), and a set's new view that is taken back",
    "glue:GetDatabase": _ATHENA,
    "iam:PassRole": "is no call; CreateCrawler and UpdateCrawler demand it",
    "kms:Decrypt": _KEY,
    "kms:GenerateDataKey": _KEY,
    "s3:AbortMultipartUpload": "only where an upload in parts fails",
    "s3:GetBucketLocation": _ATHENA,
    "s3:PutObjectAcl": _NATIVE,
}
NOT_SEEN_OF_GLUE = {
    **{
        f"glue:{name}": _CRAWLER
        for name in (
            "BatchCreatePartition", "BatchGetPartition", "BatchUpdatePartition", "CreatePartition", "CreateTable",
            "GetDatabase", "GetPartition", "GetPartitions", "GetTable", "GetTables", "UpdatePartition", "UpdateTable",
        )
    },
    **dict.fromkeys(("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), _SPARK),
    "cloudwatch:PutMetricData": _SPARK,
    "kms:Decrypt": _KEY,
    "kms:GenerateDataKey": _KEY,
    "s3:AbortMultipartUpload": "only where an upload in parts fails",
    "s3:GetBucketLocation": _CRAWLER,
}  # fmt: skip


@pytest.fixture
def as_dagster(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """This test's clients have an access key that no other has; Glue's own is forgotten."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", DAGSTER_KEY)
    used_actions(aws, GLUE_ACCESS_KEY, forget=True)


def _policies(pipeline: Pipeline, stack: str, role: str) -> tuple[set[str], set[str]]:
    """What Dagster and what Glue may do, as IAM has it."""
    client, iam = pipeline.endpoint.client("cloudformation"), pipeline.endpoint.client("iam")
    outputs = {
        each["OutputKey"]: each["OutputValue"]
        for each in client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    }
    dagster: set[str] = set()
    for name in ("DagsterPolicyArn", "DagsterTablesPolicyArn"):
        version = iam.get_policy(PolicyArn=outputs[name])["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=outputs[name], VersionId=version)
        dagster |= allowed_actions(answer["PolicyVersion"]["Document"])
    document = iam.get_role_policy(RoleName=role, PolicyName="exports")["PolicyDocument"]
    return dagster, allowed_actions(document)


def test_every_call_is_allowed_and_everything_that_is_allowed_is_called(
    as_dagster, make_pipeline: Callable[..., Pipeline], make_history: Callable[..., Any], unique
) -> None:
    role, table, plain = unique("exports"), unique("Reviews"), unique("Orders")
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:{unique('alerts')}"
    crawled = make_pipeline(
        {table: {"engine": "glue", "format": "csv"}},
        glue={"role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/{role}"},
        alerts={"sns_topic": topic},
        deploy={"kms_key": f"arn:aws:kms:us-east-1:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
    )
    direct = make_pipeline(
        {plain: {"engine": "in_process", "retention": {"keep_last": 1}}}, catalog={"method": "direct"}
    )
    history = make_history(hours=1)
    deploying = used_actions(crawled.endpoint, DAGSTER_KEY)
    used_actions(crawled.endpoint, DAGSTER_KEY, forget=True)
    crawled.create_table(table, ITEMS)
    direct.create_table(plain, ITEMS)
    history.write()

    runs = [crawled.run(table), direct.run(plain), direct.run(plain)]
    runs.append(history.pipeline.run(history.table, slot=history.slot(0)))
    outcomes, errors = RetentionRun(direct.settings, direct.clients, utc_now(), False).apply_to_all(
        [direct.table(plain)]
    )
    ErasureRun(
        direct.settings,
        direct.clients,
        direct.table(plain),
        Keys.of(['{"id": "1"}'], "test"),
        "test",
        utc_now,
        False,
        print,
    ).apply()
    direct.publish(plain)
    Message("freshness", "subject", "text").send(crawled.clients.sns_of(topic), crawled.settings.alerts)

    assert (len(outcomes[0].gone), errors) == (1, {})
    assert all(run.success for run in runs), [failure_of(run) for run in runs if not run.success]
    used, used_by_glue = used_actions(crawled.endpoint, DAGSTER_KEY), used_actions(crawled.endpoint, GLUE_ACCESS_KEY)
    dagster, glue = _policies(crawled, f"dynamo-assets-{crawled.database.replace('_', '-')}", role)
    assert "cloudformation:ExecuteChangeSet" in deploying
    assert used - dagster == set()
    assert dagster - used == set(NOT_SEEN_OF_DAGSTER)
    assert used_by_glue - glue == set()
    assert glue - used_by_glue == set(NOT_SEEN_OF_GLUE)
