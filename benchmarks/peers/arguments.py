"""The command line that all of these programs have."""

from __future__ import annotations

import argparse


def parse_arguments() -> argparse.Namespace:
    """`--table friendly-60000 --bucket B --key K`: what to read, and where the Parquet file goes.

    `--native-export K`: read the table's export whose summary manifest that is, in the same bucket.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--native-export")
    return parser.parse_args()
