from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dynamo_assets.export.columns import MAX_NAME_LENGTH, column_names, top_level_names


def test_names_are_what_athena_takes_without_quoting() -> None:
    assert column_names(["OrderId", "unit price", "a.b", "日本", "x-y", ""]) == {
        "OrderId": "orderid",
        "unit price": "unit_price",
        "a.b": "a_b",
        "日本": "__",
        "x-y": "x_y",
        "": "_",
    }


def test_attributes_that_would_share_a_name_are_numbered_and_a_good_name_is_kept() -> None:
    assert column_names(["Id", "id", "ID", "i d", "i.d"]) == {
        "id": "id",
        "ID": "id_2",
        "Id": "id_3",
        "i d": "i_d",
        "i.d": "i_d_2",
    }
    assert column_names(["Id", "id", "id_2"]) == {"id": "id", "id_2": "id_2", "Id": "id_3"}


def test_no_attribute_gets_the_name_of_the_partition() -> None:
    assert top_level_names(["snapshot_timestamp", "Snapshot_Timestamp"]) == {
        "Snapshot_Timestamp": "snapshot_timestamp_2",
        "snapshot_timestamp": "snapshot_timestamp_3",
    }
    assert column_names(["snapshot_timestamp"]) == {"snapshot_timestamp": "snapshot_timestamp"}


@given(st.permutations(["Id", "id", "ID", "id_2", "i d", "a" * 300, "A" * 300, "snapshot_timestamp", ""]))
def test_names_do_not_depend_on_the_order_in_which_attributes_are_met(order: list[str]) -> None:
    assert top_level_names(order) == top_level_names(sorted(order))


@given(st.sets(st.text(max_size=6), max_size=30))
def test_names_are_distinct_identifiers_of_a_length_that_glue_takes(attributes: set[str]) -> None:
    names = top_level_names(attributes)
    assert names.keys() == attributes
    assert len(set(names.values())) == len(attributes)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) and len(name) <= MAX_NAME_LENGTH for name in names.values())
