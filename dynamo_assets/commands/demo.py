"""`dynamo-assets demo`: the main job on a sandbox of its own."""

from __future__ import annotations

import argparse
import signal
import sys

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("demo", help="export, crawl, publish and query sample tables on a sandbox")
    parser.add_argument("--ui", action="store_true", help="leave the Dagster UI open on it")
    parser.add_argument("--ui-port", type=int, default=3000)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.sandbox.demo import run_demo

    # So that `make ui` ends what it started when its terminal is closed, too, and when a shell started it in the
    # background, where SIGINT is ignored unless asked for.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    return run_demo(ui=arguments.ui, ui_port=arguments.ui_port)
