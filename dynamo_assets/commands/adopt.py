"""`dynamo-assets adopt`: snapshots that the pipeline of 2019 left in S3 become this project's."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from dynamo_assets.commands.subcommands import Subcommands

FORMATS = ("parquet", "orc", "avro", "json", "csv")


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("adopt", help="register snapshots of the pipeline of 2019, without moving a byte")
    parser.add_argument("table", metavar="TABLE", help="as tables.yaml names it")
    parser.add_argument("--from", dest="source", required=True, metavar="S3-URI", help="its output prefix")
    parser.add_argument("--format", default="", choices=FORMATS, help="refuse what is of another one")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--snapshot", action="append", default=[], metavar="T", help="this one, which you say is complete; repeatable"
    )
    which.add_argument(
        "--all", action="store_true", help="all of them, also where no _SUCCESS says that they are complete"
    )
    parser.add_argument("--dry-run", action="store_true", help="only list them, with their rows; nothing is changed")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code: 0 where every snapshot is adopted and has passed its checks."""
    import dagster as dg

    from dynamo_assets.adoption.dagster_events import DagsterEvents
    from dynamo_assets.adoption.presentation import advice, line
    from dynamo_assets.adoption.run import Adoption
    from dynamo_assets.adoption.selection import Order
    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings

    settings = load_settings()
    table = settings.table_named(arguments.table)
    order = Order(
        source=arguments.source,
        format=arguments.format,
        labels=arguments.snapshot,
        all=arguments.all,
        by=f"{getpass.getuser()} at a command line",
    )
    adoption = Adoption(settings, AwsClients(), table, order, arguments.dry_run, print)
    events = None
    if os.environ.get("DAGSTER_HOME") and not arguments.dry_run:
        events = DagsterEvents(dg.DagsterInstance.get(), settings)
    bad, rows, adopted = 0, None, []
    for outcome in adoption.apply():
        manifest = outcome.manifest
        slot = events.report(manifest, verified=outcome.verified == "verified") if events and manifest else ""
        print(line(outcome, rows, slot), flush=True)
        if manifest:
            rows = manifest.rows
            adopted.append(manifest)
        bad += not outcome.is_good
    for told in advice(table, adopted):
        print(told)
    if bad:
        print(
            f"dynamo-assets: {table.table}: {bad} snapshot(s) were refused or did not pass their checks",
            file=sys.stderr,
        )
    if events is None and not arguments.dry_run:
        print("Dagster was told nothing: DAGSTER_HOME is not set. Set it and run the same again to see slots filled")
    return 1 if bad else 0
