from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.errors import IntegrityError
from dynamo_assets.export.native_export import lines
from dynamo_assets.export.native_export.lines import chunks_of_lines, page_of_items

# What could be taken for the end of a line and the beginning of the next one.
HOSTILE = st.sampled_from(['}\n{"Item":', '{"Item":', "}", "\n", "\\n", '"', "\u2028", "\x85", "é"])
ITEMS = st.lists(
    st.dictionaries(
        st.one_of(HOSTILE, st.text(max_size=3)), st.fixed_dictionaries({"S": st.one_of(HOSTILE, st.text())})
    ),
    min_size=1,
    max_size=6,
)


def line_of(item: object, *, ascii_only: bool = False, spaces: bool = False) -> bytes:
    separators = None if spaces else (",", ":")
    return json.dumps({"Item": item}, ensure_ascii=ascii_only, separators=separators).encode() + b"\n"


@given(ITEMS, st.booleans(), st.booleans())
def test_a_page_holds_the_items_of_its_lines_whatever_they_contain(items: list, ascii_only: bool, spaces: bool) -> None:
    page = page_of_items(b"".join(line_of(i, ascii_only=ascii_only, spaces=spaces) for i in items), "file")
    assert (json.loads(page.items), page.count) == (items, len(items))


@pytest.mark.parametrize("text", [b"[]\n", b'{"Keys":{}}\n', b"\xff\n", b'{"Item":{}}\nnonsense\n'])
def test_a_line_that_is_no_item_is_an_error_that_names_the_file(text: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"s3://b/data\.json\.gz has a line that is no item"):
        page_of_items(text, "s3://b/data.json.gz")


@pytest.mark.parametrize("last", [b"", b"\n"])
def test_lines_are_never_cut(last: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "CHUNK_BYTES", 64)
    content = b"\n".join(b"x" * length for length in (0, 1, 63, 64, 65, 300, 2)) + last
    (tmp_path / "data.gz").write_bytes(gzip.compress(content))
    chunks = list(chunks_of_lines(tmp_path / "data.gz", "file"))
    assert b"".join(chunks) == content.removesuffix(b"\n") + b"\n"
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert len(chunks) > 3


def test_a_file_of_no_lines_has_no_chunks(tmp_path: Path) -> None:
    (tmp_path / "data.gz").write_bytes(gzip.compress(b""))
    assert list(chunks_of_lines(tmp_path / "data.gz", "file")) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9],
        lambda data: data[:50],
        lambda _: b"plain",
        lambda data: data[:60] + b"\0" * 40 + data[100:],
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(damage, tmp_path: Path) -> None:
    (tmp_path / "data.gz").write_bytes(damage(gzip.compress(bytes(range(256)) * 9)))
    with pytest.raises(IntegrityError, match=r"s3://b/data\.json\.gz cannot be unpacked"):
        list(chunks_of_lines(tmp_path / "data.gz", "s3://b/data.json.gz"))
