"""`dynamo-assets init`: a tables file for the tables that an account has."""

from __future__ import annotations

import argparse
from pathlib import Path

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("init", help="write a tables.yaml for the DynamoDB tables of this account")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only tables like 'shop-*'; repeatable, any of them",
    )
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY[=VALUE]", help="only tables with it; repeatable, all of them"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("tables.yaml"),
        metavar="FILE",
        help="it must not exist (default: tables.yaml)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.discovery.filters import Filters
    from dynamo_assets.discovery.run import discover
    from dynamo_assets.export.claim import utc_now

    filters = Filters(names=tuple(arguments.name), tags=tuple(arguments.tag))
    discover(AwsClients().dynamodb, filters, arguments.output, utc_now(), print)
    return 0
