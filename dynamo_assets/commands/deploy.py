"""`dynamo-assets deploy`: what exports need in an account."""

from __future__ import annotations

import argparse

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("deploy", help="make what exports need in an account, as one CloudFormation stack")
    parser.add_argument("--dry-run", action="store_true", help="only show the changes; nothing is made")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.infrastructure.deployment import deploy

    deploy(load_settings(), AwsClients(), print, dry_run=arguments.dry_run)
    return 0
