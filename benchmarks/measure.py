"""Runs a command on one core and writes down what it took. A program of its own, started with `python -I -S`.

Linux counts the peak memory of the process that calls `exec` as that of the program it becomes: started by the runner,
every contestant would seem to need at least as much as the runner. This process is too small to matter.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(result_path: str, core: str, *command: str) -> int:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.sched_setaffinity(0, {int(core)})
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    result = {
        "wall_seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_rss_bytes": usage.ru_maxrss * 1024,
    }
    with open(result_path, "w") as file:
        json.dump(result, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
