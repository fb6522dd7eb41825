"""Makes what must exist before the first export, as one CloudFormation stack. Running it twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure.existing import Existing
from dynamo_assets.infrastructure.glue_code import GlueCode, build_glue_code
from dynamo_assets.infrastructure.parameters import parameters, stack_name, template_body
from dynamo_assets.infrastructure.stack import Stack

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+")


def deploy(settings: Settings, aws: AwsClients, log: Callable[[str], None], *, dry_run: bool = False) -> None:
    """Creates what is missing and updates what differs. What exists and is not the stack's is used and left alone.

    Args:
        settings: What `tables.yaml` says.
        aws: Where to.
        log: Called once for each thing, with what was done.
        dry_run: Only say what would be done.

    Raises:
        ConfigError: `glue.role_arn` is not set, or a setting cannot be deployed.
        DeploymentError: It failed, and the stack is as it was before; or a call of CloudFormation's is not allowed.
    """
    if not _ROLE.fullmatch(settings.glue.role_arn):
        raise ConfigError(
            f"glue.role_arn: {settings.glue.role_arn!r} is no role's ARN; set it to that of the role for Glue jobs and "
            "crawlers, such as arn:aws:iam::123456789012:role/dynamodb-exports, which is made where it does not exist"
        )
    stack = Stack(aws.cloudformation, stack_name(settings))
    with stack.denials_told():
        _deploy(settings, aws, stack, log, dry_run=dry_run)


def _deploy(settings: Settings, aws: AwsClients, stack: Stack, log: Callable[[str], None], *, dry_run: bool) -> None:
    code = build_glue_code()
    if not dry_run and stack.make_way():
        log(f"stack {stack.name}: what a creation that failed had left is removed")
    own = stack.resources()
    existing = Existing.look(settings, aws, own)
    needed = parameters(settings, existing, code, aws.region_name())
    _tell_what_exists(existing, stack, needed, log)
    bucket_is_there = "Bucket" in own or "Bucket" in existing.found
    if bucket_is_there and not dry_run:  # before the jobs that are to run it
        _upload(settings, aws, code, log)
    proposed = stack.propose(template_body(), needed)
    for line in proposed.changes:
        log(f"{'would ' if dry_run else ''}{line}")
    if not proposed.changes:
        log(f"stack {stack.name}: unchanged")
    elif dry_run:
        stack.discard(proposed)
    else:
        stack.execute(proposed)
        log(f"stack {stack.name}: {'created' if proposed.creates else 'updated'}")
    if dry_run:
        return
    if not bucket_is_there:
        _upload(settings, aws, code, log)
    for resource, engine in {"Job": "glue", "ConnectorJob": "glue_connector"}.items():
        if resource in existing.found:
            layout = settings.layout
            script = layout.uri(layout.glue_code_prefix() + code.scripts[engine][0])
            package = layout.uri(layout.glue_code_prefix() + code.package_name)
            log(
                f"{existing.found[resource]}: set its script to {script}, --extra-py-files to {package}, "
                f"--additional-python-modules to {code.additional_python_modules}"
            )
    policies = [arn for name, arn in sorted(stack.outputs().items()) if name.endswith("PolicyArn")]
    log(f"policies for whoever runs Dagster: {', '.join(policies)}")


def _tell_what_exists(existing: Existing, stack: Stack, needed: Mapping[str, str], log: Callable[[str], None]) -> None:
    for name in existing.found.values():
        log(f"{name}: exists, and is none of stack {stack.name}'s: used as it is, not managed")
    if "Bucket" in existing.found and (roles := needed["ExportingRoleArns"]):
        folder = f"{needed['KeyPrefix']}_native_exports/"
        log(f"{existing.found['Bucket']}: its policy must let {roles} write below {folder} (docs/accounts.md)")


def _upload(settings: Settings, aws: AwsClients, code: GlueCode, log: Callable[[str], None]) -> None:
    """Puts scripts and package where no earlier version of them lies: their keys hold a hash of their content."""
    bucket, prefix = settings.storage.bucket, settings.layout.glue_code_prefix()
    for name, body in [*code.scripts.values(), (code.package_name, code.package)]:
        try:
            aws.s3.head_object(Bucket=bucket, Key=prefix + name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            aws.s3.put_object(Bucket=bucket, Key=prefix + name, Body=body)
            log(f"uploaded {settings.layout.uri(prefix + name)}")
