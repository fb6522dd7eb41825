"""Tables of another account: read through its role by every engine, and never with the own credentials instead."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dynamo_assets.naming import table_name
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID
from dynamo_assets.sandbox.traffic import used_actions
from tests.acceptance.conftest import Pipeline, failure_of
from tests.infrastructure.template_policies import allowed_actions
from tests.other_account import OTHER, OtherAccount

DOCS = Path(__file__).parent.parent.parent / "docs" / "accounts.md"
WRITING = {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"}
"""What DynamoDB does with the caller's permissions, so no request shows it."""


@pytest.fixture
def other(aws, unique) -> OtherAccount:
    return OtherAccount(aws, unique)


def _documented_actions(heading: str) -> set[str]:
    """What the policy below a heading of the documentation allows."""
    found = re.search(rf"{re.escape(heading)}.*?```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found, heading
    return allowed_actions(json.loads(found[1]))


def test_every_engine_reads_another_accounts_tables_through_its_role(
    make_pipeline: Callable[..., Pipeline], other: OtherAccount, dynamodb_clock: Callable[[float], datetime]
) -> None:
    slot = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    dynamodb_clock((slot - timedelta(minutes=30)).timestamp() - time.time())
    here, on_glue, exported = (other.table(stem, [{"id": {"S": stem}}]) for stem in ("Here", "OnGlue", "Exported"))
    other.client("dynamodb").update_continuous_backups(
        TableName=exported, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb_clock(0)
    role, untrusted = other.role(external_id="shop"), other.role(trusts="arn:aws:iam::333333333333:root")
    pipeline = make_pipeline(
        {
            here: {"engine": "in_process"},
            on_glue: {"engine": "glue"},
            exported: {"engine": "point_in_time", "schedule": "0 * * * *"},
        },
        accounts={OTHER: {"role_arn": role, "external_id": "shop"}},
        storage={"bucket_owner": ACCOUNT_ID},
        catalog={"method": "direct"},
        partitions={"start": (slot - timedelta(days=2)).date().isoformat()},
    )
    pipeline.create_table(table_name(here), [{"id": "of the own account"}])

    for arn, stem in ((here, "Here"), (on_glue, "OnGlue"), (exported, "Exported")):
        run = pipeline.run(arn)
        assert run.success, failure_of(run)
        assert pipeline.query(f'SELECT id FROM "{pipeline.table(arn).name}"') == [(stem,)]
    refused = pipeline.with_table_settings(here, role_arn=untrusted, external_id=None).run(here)

    assert f"table {here}: the role {untrusted} may not be assumed" in failure_of(refused)
    assert used_actions(pipeline.endpoint, role) | WRITING == _documented_actions("### The role's own policy")
    assert len(pipeline.labels(here)) == 1


def test_awss_own_reader_gets_region_and_role(make_pipeline: Callable[..., Pipeline], other: OtherAccount) -> None:
    elsewhere = other.table("Elsewhere", [{"id": {"S": "1"}}], region="eu-west-1")
    pipeline = make_pipeline(
        {elsewhere: {"engine": "glue_connector", "role_arn": other.role(), "read_percentage": 1.0}},
        catalog={"method": "direct"},
    )

    run = pipeline.run(elsewhere)

    assert run.success, failure_of(run)
    assert pipeline.query(f'SELECT id FROM "{pipeline.table(elsewhere).name}"') == [("1",)]


def test_awss_own_reader_is_not_let_read_another_table_of_the_name(
    make_pipeline: Callable[..., Pipeline], other: OtherAccount
) -> None:
    theirs = other.table("Orders", [{"id": {"S": "theirs"}}])
    allowed: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT_ID},
        "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
        "Resource": theirs,
    }
    other.client("dynamodb").put_resource_policy(
        ResourceArn=theirs, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )
    pipeline = make_pipeline({theirs: {"engine": "glue_connector"}}, catalog={"method": "direct"})
    pipeline.create_table(table_name(theirs), [{"id": "ours"}])

    refused = pipeline.run(theirs)

    assert "AWS's reader takes tables by name" in failure_of(refused)
    in_process = pipeline.with_table_settings(theirs, engine="in_process")
    assert in_process.run(theirs).success
    assert pipeline.query(f'SELECT id FROM "{pipeline.table(theirs).name}"') == [("theirs",)]
