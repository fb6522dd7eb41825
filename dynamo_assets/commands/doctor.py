"""`dynamo-assets doctor`: what would fail, before it does."""

from __future__ import annotations

import argparse

from dynamo_assets.commands.subcommands import Subcommands


def add(commands: Subcommands) -> None:
    """Adds the command to those of `dynamo-assets`."""
    parser = commands.add_parser("doctor", help="say what would fail, before the first run; nothing is changed")
    parser.add_argument(
        "--table", action="append", default=[], metavar="TABLE", help="of the tables only this one; repeatable"
    )
    parser.add_argument("--principal", default="", metavar="ARN", help="the role of Dagster's processes; the caller's")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    parser.add_argument("--strict", action="store_true", help="fail on warnings, and on what is unknown, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it; gives the exit code."""
    import json

    from dynamo_assets.aws.clients import AwsClients
    from dynamo_assets.configuration.load import load_settings
    from dynamo_assets.doctor.examination import examine
    from dynamo_assets.export.claim import utc_now

    settings = load_settings()
    tables = [settings.table_named(name) for name in arguments.table] or settings.tables
    report = examine(settings, AwsClients(brief=True), tables, utc_now(), arguments.principal)
    print(json.dumps(report.document(), indent=2) if arguments.json else "\n".join(report.lines()))
    return report.exit_code(strict=arguments.strict)
