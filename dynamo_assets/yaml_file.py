"""A YAML document of plain values from a file that may hold anything: bounded in size and depth, each key once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from dynamo_assets.errors import ConfigError

MAX_NODES = 200_000
"""Keys and values with every alias written out: some hundred times what 500 tables need."""
MAX_DEPTH = 50


class _Loader(yaml.SafeLoader):
    """YAML says of a repeated key nothing, and PyYAML takes the last one: here it is an error."""

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node is not None:
            _require_bounded(node)
        return node

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.peek_event())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, count in Counter(str(key) for key in keys).items():
            if count > 1:
                raise ConfigError(f"{_line(node)}: the key {key!r} stands {count} times; keep one")
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:  # of a date that no calendar has, or a number of 5,000 digits
            raise ConfigError(f"{_line(node)}: {error}; put it in quotes if it is meant as text") from error


def read_yaml(path: Path) -> Any:
    """Reads the one document of a file.

    Aliases cost their author nothing and the reader what they stand for, so how much that is is found out before any
    is followed.

    Raises:
        OSError: The file cannot be read.
        ConfigError: It is not YAML, or not of plain values, or holds too much; does not name the file.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 text ({error}); save it in that encoding") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}") from error


def _require_bounded(root: yaml.Node) -> None:
    known: dict[int, tuple[int, int]] = {}
    above: set[int] = set()

    def measure(node: yaml.Node) -> tuple[int, int]:
        """How many nodes there are from this one on, and on how many levels."""
        if id(node) in above:
            raise ConfigError(f"{_line(node)}: an alias stands for what it is part of itself; write its value")
        if id(node) not in known:
            above.add(id(node))
            below = [measure(child) for child in _children(node)]
            above.remove(id(node))
            size, levels = 1 + sum(each for each, _ in below), 1 + max((each for _, each in below), default=0)
            if size > MAX_NODES:
                raise ConfigError(
                    f"{_line(node)}: more than {MAX_NODES:,} values, with aliases written out; use fewer of them"
                )
            if levels > MAX_DEPTH:
                raise _too_deep(node)
            known[id(node)] = size, levels
        return known[id(node)]

    measure(root)


def _too_deep(place: Any) -> ConfigError:
    return ConfigError(f"{_line(place)}: nested more than {MAX_DEPTH} levels deep; take that out")


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line(place: Any) -> str:
    return f"line {place.start_mark.line + 1}"
