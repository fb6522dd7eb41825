"""Requests of CloudFormation, IAM, STS and SNS: a form whose names spell out lists, maps and structures."""

from __future__ import annotations

import urllib.parse
from typing import Any

from dynamo_assets.sandbox.request_checks.problems import Key, Problem
from dynamo_assets.sandbox.request_checks.shapes import Shapes
from dynamo_assets.sandbox.request_checks.text_values import from_text

Tree = dict[str, Any]
"""Parts of names, each with the tree of what follows; under the empty name the value."""


class QueryProtocol:
    """The requests of one service."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._shapes = Shapes()

    def check(self, request: Any) -> tuple[str, list[Problem]]:
        """The operation, and what is wrong with the request."""
        text = request["wsgi.input"].getvalue().decode(errors="replace") or request.get("QUERY_STRING", "")
        form = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        operation, version = form.pop("Action", ""), form.pop("Version", "")
        if operation not in self._model.operation_names or version != self._model.api_version:
            known = f"{self._model.service_name} of {self._model.api_version}"
            return operation, [Problem("operation", (), f"{known} has no operation {operation!r} of {version!r}")]
        reading = _Reading()
        shape = self._model.operation_model(operation).input_shape
        if shape is None:
            return operation, [Problem("unknown", (name,), operation) for name in form]
        value = reading.structure(shape, _tree(form), ())
        return operation, [*reading.problems, *self._shapes.checker(shape)(value)]


def _tree(form: dict[str, str]) -> Tree:
    root: Tree = {}
    for name, value in form.items():
        node = root
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[""] = value
    return root


class _Reading:
    """Makes of a tree what the shape says it is; what the shape does not have is a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def structure(self, shape: Any, node: Tree, path: tuple[str, ...]) -> dict[str, Any]:
        names = {_name(member, name): name for name, member in shape.members.items()}
        found = {}
        for part, child in node.items():
            name = names.get(part)
            if name is None:
                self.problems.append(Problem("unknown", (*path, part) if part else path, shape.name))
            else:
                found[name] = self._value(shape.members[name], child, (*path, name))
        return found

    def _value(self, shape: Any, node: Tree, path: tuple[str, ...]) -> Any:
        if shape.type_name == "structure":
            return self.structure(shape, node, path)
        if shape.type_name == "list":
            return self._list(shape, node, path)
        if shape.type_name == "map":
            return self._map(shape, node, path)
        return from_text(shape, node[""]) if node.keys() == {""} else node

    def _list(self, shape: Any, node: Tree, path: tuple[str, ...]) -> list[Any]:
        if node == {"": ""}:
            return []  # how botocore spells an empty one
        items = node if shape.serialization.get("flattened") else self._only(node, _name(shape.member, "member"), path)
        return [self._value(shape.member, item, (*path, str(at), "member")) for at, item in self._in_order(items, path)]

    def _map(self, shape: Any, node: Tree, path: tuple[str, ...]) -> dict[str, Any]:
        if node == {"": ""}:
            return {}
        entries = node if shape.serialization.get("flattened") else self._only(node, "entry", path)
        key_name, value_name = _name(shape.key, "key"), _name(shape.value, "value")
        found = {}
        for at, entry in self._in_order(entries, path):
            if entry.keys() != {key_name, value_name}:
                self.problems.append(Problem("body", (*path, str(at)), f"{key_name} and {value_name} are expected"))
                continue
            key = str(self._value(shape.key, entry[key_name], path))
            found[key] = self._value(shape.value, entry[value_name], (*path, Key(key)))
        return found

    def _only(self, node: Tree, name: str, path: tuple[str, ...]) -> Tree:
        self.problems += [Problem("body", (*path, part), f"{name!r} is expected") for part in node if part != name]
        return node.get(name, {})

    def _in_order(self, items: Tree, path: tuple[str, ...]) -> list[tuple[int, Tree]]:
        wrong = [part for part in items if not part.isdecimal()]
        self.problems += [Problem("body", (*path, part), "a number is expected") for part in wrong]
        numbered = sorted(
            ((int(part), item) for part, item in items.items() if part.isdecimal()), key=lambda each: each[0]
        )
        if [at for at, _ in numbered] != list(range(1, len(numbered) + 1)):
            self.problems.append(Problem("body", path, "its parts are not numbered from 1 on"))
        return numbered


def _name(shape: Any, default: str) -> str:
    """How a member is spelt in a form: a flattened list by the name of its members."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        return shape.member.serialization.get("name") or shape.serialization.get("name", default)
    return shape.serialization.get("name", default)
