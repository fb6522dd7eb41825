"""The files a crawler's S3 target has: everything below its path but hidden, empty and excluded objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_S3_PATH = re.compile(r"s3://(?P<bucket>[^/]+)(/(?P<key>.*))?")


@dataclass(frozen=True)
class S3File:
    """An object of a target: its key, its size in bytes, and the ETag that says whether it changed."""

    key: str
    size: int
    etag: str

    @property
    def folder(self) -> str:
        """The key's part up to and with the last slash."""
        return self.key[: self.key.rfind("/") + 1]


@dataclass(frozen=True)
class S3Target:
    """What a crawler is pointed at.

    Attributes:
        path: As the crawler's definition has it.
        bucket: The bucket's name.
        key: The rest of the path: a folder, with or without a slash at its end, or one object's whole key.
        exclusions: Glob patterns, relative to the path.
    """

    path: str
    bucket: str
    key: str
    exclusions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, path: str, exclusions: Sequence[str] = ()) -> S3Target:
        """The target of an `s3://` path.

        Raises:
            ValueError: It is not one, or a pattern has a bracket or brace that is never closed.
        """
        match = _S3_PATH.fullmatch(path)
        if match is None:
            raise ValueError(f"{path!r} is not a path of the form s3://bucket/folder/")
        for pattern in exclusions:
            glob_to_regex(pattern)
        return cls(path, match["bucket"], match["key"] or "", tuple(exclusions))

    @property
    def folder(self) -> str:
        """The key as a folder: empty, or with one slash at its end."""
        return f"{self.key.rstrip('/')}/" if self.key else ""

    def covers(self, location: str) -> bool:
        """Whether an `s3://` location lies at or below this target."""
        return f"{location.rstrip('/')}/".startswith(f"s3://{self.bucket}/{self.folder}")


def list_files(s3: Any, target: S3Target) -> Iterator[S3File]:
    """The target's files, in the order of their keys.

    Left out are empty objects (so also the markers that stand for folders), those that Hive and Athena take for hidden
    (a part of the path below the target begins with `_` or `.`), and those that an exclusion matches.

    Raises:
        ClientError: There is no such bucket.
    """
    excluded = [glob_to_regex(pattern) for pattern in target.exclusions]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=target.bucket, Prefix=target.key.rstrip("/")):
        for entry in page.get("Contents", []):
            key, size = entry["Key"], entry["Size"]
            is_target_itself = key == target.key
            if not is_target_itself and not key.startswith(target.folder):
                continue  # s3://bucket/orders also begins s3://bucket/orders_old/
            below = key.rsplit("/", 1)[-1] if is_target_itself else key[len(target.folder) :]
            hidden = any(part.startswith(("_", ".")) for part in below.split("/"))
            if size and not hidden and not any(pattern.fullmatch(below) for pattern in excluded):
                yield S3File(key, size, entry["ETag"])


_GLOB_TOKEN = re.compile(
    r"(?P<deep>\*\*)|(?P<star>\*)|(?P<one>\?)|(?P<open>\{)|(?P<close>\})|(?P<comma>,)"
    r"|\[(?P<negated>!?)(?P<set>[^\]]+)\]|\\(?P<escaped>.)|(?P<plain>[^*?\[{\\])",
    re.DOTALL,
)
_GLOB_REGEX = {"deep": ".*", "star": "[^/]*", "one": "[^/]", "open": "(?:", "close": ")", "comma": "|"}


def glob_to_regex(pattern: str) -> re.Pattern[str]:
    r"""A Glue exclusion pattern as a regular expression for the path below the target.

    The grammar is that of the Glue developer guide, "Include and exclude patterns": `*` and `?` stay within a folder,
    `**` does not, `[a-z]` and `[!a-z]`, `{one,other}` without nesting, and `\` before a character that is meant.

    Raises:
        ValueError: A bracket or brace is never closed, or braces are nested.
    """
    parts: list[str] = []
    position, in_group = 0, False
    while position < len(pattern):
        token = _GLOB_TOKEN.match(pattern, position)
        if token is None or (token["open"] and in_group):
            raise ValueError(f"{pattern!r} is not a glob pattern: see character {position + 1}")
        position = token.end()
        parts.append(_translate(token, in_group=in_group))
        in_group = bool(token["open"]) or (in_group and not token["close"])
    if in_group:
        raise ValueError(f"{pattern!r} is not a glob pattern: a brace is never closed")
    return re.compile("".join(parts), re.DOTALL)


def _translate(token: re.Match[str], *, in_group: bool) -> str:
    kind = str(token.lastgroup)
    if kind == "set":
        # Within brackets `*`, `?` and `\` stand for themselves; a slash never matches.
        members = re.sub(r"([\\^\[\]&~|])", r"\\\1", token["set"])
        return f"(?!/)[{'^' if token['negated'] else ''}{members}]"
    if kind in {"comma", "close"} and not in_group:
        return re.escape(token.group())
    return _GLOB_REGEX[kind] if kind in _GLOB_REGEX else re.escape(token["escaped"] or token["plain"])
