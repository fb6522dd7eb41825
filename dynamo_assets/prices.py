"""What AWS bills: the prices that estimates rest on. `prices.yaml` has them, with a date; `tables.yaml` overrides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dynamo_assets.yaml_file import read_yaml

_DEFAULTS: dict[str, Any] = read_yaml(Path(__file__).with_name("prices.yaml"))
GB = 1024**3
TB = 1024**4
QUERY_MINIMUM_BYTES = 10 * 1024**2
"""What a query is billed for at least."""


class Prices(BaseModel):
    """What AWS bills, in US dollars, for the [estimates](costs.md#prices) in the metadata: nothing is asked of AWS."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    as_of: str = _DEFAULTS["as_of"]
    """When and where they were looked up; shown beside each estimate."""
    native_export_gb: float = Field(default=_DEFAULTS["native_export_gb"], ge=0)
    """DynamoDB's own export, for each GB of the table, or of the changes."""
    read_million_units: float = Field(default=_DEFAULTS["read_million_units"], ge=0)
    """A million read request units of an on-demand table."""
    glue_dpu_hour: float = Field(default=_DEFAULTS["glue_dpu_hour"], ge=0)
    """A DPU of a Glue job for an hour."""
    glue_flex_dpu_hour: float = Field(default=_DEFAULTS["glue_flex_dpu_hour"], ge=0)
    """The same where the run takes spare capacity, `glue.flex`."""
    glue_minimum_seconds: int = Field(default=_DEFAULTS["glue_minimum_seconds"], ge=0)
    """What a run of a Glue job is billed for at least."""
    crawler_dpu_hour: float = Field(default=_DEFAULTS["crawler_dpu_hour"], ge=0)
    """A DPU of a crawler for an hour."""
    athena_tb: float = Field(default=_DEFAULTS["athena_tb"], ge=0)
    """A TB that Athena scans."""

    def reads(self, units: float) -> float:
        """Read units, as an on-demand table pays them."""
        return units / 1e6 * self.read_million_units

    def native_export(self, size: float) -> float:
        """An export by DynamoDB itself of so many bytes."""
        return size / GB * self.native_export_gb

    def glue_run(self, dpu_seconds: float, dpus: float, *, flex: bool = False) -> float:
        """A run of a Glue job that consumed so many DPU seconds, on so many DPUs."""
        dpu_hours = max(dpu_seconds, self.glue_minimum_seconds * dpus) / 3600
        return dpu_hours * (self.glue_flex_dpu_hour if flex else self.glue_dpu_hour)

    def crawl(self, dpu_hours: float) -> float:
        """A crawl, by the DPU hours that Glue counted."""
        return dpu_hours * self.crawler_dpu_hour

    def queries(self, scanned: Sequence[int]) -> float:
        """Queries of Athena, by the bytes that each has scanned."""
        return sum(max(size, QUERY_MINIMUM_BYTES) for size in scanned) / TB * self.athena_tb
