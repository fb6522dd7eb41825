"""`dynamo-assets publish`: a view is re-pointed by hand."""

from __future__ import annotations

import argparse
import getpass
import uuid

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("publish", help="re-point a view, or the views of a set, to a complete snapshot")
    parser.add_argument("target", metavar="TABLE|SET", help="a table as tables.yaml names it, or a set")
    parser.add_argument("--snapshot", default="", metavar="T", help="its snapshot_timestamp; the newest verified one")
    parser.add_argument("--pin", action="store_true", help="hold it there until it is unpinned")
    parser.add_argument("--unpin", action="store_true", help="take the pin off")
    parser.add_argument("--accept", action="store_true", help="although it did not pass its checks")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; shown with the pin")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.publishing.by_hand import Order, Publisher
    from dynamo_assets.publishing.presentation import spoken_pin

    order = Order(
        target=arguments.target,
        snapshot=arguments.snapshot,
        pin=arguments.pin,
        unpin=arguments.unpin,
        accept=arguments.accept,
        reason=arguments.reason,
        by=f"{getpass.getuser()} at a command line",
    )
    settings = load_settings()
    published = Publisher(settings, AwsClients(), print).publish(order, attempt=uuid.uuid4().hex)
    for shown in published.shown:
        view = f"{settings.catalog.database}.{shown.manifest.name}"
        print(f"{view} shows {shown.manifest.snapshot_timestamp}: {shown.rows:,} rows")
    print(f"Pinned: {spoken_pin(published.pin)}")
    return 0
