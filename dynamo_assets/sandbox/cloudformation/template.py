"""Templates: what YAML says, parameters checked, conditions and functions evaluated, resources in order.

Of functions there are Ref, GetAtt, Sub, Join, Split, Select, If and the conditions' own; of sections Parameters,
Conditions, Resources, Outputs, Metadata. Everything else is refused, as CloudFormation refuses what it does not know.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from dynamo_assets.sandbox.cloudformation.errors import TemplateError
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION

MAX_TEMPLATE_BYTES = 51_200
"""Of a TemplateBody; more has to come from S3, which the sandbox does not read templates from."""
_MAX_PARAMETER_BYTES = 4096
_SECTIONS = {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs"}
_OF_A_RESOURCE = {
    "Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
}  # fmt: skip
_POLICIES = {"Delete", "Retain", "RetainExceptOnCreate"}
_NO_VALUE = object()


_Safe: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time


class _Loader(_Safe):
    """YAML with CloudFormation's short forms, `!Ref` and the like. Dates stay text."""


def _short_form(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))


@dataclass(frozen=True)
class Template:
    """A template that has been read and looked at, not yet evaluated."""

    body: str
    document: Mapping[str, Any]

    @classmethod
    @functools.lru_cache(8)
    def parse(cls, body: str) -> Template:
        """Reads a TemplateBody.

        Raises:
            TemplateError: It is no template, or has what the sandbox does not know.
        """
        if len(body.encode()) > MAX_TEMPLATE_BYTES:
            raise TemplateError(f"Member must have length less than or equal to {MAX_TEMPLATE_BYTES}")
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, Loader=_Loader)):
                raise TemplateError("Template error: YAML aliases are not allowed in CloudFormation templates")
            document = yaml.load(body, Loader=_Loader)  # noqa: S506 - a loader of plain values, see above
        except yaml.YAMLError as error:
            raise TemplateError(f"Template format error: YAML not well-formed. {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
            raise TemplateError("Template format error: At least one Resources member must be defined.")
        if unknown := set(document) - _SECTIONS:
            raise TemplateError(f"Invalid template property or properties {sorted(unknown)}")
        for name, resource in document["Resources"].items():
            if unknown := set(resource) - _OF_A_RESOURCE:
                raise TemplateError(f"Invalid template resource property {sorted(unknown)} of {name}")
            policies = {resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")}
            if unknown := policies - _POLICIES:
                raise TemplateError(f"Unrecognized DeletionPolicy {sorted(unknown)} for resource {name}")
        return cls(body, document)

    def parameters(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Every parameter's value: what is given, or its default.

        Raises:
            TemplateError: One is unknown, missing, or not what its declaration allows.
        """
        declared: Mapping[str, Any] = self.document.get("Parameters", {})
        if unknown := set(given) - set(declared):
            raise TemplateError(f"Parameters: {sorted(unknown)} do not exist in the template")
        values = {name: given.get(name, spec.get("Default")) for name, spec in declared.items()}
        if missing := [name for name, value in values.items() if value is None]:
            raise TemplateError(f"Parameters: {missing} must have values")
        return {name: _parameter(name, str(value), declared[name]) for name, value in values.items()}


def _parameter(name: str, value: str, spec: Mapping[str, Any]) -> Any:
    if len(value.encode()) > _MAX_PARAMETER_BYTES:
        raise TemplateError(f"Parameter {name} is longer than {_MAX_PARAMETER_BYTES} bytes")
    allowed = [str(each) for each in spec.get("AllowedValues", [])]
    if allowed and value not in allowed:
        raise TemplateError(f"Parameter '{name}' must be one of AllowedValues")
    if "AllowedPattern" in spec and not re.fullmatch(spec["AllowedPattern"], value):
        raise TemplateError(f"Parameter {name} failed to satisfy constraint: must match {spec['AllowedPattern']}")
    if spec["Type"] == "Number":
        try:
            number = float(value)
        except ValueError as error:
            raise TemplateError(f"Parameter '{name}' must be a number") from error
        if not float(spec.get("MinValue", number)) <= number <= float(spec.get("MaxValue", number)):
            raise TemplateError(f"Parameter '{name}' must be between MinValue and MaxValue")
    elif spec["Type"] == "CommaDelimitedList":
        return [each.strip() for each in value.split(",")]
    elif spec["Type"] != "String":
        raise TemplateError(f"Template format error: Unrecognized parameter type: {spec['Type']}")
    return value


class Evaluation:
    """A template under given parameters.

    Args:
        template: The template.
        parameters: As `Template.parameters` gives them.
        stack_name: For `AWS::StackName`.
        resource: What `Ref` and `GetAtt` of a resource give, by its logical ID and the attribute; `Ref`'s is "".
    """

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        stack_name: str,
        resource: Callable[[str, str], Any],
    ) -> None:
        self._document = template.document
        self._resource = resource
        self._refs = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": stack_name,
            "AWS::NoValue": _NO_VALUE,
            **parameters,
        }

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The resources whose condition holds, those that others refer to first.

        Raises:
            TemplateError: They refer to each other in a circle, or to nothing.
        """
        declared: Mapping[str, Any] = self._document["Resources"]
        wanted = {
            name: resource
            for name, resource in declared.items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }
        ordered: dict[str, Mapping[str, Any]] = {}

        def add(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise TemplateError(f"Circular dependency between resources: {[*path, name]}")
            if name in ordered or name not in wanted:
                return
            after = wanted[name].get("DependsOn", [])
            for other in [*([after] if isinstance(after, str) else after), *self._referred(wanted[name])]:
                add(other, (*path, name))
            ordered[name] = wanted[name]

        for name in wanted:
            add(name, ())
        return ordered

    def _referred(self, resource: Mapping[str, Any]) -> Iterator[str]:
        declared = self._document["Resources"]
        for name in _references(resource.get("Properties", {})):
            if name in declared:
                yield name
            elif name not in self._refs:
                raise TemplateError(
                    f"Template format error: Unresolved resource dependencies [{name}] in the Resources block"
                )

    def holds(self, condition: Any) -> bool:
        """Whether a condition does: its name, or what it is made of."""
        if isinstance(condition, str):
            conditions = self._document.get("Conditions", {})
            if condition not in conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {condition}")
            return self.holds(conditions[condition])
        [(function, arguments)] = condition.items()
        if function == "Condition":
            return self.holds(arguments)
        if function == "Fn::Equals":
            left, right = (self.value(each) for each in arguments)
            return str(left) == str(right)
        parts = [self.holds(each) for each in arguments]
        if function == "Fn::Not":
            return not parts[0]
        if function in {"Fn::And", "Fn::Or"}:
            return all(parts) if function == "Fn::And" else any(parts)
        raise TemplateError(f"Template error: {function} is no condition")

    def value(self, node: Any) -> Any:
        """What a part of the template comes to."""
        if isinstance(node, list):
            return [value for each in node if (value := self.value(each)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, arguments)] = node.items()
            if function == "Ref":
                return self._ref(arguments)
            if isinstance(function, str) and function.startswith("Fn::"):
                return self._call(function, arguments)
        return {key: value for key, each in node.items() if (value := self.value(each)) is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        return self._refs[name] if name in self._refs else self._resource(name, "")

    def _call(self, function: str, arguments: Any) -> Any:
        if function == "Fn::If":
            condition, if_so, otherwise = arguments
            return self.value(if_so if self.holds(condition) else otherwise)
        if function == "Fn::GetAtt":
            return self._resource(arguments[0], arguments[1])
        if function == "Fn::Sub":
            text, names = (arguments, {}) if isinstance(arguments, str) else arguments
            given = {name: self.value(each) for name, each in names.items()}
            return re.sub(r"\$\{(!?)([^}]+)\}", lambda match: self._substituted(match, given), text)
        if function == "Fn::Join":
            return arguments[0].join(str(each) for each in self.value(arguments[1]))
        if function == "Fn::Split":
            return str(self.value(arguments[1])).split(arguments[0])
        if function == "Fn::Select":
            return self.value(arguments[1])[int(self.value(arguments[0]))]
        raise TemplateError(f"Template error: the sandbox does not evaluate {function}")

    def _substituted(self, match: re.Match[str], given: Mapping[str, Any]) -> str:
        literal, name = match.groups()
        if literal:
            return "${" + name + "}"
        if name in given:
            return str(given[name])
        resource, dot, attribute = name.partition(".")
        return str(self._resource(resource, attribute) if dot else self._ref(name))

    def outputs(self) -> list[dict[str, str]]:
        """The outputs whose condition holds, as DescribeStacks has them."""
        return [
            {
                "OutputKey": name,
                "OutputValue": str(self.value(output["Value"])),
                "Description": output.get("Description", ""),
            }
            for name, output in self._document.get("Outputs", {}).items()
            if "Condition" not in output or self.holds(output["Condition"])
        ]


def _references(node: Any) -> Iterator[str]:
    """What a part of a template refers to, parameters included."""
    if isinstance(node, list):
        for each in node:
            yield from _references(each)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "Ref":
            yield value
        elif key == "Fn::GetAtt":
            yield value[0]
        elif key == "Fn::Sub":
            text, names = (value, {}) if isinstance(value, str) else value
            yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text) if name not in names)
            yield from _references(names)
        else:
            yield from _references(value)
