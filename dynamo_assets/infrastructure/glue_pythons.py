"""The Python of each version of Glue, and which wheels can be installed there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from packaging.tags import Tag, compatible_tags, cpython_tags

# Developer guide, "Using Python libraries", appendix B: Glue 5.0 and 5.1 are Amazon Linux 2023 with glibc 2.34. It does
# not list Glue 6.0 yet; that this is no older is inferred.
_GLIBC_MINOR = 34
_ALIASES = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}
PLATFORMS = tuple(
    name
    for minor in range(_GLIBC_MINOR, 4, -1)
    for name in (f"manylinux_2_{minor}_x86_64", _ALIASES.get(minor, ""))
    if name
)
"""Platform tags of wheels that run there, the best first."""


@dataclass(frozen=True)
class GluePython:
    """One of them.

    Attributes:
        glue_version: Such as `5.1`.
        version: Such as `(3, 11)`.
    """

    glue_version: str
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"Python {self.dotted} on Linux x86_64 (Glue {self.glue_version})"

    @property
    def dotted(self) -> str:
        """Such as `3.11`."""
        return "{}.{}".format(*self.version)

    @cached_property
    def ranks(self) -> dict[Tag, int]:
        """The tags of wheels that can be installed, each with its rank: the smaller the better."""
        interpreter = "cp{}{}".format(*self.version)
        tags = [
            *cpython_tags(self.version, [interpreter], PLATFORMS),
            *compatible_tags(self.version, interpreter, PLATFORMS),
        ]
        return {tag: rank for rank, tag in enumerate(tags)}

    @property
    def environment(self) -> dict[str, str]:
        """What markers of requirements are judged by."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.dotted}.0",
            "os_name": "posix",
            "platform_machine": "x86_64",
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.dotted}.0",
            "python_version": self.dotted,
            "sys_platform": "linux",
        }


# Developer guide, appendix B as above; for 6.0 what AWS's own package for it requires (AWSGlueDataplanePython 6.0.0).
GLUE_PYTHONS = {
    version: GluePython(version, python) for version, python in {"5.0": (3, 11), "5.1": (3, 11), "6.0": (3, 13)}.items()
}
"""By the version of Glue."""
