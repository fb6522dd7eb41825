"""What an export is going to do, told before it does it: the plan of a scan, or of a conversion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from dynamo_assets.export.unit import Unit


class Plan(Protocol):
    """What an export is going to do."""

    @property
    def units(self) -> Sequence[Unit]:
        """What is read by itself."""
        ...

    @property
    def expected_items(self) -> int:
        """How many items there are, as far as DynamoDB has counted them; 0 where it has not."""
        ...

    @property
    def read_units_per_second(self) -> float:
        """The rate that all units keep together; infinite where reading costs the table nothing."""
        ...

    def describe(self) -> str:
        """One line for a person."""
        ...

    def warnings(self) -> Sequence[str]:
        """What a person should know before the export begins."""
        ...

    def read_facts(self) -> Mapping[str, Any]:
        """How the items are read, for the manifest's `read`."""
        ...
