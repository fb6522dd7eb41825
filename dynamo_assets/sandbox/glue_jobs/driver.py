"""Runs a Glue script as `__main__` and, where it fails, leaves a report that Glue's error message is made from.

    python glue_driver.py REPORT SCRIPT ARGUMENT...

It is executed by path, in the Python of a Glue run, which does not have this package: standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
import types
from pathlib import Path
from types import TracebackType


def main() -> None:
    """Runs the script; ends the process as Python itself would have ended it."""
    threading.Thread(target=_end_with_the_sandbox, daemon=True).start()
    _, report, script, *arguments = sys.argv
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(script)  # it was this file's folder: the package that a script must not see
    try:
        _run(script)
    except BaseException as error:
        error.with_traceback(_frames_of(script, error.__traceback__))
        if not isinstance(error, SystemExit) or error.code not in {None, 0}:
            Path(report).write_text(json.dumps(_describe(error, script)))
        if isinstance(error, SystemExit):
            raise
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def _end_with_the_sandbox() -> None:
    os.read(0, 1)  # returns when the sandbox, however it ends, no longer holds the other end
    os._exit(1)


def _run(script: str) -> None:
    module = types.ModuleType("__main__")
    module.__file__ = script
    sys.modules["__main__"] = module  # where pickle looks for what the script defines
    exec(compile(Path(script).read_bytes(), script, "exec"), module.__dict__)  # noqa: S102 - the script is the job


def _frames_of(script: str, frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename != script:
        frames = frames.tb_next
    return frames


def _describe(error: BaseException, script: str) -> dict[str, str | int | None]:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == script]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    return {"category": _category(error), "line": lines[-1] if lines else None, "message": _message(error)}


def _category(error: BaseException) -> str:
    if isinstance(error, ImportError):
        return "IMPORT_ERROR"
    return "SYNTAX_ERROR" if isinstance(error, SyntaxError) else "UNCLASSIFIED_ERROR"


def _message(error: BaseException) -> str:
    java = getattr(error, "java_exception", None)
    if java is None:
        return f"{type(error).__name__}: {error}"
    # Glue shows which call failed, then the message of the innermost cause: for a task, its Python traceback.
    innermost = str(error)
    while java is not None:
        innermost = java.getMessage() or innermost
        java = java.getCause()
    return f"{getattr(error, 'errmsg', '').strip()} {innermost.strip()}"


if __name__ == "__main__":
    main()
