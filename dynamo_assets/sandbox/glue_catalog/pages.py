"""Glue's paging: `MaxResults` and `NextToken`."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from dynamo_assets.sandbox.glue_catalog.errors import GlueError


def page_of(key: str, items: Sequence[Any], request: Mapping[str, Any], largest: int) -> dict[str, Any]:
    """One page of a listing, as a result.

    Args:
        key: The result's name for the items.
        items: All of them, in an order that does not change from page to page.
        request: Has `MaxResults` and `NextToken`, or not.
        largest: The most items that AWS puts on one page of this listing.

    Raises:
        GlueError: The token is none of ours.
    """
    size = min(request.get("MaxResults") or largest, largest)
    token = request.get("NextToken")
    try:
        start = int(base64.b64decode(token).decode()) if token else 0
    except ValueError as error:
        raise GlueError("InvalidInputException", f"The token {token!r} is not valid") from error
    result: dict[str, Any] = {key: items[start : start + size]}
    if start + size < len(items):
        result["NextToken"] = base64.b64encode(str(start + size).encode()).decode()
    return result
