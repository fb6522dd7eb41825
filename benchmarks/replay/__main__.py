"""`python -m benchmarks.replay`: the replay server, until it is stopped."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.pages import CACHE
from benchmarks.replay.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the tables' pages are (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the only core to use")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    serve(options.cache)


if __name__ == "__main__":
    main()
