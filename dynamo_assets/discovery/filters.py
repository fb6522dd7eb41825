"""Which of an account's tables are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from shlex import quote


@dataclass(frozen=True)
class Filters:
    """What a person asked for.

    Attributes:
        names: Patterns with `*`, `?` and `[...]`: a table's name matches one of them, if there are any.
        tags: `KEY`, or `KEY=VALUE`: a table has all of them.
    """

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def take_name(self, name: str) -> bool:
        """Whether a table of this name may be wanted."""
        return not self.names or any(fnmatchcase(name, pattern) for pattern in self.names)

    def take_tags(self, tags: Mapping[str, str]) -> bool:
        """Whether a table with these tags is wanted."""
        return all(_has(tags, *tag.partition("=")) for tag in self.tags)

    def __str__(self) -> str:
        """As they would be given to the command."""
        given = [("--name", name) for name in self.names] + [("--tag", tag) for tag in self.tags]
        return " ".join(f"{option} {quote(value)}" for option, value in given)


def _has(tags: Mapping[str, str], key: str, equals: str, value: str) -> bool:
    return key in tags and (not equals or tags[key] == value)
