"""Text becomes a YAML scalar that reads back as the same text."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.yaml_text import yaml_scalar


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_reads_back_as_itself_and_stands_on_one_line(text: str) -> None:
    written = yaml_scalar(text)
    assert yaml.safe_load(f"{{key: {written}}}" if written[0] == '"' else f"key: {written}") == {"key": text}
    assert all(" " <= character <= "~" for character in written)


@pytest.mark.parametrize("text", ["on", "Yes", "null", "~", "1.5", "1e3", "0o14", "0x1f", "---", ".inf", "12:30", ""])
def test_what_yaml_takes_for_something_else_is_in_quotes(text: str) -> None:
    assert yaml_scalar(text) == f'"{text}"'


@pytest.mark.parametrize("text", ["Orders", "a.b-c", "Api-Operations", "team", "on_call", "null_table"])
def test_a_plain_name_stays_plain(text: str) -> None:
    assert yaml_scalar(text) == text
