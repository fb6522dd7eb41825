"""A native export read by pyarrow's own JSON reader, its types inferred, to Parquet: `Item: struct<price: struct<N:`.

It streams, so that it has to be told the types that it found in the first file when it reads the others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.json as paj
import pyarrow.parquet as pq

from benchmarks.peers.arguments import parse_arguments
from benchmarks.peers.native_files import fetch

BLOCK_BYTES = 8 * 1024 * 1024


def _batches(path: Path, schema: pa.Schema | None) -> pa.RecordBatchReader:
    return paj.open_json(
        path,
        read_options=paj.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=paj.ParseOptions(explicit_schema=schema),
    )


def main() -> None:
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        target, writer = Path(folder, "table.parquet"), None
        for path in fetch(options.bucket, options.native_export, Path(folder)):
            batches = _batches(path, writer and writer.schema)
            writer = writer or pq.ParquetWriter(target, batches.schema, compression="zstd")
            for batch in batches:
                writer.write_batch(batch)
        assert writer is not None
        writer.close()
        boto3.client("s3").upload_file(str(target), options.bucket, options.key)


if __name__ == "__main__":
    main()
