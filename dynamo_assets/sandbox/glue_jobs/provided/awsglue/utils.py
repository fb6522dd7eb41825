"""The arguments of a Glue script.

Inferred (AWS's public library, Glue 6.0): besides what a script asks for come `job_bookmark_option` and the arguments
that Glue itself passes, None where they were not passed; other arguments are passed over; names are not abbreviated,
which Glue 5.1 still allows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from awsglue._refusals import refuse_missing

if not TYPE_CHECKING:
    __getattr__ = refuse_missing(__name__, "GlueArgumentParser", "callsite", "iteritems", "itervalues", "makeOptions")

_BOOKMARK = "job-bookmark-option"
_RESERVED = (_BOOKMARK, "continuation-option", "job-bookmark-from", "job-bookmark-to")
_PASSED = ("JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "encryption-type", "enable-data-lineage")
_TEMPORARY = ("TempDir", "RedshiftTempDir")  # the same folder; may be asked for, and is not required
_NO_BOOKMARKS = "job-bookmark-disable"  # the sandbox starts no run with any other


class GlueArgumentError(Exception):
    """A script was not given an argument that it asks for."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str], allow_abbrev: bool = False) -> dict[str, Any]:
    """The arguments of a script by name.

    Args:
        args: `sys.argv`.
        options: The names that the script cannot do without; each becomes a key, with `-` replaced by `_`.
        allow_abbrev: Whether arguments may be abbreviated.

    Raises:
        GlueArgumentError: One is missing.
        RuntimeError: A name is Glue's own.
        argparse.ArgumentError: A name is one of those that are there without asking, such as `JOB_RUN_ID`.
    """
    if reserved := [name for name in options if name in _RESERVED]:
        raise RuntimeError(f"the argument {reserved[0]} is reserved")
    parser = _Parser(allow_abbrev=allow_abbrev)
    for name in (*_RESERVED, *_PASSED, *_TEMPORARY):
        parser.add_argument(f"--{name}")
    for name in options:
        if name not in _TEMPORARY:
            parser.add_argument(f"--{name}", required=True)
    found, _ = parser.parse_known_args(args[1:])
    values = vars(found)
    folder = values["TempDir"] or values["RedshiftTempDir"]
    del values["continuation_option"]
    return {**values, "TempDir": folder, "RedshiftTempDir": folder, "job_bookmark_option": _NO_BOOKMARKS}
