"""`dynamo-assets destroy`: what `deploy` has made goes."""

from __future__ import annotations

import argparse

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("destroy", help="remove what `deploy` has made; refused while there is data")
    data = parser.add_mutually_exclusive_group()
    data.add_argument("--keep-data", dest="data", action="store_const", const="keep", help="leave bucket and database")
    data.add_argument("--delete-data", dest="data", action="store_const", const="delete", help="with every snapshot")
    parser.set_defaults(run=run, data="refuse")


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.infrastructure.destruction import destroy

    destroy(load_settings(), AwsClients(), print, arguments.data)
    return 0
