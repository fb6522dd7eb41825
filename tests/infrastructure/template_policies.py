"""The policies of the template, as CloudFormation makes them of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dynamo_assets.infrastructure
from dynamo_assets.infrastructure.parameters import template_body
from dynamo_assets.sandbox.cloudformation.template import Evaluation, Template
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION

TEMPLATE = Path(dynamo_assets.infrastructure.__path__[0]) / "template.yaml"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/Orders"
READER = "arn:aws:iam::210987654321:role/reader"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EVERYTHING = {
    "BucketName": "exports",
    "TableArns": TABLE,
    "ScriptKey": "_glue/a/export_table.py",
    "ConnectorScriptKey": "_glue/b/export_table_connector.py",
    "PackageKey": "_glue/c/dynamo_assets.zip",
    "PythonModules": "pyarrow==17",
    "MakeKey": "true",
    "TopicName": "alerts",
    "TableRoleArns": READER,
    "ExportingRoleArns": READER,
    "TableKeyArns": KEY,
    "ExportKeyArns": KEY,
}


def evaluated(**parameters: str) -> dict[str, Any]:
    """Every resource's properties; what refers to another resource has its name in it."""
    template = Template.parse(template_body())
    evaluation = Evaluation(
        template,
        template.parameters({**EVERYTHING, **parameters}),
        "stack",
        lambda name, attribute: f"<{name}.{attribute}>",
    )
    return {name: evaluation.value(resource["Properties"]) for name, resource in evaluation.resources().items()}


def documents(resources: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy document, by its resource's name."""
    for name, properties in resources.items():
        for key in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument"):
            if key in properties:
                yield name, properties[key]
        for policy in properties.get("Policies", []):
            yield name, policy["PolicyDocument"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed_actions(document: Mapping[str, Any]) -> set[str]:
    return {
        action
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    }
