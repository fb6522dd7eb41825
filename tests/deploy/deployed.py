"""What deploy/ says, read and evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from cfnlint.decode import decode

from dynamo_assets.sandbox.cloudformation.template import Evaluation, Template

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TEMPLATE = DEPLOY / "ecs.yaml"
INSTANCE: Mapping[str, Any] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
PARAMETERS: Mapping[str, Any] = {
    "ImageTag": "1",
    "VpcId": "vpc-1",
    "SubnetIds": ["subnet-1", "subnet-2"],
    "UiSecurityGroupId": "sg-1",
    "DagsterPolicyArn": "arn:aws:iam::123456789012:policy/DagsterPolicy",
    "DagsterTablesPolicyArn": "arn:aws:iam::123456789012:policy/DagsterTablesPolicy",
}


def evaluated(**resources: str) -> dict[str, Any]:
    """Every resource's properties. What refers to another resource has its name in it, or what is given for it."""
    document, _ = decode(str(TEMPLATE))
    assert document is not None
    # Not `Template.parse`: the sandbox makes no stack of this one, and knows none of its resources.
    template = Template(TEMPLATE.read_text(), document)
    defaults = {name: spec.get("Default") for name, spec in template.document["Parameters"].items()}
    evaluation = Evaluation(
        template,
        {**defaults, **PARAMETERS},
        "dagster",
        lambda name, attribute: resources.get(name, f"<{name}.{attribute}>"),
    )
    return {name: evaluation.value(resource["Properties"]) for name, resource in evaluation.resources().items()}


def containers(resources: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The containers of both tasks, by name."""
    return {
        container["Name"]: container
        for task in ("RunTask", "ServiceTask")
        for container in resources[task]["ContainerDefinitions"]
    }


def of_the_api(node: Any) -> Any:
    """A template's properties as the service's own API has them, which begins names with a small letter."""
    if isinstance(node, list):
        return [of_the_api(each) for each in node]
    if isinstance(node, Mapping):
        # The names of a log driver's options are the driver's, and written so already.
        return {key[0].lower() + key[1:]: of_the_api(value) for key, value in node.items()}
    return {"true": True, "false": False}.get(node, node) if isinstance(node, str) else node


def asked_of_the_environment(node: Any) -> Iterator[str]:
    """The variables that a file of Dagster's takes values from."""
    if isinstance(node, list):
        for each in node:
            yield from asked_of_the_environment(each)
    elif isinstance(node, Mapping):
        if set(node) == {"env"}:
            yield node["env"]
        for each in node.values():
            yield from asked_of_the_environment(each)


def copied_into_the_image() -> list[str]:
    """What the Dockerfile copies from the repository."""
    text = (DEPLOY / "Dockerfile").read_text()
    arguments = dict(re.findall(r"^ARG (\w+)=(.*)$", text, re.MULTILINE))
    lines = re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE)
    return [
        re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], source)
        for line in lines
        for source in line.split()[:-1]
    ]
