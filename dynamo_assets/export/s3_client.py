"""S3 for an export: asked again for minutes, because what was read in hours must not be lost to one minute of S3's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from botocore import exceptions as boto
from botocore.config import Config

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 16
"""With their waits about two minutes; boto3's own are three, within some seconds."""
MAX_BACKOFF_SECONDS = 20.0

_RETRYABLE_STATUSES = frozenset({500, 502, 503, 504})
# API reference, "Error responses". S3 says SlowDown with status 503.
_RETRYABLE_CODES = frozenset(
    {
        "RequestTimeout",
        # The body was damaged on its way.
        "BadDigest",
        "XAmzContentSHA256Mismatch",
        # Two conditional writes met: "retry the upload" (user guide, "How to prevent object overwrites").
        "ConditionalRequestConflict",
        # Credentials that expire during an export are renewed by the session they came from.
        "ExpiredToken",
        # The answer to a HEAD has no body, so that it does not say which of these it is.
        "400",
    }
)


def patient_client(session: boto3.Session) -> S3Client:
    """An S3 client that repeats requests by the rules of this module.

    Args:
        session: Where credentials, region and endpoint come from.
    """
    client = session.client("s3", config=Config(retries={"total_max_attempts": 1, "mode": "standard"}))
    decide: Any = _seconds_to_wait  # the stubs have handlers return nothing
    client.meta.events.register("needs-retry.s3", decide)
    return client


def _seconds_to_wait(
    response: tuple[Any, dict[str, Any]] | None, attempts: int, caught_exception: Exception | None, **_: Any
) -> float | None:
    """How long boto3 shall wait before it repeats a request; None where it shall not."""
    if attempts >= ATTEMPTS or not _is_retryable(response, caught_exception):
        return None
    # Full jitter: units that were refused together must not come back together.
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, 0.1 * 2 ** min(attempts, 10)))  # noqa: S311 - no secret


def _is_retryable(response: tuple[Any, dict[str, Any]] | None, caught_exception: Exception | None) -> bool:
    if response is None:
        return isinstance(caught_exception, (boto.HTTPClientError, boto.ConnectionError))
    http, parsed = response
    return http.status_code in _RETRYABLE_STATUSES or parsed.get("Error", {}).get("Code") in _RETRYABLE_CODES
