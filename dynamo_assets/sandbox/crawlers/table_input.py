"""The catalog's description of a table or partition that a crawler found, in the shape AWS's crawlers give it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dynamo_assets.sandbox.crawlers.avro_types import merge_schemas
from dynamo_assets.sandbox.crawlers.grouping import CrawledFile, FoundPartition, FoundTable
from dynamo_assets.sandbox.crawlers.listing import S3Target
from dynamo_assets.sandbox.crawlers.schema_merge import Columns, merge_columns
from dynamo_assets.sandbox.glue_catalog.hive_types import from_arrow

_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_FORMATS: dict[str, tuple[str, str, str]] = {
    "parquet": (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "orc": (
        "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
    ),
    "avro": (
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
        "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
        "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
    ),
    "json": (*_TEXT, "org.openx.data.jsonserde.JsonSerDe"),
    "csv": (*_TEXT, "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"),
}
_CLASSIFIERS_SERDES = {"OpenCSVSerDe": "org.apache.hadoop.hive.serde2.OpenCSVSerde"}


@dataclass(frozen=True)
class Describer:
    """Writes descriptions on behalf of one crawler.

    Attributes:
        crawler: Its name.
        target: Where the files were found.
        partition_index: Whether its configuration has `CreatePartitionIndex`. The sandbox's catalog has no indexes,
            which only make look-ups faster; the table says it has one, as Athena reads it there.
    """

    crawler: str
    target: S3Target
    partition_index: bool = False

    def table(self, name: str, found: FoundTable) -> dict[str, Any]:
        """The `TableInput` of a table."""
        parameters = self._parameters(found.files)
        if self.partition_index and found.levels:
            parameters["partition_filtering.enabled"] = "true"
        return {
            "Name": name,
            "Owner": "owner",
            "Retention": 0,
            "TableType": "EXTERNAL_TABLE",
            # A partition column is text, whatever its values look like.
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.partition_keys],
            "Parameters": parameters,
            "StorageDescriptor": self._storage(found.root, found.files, parameters),
        }

    def partition(self, found: FoundPartition) -> dict[str, Any]:
        """The `PartitionInput` of a partition with the columns of its own files."""
        parameters = self._parameters(found.files)
        return {
            "Values": list(found.values),
            "Parameters": parameters,
            "StorageDescriptor": self._storage(found.folder, found.files, parameters),
        }

    def inherited(self, table: dict[str, Any], found: FoundPartition) -> dict[str, Any]:
        """The `PartitionInput` of a partition that takes its columns and format from the catalog's table."""
        storage = {key: value for key, value in table["StorageDescriptor"].items() if value is not None}
        own = self._parameters(found.files)
        format_parameters = {key: value for key, value in storage.get("Parameters", {}).items() if key not in own}
        parameters = {**format_parameters, **own}
        parameters.pop("partition_filtering.enabled", None)
        return {
            "Values": list(found.values),
            "Parameters": parameters,
            "StorageDescriptor": {**storage, "Location": self.location(found.folder), "Parameters": parameters},
        }

    def location(self, key: str) -> str:
        """The `s3://` form of a key."""
        return f"s3://{self.target.bucket}/{key}"

    def _parameters(self, files: Sequence[CrawledFile]) -> dict[str, str]:
        schema = files[0].schema
        records = sum(crawled.schema.records for crawled in files)
        record_bytes = sum(crawled.schema.record_bytes for crawled in files)
        parameters = {
            **schema.parameters,
            "classification": schema.classification,
            "compressionType": schema.compression,
            "typeOfData": "file",
            "CrawlerSchemaSerializerVersion": "1.0",
            "CrawlerSchemaDeserializerVersion": "1.0",
            "UPDATED_BY_CRAWLER": self.crawler,
            "objectCount": str(len(files)),
            "recordCount": str(records),
            "sizeKey": str(sum(crawled.file.size for crawled in files)),
            "averageRecordSize": str(record_bytes // records if records else 0),
        }
        if self.target.exclusions:
            folder = self.location(self.target.folder)
            parameters["exclusions"] = json.dumps([folder + pattern for pattern in self.target.exclusions])
        return parameters

    def _storage(self, key: str, files: Sequence[CrawledFile], parameters: dict[str, str]) -> dict[str, Any]:
        columns = merge_columns(crawled.schema.columns for crawled in files)
        serde = _serde_parameters(files, columns)
        input_format, output_format, library = _FORMATS[files[0].schema.classification]
        library = _CLASSIFIERS_SERDES.get(files[0].schema.serde, library)
        return {
            "Columns": [{"Name": name, "Type": from_arrow(data_type)} for name, data_type in columns.items()],
            "Location": self.location(key),
            "InputFormat": input_format,
            "OutputFormat": output_format,
            "Compressed": files[0].schema.compression != "none",
            "NumberOfBuckets": -1,
            "SerdeInfo": {"SerializationLibrary": library, "Parameters": serde},
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": parameters | {k: v for k, v in serde.items() if k == "avro.schema.literal"},
            "StoredAsSubDirectories": False,
        }


def _serde_parameters(files: Sequence[CrawledFile], columns: Columns) -> dict[str, str]:
    schemas = [crawled.schema for crawled in files]
    match schemas[0].classification:
        case "json":
            return {"paths": ",".join(sorted({name for schema in schemas for name in schema.attributes}))}
        case "csv" if schemas[0].serde == "OpenCSVSerDe":
            return {"separatorChar": schemas[0].parameters["delimiter"], "quoteChar": '"', "escapeChar": "\\"}
        case "csv":
            return {"field.delim": schemas[0].parameters["delimiter"]}
        case "avro":
            literal = merge_schemas((schema.avro_schema for schema in schemas), columns)
            return {"serialization.format": "1", "avro.schema.literal": literal}
    return {"serialization.format": "1"}
