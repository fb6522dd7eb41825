"""`dynamo-assets retention`: old snapshots go."""

from __future__ import annotations

import argparse
import sys

from dynamo_assets.commands.subcommands import Subcommands
from dynamo_assets.errors import ConfigError


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("retention", help="remove old snapshots, and what dead attempts left")
    parser.add_argument("--dry-run", action="store_true", help="only list what would go; nothing is changed")
    parser.add_argument("--table", action="append", default=[], metavar="TABLE", help="only this one; repeatable")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.export.claim import utc_now
    from dynamo_assets.retention.job import tables_with_retention
    from dynamo_assets.retention.run import RetentionRun

    settings = load_settings()
    try:
        tables = tables_with_retention(settings, arguments.table)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    run = RetentionRun(settings, AwsClients(), utc_now(), arguments.dry_run)
    outcomes, errors = run.apply_to_all(tables)
    for outcome in outcomes:
        print("\n".join(outcome.lines()))
    for table, error in errors.items():
        print(f"dynamo-assets: {table}: {str(error).removeprefix(f'{table}: ')}", file=sys.stderr)
    return 1 if errors else 0
