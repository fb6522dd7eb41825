"""Our decoding of a native export's lines and nothing else: prints how many items, and the CPU seconds of decoding.

Fetching and unpacking go on between the pages and are not counted, nor is the start-up; nothing is written.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.peers.arguments import parse_arguments
from benchmarks.peers.native_files import fetch
from dynamo_assets.export.clients import Clients
from dynamo_assets.export.decoding import PageDecoder
from dynamo_assets.export.native_export.lines import chunks_of_lines, page_of_items
from dynamo_assets.export.observed import Facts
from dynamo_assets.export.request import ExportRequest
from dynamo_assets.export.table_description import TableDescription


def main() -> None:
    options = parse_arguments()
    request = ExportRequest(table=options.table, bucket=options.bucket)
    table = TableDescription.of(Clients(request).dynamodb, options.table)
    decoder = PageDecoder(Facts.of_keys(table.keys), request, list(table.keys))
    rows, seconds = 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for path in fetch(options.bucket, options.native_export, Path(folder)):
            for lines in chunks_of_lines(path, path.name):
                began = time.process_time()
                rows += decoder.decode(page_of_items(lines, path.name)).rows
                seconds += time.process_time() - began
    print(rows, seconds)


if __name__ == "__main__":
    main()
