"""How this package refuses what it does not do: by name, never by doing something else instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any


def refusal(what: str) -> NotImplementedError:
    """The error for what Glue does and the sandbox does not, such as `refusal("read from s3")`."""
    return NotImplementedError(f"The sandbox does not {what}")


def refuse_missing(module: str, *known: str) -> Callable[[str], Any]:
    """A module's `__getattr__`.

    Args:
        module: The module's name.
        known: What AWS's module has and this one has not. ImportError, because `from module import name` shows the
            words of no other error; not for every name, because pickle asks any module for any name.
    """

    def missing(name: str) -> Any:
        kind = ImportError if name in known else AttributeError
        raise kind(f"The sandbox does not have {module}.{name}")

    return missing


class Partial:
    """A class of AWS's of which only some members are here; any other one is refused."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            raise AttributeError(f"The sandbox does not have {type(self).__name__}.{name}")
