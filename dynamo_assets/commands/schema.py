"""`dynamo-assets schema`: what tables.yaml may say, for editors."""

from __future__ import annotations

import argparse
import sys

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("schema", help="print the JSON schema of tables.yaml, for editors")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command has them
    """Runs it; gives the exit code."""
    from dynamo_assets.configuration.json_schema import schema_text

    sys.stdout.write(schema_text())
    return 0
