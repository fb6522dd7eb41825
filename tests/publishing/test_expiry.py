from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dynamo_assets.aws.views import published_label, view_query
from dynamo_assets.export.manifest import ManifestColumn
from dynamo_assets.naming import Layout
from dynamo_assets.publishing.expiry import not_expired
from tests.export.manifests import snapshot_of

LABEL = "2026-11-02T10:00:00"
INSTANT = 1793613600


def _condition(attribute: str | None = "Expires At", **column: Any) -> str:
    columns = (
        ManifestColumn(
            name="expires_at", attribute="Expires At", **{"type": "bigint", "dynamodb_types": {"N": 1}, **column}
        ),
    )
    return not_expired(replace(snapshot_of(Layout("lake"), LABEL, "parquet"), columns=columns), attribute)


def test_an_item_expires_at_its_second_and_not_once_that_is_five_years_ago() -> None:
    assert _condition() == f'NOT coalesce("expires_at" BETWEEN {INSTANT - 157680000} AND {INSTANT}, false)'


@pytest.mark.parametrize(
    ("attribute", "column"),
    [
        (None, {}),
        ("other", {}),
        ("Expires At", {"type": "string", "dynamodb_types": {"S": 4}}),
        ("Expires At", {"type": "struct<a:bigint>", "dynamodb_types": {"M": 1, "N": 1}}),
    ],
    ids=["not-asked", "no-such-attribute", "no-numbers", "nothing-to-compare"],
)
def test_nothing_expires_without_a_number(attribute: str | None, column: dict[str, Any]) -> None:
    assert _condition(attribute, **column) == ""


def test_numbers_among_texts_are_read_as_numbers() -> None:
    assert 'try_cast("expires_at" AS double)' in _condition(type="string", dynamodb_types={"S": 1, "N": 1})


def test_which_snapshot_a_view_shows_can_be_told_with_the_condition_too() -> None:
    sql = view_query("db", "zoo", ['"id"'], LABEL, _condition())
    assert published_label(sql) == LABEL
