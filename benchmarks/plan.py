"""What is measured on which table, with how many items, beside what, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.contestants import (
    AWSWRANGLER,
    BOTO3_PYARROW,
    BOTO3_SCAN,
    DECODE,
    DUCKDB_JSON,
    GUNZIP_ISAL,
    GUNZIP_ZLIB,
    OURS,
    OURS_NATIVE,
    OURS_NATIVE_WITH_HINT,
    OURS_WITH_HINT,
    PYARROW_JSON,
    Contestant,
)


@dataclass(frozen=True)
class Target:
    """What is asked of our export.

    Attributes:
        rss_mb: The most memory, in 10**6 bytes.
        times: How many times a peer's items per CPU second, or None where there is nothing to be compared with.
        floor: Less than so many times is no longer to be accepted; None where that is not distinguished.
        peers: Which peer's; of several, what they would make together, each doing its part of the work.
    """

    rss_mb: int
    times: float | None = None
    floor: float | None = None
    peers: tuple[Contestant, ...] = (BOTO3_PYARROW,)


@dataclass(frozen=True)
class Entry:
    """One contestant on one table.

    Attributes:
        group: What it is compared within.
        data: The data set, one of `benchmarks.tables.TABLES`.
        items: How many at least; the peers, many times slower, get fewer.
        once: Whether one run is enough, because only its memory matters.
        leaves_hint: Whether what it wrote stays, for the next entry to find.
    """

    group: str
    data: str
    items: int
    contestant: Contestant
    target: Target | None = None
    once: bool = False
    leaves_hint: bool = False

    @property
    def table(self) -> str:
        """Its table on the replay server."""
        return f"{self.data}-{self.items}"

    @property
    def bucket(self) -> str:
        """Its bucket there; a hint is found by its own group only."""
        return f"bucket-{self.group}-{self.table}"


def _ours(group: str, items: int, target: Target) -> list[Entry]:
    return [
        Entry(group, group, items, OURS, target, leaves_hint=True),
        Entry(group, group, items, OURS_WITH_HINT, target),
    ]


_FRIENDLY = Target(300, times=12, floor=7)
# At most `FLAT_TIMES` what is asked of a million.
_LARGE = Target(330, times=12, floor=7)
_WIDE = Target(400, times=2.5)
_NATIVE = Target(300, times=0.5, peers=(GUNZIP_ISAL, DECODE))

FLAT_FROM, FLAT_TO = 1_000_000, 5_000_000
"""Between these numbers of items of the friendly table, memory has to stay the same."""
FLAT_TIMES = 1.1

ENTRIES: Sequence[Entry] = (
    *_ours("friendly", 200_000, _FRIENDLY),
    Entry("friendly", "friendly", 25_000, BOTO3_PYARROW),
    Entry("friendly", "unmixed", 15_000, AWSWRANGLER),
    Entry("friendly", "friendly", FLAT_FROM, OURS, _FRIENDLY),
    Entry("friendly", "friendly", FLAT_TO, OURS, _LARGE, once=True),
    *_ours("wide", 40_000, _WIDE),
    Entry("wide", "wide", 15_000, BOTO3_PYARROW),
    Entry("wide", "wide", 100_000, OURS, _WIDE, once=True),
    *_ours("drip", 200_000, Target(400, times=4)),
    Entry("drip", "drip", 20_000, BOTO3_PYARROW),
    Entry("keys50k", "keys50k", 45_000, OURS, Target(400, times=5, peers=(BOTO3_SCAN,))),
    Entry("keys50k", "keys50k", 15_000, BOTO3_SCAN),
    Entry("big", "big", 300, OURS, Target(400)),
    Entry("native", "friendly", 200_000, OURS_NATIVE, _NATIVE, leaves_hint=True),
    Entry("native", "friendly", 200_000, OURS_NATIVE_WITH_HINT, _NATIVE),
    Entry("native", "friendly", 200_000, GUNZIP_ISAL),
    Entry("native", "friendly", 200_000, GUNZIP_ZLIB),
    Entry("native", "friendly", 200_000, DECODE),
    Entry("native", "friendly", 200_000, PYARROW_JSON),
    Entry("native", "friendly", 200_000, DUCKDB_JSON),
)
GROUPS = tuple(dict.fromkeys(entry.group for entry in ENTRIES))
