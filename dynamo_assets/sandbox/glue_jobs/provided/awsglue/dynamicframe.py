"""DynamicFrames: records that describe themselves, spread over Spark's partitions.

Every action reads the table again, with the units that costs: `schema()` once for a frame, `count()` each time, and the
DataFrame of `toDF()` whenever it is used. Functions given to `filter` see sets as lists. Records with errors, which
Glue sets aside and counts, do not exist: an error fails the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pyspark import RDD
from pyspark.sql import DataFrame
from pyspark.sql import types as spark

from awsglue._inference import schema_of, tree_lines
from awsglue._paths import parse_name
from awsglue._refusals import Partial, refusal, refuse_missing
from awsglue._resolution import actions, resolved
from awsglue._rows import RecordMaker, RowMaker, glue_type, spark_type
from awsglue._values import Record
from awsglue.gluetypes import DynamicRecord, Field, StructType

if TYPE_CHECKING:
    from awsglue.context import GlueContext
else:
    __getattr__ = refuse_missing(
        __name__, "DynamicFrameCollection", "DynamicFrameReader", "DynamicFrameWriter", "ResolveOption"
    )


class DynamicFrame(Partial):
    """Records, and the schema that they turn out to have.

    Attributes:
        glue_ctx: The context it was made in.
        name: Its name.
    """

    def __init__(
        self,
        records: RDD[Record],
        glue_ctx: GlueContext,
        name: str = "",
        known_schema: Callable[[], StructType] | None = None,
    ) -> None:
        if not isinstance(records, RDD):
            raise refusal("make DynamicFrames of objects of the JVM: use DynamicFrame.fromDF")
        self.glue_ctx = glue_ctx
        self.name = name
        self._records = records
        self._known_schema = known_schema
        self._schema: StructType | None = None

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: GlueContext, name: str = "") -> DynamicFrame:
        """A frame of a DataFrame's rows, with the types of its columns."""
        schema = cast("StructType", glue_type(dataframe.schema))
        return cls(dataframe.rdd.map(RecordMaker(schema)), glue_ctx, name, lambda: schema)

    def toDF(self, options: Any = None) -> DataFrame:
        """A DataFrame; see `awsglue._rows` for what becomes of each type. Computes the schema, and reads when used."""
        if options:
            raise refusal("resolve choices in toDF: use resolveChoice before")
        schema = self.schema()
        rows = self._records.map(RowMaker(schema))
        columns = cast("spark.StructType", spark_type(schema))
        return self.glue_ctx.spark_session.createDataFrame(rows, columns, verifySchema=False)

    def schema(self) -> StructType:
        """The schema; the first time, unless it is known, a pass over all records."""
        if self._schema is None:
            self._schema = self._known_schema() if self._known_schema else schema_of(self._records)
        return self._schema

    def printSchema(self) -> None:
        """Prints the schema."""
        print("\n".join(["root", *tree_lines(self.schema())]))

    def count(self) -> int:
        """Counts the records: a pass over them."""
        return self._records.count()

    def getNumPartitions(self) -> int:
        """How many partitions there are; reads nothing."""
        return self._records.getNumPartitions()

    def repartition(self, num_partitions: int, transformation_ctx: str = "", **more: Any) -> DynamicFrame:
        """The same records in so many partitions."""
        _check_no_thresholds(more)
        return self._derived(self._records.repartition(num_partitions), self.schema)

    def coalesce(
        self, num_partitions: int, shuffle: bool = False, transformation_ctx: str = "", **more: Any
    ) -> DynamicFrame:
        """The same records in so many partitions at most."""
        _check_no_thresholds(more)
        return self._derived(self._records.coalesce(num_partitions, shuffle), self.schema)

    def resolveChoice(
        self,
        specs: Any = None,
        choice: str = "",
        database: str | None = None,
        table_name: str | None = None,
        transformation_ctx: str = "",
        **more: Any,
    ) -> DynamicFrame:
        """Gives fields of several types one type each; see `awsglue._resolution`. Computes the schema."""
        _check_no_thresholds(more)
        if database or table_name:
            raise refusal("resolve choices by a catalog table (database, table_name)")
        old = self.schema()
        schema, convert = resolved(old, actions(specs, choice))
        return self._derived(self._records.map(RowMaker(old).checked).map(convert), lambda: schema)

    def filter(self, f: Callable[[DynamicRecord], Any], transformation_ctx: str = "", **more: Any) -> DynamicFrame:
        """The records for which a function says yes; those for which it fails as Glue expects it to are left out.

        Inferred (AWS's public library): KeyError, ValueError and TypeError mean no. A frame as it was read has the
        schema of what is left. One made from another keeps that one's schema, where Glue computes it again.
        """
        _check_no_thresholds(more)

        def wanted(record: Record) -> bool:
            try:
                return bool(f(_shown(record)))
            except (KeyError, ValueError, TypeError):
                return False

        return self._derived(self._records.filter(wanted), self._known_schema)

    def drop_fields(self, paths: str | list[str], transformation_ctx: str = "", **more: Any) -> DynamicFrame:
        """Without some fields."""
        _check_no_thresholds(more)
        dropped = _names(paths, "drop fields")
        return self._of_fields(lambda name: None if name in dropped else name)

    def select_fields(self, paths: str | list[str], transformation_ctx: str = "", **more: Any) -> DynamicFrame:
        """With some fields only."""
        _check_no_thresholds(more)
        selected = _names(paths, "select fields")
        return self._of_fields(lambda name: name if name in selected else None)

    def rename_field(self, oldName: str, newName: str, transformation_ctx: str = "", **more: Any) -> DynamicFrame:
        """With another name for a field.

        Raises:
            ValueError: A record has a field of the new name already.
        """
        _check_no_thresholds(more)
        old, new = (parse_name(name, "rename fields") for name in (oldName, newName))
        return self._of_fields(lambda name: new if name == old else name)

    def _of_fields(self, rename: Callable[[str], str | None]) -> DynamicFrame:
        def record_of(record: Record) -> Record:
            pairs = [(name, value) for old, value in record.items() if (name := rename(old)) is not None]
            if len(dict(pairs)) < len(pairs):
                raise ValueError(f"a record would have two fields of one name: {[name for name, _ in pairs]}")
            return dict(pairs)

        def schema() -> StructType:
            old = self.schema()
            return StructType(Field(name, field.dataType) for field in old if (name := rename(field.name)) is not None)

        return self._derived(self._records.map(record_of), schema)

    def _derived(self, records: RDD[Record], known_schema: Callable[[], StructType] | None) -> DynamicFrame:
        return DynamicFrame(records, self.glue_ctx, self.name, known_schema)


def _shown(record: Record) -> DynamicRecord:
    return DynamicRecord(
        {name: DynamicRecord(value) if isinstance(value, dict) else value for name, value in record.items()}
    )


def _names(paths: str | list[str], what: str) -> set[str]:
    return {parse_name(path, what) for path in ([paths] if isinstance(paths, str) else paths)}


def _check_no_thresholds(more: dict[str, Any]) -> None:
    # `info` only labels errors.
    for name, value in more.items():
        if name not in {"info", "stageThreshold", "totalThreshold", "catalog_id"}:
            raise TypeError(f"unexpected argument {name!r}")
        if value and name != "info":
            raise refusal(f"have {name}")
