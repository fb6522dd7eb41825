from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.export.whole_lines import whole_lines


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n"]), max_size=30).map(b"".join), st.integers(1, 9))
def test_pieces_are_whole_lines_and_together_the_text(text: bytes, block_bytes: int) -> None:
    pieces = list(whole_lines(io.BytesIO(text), block_bytes))
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert b"".join(pieces) == (text if not text or text.endswith(b"\n") else text + b"\n")
