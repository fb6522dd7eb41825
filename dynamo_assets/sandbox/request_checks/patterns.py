"""The patterns of AWS's models, which are Java's."""

from __future__ import annotations

import functools
import re

# Java takes a pair of surrogates for the one character that it is.
_BEYOND_16_BITS = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")

UNREADABLE = frozenset(
    {
        r"\p{Print}+",
        r"[\p{L}\p{N}\p{P}]*",
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
        r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$",
        r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$",
        r"^!?\*?([\p{L}\p{Z}\p{N}_.:/=+\-@]*)\*?$",
        r"[\w-_]*",
    }
)
"""What Python's `re` cannot read in the models of the services that this project uses: of tags, transactions and
auto scaling policies. They are not checked."""


@functools.cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    r"""A model's pattern for `fullmatch`, which is how the services apply it; None where Python cannot read it.

    Models write `[^:*]*` and mean the whole value. Java's `\d`, `\w` and `\s` are ASCII's.
    """
    try:
        return re.compile(pattern.replace(*_BEYOND_16_BITS), re.ASCII)
    except re.error:
        return None
