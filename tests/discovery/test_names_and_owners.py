"""What a new tables file calls its tables, and who owns them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamo_assets.discovery.catalog_names import free_names
from dynamo_assets.discovery.filters import Filters
from dynamo_assets.discovery.owners import owners_of
from dynamo_assets.naming import crawler_name, snapshots_table


def test_tables_whose_names_would_collide_get_others() -> None:
    assert free_names(["My-Table", "my_table", "my.table", "my_table_2"], "lake") == {
        "my_table": "my_table",  # a catalog name as it stands keeps it
        "my_table_2": "my_table_2",
        "My-Table": "my_table_3",
        "my.table": "my_table_4",
    }
    assert free_names(["snapshots_orders", "Orders"], "lake") == {
        "snapshots_orders": "snapshots_orders",
        "Orders": "orders_2",
    }


@settings(max_examples=50)
@given(st.sets(st.text("aA.-_1", min_size=3, max_size=5) | st.text("xX.", min_size=226, max_size=255), max_size=12))
def test_whatever_tables_are_called_no_two_share_a_name_and_glue_takes_each(tables: set[str]) -> None:
    names = free_names(tables, "dynamodb_exports")
    assert set(names) == tables
    made = [made for name in names.values() for made in (name, snapshots_table(name))]
    assert len(set(made)) == len(made)
    assert all(len(crawler_name("dynamodb_exports", name)) <= 255 for name in names.values())


@pytest.mark.parametrize(
    ("tags", "owners"),
    [
        ({"Owner": "ada@example.com"}, ["ada@example.com"]),
        ({"owner": "Shop Team", "env": "x"}, ["team:Shop-Team"]),
        ({"Team": "shop", "Owner": "ada@example.com"}, ["ada@example.com", "team:shop"]),
        ({"team": "team:shop", "Team": "shop"}, ["team:shop"]),
        ({"Owner": "ada@example.com bob@example.org"}, ["ada@example.com", "bob@example.org"]),
        ({"Owner": "ada@example.technology"}, ["team:ada-example.technology"]),  # no address to Dagster
        ({"Owner": "日本"}, []),
        ({"Owner": "' ]\n#"}, []),
        ({}, []),
    ],
)
def test_owners_are_those_of_the_tags_as_dagster_takes_them(tags: dict[str, str], owners: list[str]) -> None:
    assert owners_of(tags) == owners


def test_filters_take_any_of_the_names_and_all_of_the_tags() -> None:
    filters = Filters(names=("shop-*", "Orders"), tags=("env=a=b", "team"))
    assert [name for name in ("shop-1", "Shop-1", "Orders", "Orders2") if filters.take_name(name)] == [
        "shop-1",
        "Orders",
    ]
    assert filters.take_tags({"env": "a=b", "team": ""})
    assert not filters.take_tags({"env": "a=b"})
    assert not filters.take_tags({"env": "a", "team": ""})
    assert Filters().take_name("x")
    assert Filters().take_tags({})
    assert str(filters) == "--name 'shop-*' --name Orders --tag env=a=b --tag team"
