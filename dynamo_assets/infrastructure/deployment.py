"""Makes what must exist before the first export, as one CloudFormation stack. Running it twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import BinaryIO

from botocore.exceptions import ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure.existing import Existing
from dynamo_assets.infrastructure.glue_code import GlueCode, build_glue_code
from dynamo_assets.infrastructure.parameters import parameters, stack_name, template_body
from dynamo_assets.infrastructure.python_modules import PythonModules, python_modules
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
    code, modules = build_glue_code(), python_modules(settings, log)
    if not dry_run and stack.make_way():
        log(f"stack {stack.name}: what a creation that failed had left is removed")
    own = stack.resources()
    existing = Existing.look(settings, aws, own)
    needed = parameters(settings, existing, code, modules, aws.region_name())
    _tell_what_exists(existing, stack, needed, log)
    bucket_is_there = "Bucket" in own or "Bucket" in existing.found
    if bucket_is_there and not dry_run:  # before the jobs that are to run it
        _upload(settings, aws, code, modules, log)
    elif not dry_run:  # what cannot be had is said before jobs are made that need it
        modules.files(modules.wheels)
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
        _upload(settings, aws, code, modules, log)
    _tell_of_jobs(settings, existing, code, modules, log)
    policies = [arn for name, arn in sorted(stack.outputs().items()) if name.endswith("PolicyArn")]
    log(f"policies for whoever runs Dagster: {', '.join(policies)}")


def _tell_what_exists(existing: Existing, stack: Stack, needed: Mapping[str, str], log: Callable[[str], None]) -> None:
    for name in existing.found.values():
        log(f"{name}: exists, and is none of stack {stack.name}'s: used as it is, not managed")
    if "Bucket" in existing.found and (roles := needed["ExportingRoleArns"]):
        folder = f"{needed['KeyPrefix']}_native_exports/"
        log(f"{existing.found['Bucket']}: its policy must let {roles} write below {folder} (docs/accounts.md)")


def _tell_of_jobs(
    settings: Settings, existing: Existing, code: GlueCode, modules: PythonModules, log: Callable[[str], None]
) -> None:
    """Says what the jobs must be given that are not the stack's."""
    layout = settings.layout
    for resource, engine in {"Job": "glue", "ConnectorJob": "glue_connector"}.items():
        if resource in existing.found:
            script = layout.uri(layout.glue_code_prefix() + code.scripts[engine][0])
            package = layout.uri(layout.glue_code_prefix() + code.package_name)
            arguments = {"--extra-py-files": package, **modules.arguments}
            told = ", ".join(f"{name} to {value}" for name, value in arguments.items())
            log(f"{existing.found[resource]}: set its script to {script}, {told}")


def _upload(
    settings: Settings, aws: AwsClients, code: GlueCode, modules: PythonModules, log: Callable[[str], None]
) -> None:
    """Puts scripts, package and wheels where they do not lie yet: their keys hold a hash of their content."""
    bucket, prefix = settings.storage.bucket, settings.layout.glue_code_prefix()

    def is_missing(name: str) -> bool:
        try:
            aws.s3.head_object(Bucket=bucket, Key=prefix + name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            return True
        return False

    def put(name: str, body: bytes | BinaryIO) -> None:
        aws.s3.put_object(Bucket=bucket, Key=prefix + name, Body=body)
        log(f"uploaded {settings.layout.uri(prefix + name)}")

    for name, body in [*code.scripts.values(), (code.package_name, code.package)]:
        if is_missing(name):
            put(name, body)
    for wheel, path in modules.files([wheel for wheel in modules.wheels if is_missing(wheel.name)]).items():
        with path.open("rb") as file:
            put(wheel.name, file)
