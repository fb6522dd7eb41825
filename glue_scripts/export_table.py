"""Glue Spark job: spreads the units of one export over the executors.

    --table Orders --bucket exports --read_percentage 0.25 ...      see dynamo_assets.export.request.ExportRequest

Units are segments of a scan; with `--native_export`, data files of DynamoDB's own export; with `--base_snapshot` and
`--incremental_exports`, files of changes and of the snapshot that they are merged with.

It needs the `dynamo_assets` package (`--extra-py-files`) with what `dynamo_assets.infrastructure.glue_code` lists
(`--additional-python-modules`), and nothing of Glue's own libraries. While it runs it prints how far it is, and last
`manifest s3://...`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from pyspark import SparkConf, SparkContext

from dynamo_assets.export import ExportRequest
from dynamo_assets.export.on_spark import Executors, run_on_spark


def parse_args(argv: Sequence[str]) -> ExportRequest:
    """The export that a job run's arguments ask for; Glue's own arguments are passed over.

    Raises:
        ValueError: A value is out of its range.
    """
    request = ExportRequest.from_arguments(argv)
    return request if request.is_of_native_exports else replace(request, engine="glue")


def main(argv: Sequence[str]) -> None:
    """Runs one export.

    Raises:
        DynamoAssetsError: Its text becomes the run's `ErrorMessage`.
    """
    # A unit that runs twice at once would read twice.
    conf = SparkConf().set("spark.speculation", "false")
    run_on_spark(parse_args(argv), Executors(SparkContext.getOrCreate(conf)))


if __name__ == "__main__":
    main(sys.argv[1:])
