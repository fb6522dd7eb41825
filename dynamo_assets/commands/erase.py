"""`dynamo-assets erase`: items go from every snapshot."""

from __future__ import annotations

import argparse
import sys

from dynamo_assets.commands.subcommands import Subcommands
from dynamo_assets.errors import ConfigError


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("erase", help="erase items from every snapshot of a table")
    parser.add_argument("--table", required=True, metavar="TABLE", help="named as in tables.yaml")
    parser.add_argument(
        "--key", action="append", default=[], metavar="JSON", help='a key, {"customer_id": "42"}; repeatable'
    )
    parser.add_argument("--keys-file", metavar="FILE", help="a key a line: a path, s3://..., or - for standard input")
    parser.add_argument("--dry-run", action="store_true", help="only count what would go; nothing is changed")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.erasure.keys import Keys, read_keys
    from dynamo_assets.erasure.run import ErasureRun
    from dynamo_assets.export.claim import utc_now

    settings, aws = load_settings(), AwsClients()
    table = settings.table_named(arguments.table)
    keys = Keys.of(arguments.key, "--key") if arguments.key else Keys(())
    if arguments.keys_file:
        keys += read_keys(arguments.keys_file, aws.s3)
    if not len(keys):
        raise ConfigError("give the keys of the items that are to be erased: --key, or --keys-file")
    outcome = ErasureRun(settings, aws, table, keys, "command", utc_now, arguments.dry_run, print).apply()
    print("\n".join(outcome.lines()))
    if problem := outcome.problem():
        print(f"dynamo-assets: {problem}", file=sys.stderr)
    return 1 if outcome.failed else 0
