"""What an export is going to do, told before it does it: the plan of a scan, of a conversion, or of a merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dynamo_assets.export.unit import Unit, UnitResult

if TYPE_CHECKING:
    from dynamo_assets.export.attempt import Attempt


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

    def read(self, attempt: Attempt) -> list[UnitResult]:
        """Has the units run.

        Raises:
            ExportError: Something could not be read to its end, or is not what it should be.
        """
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
