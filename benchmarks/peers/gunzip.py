"""A native export fetched and unpacked by zlib, and nothing done with it: prints how many lines there were."""

from __future__ import annotations

import gzip
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.peers.arguments import parse_arguments
from benchmarks.peers.native_files import fetch

CHUNK_BYTES = 2 * 1024 * 1024


def count_lines(reader: type[gzip.GzipFile]) -> int:
    """The lines of all data files of the export that the command line names."""
    options, lines = parse_arguments(), 0
    with tempfile.TemporaryDirectory() as folder:
        for path in fetch(options.bucket, options.native_export, Path(folder)):
            with reader(path, "rb") as file:
                lines += sum(chunk.count(b"\n") for chunk in iter(partial(file.read, CHUNK_BYTES), b""))
    return lines


if __name__ == "__main__":
    print(count_lines(gzip.GzipFile))
