"""What is wrong with a request, in the words of AWS's services."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

_LONGEST_VALUE = 200

Kind = Literal["constraint", "type", "unknown", "body", "operation"]


class Key(str):
    """The key of a map, in a path: it is the client's, and spelt as the client does."""

    __slots__ = ()


class Problem(NamedTuple):
    """One member that is not as the model has it.

    Attributes:
        kind: A constraint of the model is broken; the type is another; the model has no such member; the body cannot be
            read at all; there is no such operation.
        path: The members that lead to it, in the model's spelling.
        text: What is wrong, as AWS says it; of an unknown member the structure that lacks it.
        value: What was given, where AWS repeats it.
    """

    kind: Kind
    path: tuple[str, ...]
    text: str
    value: Any = None

    def below(self, *names: str) -> Self:
        """The same, seen from further outside."""
        return self._replace(path=names + self.path)

    def __str__(self) -> str:
        if self.kind == "unknown":
            where = ".".join(self.path)
            return f"The sandbox does not pass over {where}, as AWS would: {self.text} has no such member"
        where = ".".join(_as_aws_spells(name) for name in self.path)
        if self.kind == "constraint":
            return f"Value {_shown(self.value)} at '{where}' failed to satisfy constraint: {self.text}"
        return f"{self.text} at '{where}'" if where else self.text


def message(problems: list[Problem]) -> str:
    """All of them, in the words of AWS's services."""
    text = "; ".join(map(str, problems))
    if any(problem.kind != "constraint" for problem in problems):
        return text
    return f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: {text}"


def _as_aws_spells(name: str) -> str:
    return name if isinstance(name, Key) or name[1:2].isupper() else name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    text = str(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[:_LONGEST_VALUE]}..."
    return "null" if value is None else f"'{text}'"
