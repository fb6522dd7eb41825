"""docs/configuration.md and the schema beside it are what the settings say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dynamo_assets.configuration.json_schema import schema_text
from dynamo_assets.configuration.reference import PAGE, SCHEMA, render, write

DOCS = Path(__file__).parents[2] / "docs"
RENEW = "the settings say otherwise than docs/: run `make docs`, and commit what it changes"


def test_the_page_has_every_key_as_the_settings_have_it() -> None:
    page = (DOCS / PAGE).read_text()
    assert render(page) == page, RENEW


def test_the_schema_file_is_that_of_the_settings() -> None:
    assert (DOCS / SCHEMA).read_text() == schema_text(), RENEW


def test_what_is_written_by_hand_stays(tmp_path: Path) -> None:
    page = re.sub(r"(<!-- keys of glue -->\n).*?(<!-- end)", r"\1old\n\2", (DOCS / PAGE).read_text(), flags=re.DOTALL)
    (tmp_path / PAGE).write_text(page)
    write(tmp_path)
    assert (tmp_path / PAGE).read_text() == (DOCS / PAGE).read_text()
    assert (tmp_path / SCHEMA).read_text() == schema_text()


def test_a_section_without_a_place_in_the_page_is_named() -> None:
    page = (DOCS / PAGE).read_text()
    with pytest.raises(ValueError, match=r"Not so: tables\.freshness$"):
        render(page.replace("<!-- keys of tables.freshness -->", ""))
    with pytest.raises(ValueError, match=r"Not so: tables\.colour$"):
        render(page + "<!-- keys of tables.colour -->\n<!-- end of keys -->\n")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)\s]*)\)", (DOCS / PAGE).read_text())
    assert len(links) > 30
    for link in links:
        name, _, anchor = link.partition("#")
        target = DOCS / name if name else DOCS / PAGE
        assert target.is_file(), link
        assert not anchor or anchor in _anchors(target), link
