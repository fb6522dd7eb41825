"""How far an export is, in words."""

from __future__ import annotations

WARNING_PREFIX = "WARNING: "
"""What a line of an export's output begins with that is a warning."""


def progress_line(done: int, expected: int, seconds: float = 0.0) -> str:
    """How far an export is, for a person: `exported 12,345 of about 40,000 items (30 %)`.

    Args:
        done: Items exported.
        expected: Items in the table by DynamoDB's own count, which is some hours old; 0 where it knows of none.
        seconds: How long it took so far; 0 leaves rate and time left out.
    """
    if not expected:
        line = f"exported {done:,} items"
    else:
        line = f"exported {done:,} of about {expected:,} items ({min(100, 100 * done // expected)} %)"
    rate = done / seconds if seconds > 0 else 0
    if rate >= 1:
        line += f", {rate:,.0f} a second"
        if expected > done:
            line += f", {(expected - done) / rate:,.0f} s left"
    return line
