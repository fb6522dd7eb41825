"""GlueContext: the way into Glue's library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark import SparkContext
from pyspark.sql import SparkSession

from awsglue._dynamodb_reader import table_scan
from awsglue._refusals import Partial, refusal, refuse_missing
from awsglue.dynamicframe import DynamicFrame

if not TYPE_CHECKING:
    __getattr__ = refuse_missing(
        __name__, "DataFrameReader", "DataFrameWriter", "DataSink", "DataSource", "DynamicFrameCollection"
    )


class GlueContext(Partial):
    """Makes frames on a Spark context.

    Attributes:
        spark_session: The session on it.
        create_dynamic_frame: `from_options` and its siblings.
        write_dynamic_frame: Refuses everything.
    """

    def __init__(self, sparkContext: SparkContext | SparkSession | None = None, **options: Any) -> None:
        if options:
            raise refusal(f"have GlueContext's option {min(options)}")
        if isinstance(sparkContext, SparkSession):
            self.spark_session = sparkContext
        else:
            self.spark_session = SparkSession.Builder().getOrCreate()
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter()

    def create_dynamic_frame_from_options(
        self,
        connection_type: str,
        connection_options: Mapping[str, Any] | None = None,
        format: str | None = None,
        format_options: Mapping[str, Any] | None = None,
        transformation_ctx: str = "",
        push_down_predicate: str = "",
        **more: Any,
    ) -> DynamicFrame:
        """A frame of a table's items. Nothing is read yet, but the table is described.

        Raises:
            NotImplementedError: The sandbox does not read that.
            ValueError: A connection option is missing or out of its range.
            botocore.exceptions.ClientError: There is no such table.
        """
        if connection_type != "dynamodb":
            raise refusal(f"read from {connection_type!r}: only from 'dynamodb'")
        given = {"format": format, "format_options": format_options, "push_down_predicate": push_down_predicate, **more}
        if unwanted := [name for name, value in given.items() if value]:
            raise refusal(f"have {unwanted[0]} for dynamodb")
        scan = table_scan(connection_options or {})
        segments = self.spark_session.sparkContext.parallelize(range(scan.splits), scan.splits)
        return DynamicFrame(segments.flatMap(scan.records), self)

    def create_dynamic_frame_from_catalog(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Refused."""
        raise refusal("make DynamicFrames of catalog tables: use from_options with connection_type='dynamodb'")


class DynamicFrameReader(Partial):
    """What `glueContext.create_dynamic_frame` is."""

    def __init__(self, glue_context: GlueContext) -> None:
        self._glue_context = glue_context

    def from_options(
        self, connection_type: str, connection_options: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any
    ) -> DynamicFrame:
        """See `GlueContext.create_dynamic_frame_from_options`."""
        return self._glue_context.create_dynamic_frame_from_options(
            connection_type, connection_options, *args, **kwargs
        )

    def from_catalog(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Refused."""
        return self._glue_context.create_dynamic_frame_from_catalog(*args, **kwargs)


class DynamicFrameWriter(Partial):
    """What `glueContext.write_dynamic_frame` is."""

    def from_options(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Refused: Spark has no file system for `s3://` here, and nothing in public says how Glue names its files."""
        raise refusal("write DynamicFrames: use toDF(), and write its rows through boto3")

    from_catalog = from_jdbc_conf = from_options
