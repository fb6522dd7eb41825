"""Checkers of values, one for each shape of botocore's models, made when the shape is first met.

A checker is a function that gives what is wrong, or nothing. As long as nothing is wrong it makes no object: requests
come by the thousand, and nearly all of them are right.
"""

from __future__ import annotations

import base64
import binascii
import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from dynamo_assets.sandbox.request_checks.patterns import compiled
from dynamo_assets.sandbox.request_checks.problems import Key, Problem

Checker = Callable[[Any], Sequence[Problem]]
_FINE: Sequence[Problem] = ()

_UNIONS = frozenset({"AttributeValue"})
"""Of which one member must be given, though the model does not call them unions: DynamoDB's API reference does."""
_INTEGER_BITS = {"integer": 32, "long": 64}
_JAVA_NAMES = {"integer": "Integer", "long": "Long", "string": "String", "boolean": "Boolean", "blob": "ByteBuffer"}


class Shapes:
    """The checkers of one service's shapes.

    Args:
        needs_tokens: The service demands the tokens of idempotency that SDKs fill in and models call optional.
    """

    def __init__(self, *, needs_tokens: bool = False) -> None:
        self._made: dict[str, Checker] = {}
        self._needs_tokens = needs_tokens
        self._making = threading.RLock()

    def checker(self, shape: Any) -> Checker:
        """The checker of a shape.

        Args:
            shape: botocore's.
        """
        with self._making:
            if shape.name not in self._made:
                # A shape may contain itself: until it is made, it is looked up when a value of it is met.
                self._made[shape.name] = functools.partial(self._check_later, shape.name)
                self._made[shape.name] = self._make(shape)
            return self._made[shape.name]

    def _check_later(self, name: str, value: Any) -> Sequence[Problem]:
        return self._made[name](value)

    def _make(self, shape: Any) -> Checker:
        if shape.type_name == "structure":
            return self._structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return _scalar(shape)

    def _structure(self, shape: Any) -> Checker:
        if shape.is_document_type:
            return lambda _: _FINE
        members = {name: self.checker(member) for name, member in shape.members.items()}
        required = list(shape.required_members)
        if self._needs_tokens:
            required += [name for name, member in shape.members.items() if "idempotencyToken" in member.metadata]
        union = shape.is_tagged_union or shape.name in _UNIONS

        def check(value: Any) -> Sequence[Problem]:
            if type(value) is not dict:
                return [_wrong_type(shape, value)]
            problems: list[Problem] = []
            for name, given in value.items():
                if given is None:
                    continue
                member = members.get(name)
                if member is None:
                    problems.append(Problem("unknown", (name,), shape.name))
                elif found := member(given):
                    problems += [problem.below(name) for problem in found]
            for name in required:
                if value.get(name) is None:
                    problems.append(Problem("constraint", (name,), "Member must not be null"))
            if union and (len(value) != 1 or None in value.values()) and _number_given(value) != 1:
                text = f"{shape.name} must contain exactly one of: {', '.join(members)}"
                problems.append(Problem("constraint", (), text, value))
            return problems

        return check

    def _list(self, shape: Any) -> Checker:
        member, too_long = self.checker(shape.member), _length(shape)

        def check(value: Any) -> Sequence[Problem]:
            if type(value) is not list:
                return [_wrong_type(shape, value)]
            problems = [*too_long(value, len(value))]
            for at, given in enumerate(value, 1):
                if found := member(given):
                    problems += [problem.below(str(at), "member") for problem in found]
            return problems

        return check

    def _map(self, shape: Any) -> Checker:
        key, value_of, too_long = self.checker(shape.key), self.checker(shape.value), _length(shape)

        def check(value: Any) -> Sequence[Problem]:
            if type(value) is not dict:
                return [_wrong_type(shape, value)]
            problems = [*too_long(value, len(value))]
            for name, given in value.items():
                if found := key(name):
                    problems += [problem.below(Key(name), "key") for problem in found]
                # A map's value may be null where the member's is not given: DynamoDB and Glue pass over it.
                if given is not None and (found := value_of(given)):
                    problems += [problem.below(Key(name)) for problem in found]
            return problems

        return check


def _number_given(value: dict[str, Any]) -> int:
    return sum(given is not None for given in value.values())


def _scalar(shape: Any) -> Checker:
    return _SCALARS.get(shape.type_name, _anything)(shape)


def _anything(_shape: Any) -> Checker:
    return lambda _: _FINE


def _string(shape: Any) -> Checker:
    constraints = shape.metadata
    enum = frozenset(constraints.get("enum", ()))
    pattern = compiled(constraints["pattern"]) if "pattern" in constraints else None
    too_long = _length(shape)
    limited = bool(constraints.keys() & {"min", "max"})

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is not str:
            return [_wrong_type(shape, value)]
        if not (enum or pattern or limited):
            return _FINE
        problems: list[Problem] = []
        if enum and value not in enum:
            text = f"Member must satisfy enum value set: [{', '.join(sorted(enum))}]"
            problems.append(Problem("constraint", (), text, value))
        if pattern and not pattern.fullmatch(value):
            text = f"Member must satisfy regular expression pattern: {constraints['pattern']}"
            problems.append(Problem("constraint", (), text, value))
        problems += too_long(value, len(value))
        return problems

    return check


def _whole_number(shape: Any) -> Checker:
    limit = 1 << (_INTEGER_BITS[shape.type_name] - 1)
    in_range = _range(shape)

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is not int or not -limit <= value < limit:
            return [_wrong_type(shape, value)]
        return in_range(value)

    return check


def _number(shape: Any) -> Checker:
    in_range = _range(shape)

    def check(value: Any) -> Sequence[Problem]:
        if value in ("NaN", "Infinity", "-Infinity"):
            return _FINE
        return in_range(value) if type(value) in (int, float) else [_wrong_type(shape, value)]

    return check


def _boolean(shape: Any) -> Checker:
    return lambda value: _FINE if type(value) is bool else [_wrong_type(shape, value)]


def _blob(shape: Any) -> Checker:
    too_long = _length(shape)

    def check(value: Any) -> Sequence[Problem]:
        if type(value) is bytes:
            return too_long("bytes", len(value))
        if type(value) is not str:
            return [_wrong_type(shape, value)]
        try:
            return too_long(value, len(base64.b64decode(value, validate=True)))
        except (binascii.Error, ValueError):
            return [_wrong_type(shape, value)]

    return check


def _timestamp(shape: Any) -> Checker:
    return lambda value: _FINE if type(value) in (int, float) else [_wrong_type(shape, value)]


_SCALARS: dict[str, Callable[[Any], Checker]] = {
    "string": _string,
    "character": _string,
    "integer": _whole_number,
    "long": _whole_number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}


def _length(shape: Any) -> Callable[[Any, float], Sequence[Problem]]:
    return _between(shape, "have length")


def _range(shape: Any) -> Callable[[Any], Sequence[Problem]]:
    within = _between(shape, "have value")
    return lambda value: within(value, value)


def _between(shape: Any, what: str) -> Callable[[Any, float], Sequence[Problem]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")

    def check(value: Any, measure: float) -> Sequence[Problem]:
        if least is not None and measure < least:
            return [Problem("constraint", (), f"Member must {what} greater than or equal to {least}", value)]
        if most is not None and measure > most:
            return [Problem("constraint", (), f"Member must {what} less than or equal to {most}", value)]
        return _FINE

    return check


def _wrong_type(shape: Any, value: Any) -> Problem:
    wanted = _JAVA_NAMES.get(shape.type_name, shape.type_name)
    given = {dict: "a structure", list: "a list", bool: "a boolean", type(None): "null"}.get(type(value))
    return Problem("type", (), f"{given or repr(value)[:100]} cannot be converted to {wanted}")
