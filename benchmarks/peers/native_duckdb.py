"""A native export read by DuckDB's `read_json`, its types inferred, to Parquet: `Item STRUCT(price STRUCT(N VARCHAR)`.

The files are fetched beforehand: DuckDB's extension that reads S3 is one that it downloads.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import boto3
import duckdb

from benchmarks.peers.arguments import parse_arguments
from benchmarks.peers.native_files import fetch


def main() -> None:
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "table.parquet")
        for _ in fetch(options.bucket, options.native_export, Path(folder)):
            pass
        with duckdb.connect(config={"threads": 1, "temp_directory": folder}) as connection:
            items = connection.read_json(str(Path(folder, "*.json.gz")), format="newline_delimited")
            items.write_parquet(str(target), compression="zstd")
        boto3.client("s3").upload_file(str(target), options.bucket, options.key)


if __name__ == "__main__":
    main()
