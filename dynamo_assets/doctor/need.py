"""A permission that a configuration needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Need:
    """Some actions on some resources, each on each.

    Attributes:
        purpose: What cannot be done without.
        actions: By IAM's names.
        resources: ARNs.
        context: What a call is accompanied by, as far as policies ask for it.
        elsewhere: Whose own policy may allow it as well, where that is usual; empty where it is not.
    """

    purpose: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""
