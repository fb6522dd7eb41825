"""Which of a target's files make one table, and which of its folders are partitions.

AWS documents this in part: files of one table share format and compression; folders of one level whose schemas are
similar ("more than 70 percent", "at most five different schemas") are partitions of one table, others are tables of
their own; `CombineCompatibleSchemas` drops the question of similarity; `TableLevelConfiguration` says at which level
tables lie. Approximated here, because AWS says no more:

- similar: two schemas share more than 70 percent of their column names, types left aside; a level is one table where
  more than 70 percent of its folders are similar to one of them and no more than five kinds are there at all;
- a folder that is not `key=value` and has no sibling is the table itself, not its one partition;
- files beside folders, or of several formats in one folder, are tables of their own;
- values of `key=value` folders are taken as they stand, without undoing any percent-encoding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from dynamo_assets.sandbox.crawlers.classify import FileSchema
from dynamo_assets.sandbox.crawlers.listing import S3File

_SIMILAR = 0.7
_KINDS_MAX = 5
_TABLE_NAME_MAX = 128


@dataclass(frozen=True)
class CrawledFile:
    """A file and what it is."""

    file: S3File
    schema: FileSchema


@dataclass(frozen=True)
class FoundPartition:
    """A folder of files of one table; without values it is the whole of a table that has no partitions."""

    values: tuple[str, ...]
    folder: str
    files: tuple[CrawledFile, ...]


@dataclass(frozen=True)
class FoundTable:
    """A table that the files make.

    Attributes:
        root: The key of its folder, or of its one file where a folder's files make several tables.
        levels: The name of each partition key, or None where the folders are not `key=value`.
        partitions: In the order of their folders.
    """

    root: str
    levels: tuple[str | None, ...]
    partitions: tuple[FoundPartition, ...]

    @property
    def files(self) -> list[CrawledFile]:
        """All files of the table."""
        return list(chain.from_iterable(partition.files for partition in self.partitions))

    @property
    def partition_keys(self) -> list[str]:
        """The partition columns' names; folders without one are `partition_0`, `partition_1`."""
        return [name if name is not None else f"partition_{index}" for index, name in enumerate(self.levels)]

    def name(self, bucket: str, prefix: str) -> str:
        """What Glue calls it: the prefix and the folder's name."""
        own = self.root.rstrip("/").rsplit("/", 1)[-1] or bucket
        return re.sub(r"[^a-z0-9_]", "_", (prefix + own).lower())[:_TABLE_NAME_MAX]


@dataclass
class _Folder:
    key: str
    files: list[CrawledFile] = field(default_factory=list)
    children: dict[str, _Folder] = field(default_factory=dict)


def find_tables(
    files: Iterable[CrawledFile], target_folder: str, *, combine: bool, level: int | None = None
) -> list[FoundTable]:
    """Groups a target's files into tables.

    Args:
        files: In the order of their keys.
        target_folder: The target's key, with a slash at its end.
        combine: Whether `TableGroupingPolicy` is `CombineCompatibleSchemas`.
        level: `TableLevelConfiguration`: how many folders down tables lie, the bucket being 1. Files above are left
            out.
    """
    if level is None:
        return _tables_at(_tree(files, target_folder), combine=combine, whole=combine)
    by_root: dict[str, list[CrawledFile]] = defaultdict(list)
    for crawled in files:
        parts = crawled.file.folder.split("/")[:-1]
        if len(parts) >= level - 1:
            by_root["".join(f"{part}/" for part in parts[: level - 1])].append(crawled)
    trees = (_tree(below, root) for root, below in by_root.items())
    return [table for tree in trees for table in _tables_at(tree, combine=combine, whole=True)]


def table_of_file(crawled: CrawledFile) -> FoundTable:
    """The table that one file makes by itself."""
    return FoundTable(crawled.file.key, (), (FoundPartition((), crawled.file.key, (crawled,)),))


def _tree(files: Iterable[CrawledFile], root: str) -> _Folder:
    tree = _Folder(root)
    for crawled in files:
        folder = tree
        for name in crawled.file.folder[len(root) :].split("/")[:-1]:
            folder = folder.children.setdefault(name, _Folder(f"{folder.key}{name}/"))
        folder.files.append(crawled)
    return tree


def _tables_at(folder: _Folder, *, combine: bool, whole: bool) -> list[FoundTable]:
    if whole and (table := _as_one_table(folder)):
        return [table]
    return [_without_only_folders(table) for table in _tables_below(folder, combine=combine)]


def _tables_below(folder: _Folder, *, combine: bool) -> list[FoundTable]:
    own = _tables_of_files(folder, combine=combine)
    below = [_tables_below(child, combine=combine) for child in folder.children.values()]
    if not own and below and all(len(tables) == 1 for tables in below):
        children = [tables[0] for tables in below]
        merged = _merge_levels(folder, children)
        if merged and (combine or _are_similar([table.files for table in children])):
            return [merged]
    return [*own, *chain.from_iterable(below)]


def _without_only_folders(table: FoundTable) -> FoundTable:
    """The table at its only folder, where that is not `key=value`, and on down."""
    while table.levels and table.levels[0] is None and len({found.values[0] for found in table.partitions}) == 1:
        partitions = tuple(replace(found, values=found.values[1:]) for found in table.partitions)
        table = FoundTable(f"{table.root}{table.partitions[0].values[0]}/", table.levels[1:], partitions)
    return table


def _as_one_table(folder: _Folder) -> FoundTable | None:
    """Everything below a folder as one table, whatever the schemas; None where format or structure forbid it."""
    if folder.files and folder.children:
        return None
    if not folder.children:
        return _whole(folder) if len({crawled.schema.format for crawled in folder.files}) == 1 else None
    children = [_as_one_table(child) for child in folder.children.values()]
    found = [table for table in children if table is not None]
    return _merge_levels(folder, found) if len(found) == len(children) else None


def _whole(folder: _Folder) -> FoundTable:
    return FoundTable(folder.key, (), (FoundPartition((), folder.key, tuple(folder.files)),))


def _tables_of_files(folder: _Folder, *, combine: bool) -> list[FoundTable]:
    """The tables that a folder's own files make: one, or one for each file."""
    files = folder.files
    one_format = len({crawled.schema.format for crawled in files}) == 1
    if one_format and (combine or _are_similar([[crawled] for crawled in files])):
        return [_whole(folder)]
    return [table_of_file(crawled) for crawled in files]


def _merge_levels(folder: _Folder, children: Sequence[FoundTable]) -> FoundTable | None:
    """The folder's children as partitions of one table, where each is whole and all have one format and structure."""
    own_names = [child.root[len(folder.key) :] for child in children]
    if not all(name.find("/") == len(name) - 1 for name in own_names):
        return None  # a table further down, or a single file
    parts = [name.rstrip("/").partition("=") for name in own_names]
    names = {name.lower() if equals else None for name, equals, _ in parts}
    formats = {crawled.schema.format for child in children for crawled in child.files}
    structures = {child.levels for child in children}
    if not len(names) == len(formats) == len(structures) == 1:
        return None
    partitions = tuple(
        FoundPartition((value if equals else name, *below.values), below.folder, below.files)
        for child, (name, equals, value) in zip(children, parts, strict=True)
        for below in child.partitions
    )
    return FoundTable(folder.key, (names.pop(), *structures.pop()), partitions)


def _are_similar(groups: Sequence[Sequence[CrawledFile]]) -> bool:
    """Whether most of the groups of files have about the same columns."""
    kinds: list[tuple[set[str], int]] = []
    for group in groups:
        names = set(chain.from_iterable(crawled.schema.columns for crawled in group))
        for index, (kind, count) in enumerate(kinds):
            if len(kind & names) > _SIMILAR * len(kind | names):
                kinds[index] = (kind, count + 1)
                break
        else:
            kinds.append((names, 1))
    most = max((count for _, count in kinds), default=0)
    return len(kinds) <= 1 or (len(kinds) <= _KINDS_MAX and most > _SIMILAR * len(groups))
