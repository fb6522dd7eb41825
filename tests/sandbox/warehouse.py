"""Tables of a test's own, and queries on them through PyAthena and boto3."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyathena
import pytest
from pyathena.error import OperationalError

from dynamo_assets.sandbox.endpoint import Endpoint

SERDES = {
    "parquet": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    "orc": "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    "avro": "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    "json": "org.openx.data.jsonserde.JsonSerDe",
    "hcatalog": "org.apache.hive.hcatalog.data.JsonSerDe",
    "csv": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
    "text": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
}
QUERY_SECONDS_MAX = 60.0


def parquet(columns: Mapping[str, Any] | pa.Table) -> bytes:
    """A Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(dict(columns)), buffer)
    return buffer.getvalue()


def columns_of(types: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in types.items()]


@dataclass
class Warehouse:
    """A bucket and a database."""

    endpoint: Endpoint
    s3: Any
    glue: Any
    athena: Any
    connection: Any
    bucket: str
    database: str

    def put(self, key: str, body: bytes | str) -> int:
        """Puts a file; returns its size."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return len(body)

    def storage(
        self,
        location: str,
        columns: Mapping[str, str],
        serde: str = "parquet",
        properties: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return {
            "Columns": columns_of(columns),
            "Location": f"s3://{self.bucket}/{location}/",
            "SerdeInfo": {"SerializationLibrary": SERDES.get(serde, serde), "Parameters": dict(properties or {})},
        }

    def table(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        keys: Mapping[str, str] | None = None,
        serde: str = "parquet",
        properties: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """Defines a table whose files lie in the folder of its name."""
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": dict(parameters or {}),
                "PartitionKeys": columns_of(keys or {}),
                "StorageDescriptor": self.storage(name, columns, serde, properties),
            },
        )

    def partition(self, table: str, *values: str, columns: Mapping[str, str] | None = None) -> None:
        """Registers the partition that lies in the folder `table/values`."""
        storage = self.glue.get_table(DatabaseName=self.database, Name=table)["Table"]["StorageDescriptor"]
        if columns is not None:
            storage = {**storage, "Columns": columns_of(columns)}
        location = f"s3://{self.bucket}/{table}/{'/'.join(values)}/"
        self.glue.create_partition(
            DatabaseName=self.database,
            TableName=table,
            PartitionInput={"Values": list(values), "StorageDescriptor": {**storage, "Location": location}},
        )

    def cursor(self, **options: Any) -> Any:
        """A cursor of PyAthena's: of a new connection, made as a user makes one, where it has options."""
        defaults = {"s3_staging_dir": f"s3://{self.bucket}/results/", "schema_name": self.database}
        if options:
            return pyathena.connect(**{"poll_interval": 0.02, **defaults, **options}).cursor()
        return self.connection.cursor(**defaults)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """A query's rows, through PyAthena."""
        return self.cursor().execute(sql, *parameters).fetchall()

    def fails(self, sql: str) -> str:
        """Why a query fails."""
        with pytest.raises(OperationalError) as caught:
            self.rows(sql)
        return str(caught.value)

    def scanned(self, sql: str) -> int:
        """The bytes that a query scans."""
        return self.cursor().execute(sql).data_scanned_in_bytes

    def start(self, sql: str, **request: Any) -> str:
        """Starts a query; returns its id."""
        request.setdefault("ResultConfiguration", {"OutputLocation": f"s3://{self.bucket}/results/"})
        request.setdefault("QueryExecutionContext", {"Database": self.database})
        return self.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]

    def finish(self, query_id: str) -> dict[str, Any]:
        """Waits for a query's end; returns what it is then."""
        deadline = time.monotonic() + QUERY_SECONDS_MAX
        while True:
            query = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if query["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return query
            assert time.monotonic() < deadline, query

    def texts(self, sql: str) -> list[list[str | None]]:
        """A query's values as Athena writes them, with the row of names."""
        query_id = self.start(sql)
        status = self.finish(query_id)["Status"]
        assert status["State"] == "SUCCEEDED", status
        rows = self.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]


def types_of(cursor: Any) -> Sequence[str]:
    """The types of a result's columns."""
    return [column[1] for column in cursor.description]
