"""What the doctor asks for is what the template allows: neither more nor less."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dynamo_assets.configuration.settings import Settings
from dynamo_assets.doctor.need import Need
from dynamo_assets.doctor.needs import needs_of_dagster, needs_of_glue
from dynamo_assets.doctor.table_needs import table_arn
from dynamo_assets.doctor.usage import is_exported_by_dynamodb, runs_on_glue
from dynamo_assets.infrastructure.existing import Existing
from dynamo_assets.infrastructure.glue_code import build_glue_code
from dynamo_assets.infrastructure.parameters import parameters
from dynamo_assets.infrastructure.python_modules import python_modules
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION
from dynamo_assets.sandbox.iam.policies import ALLOWED, Call, Document, decide
from tests.doctor.cases import PLACE, ROLE, settings, table
from tests.infrastructure.template_policies import allowed_actions, as_list, documents, evaluated

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:alerts"
TABLE_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/4321abcd-12ab-34cd-56ef-1234567890ab"
READER = "arn:aws:iam::210987654321:role/reader"
EVERYTHING = settings(
    table("Orders", engine="glue", format="csv"),
    table("Reviews", engine="glue_connector"),
    table("Stock", engine="point_in_time"),
    table("Shop", engine="in_process"),
    table("Any", engine="auto"),
    table("arn:aws:dynamodb:eu-west-1:210987654321:table/Theirs", name="theirs", role_arn=READER),
    alerts={"sns_topic": TOPIC},
    deploy={"kms_key": KEY, "table_kms_keys": [TABLE_KEY]},
)


def _policies(of: Settings) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Dagster's documents and the role's, as `deploy` makes them for these settings."""
    existing = Existing({"Topic": "topic alerts"} if of.alerts.sns_topic else {}, ACCOUNT_ID)
    resources = evaluated(**parameters(of, existing, build_glue_code(), python_modules(of, print), REGION))
    made = json.loads(json.dumps(resources).replace("<Role.Arn>", ROLE))
    found = [(owner, document) for owner, document in documents(made) if "Principal" not in document["Statement"][0]]
    dagster = [document for owner, document in found if owner in {"DagsterPolicy", "DagsterTablesPolicy"}]
    return dagster, [document for owner, document in found if owner == "Role"]


def _calls(needs: Iterable[Need]) -> list[Call]:
    return [
        Call(action, resource, {key.lower(): (value,) for key, value in need.context.items()})
        for need in needs
        for action in need.actions
        for resource in need.resources
    ]


def _refused(needs: Iterable[Need], policies: Sequence[Mapping[str, Any]]) -> list[Call]:
    known = [Document.of("policy", "role", policy) for policy in policies]
    return [call for call in _calls(needs) if decide(known, call).verdict != ALLOWED]


def _unused(needs: Iterable[Need], policies: Sequence[Mapping[str, Any]]) -> set[str]:
    """The patterns of resources that nothing of what is needed is covered by."""
    calls = _calls(needs)
    return {
        pattern
        for policy in policies
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for pattern in as_list(statement["Resource"])
        if not any(
            decide([Document.of("", "role", {"Statement": {**statement, "Resource": pattern}})], call).verdict
            == ALLOWED
            for call in calls
        )
    }


def test_with_everything_in_use_it_needs_exactly_what_the_template_allows() -> None:
    dagster, glue = _policies(EVERYTHING)
    # The template does not tell tables by their engines.
    own = [each for each in EVERYTHING.tables if each.role is None]
    not_exported = {table_arn(each, PLACE) for each in own if not is_exported_by_dynamodb(each)}
    not_on_glue = {table_arn(each, PLACE) for each in own if not runs_on_glue(each)}
    for needs, policies, more in (
        (needs_of_dagster(EVERYTHING, PLACE, [KEY]), dagster, {f"{arn}/export/*" for arn in not_exported}),
        (needs_of_glue(EVERYTHING, PLACE, [KEY]), glue, not_on_glue),
    ):
        assert _refused(needs, policies) == []
        assert {call.action for call in _calls(needs)} == set().union(*map(allowed_actions, policies))
        assert _unused(needs, policies) == more


def test_what_a_configuration_does_not_use_it_does_not_need() -> None:
    small = settings(table(engine="in_process"), catalog={"method": "direct"})
    dagster, glue = _policies(small)
    needed = needs_of_dagster(small, PLACE)
    assert _refused(needed, dagster) == []
    assert _refused(needs_of_glue(small, PLACE), glue) == []
    everything = {call.action for call in _calls(needs_of_dagster(EVERYTHING, PLACE, [KEY]))}
    assert everything - {call.action for call in _calls(needed)} == {
        "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeExport", "dynamodb:ExportTableToPointInTime",
        "glue:BatchStopJobRun", "glue:CreateClassifier", "glue:CreateCrawler", "glue:GetCrawler", "glue:GetJobRun",
        "glue:GetJobRuns", "glue:ListCrawls", "glue:StartCrawler", "glue:StartJobRun", "glue:StopCrawler",
        "glue:UpdateCrawler", "iam:PassRole", "kms:Decrypt", "kms:GenerateDataKey", "logs:GetLogEvents",
        "s3:PutObjectAcl", "sns:Publish", "sts:AssumeRole",
    }  # fmt: skip


def test_of_a_native_export_that_is_converted_in_process_glue_needs_nothing() -> None:
    here = settings(
        table(engine="point_in_time", point_in_time={"convert": "in_process"}), catalog={"method": "direct"}
    )
    actions = {call.action for call in _calls(needs_of_dagster(here, PLACE))}
    assert "glue:StartJobRun" not in actions
    assert "dynamodb:Scan" not in actions
    assert not [need for need in needs_of_glue(here, PLACE) if "dynamodb:DescribeTable" in need.actions]


def test_tables_are_named_by_their_own_arns() -> None:
    stock = "arn:aws:dynamodb:eu-west-1:210987654321:table/Stock"
    both = settings(table(), table(stock, name="stock"))
    [need] = [need for need in needs_of_dagster(both, PLACE) if need.actions == ("dynamodb:DescribeTable",)]
    assert need.resources == (f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/Orders", stock)
