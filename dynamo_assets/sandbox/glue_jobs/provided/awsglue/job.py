"""Job: in Glue the keeper of bookmarks, which the sandbox refuses when a run is started; so here is nothing to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from awsglue._refusals import Partial
from awsglue.context import GlueContext


class Job(Partial):
    """A job's run."""

    def __init__(self, glue_context_or_spark_session: GlueContext | SparkSession) -> None:
        if not isinstance(glue_context_or_spark_session, GlueContext | SparkSession):
            raise TypeError(f"a Job takes a GlueContext or a SparkSession, not {glue_context_or_spark_session!r}")
        self._initialized = False

    def init(self, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """Begins the run."""
        self._initialized = True

    def isInitialized(self) -> bool:
        """Whether `init` was called."""
        return self._initialized

    def commit(self) -> None:
        """Would save the bookmarks. What the script did stands without it, as in Glue."""
