"""The `dynamo-assets` command."""

from __future__ import annotations

import argparse
import getpass
import signal
import sys
import threading
import uuid
from collections.abc import Sequence

from dynamo_assets.errors import ConfigError, DynamoAssetsError


def _sandbox(arguments: argparse.Namespace) -> int:
    from dynamo_assets.sandbox.samples import load_samples  # noqa: PLC0415 - only the sandbox's commands need moto
    from dynamo_assets.sandbox.server import serve  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(arguments.port) as endpoint:
        if not arguments.empty:
            load_samples(endpoint)
        for name, value in endpoint.environment().items():
            print(f"export {name}={value}", flush=True)
        stop.wait()
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from dynamo_assets.sandbox.demo import run_demo  # noqa: PLC0415

    # So that `make ui` ends what it started when its terminal is closed, too, and when a shell started it in the
    # background, where SIGINT is ignored unless asked for.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    return run_demo(ui=arguments.ui, ui_port=arguments.ui_port)


def _deploy(arguments: argparse.Namespace) -> int:
    from dynamo_assets.aws.clients import AwsClients  # noqa: PLC0415
    from dynamo_assets.config import load_settings  # noqa: PLC0415
    from dynamo_assets.infrastructure.deployment import deploy  # noqa: PLC0415

    deploy(load_settings(), AwsClients(), print, dry_run=arguments.dry_run)
    return 0


def _destroy(arguments: argparse.Namespace) -> int:
    from dynamo_assets.aws.clients import AwsClients  # noqa: PLC0415
    from dynamo_assets.config import load_settings  # noqa: PLC0415
    from dynamo_assets.infrastructure.destruction import destroy  # noqa: PLC0415

    destroy(load_settings(), AwsClients(), print, arguments.data)
    return 0


def _retention(arguments: argparse.Namespace) -> int:
    from dynamo_assets.aws.clients import AwsClients  # noqa: PLC0415
    from dynamo_assets.config import load_settings  # noqa: PLC0415
    from dynamo_assets.export.claim import utc_now  # noqa: PLC0415
    from dynamo_assets.retention.job import tables_with_retention  # noqa: PLC0415
    from dynamo_assets.retention.run import RetentionRun  # noqa: PLC0415

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


def _publish(arguments: argparse.Namespace) -> int:
    from dynamo_assets.aws.clients import AwsClients  # noqa: PLC0415
    from dynamo_assets.config import load_settings  # noqa: PLC0415
    from dynamo_assets.publishing.by_hand import Order, Publisher  # noqa: PLC0415
    from dynamo_assets.publishing.presentation import spoken_pin  # noqa: PLC0415

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


def _erase(arguments: argparse.Namespace) -> int:
    from dynamo_assets.aws.clients import AwsClients  # noqa: PLC0415
    from dynamo_assets.config import load_settings  # noqa: PLC0415
    from dynamo_assets.erasure.keys import Keys, read_keys  # noqa: PLC0415
    from dynamo_assets.erasure.run import ErasureRun, table_named  # noqa: PLC0415
    from dynamo_assets.export.claim import utc_now  # noqa: PLC0415

    settings, aws = load_settings(), AwsClients()
    table = table_named(settings, arguments.table)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dynamo-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sandbox = commands.add_parser("sandbox", help="serve the local AWS on 127.0.0.1 until stopped")
    sandbox.add_argument("--port", type=int, default=5050, help="0 takes a free one (default: 5050)")
    sandbox.add_argument("--empty", action="store_true", help="without the sample tables")
    sandbox.set_defaults(run=_sandbox)
    demo = commands.add_parser("demo", help="export, crawl, publish and query sample tables on a sandbox")
    demo.add_argument("--ui", action="store_true", help="leave the Dagster UI open on it")
    demo.add_argument("--ui-port", type=int, default=3000)
    demo.set_defaults(run=_demo)
    deploy = commands.add_parser("deploy", help="make what exports need in an account, as one CloudFormation stack")
    deploy.add_argument("--dry-run", action="store_true", help="only show the changes; nothing is made")
    deploy.set_defaults(run=_deploy)
    destroy = commands.add_parser("destroy", help="remove what `deploy` has made; refused while there is data")
    data = destroy.add_mutually_exclusive_group()
    data.add_argument("--keep-data", dest="data", action="store_const", const="keep", help="leave bucket and database")
    data.add_argument("--delete-data", dest="data", action="store_const", const="delete", help="with every snapshot")
    destroy.set_defaults(run=_destroy, data="refuse")
    publish = commands.add_parser("publish", help="re-point a view, or the views of a set, to a complete snapshot")
    publish.add_argument("target", metavar="TABLE|SET", help="a table as tables.yaml names it, or a set")
    publish.add_argument("--snapshot", default="", metavar="T", help="its snapshot_timestamp; the newest verified one")
    publish.add_argument("--pin", action="store_true", help="hold it there until it is unpinned")
    publish.add_argument("--unpin", action="store_true", help="take the pin off")
    publish.add_argument("--accept", action="store_true", help="although it did not pass its checks")
    publish.add_argument("--reason", default="", metavar="TEXT", help="why; shown with the pin")
    publish.set_defaults(run=_publish)
    retention = commands.add_parser("retention", help="remove old snapshots, and what dead attempts left")
    retention.add_argument("--dry-run", action="store_true", help="only list what would go; nothing is changed")
    retention.add_argument("--table", action="append", default=[], metavar="TABLE", help="only this one; repeatable")
    retention.set_defaults(run=_retention)
    erase = commands.add_parser("erase", help="erase items from every snapshot of a table")
    erase.add_argument("--table", required=True, metavar="TABLE", help="named as in tables.yaml")
    erase.add_argument(
        "--key", action="append", default=[], metavar="JSON", help='a key, {"customer_id": "42"}; repeatable'
    )
    erase.add_argument("--keys-file", metavar="FILE", help="a key a line: a path, s3://..., or - for standard input")
    erase.add_argument("--dry-run", action="store_true", help="only count what would go; nothing is changed")
    erase.set_defaults(run=_erase)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        return 130
    except DynamoAssetsError as error:
        print(f"dynamo-assets: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        told = _told_of_aws(error)
        if told is None:
            raise
        print(f"dynamo-assets: {told}", file=sys.stderr)
        return 1


def _told_of_aws(error: Exception) -> str | None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from dynamo_assets.aws.refusals import Refusal  # noqa: PLC0415

    return Refusal.of(error).text if isinstance(error, ClientError | BotoCoreError) else None


if __name__ == "__main__":
    sys.exit(main())
