"""The `dynamo-assets` command."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from dynamo_assets.errors import DynamoAssetsError


def _sandbox(arguments: argparse.Namespace) -> int:
    from dynamo_assets.sandbox.server import serve  # noqa: PLC0415 - only this command needs moto

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(arguments.port) as endpoint:
        for name, value in endpoint.environment().items():
            print(f"export {name}={value}", flush=True)
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dynamo-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sandbox = commands.add_parser("sandbox", help="serve the local AWS on 127.0.0.1 until stopped")
    sandbox.add_argument("--port", type=int, default=5050, help="0 takes a free one (default: 5050)")
    sandbox.add_argument("--empty", action="store_true", help="without the sample tables")
    sandbox.set_defaults(run=_sandbox)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except DynamoAssetsError as error:
        print(f"dynamo-assets: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
