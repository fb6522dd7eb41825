from __future__ import annotations

import pytest

from dynamo_assets.configuration.settings import Settings, Storage, TableSet
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import ConfigError
from dynamo_assets.publishing.target import Target

MEMBERS = [Table(table=table, name=table.lower(), engine="point_in_time") for table in ("Orders", "Payments")]
SETTINGS = Settings(
    storage=Storage(bucket="lake"),
    tables=[*MEMBERS, Table(table="My-Reviews", name="my_reviews")],
    sets=[TableSet(name="shop", tables=["Orders", "Payments"])],
)


@pytest.mark.parametrize("name", ["My-Reviews", "my_reviews"])
def test_a_table_is_found_by_both_its_names(name: str) -> None:
    assert Target.find(name, SETTINGS) == Target("my_reviews", "My-Reviews", (SETTINGS.tables[2],))


def test_a_set_is_found_with_its_members() -> None:
    assert Target.find("shop", SETTINGS) == Target("shop", "shop", tuple(MEMBERS), is_set=True)


@pytest.mark.parametrize("name", ["Orders", "payments"])
def test_a_member_of_a_set_is_not_published_alone(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is in the set 'shop'.*publish 'shop'"):
        Target.find(name, SETTINGS)


def test_what_is_not_there_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ConfigError, match="did you mean 'My-Reviews'"):
        Target.find("My-Review", SETTINGS)
    with pytest.raises(ConfigError, match="there are Orders, Payments, My-Reviews, shop"):
        Target.find("x", SETTINGS)
