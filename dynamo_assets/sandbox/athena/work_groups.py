"""Workgroups: who may query, where results go, how much a query may scan."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from dynamo_assets.sandbox.athena.errors import RequestError
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION

_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


@dataclass
class WorkGroup:
    """One workgroup; its public names are those of moto's, which keeps them."""

    name: str
    configuration: dict[str, Any]
    description: str = ""
    state: str = "ENABLED"
    created: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:athena:{REGION}:{ACCOUNT_ID}:workgroup/{self.name}"

    @property
    def scan_limit(self) -> int | None:
        """BytesScannedCutoffPerQuery."""
        return self.configuration.get("BytesScannedCutoffPerQuery")

    def result_folder(self, given: str | None) -> str:
        """Where a query's result goes, with a slash at the end.

        Args:
            given: The client's OutputLocation; ignored where the workgroup enforces its own.

        Raises:
            RequestError: There is none.
        """
        own = self.configuration.get("ResultConfiguration", {}).get("OutputLocation")
        location = own if self.configuration["EnforceWorkGroupConfiguration"] and own else given or own
        if not location:
            raise RequestError(
                "No output location provided. An output location is required either through the Workgroup result "
                "configuration setting or as an API input."
            )
        _check_address(location)
        return location if location.endswith("/") else f"{location}/"

    def summary(self) -> dict[str, Any]:
        """Its part of ListWorkGroups."""
        return {
            "Name": self.name,
            "State": self.state,
            "Description": self.description,
            "CreationTime": self.created,
            "EngineVersion": _ENGINE,
        }

    def update(self, request: dict[str, Any]) -> None:
        """Changes what an UpdateWorkGroup names."""
        updates = dict(request.get("ConfigurationUpdates", {}))
        results = dict(self.configuration.get("ResultConfiguration", {}))
        for name, value in updates.pop("ResultConfigurationUpdates", {}).items():
            if not name.startswith("Remove"):
                results[name] = value
            elif value:
                results.pop(name.removeprefix("Remove"), None)
        if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
            self.configuration.pop("BytesScannedCutoffPerQuery", None)
        self.configuration = _checked({**self.configuration, **updates, "ResultConfiguration": results})
        self.description = request.get("Description", self.description)
        self.state = request.get("State", self.state)


class WorkGroups:
    """Every workgroup of the account.

    Args:
        store: moto's own dictionary of them, which its named queries look into too.
    """

    def __init__(self, store: dict[str, Any]) -> None:
        self._groups = store
        store.clear()
        self.create({"Name": "primary", "Configuration": {"EnforceWorkGroupConfiguration": False}})

    def create(self, request: dict[str, Any]) -> WorkGroup:
        """CreateWorkGroup."""
        name = request["Name"]
        if name in self._groups:
            raise RequestError(f"WorkGroup {name} is already created")
        group = WorkGroup(name, _checked(request.get("Configuration", {})), request.get("Description", ""))
        self._groups[name] = group
        return group

    def get(self, name: str) -> WorkGroup:
        """A workgroup.

        Raises:
            RequestError: There is none of that name.
        """
        if name not in self._groups:
            raise RequestError(f"WorkGroup {name} is not found.")
        return self._groups[name]

    def all(self) -> list[WorkGroup]:
        """All of them, by name."""
        return [self._groups[name] for name in sorted(self._groups)]

    def delete(self, name: str) -> None:
        """DeleteWorkGroup."""
        if name == "primary":
            raise RequestError("Primary workgroup cannot be deleted.")
        del self._groups[self.get(name).name]


def _check_address(location: str) -> None:
    if not re.match("s3://[^/]+", location):
        raise RequestError("outputLocation is not a valid S3 path.")


def _checked(configuration: dict[str, Any]) -> dict[str, Any]:
    """A configuration with Athena's defaults.

    Raises:
        RequestError: It asks for what the sandbox does not do.
    """
    if configuration.get("ManagedQueryResultsConfiguration", {}).get("Enabled"):
        raise RequestError("The sandbox does not manage query results: give an OutputLocation")
    if configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO") not in (
        "AUTO",
        "Athena engine version 3",
    ):
        raise RequestError("The sandbox does not run other engines than Athena engine version 3")
    location = configuration.get("ResultConfiguration", {}).get("OutputLocation")
    if location is not None:
        _check_address(location)
    return {
        "EnforceWorkGroupConfiguration": True,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "ResultConfiguration": {},
        **configuration,
        "EngineVersion": _ENGINE,
    }
