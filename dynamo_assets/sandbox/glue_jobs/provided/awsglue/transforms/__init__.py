"""Transforms: the methods of DynamicFrame as classes, `ResolveChoice.apply(frame, choice="make_cols")`.

A script may import any of AWS's, as `from awsglue.transforms import *` does; those that are not here refuse when they
are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from awsglue._refusals import refusal
from awsglue.dynamicframe import DynamicFrame


class GlueTransform:
    """A transform: made without arguments, then called, which `apply` does at once."""

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Applies the transform."""
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        """The class's name."""
        return cls.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Applies the transform."""
        raise refusal(f"have the transform {self.name()}")


class ResolveChoice(GlueTransform):
    """See `DynamicFrame.resolveChoice`."""

    def __call__(self, frame: DynamicFrame, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Resolves choices."""
        return frame.resolveChoice(*args, **kwargs)


class Filter(GlueTransform):
    """See `DynamicFrame.filter`."""

    def __call__(self, frame: DynamicFrame, f: Callable[..., Any], *args: Any, **kwargs: Any) -> DynamicFrame:
        """Keeps some records."""
        return frame.filter(f, *args, **kwargs)


class DropFields(GlueTransform):
    """See `DynamicFrame.drop_fields`."""

    def __call__(self, frame: DynamicFrame, paths: Any, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Drops fields."""
        return frame.drop_fields(paths, *args, **kwargs)


class SelectFields(GlueTransform):
    """See `DynamicFrame.select_fields`."""

    def __call__(self, frame: DynamicFrame, paths: Any, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Keeps some fields."""
        return frame.select_fields(paths, *args, **kwargs)


class RenameField(GlueTransform):
    """See `DynamicFrame.rename_field`."""

    def __call__(self, frame: DynamicFrame, old_name: str, new_name: str, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Renames a field."""
        return frame.rename_field(old_name, new_name, *args, **kwargs)


class Repartition(GlueTransform):
    """See `DynamicFrame.repartition`."""

    def __call__(self, frame: DynamicFrame, num_partitions: int, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Changes the number of partitions."""
        return frame.repartition(num_partitions, *args, **kwargs)


class Coalesce(GlueTransform):
    """See `DynamicFrame.coalesce`."""

    def __call__(self, frame: DynamicFrame, num_partitions: int, *args: Any, **kwargs: Any) -> DynamicFrame:
        """Lowers the number of partitions."""
        return frame.coalesce(num_partitions, *args, **kwargs)


_MISSING = (
    "ApplyMapping", "DropNullFields", "ErrorsAsDynamicFrame", "FlatMap", "Join", "Map", "MapToCollection",
    "Relationalize", "SelectFromCollection", "SplitFields", "SplitRows", "Spigot", "Unbox", "Union", "UnnestFrame",
)  # fmt: skip
globals().update({name: type(name, (GlueTransform,), {}) for name in _MISSING})

__all__ = [  # noqa: PLE0604 - names of the classes made above
    "Coalesce",
    "DropFields",
    "Filter",
    "GlueTransform",
    "RenameField",
    "Repartition",
    "ResolveChoice",
    "SelectFields",
    *_MISSING,
]
