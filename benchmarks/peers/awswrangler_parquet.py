"""awswrangler, as its documentation shows it: `dynamodb.read_items` to a DataFrame, `s3.to_parquet`."""

from __future__ import annotations

import awswrangler as wr  # pyright: ignore[reportMissingImports] - has an environment of its own

from benchmarks.peers.arguments import parse_arguments


def main() -> None:
    options = parse_arguments()
    frame = wr.dynamodb.read_items(table_name=options.table, allow_full_scan=True, as_dataframe=True)
    wr.s3.to_parquet(frame, path=f"s3://{options.bucket}/{options.key}", compression="zstd")


if __name__ == "__main__":
    main()
