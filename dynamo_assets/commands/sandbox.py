"""`dynamo-assets sandbox`: the local AWS, served until it is stopped."""

from __future__ import annotations

import argparse
import signal
import threading

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("sandbox", help="serve the local AWS on 127.0.0.1 until stopped")
    parser.add_argument("--port", type=int, default=5050, help="0 takes a free one (default: 5050)")
    parser.add_argument("--empty", action="store_true", help="without the sample tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.sandbox.samples import load_samples
    from dynamo_assets.sandbox.server import serve

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(arguments.port) as endpoint:
        if not arguments.empty:
            load_samples(endpoint)
        for name, value in endpoint.environment().items():
            print(f"export {name}={value}", flush=True)
        stop.wait()
    return 0
