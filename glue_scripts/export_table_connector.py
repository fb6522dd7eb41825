"""Glue Spark job: one export through AWS's own DynamoDB reader, as the original pipeline had it.

    --table Orders --bucket exports --read_percentage 0.25 ...      see dynamo_assets.export.request.ExportRequest

Only the reading is Glue's: `dynamodb` connection, `splits` and `read.percent` from the plan. Its rows become pages
again, and from there on it is the same export: types, formats, layout and manifest. What the reader has lost by then
is lost: digits of numbers beyond a double's, whether a value was NULL or absent, whether a list was a set.

It needs what `export_table.py` needs. The reader goes over the table twice, first for its schema, then for its items.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pyspark import SparkConf, SparkContext

from awsglue import gluetypes
from awsglue.context import GlueContext
from dynamo_assets.errors import PlanError
from dynamo_assets.export import ExportRequest
from dynamo_assets.export.attempt import Attempt
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding.values import Value, tag_of
from dynamo_assets.export.observed import NULL, Facts, Observed
from dynamo_assets.export.on_spark import Executors, reporting, run_on_spark, supervised
from dynamo_assets.export.plan import Plan
from dynamo_assets.export.remote_supervision import Address
from dynamo_assets.export.scan_plan import ScanPlan
from dynamo_assets.export.source import Page
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.table_description import TableDescription
from dynamo_assets.export.unit import Job, UnitResult, export_unit
from dynamo_assets.naming import table_name, table_region

PAGE_ROWS = 1000
_SCALARS = {"string": "S", "binary": "B", "boolean": "BOOL"}
_NUMBERS = frozenset({"long", "int", "double"})
_SETS = {"S": "SS", "N": "NS", "B": "BS"}


def parse_args(argv: Sequence[str]) -> ExportRequest:
    """The export that a job run's arguments ask for; Glue's own arguments are passed over.

    Raises:
        ValueError: A value is out of its range.
    """
    return replace(ExportRequest.from_arguments(argv), engine="glue_connector")


class Connector(Executors):
    """Executors that read with AWS's reader."""

    def __init__(self, glue: GlueContext):
        super().__init__(glue.spark_session.sparkContext)
        self._glue = glue

    def read(self, attempt: Attempt, plan: Plan) -> list[UnitResult]:
        """Reads the table; each of Spark's partitions is a unit.

        Raises:
            PlanError: AWS's reader cannot keep the rate, or there is no table to be read, but a native export.
        """
        if not isinstance(plan, ScanPlan):
            raise PlanError(f"table {attempt.job.request.table}: a native export is converted by engine glue's script")
        frame = self._glue.create_dynamic_frame.from_options(
            connection_type="dynamodb", connection_options=_options(attempt, plan)
        )
        schema = frame.schema()
        # The columns of attributes whose values the reader does not show, such as those that are NULL everywhere.
        hint = attempt.job.hint.copy()
        hint.merge(Facts({field.name: _observed(field.dataType) for field in schema}))
        with supervised(self._glue.spark_session.sparkContext, attempt.supervisor) as driver:
            work = Partition(replace(attempt.job, hint=hint), attempt.clients, schema, driver)
            return frame.toDF().rdd.mapPartitionsWithIndex(work).collect()


def _options(attempt: Attempt, plan: ScanPlan) -> dict[str, str]:
    """What the reader is asked for. It takes no ARN: the account is that of its credentials, the region an option."""
    request, described = attempt.job.request, attempt.job.table
    name = table_name(request.table)
    if name != request.table and _arn_of(attempt.clients, name) != described.arn:
        raise PlanError(
            f"table {request.table}: AWS's reader takes tables by name, and {name} is another table to these "
            "credentials; give the table a `role_arn` of its account, or another engine"
        )
    options = {
        "dynamodb.input.tableName": name,
        "dynamodb.throughput.read.percent": repr(plan.connector_percentage()),
        "dynamodb.splits": str(len(plan.segments)),
    }
    if region := table_region(request.table):
        options["dynamodb.region"] = region
    if request.role_arn:
        options["dynamodb.sts.roleArn"] = request.role_arn
    return options


def _arn_of(clients: Clients, name: str) -> str | None:
    try:
        return TableDescription.of(clients.dynamodb, name).arn
    except PlanError:
        return None


@dataclass(frozen=True)
class Partition:
    """Exports one of Spark's partitions, on its executor."""

    job: Job
    clients: Clients
    schema: gluetypes.StructType
    driver: Address

    def __call__(self, number: int, rows: Iterable[Any]) -> Iterator[UnitResult]:
        """Gives the partition's one result."""
        with reporting(self.driver) as supervisor:
            yield export_unit(self.job, self.clients, Rows(number, self.schema, rows), supervisor)


@dataclass(frozen=True)
class Rows:
    """The rows of one of Spark's partitions as a unit; see `dynamo_assets.export.unit.Unit`."""

    number: int
    schema: gluetypes.StructType
    rows: Iterable[Any]

    @property
    def part(self) -> str:
        """What tells its files from those of other partitions."""
        return f"part-{self.number:05d}"

    def pages(self, clients: Clients, request: ExportRequest, supervisor: Supervisor) -> Iterator[Page]:  # noqa: ARG002
        """The rows as DynamoDB would have written them."""
        items: list[dict[str, Value]] = []
        for row in self.rows:
            items.append(_fields(row, self.schema))
            if len(items) >= PAGE_ROWS:
                yield Page(msgspec.json.encode(items), len(items))
                items.clear()
        if items:
            yield Page(msgspec.json.encode(items), len(items))


def _fields(row: Any, schema: gluetypes.StructType) -> dict[str, Value]:
    # By their places: a row may have fields whose names are alike but for case, or a row's own attribute's.
    found = zip(schema, row, strict=True)
    return {field.name: _value(value, field.dataType) for field, value in found if value is not None}


def _value(value: Any, kind: gluetypes.DataType) -> Value:
    name = kind.typeName()
    if value is None:
        return Value(NULL=True)
    if isinstance(kind, gluetypes.ChoiceType):
        # toDF() shows a choice as a struct of one field for each type, in the alphabetical order of their names.
        choices = sorted(kind.choices.items())
        return next(_value(part, choice) for part, (_, choice) in zip(value, choices, strict=True) if part is not None)
    if isinstance(kind, gluetypes.StructType):
        return Value(M=_fields(value, kind))
    if isinstance(kind, gluetypes.ArrayType):
        return Value(L=[_value(element, kind.elementType) for element in value])
    if isinstance(kind, gluetypes.SetType):
        elements = [_value(element, kind.elementType) for element in value]
        tag = tag_of(elements[0]) or ""
        return _tagged(_SETS[tag], [getattr(element, tag) for element in elements])
    return Value(N=repr(value)) if name in _NUMBERS else _tagged(_SCALARS[name], value)


def _tagged(tag: str, payload: Any) -> Value:
    return Value(**{tag: payload})


def _observed(kind: gluetypes.DataType) -> Observed:
    """What the reader's schema leads to expect of an attribute."""
    if isinstance(kind, gluetypes.ChoiceType):
        whole = Observed()
        for choice in kind.choices.values():
            whole.merge(_observed(choice))
        return whole
    name = kind.typeName()
    if isinstance(kind, gluetypes.StructType):
        return Observed({"M": 0}, fields={field.name: _observed(field.dataType) for field in kind})
    if isinstance(kind, gluetypes.ArrayType):
        return Observed({"L": 0}, elements=_observed(kind.elementType))
    if isinstance(kind, gluetypes.SetType):
        return Observed(dict.fromkeys((_SETS[tag] for tag in _observed(kind.elementType).tags()), 0))
    if name in {"null", "unknown"}:
        return Observed({NULL: 0})
    return Observed({"N" if name in _NUMBERS else _SCALARS[name]: 0})


def main(argv: Sequence[str]) -> None:
    """Runs one export.

    Raises:
        DynamoAssetsError: Its text becomes the run's `ErrorMessage`.
    """
    conf = SparkConf().set("spark.speculation", "false").set("spark.sql.caseSensitive", "true")
    run_on_spark(parse_args(argv), Connector(GlueContext(SparkContext.getOrCreate(conf))))


if __name__ == "__main__":
    main(sys.argv[1:])
