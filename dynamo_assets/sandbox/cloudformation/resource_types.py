"""The resource types of a stack, each made, changed and deleted by the calls of its service's own API.

A type has exactly the properties that are written here or that the API's own model has; any other fails the resource,
as CloudFormation does. What moto would drop or ignore is not listed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from dynamo_assets.sandbox.cloudformation.errors import ResourceError
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint

Properties = Mapping[str, Any]


class Api:
    """Clients of the sandbox, and values as a call of theirs takes them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.client = functools.cache(endpoint.client)

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Calls an operation, named as boto3's method; numbers and booleans may be text, as in templates."""
        client = self.client(service)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        return getattr(client, operation)(**_as_shape(parameters, shape, ""))


def _as_shape(value: Any, shape: Any, where: str) -> Any:
    if shape.type_name == "structure":
        if unknown := set(value) - set(shape.members):
            raise ResourceError(f"Encountered unsupported property {', '.join(sorted(unknown))} in {where or 'it'}")
        return {name: _as_shape(each, shape.members[name], f"{where}/{name}") for name, each in value.items()}
    if shape.type_name == "list":
        return [_as_shape(each, shape.member, where) for each in value]
    if shape.type_name == "map":
        return {name: _as_shape(each, shape.value, where) for name, each in value.items()}
    try:
        if shape.type_name in {"integer", "long"}:
            return int(value)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[str(value).lower()]
    except (ValueError, KeyError) as error:
        raise ResourceError(f"Properties validation failed: {where}: {value!r} is no {shape.type_name}") from error
    return value if shape.type_name != "string" else str(value)


class ResourceType:
    """One type. `physical_id` is what Ref gives."""

    properties: ClassVar[set[str]]
    replacing: ClassVar[set[str]] = set()
    """Properties whose change makes a new resource."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def check(self, properties: Properties) -> None:
        """Refuses properties that the type does not have."""
        if unknown := set(properties) - self.properties:
            raise ResourceError(f"Encountered unsupported property {', '.join(sorted(unknown))}")

    def create(self, properties: Properties, generated_name: str) -> str:
        """Makes it; gives its physical ID."""
        raise NotImplementedError

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:
        """Changes what may change without a new one."""
        raise NotImplementedError

    def delete(self, physical_id: str, properties: Properties) -> None:
        """Deletes it."""
        raise NotImplementedError

    def attribute(self, physical_id: str, properties: Properties, name: str) -> str:  # noqa: ARG002
        """What GetAtt gives."""
        raise ResourceError(f"Requested attribute {name} does not exist in schema")


class GlueDatabase(ResourceType):
    """A database of the Data Catalog."""

    properties: ClassVar = {"CatalogId", "DatabaseInput"}
    replacing: ClassVar = {"CatalogId"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: ARG002, D102
        self._api.call("glue", "create_database", **properties)
        return properties["DatabaseInput"]["Name"]

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("glue", "update_database", Name=physical_id, **properties)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("glue", "delete_database", Name=physical_id)


class GlueJob(ResourceType):
    """A Glue job."""

    properties: ClassVar = {
        "Name", "Role", "Command", "Description", "DefaultArguments", "GlueVersion", "WorkerType", "NumberOfWorkers",
        "Timeout", "MaxRetries", "ExecutionProperty", "ExecutionClass", "Connections", "SecurityConfiguration",
    }  # fmt: skip
    replacing: ClassVar = {"Name"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: D102
        name = properties.get("Name", generated_name)
        glue = self._api.client("glue")
        try:  # CreateJob answers a second, equal call as it did the first
            glue.get_job(JobName=name)
        except glue.exceptions.EntityNotFoundException:
            self._api.call("glue", "create_job", **{**properties, "Name": name})
            return name
        raise ResourceError(f"{name} already exists")

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        update = {name: value for name, value in properties.items() if name != "Name"}
        self._api.call("glue", "update_job", JobName=physical_id, JobUpdate=update)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("glue", "delete_job", JobName=physical_id)


class AthenaWorkGroup(ResourceType):
    """A workgroup."""

    properties: ClassVar = {"Name", "Description", "RecursiveDeleteOption", "State", "WorkGroupConfiguration"}
    replacing: ClassVar = {"Name"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: ARG002, D102
        self._api.call(
            "athena",
            "create_work_group",
            Name=properties["Name"],
            Description=properties.get("Description", ""),
            Configuration=properties.get("WorkGroupConfiguration", {}),
        )
        return properties["Name"]

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        updates = dict(properties.get("WorkGroupConfiguration", {}))
        if "ResultConfiguration" in updates:
            updates["ResultConfigurationUpdates"] = updates.pop("ResultConfiguration")
        self._api.call(
            "athena",
            "update_work_group",
            WorkGroup=physical_id,
            Description=properties.get("Description", ""),
            ConfigurationUpdates=updates,
        )

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: D102
        recursive = properties.get("RecursiveDeleteOption", False)
        self._api.call("athena", "delete_work_group", WorkGroup=physical_id, RecursiveDeleteOption=recursive)


class KmsKey(ResourceType):
    """A KMS key."""

    properties: ClassVar = {"Description", "EnableKeyRotation", "KeyPolicy"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: ARG002, D102
        answer = self._api.call(
            "kms", "create_key", Description=properties.get("Description", ""), Policy=as_json(properties["KeyPolicy"])
        )
        key_id = answer["KeyMetadata"]["KeyId"]
        if properties.get("EnableKeyRotation"):
            self._api.call("kms", "enable_key_rotation", KeyId=key_id)
        return key_id

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("kms", "update_key_description", KeyId=physical_id, Description=properties["Description"])
        policy = as_json(properties["KeyPolicy"])
        self._api.call("kms", "put_key_policy", KeyId=physical_id, PolicyName="default", Policy=policy)

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("kms", "schedule_key_deletion", KeyId=physical_id)

    def attribute(self, physical_id: str, properties: Properties, name: str) -> str:  # noqa: D102
        if name != "Arn":
            return super().attribute(physical_id, properties, name)
        return f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{physical_id}"


class SnsTopic(ResourceType):
    """An SNS topic."""

    properties: ClassVar = {"TopicName", "KmsMasterKeyId"}
    replacing: ClassVar = {"TopicName"}

    def create(self, properties: Properties, generated_name: str) -> str:  # noqa: D102
        attributes = {name: value for name, value in properties.items() if name != "TopicName"}
        name = properties.get("TopicName", generated_name)
        return self._api.call("sns", "create_topic", Name=name, Attributes=attributes)["TopicArn"]

    def update(self, physical_id: str, properties: Properties, former: Properties) -> None:  # noqa: ARG002, D102
        self._api.call(
            "sns",
            "set_topic_attributes",
            TopicArn=physical_id,
            AttributeName="KmsMasterKeyId",
            AttributeValue=properties.get("KmsMasterKeyId", ""),
        )

    def delete(self, physical_id: str, properties: Properties) -> None:  # noqa: ARG002, D102
        self._api.call("sns", "delete_topic", TopicArn=physical_id)


def as_json(document: Any) -> str:
    """A policy document as the APIs take it."""
    return json.dumps(document)
