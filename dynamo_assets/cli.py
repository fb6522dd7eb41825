"""The `dynamo-assets` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dynamo_assets.commands import (
    adopt,
    demo,
    deploy,
    destroy,
    doctor,
    erase,
    init,
    publish,
    retention,
    sandbox,
    schema,
)
from dynamo_assets.errors import DynamoAssetsError

COMMANDS = (sandbox, demo, init, doctor, deploy, destroy, publish, retention, erase, adopt, schema)
"""In the order in which `--help` shows them. Each imports what it works with when it runs, so that none waits for the
imports of another, and only the sandbox's own need moto."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dynamo-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
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
