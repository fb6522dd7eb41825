"""This package's errors as Dagster failures: the message, a link, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from botocore.exceptions import ClientError

from dynamo_assets.aws.glue_jobs import GlueRunError
from dynamo_assets.aws.native_exports import NativeExportError
from dynamo_assets.errors import (
    CatalogError,
    ConversionError,
    DynamoAssetsError,
    HeldBackError,
    ManifestError,
    PlanError,
    SlotError,
)
from dynamo_assets.settings import Table

NEVER_HELPED_BY_A_RETRY = (SlotError, PlanError, ConversionError, CatalogError, ManifestError, HeldBackError)
ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
"""S3's code, that of the services with JSON protocols, and that of an answer without a body, as to a HEAD."""
WORTH_RETRYING_STATES = frozenset({"FAILED", "ERROR", "EXPIRED"})


@contextmanager
def explained(table: Table, context: dg.AssetExecutionContext) -> Iterator[None]:
    """As `explained_of`, for a step of one table."""
    with explained_of({"table": table.table}, table.retries, context):
        yield


@contextmanager
def explained_of(subject: Mapping[str, str], retries: int, context: dg.AssetExecutionContext) -> Iterator[None]:
    """Turns this package's errors into `dagster.Failure`, so that the UI shows message and link, not a stack.

    Other errors pass: for them the stack is what helps.

    Args:
        subject: Whose step it is, for the failure's metadata.
        retries: How often the step may be tried again.
        context: The step's.
    """
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ACCESS_DENIED:
            raise
        action = error.operation_name
        message = (
            f"{', '.join(subject.values())}: AWS denied {action}: {error}. Allow it for the credentials of this run; "
            "docs/configuration.md lists what they need"
        )
        raise dg.Failure(message, metadata={**subject, "denied": action}, allow_retries=False) from error
    except DynamoAssetsError as error:
        metadata: dict[str, Any] = {**subject, "error": type(error).__name__}
        retry = not any(isinstance(reason, NEVER_HELPED_BY_A_RETRY) for reason in (error, error.__cause__))
        if isinstance(error, GlueRunError):
            metadata |= {
                "glue_run": dg.MetadataValue.url(error.url),
                "glue_run_id": error.run.run_id,
                "glue_state": error.run.state,
                "reason": error.run.error_message or "Glue gave no reason",
            }
            retry = error.run.state in WORTH_RETRYING_STATES and not _names_one_of_ours(error.run.error_message)
        if isinstance(error, NativeExportError):
            metadata |= {"native_exports": dg.MetadataValue.url(error.url)}
        # Asked for a retry after the last one, Dagster would say "Exceeded max_retries" where the reason belongs.
        retry = retry and context.retry_number < retries
        raise dg.Failure(str(error), metadata=metadata, allow_retries=retry) from error


def _names_one_of_ours(reason: str) -> bool:
    """Whether a Glue run failed of an error that no retry helps; Glue gives it as `PlanError: text`."""
    return any(f"{kind.__name__}: " in reason for kind in NEVER_HELPED_BY_A_RETRY)
