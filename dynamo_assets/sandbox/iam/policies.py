"""Policy documents of IAM, evaluated: IAM user guide, "Policy evaluation logic".

An identity's own policies and its boundary, within one account; those of resources, whose principals
`sandbox.accounts` looks at. What is not understood here is refused, since a guess would be an answer about permissions.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ALLOWED, EXPLICIT_DENY, IMPLICIT_DENY = "allowed", "explicitDeny", "implicitDeny"
RESTRICTIVE_FIRST = (EXPLICIT_DENY, IMPLICIT_DENY, ALLOWED)
_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class UnknownElementError(Exception):
    """A document has something that is not evaluated here."""


@dataclass(frozen=True)
class Document:
    """One policy.

    Attributes:
        name: Its name or ARN.
        kind: As IAM calls it in `SourcePolicyType`.
        statements: Its statements.
    """

    name: str
    kind: str
    statements: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, name: str, kind: str, document: Mapping[str, Any]) -> Document:
        """From the document as JSON has it."""
        return cls(name, kind, tuple(as_list(document["Statement"])))


@dataclass(frozen=True)
class Call:
    """What is asked for.

    Attributes:
        action: Such as `s3:GetObject`.
        resource: An ARN.
        context: The values of condition keys, by their names in lower case.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Decision:
    """What the policies say to a call.

    Attributes:
        verdict: One of the three above.
        by: The documents with a statement that decided.
        missing: Condition keys that a statement asks for and the call does not have.
    """

    verdict: str
    by: tuple[Document, ...]
    missing: frozenset[str]


def decide(documents: Iterable[Document], call: Call) -> Decision:
    """A refusal counts more than any permission; what nobody allows is refused.

    Raises:
        UnknownElementError: A statement has something that is not evaluated here.
    """
    matched: dict[str, list[Document]] = {"Allow": [], "Deny": []}
    missing: set[str] = set()
    for document in documents:
        for statement in document.statements:
            if _is_about(statement, call) and _holds(statement.get("Condition", {}), call, missing):
                matched[statement["Effect"]].append(document)
    if matched["Deny"]:
        return Decision(EXPLICIT_DENY, tuple(matched["Deny"]), frozenset(missing))
    verdict = ALLOWED if matched["Allow"] else IMPLICIT_DENY
    return Decision(verdict, tuple(matched["Allow"]), frozenset(missing))


def _is_about(statement: Mapping[str, Any], call: Call) -> bool:
    if unknown := set(statement) - _ELEMENTS:
        raise UnknownElementError(f"The sandbox does not evaluate {', '.join(sorted(unknown))} in policies")
    return _matches(statement, "Action", call.action, ignore_case=True) and _matches(
        statement, "Resource", call.resource, ignore_case=False
    )


def _matches(statement: Mapping[str, Any], element: str, value: str, *, ignore_case: bool) -> bool:
    if element in statement:
        return any(_like(pattern, value, ignore_case) for pattern in as_list(statement[element]))
    return not any(_like(pattern, value, ignore_case) for pattern in as_list(statement[f"Not{element}"]))


def _holds(conditions: Mapping[str, Mapping[str, Any]], call: Call, missing: set[str]) -> bool:
    """All of them must; a key that the call lacks fulfils none of the operators here."""
    fulfilled = [_fulfils(*each, call, missing) for each in _each_condition(conditions)]  # each, for what is missing
    return all(fulfilled)


def _each_condition(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in conditions.items():
        for key, values in keys.items():
            yield operator, key, [str(value) for value in as_list(values)]


def _fulfils(operator: str, key: str, wanted: list[str], call: Call, missing: set[str]) -> bool:
    given = call.context.get(key.lower())
    match operator:
        case "StringEquals":
            fulfils = any(value in wanted for value in given or ())
        case "StringLike" | "ArnLike" | "ArnEquals":
            fulfils = any(_like(pattern, value, False) for pattern in wanted for value in given or ())
        case "Bool":
            fulfils = any(value.lower() == each.lower() for value in given or () for each in wanted)
        case _:
            raise UnknownElementError(f"The sandbox does not evaluate the condition operator {operator}")
    if given is None:
        missing.add(key)
    return fulfils


def _like(pattern: str, value: str, ignore_case: bool) -> bool:
    return bool(_compiled(pattern, ignore_case).fullmatch(value))


@functools.lru_cache(10_000)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    if "${" in pattern:
        raise UnknownElementError(f"The sandbox does not evaluate policy variables: {pattern}")
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(text, re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL)


def as_list(value: Any) -> list[Any]:
    """Policies have a list, or its only element."""
    return value if isinstance(value, list) else [value]
