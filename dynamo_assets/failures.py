"""This package's errors as Dagster failures: the message, a link, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.glue_jobs import GlueRunError
from dynamo_assets.aws.native_exports import NativeExportError
from dynamo_assets.aws.refusals import Refusal
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import (
    CatalogError,
    ConversionError,
    DynamoAssetsError,
    HeldBackError,
    ManifestError,
    PlanError,
    RoleError,
    SlotError,
)

NEVER_HELPED_BY_A_RETRY = (SlotError, PlanError, RoleError, ConversionError, CatalogError, ManifestError, HeldBackError)
WORTH_RETRYING_STATES = frozenset({"FAILED", "ERROR", "EXPIRED"})


class Try(Protocol):
    """What Dagster's contexts of a step say of how often it was tried."""

    @property
    def retry_number(self) -> int: ...  # noqa: D102


@contextmanager
def explained(table: Table, context: Try) -> Iterator[None]:
    """As `explained_of`, for a step of one table."""
    with explained_of({"table": table.table}, table.retries, context):
        yield


@contextmanager
def explained_of(subject: Mapping[str, str], retries: int, context: Try) -> Iterator[None]:
    """Turns this package's errors and AWS's into `dagster.Failure`: the UI shows message and link, not a stack.

    Other errors pass: for them the stack is what helps.

    Args:
        subject: Whose step it is, for the failure's metadata.
        retries: How often the step may be tried again.
        context: The step's.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        refusal = Refusal.of(error)
        told = {"denied": refusal.action} if refusal.denied else {"refused": refusal.action, "code": refusal.code}
        message = f"{', '.join(subject.values())}: {refusal.text}"
        retry = refusal.retry and context.retry_number < retries
        raise dg.Failure(message, metadata={**subject, **told}, allow_retries=retry) from error
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
