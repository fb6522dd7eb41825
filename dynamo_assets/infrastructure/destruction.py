"""Takes away what `deploy` has made. Data goes only where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Literal

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import DeploymentError
from dynamo_assets.infrastructure.parameters import stack_name
from dynamo_assets.infrastructure.stack import Stack
from dynamo_assets.naming import crawler_name

_BATCH = 1000  # DeleteObjects' limit
_SHOWN = 3


def destroy(
    settings: Settings,
    aws: AwsClients,
    log: Callable[[str], None],
    data: Literal["refuse", "keep", "delete"] = "refuse",
) -> None:
    """Deletes the stack and the crawlers; the stack's own bucket and database too, where they hold no data.

    Args:
        settings: What `tables.yaml` says.
        aws: Where.
        log: Called once for each thing that goes or stays.
        data: What to do where there is data in the stack's bucket.

    Raises:
        DeploymentError: There is data and nothing was said of it, or something could not be deleted.
    """
    stack = Stack(aws.cloudformation, stack_name(settings))
    with stack.denials_told():
        _destroy(settings, aws, stack, log, data)


def _destroy(
    settings: Settings,
    aws: AwsClients,
    stack: Stack,
    log: Callable[[str], None],
    data: Literal["refuse", "keep", "delete"],
) -> None:
    own = stack.resources()
    if not own:
        log(f"stack {stack.name}: there is none")
        return
    bucket, database = own.get("Bucket"), own.get("Database")
    found = list(islice(_data(settings, aws, bucket), _SHOWN)) if bucket else []
    if found and data == "refuse":
        raise DeploymentError(
            f"bucket {bucket} holds data ({', '.join(found)}, ...); nothing was removed. Say --keep-data, to keep "
            "it and the database, or --delete-data"
        )
    for table in settings.tables:
        name = crawler_name(settings.catalog.database, table.name)
        try:
            aws.glue.delete_crawler(Name=name)
            log(f"crawler {name}: deleted")
        except aws.glue.exceptions.EntityNotFoundException:
            continue
    stack.delete()
    log(f"stack {stack.name}: deleted")
    keeps = bool(found) and data == "keep"
    if database:
        if not keeps:
            aws.glue.delete_database(Name=database)
        log(f"database {database}: {'kept' if keeps else 'deleted'}")
    if bucket:
        if not keeps:
            _empty(aws.s3, bucket)
            aws.s3.delete_bucket(Bucket=bucket)
        log(f"bucket {bucket}: {'kept' if keeps else 'deleted'}")
    if key := own.get("Key"):
        log(f"KMS key {key}: kept, since nothing that it encrypted could be read without it; delete it in KMS")


def _data(settings: Settings, aws: AwsClients, bucket: str) -> Iterator[str]:
    """The keys of all but code and query results, which can be had again."""
    layout = settings.layout
    again = (layout.glue_code_prefix(), layout.athena_results_prefix())
    for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if not entry["Key"].startswith(again):
                yield entry["Key"]


def _empty(s3: Any, bucket: str) -> None:
    """Deletes every object and every version."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, MaxKeys=_BATCH):
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        if keys and (errors := s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True}).get("Errors")):
            raise DeploymentError(f"bucket {bucket}: {errors[0]['Key']} was not deleted: {errors[0].get('Message')}")
