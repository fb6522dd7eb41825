"""As `gunzip`, unpacked by ISA-L, which is what ours uses."""

from __future__ import annotations

from isal import igzip

from benchmarks.peers.gunzip import count_lines

if __name__ == "__main__":
    print(count_lines(igzip.IGzipFile))
