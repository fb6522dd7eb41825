"""What of a table Athena sees: its registered partitions, pruned, and each with its own schema."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.sandbox.warehouse import Warehouse, parquet

COLUMNS = {"id": "bigint", "name": "string"}
TWO = {"id": [1, 2], "name": ["ann", "bob"]}


@pytest.fixture
def snapshots(warehouse: Warehouse) -> Warehouse:
    """Three snapshots of two rows each."""
    warehouse.table("snapshots", COLUMNS, keys={"at": "string"})
    for at in ("t1", "t2", "t3"):
        warehouse.put(f"snapshots/{at}/f.parquet", parquet(TWO))
        warehouse.partition("snapshots", at)
    return warehouse


def test_a_partitioned_table_with_no_partition_registered_has_no_rows(warehouse: Warehouse) -> None:
    warehouse.table("snapshots", COLUMNS, keys={"at": "string"})
    warehouse.put("snapshots/t1/f.parquet", parquet(TWO))
    assert warehouse.rows("SELECT count(*) FROM snapshots") == [(0,)]


def test_only_registered_partitions_are_seen(warehouse: Warehouse) -> None:
    warehouse.table("snapshots", COLUMNS, keys={"at": "string"})
    for at in ("t1", "t2"):
        warehouse.put(f"snapshots/{at}/f.parquet", parquet(TWO))
    warehouse.put("snapshots/stray.parquet", parquet(TWO))
    warehouse.partition("snapshots", "t2")
    assert warehouse.rows("SELECT at, count(*) FROM snapshots GROUP BY at") == [("t2", 2)]
    assert warehouse.rows('SELECT * FROM "snapshots$partitions"') == [("t2",)]


def test_a_table_without_partition_keys_is_its_whole_location(warehouse: Warehouse) -> None:
    warehouse.table("flat", COLUMNS)
    for key in ("flat/a.parquet", "flat/deep/er/b.parquet"):
        warehouse.put(key, parquet(TWO))
    for hidden in ("flat/_SUCCESS", "flat/.crc", "flat/_temporary/c.parquet", "flat_other/d.parquet"):
        warehouse.put(hidden, b"no data")
    warehouse.put("flat/empty.parquet", b"")
    assert warehouse.rows("SELECT count(*) FROM flat") == [(4,)]


def test_a_registered_partition_without_files_has_no_rows(snapshots: Warehouse) -> None:
    snapshots.partition("snapshots", "t9")
    assert snapshots.rows("SELECT count(*) FROM snapshots WHERE at = 't9'") == [(0,)]


@pytest.mark.parametrize(
    ("condition", "partitions"),
    [
        ("", 3),
        ("WHERE at = 't2'", 1),
        ("WHERE at IN ('t1', 't3') AND id = 1", 2),
        ("WHERE at > 't1'", 2),
        ("WHERE substr(at, 2) = '3'", 1),
        ("WHERE at = 't1' OR at = 't2'", 2),
        ("WHERE at = 't1' OR id = 1", 3),
        ("WHERE at = name", 3),
        ("WHERE at = (SELECT max(at) FROM snapshots)", 3),
        ("WHERE NOT at = 't2'", 2),
        ("WHERE at = 'none'", 0),
    ],
)
def test_conditions_on_the_partition_key_prune_what_is_scanned(
    snapshots: Warehouse, condition: str, partitions: int
) -> None:
    whole = snapshots.scanned("SELECT name FROM snapshots WHERE at = 't1'")
    needs_id = " + id" if "id" in condition else ""
    one = snapshots.scanned(f"SELECT length(name){needs_id} FROM snapshots WHERE at = 't1'") if needs_id else whole
    assert whole > 0
    assert snapshots.scanned(f"SELECT length(name){needs_id} FROM snapshots {condition}") == partitions * one


def test_a_view_prunes_by_its_own_condition_and_by_its_readers(snapshots: Warehouse) -> None:
    one = snapshots.scanned("SELECT name FROM snapshots WHERE at = 't1'")
    snapshots.rows("CREATE VIEW latest AS SELECT id, name, at FROM snapshots WHERE at > 't1'")
    snapshots.rows("CREATE VIEW grouped AS SELECT at, max(name) AS name FROM snapshots GROUP BY at")
    snapshots.rows("CREATE VIEW first AS SELECT at, name FROM snapshots ORDER BY at DESC, name LIMIT 1")
    assert snapshots.scanned("SELECT name FROM latest") == 2 * one
    assert snapshots.scanned("SELECT name FROM latest WHERE at = 't3'") == one
    assert snapshots.scanned("SELECT name FROM grouped WHERE at = 't3'") == one
    # After a LIMIT a condition is no longer on the table's rows.
    assert snapshots.rows("SELECT name FROM first WHERE at = 't3'") == [("ann",)]
    assert snapshots.rows("SELECT name FROM first WHERE at = 't1'") == []
    assert snapshots.scanned("SELECT name FROM first WHERE at = 't1'") == 3 * one


def test_an_outer_join_prunes_only_the_side_whose_rows_it_may_drop(snapshots: Warehouse) -> None:
    join = "SELECT a.id, b.id FROM snapshots a LEFT JOIN snapshots b ON a.id = b.id AND b.at = 't9'"
    assert snapshots.rows(f"{join} WHERE a.at = 't1' ORDER BY 1") == [(1, None), (2, None)]
    left_join = "SELECT a.id FROM snapshots a LEFT JOIN snapshots b ON a.id = b.id AND a.at = b.at"
    assert len(snapshots.rows(f"{left_join} WHERE b.at IS NULL")) == 0
    assert len(snapshots.rows(f"{left_join} AND b.at = 't1' WHERE b.at IS NULL")) == 4


def test_only_the_columns_that_are_read_are_scanned(snapshots: Warehouse) -> None:
    everything = snapshots.scanned("SELECT * FROM snapshots")
    names = snapshots.scanned("SELECT name FROM snapshots")
    assert 0 < names < everything
    assert snapshots.scanned("SELECT max(id) FROM (SELECT * FROM snapshots)") == everything - names
    assert snapshots.scanned("SELECT count(*) FROM snapshots") == 0


def test_partition_keys_have_their_types(warehouse: Warehouse) -> None:
    warehouse.table("t", COLUMNS, keys={"day": "date", "part": "int"})
    for values in (("2026-01-02", "7"), ("2026-01-03", "__HIVE_DEFAULT_PARTITION__")):
        warehouse.put(f"t/{'/'.join(values)}/f.parquet", parquet(TWO))
        warehouse.partition("t", *values)
    assert warehouse.rows("SELECT part + 1, day_of_week(day) FROM t WHERE part > 6 AND id = 1") == [(8, 5)]
    assert warehouse.rows("SELECT count(*) FROM t WHERE part IS NULL AND day > date '2026-01-02'") == [(2,)]


def test_a_partition_key_that_is_no_value_of_its_type_fails(warehouse: Warehouse) -> None:
    warehouse.table("t", COLUMNS, keys={"part": "int"})
    warehouse.put("t/seven/f.parquet", parquet(TWO))
    warehouse.partition("t", "seven")
    assert warehouse.fails("SELECT id FROM t").startswith("HIVE_INVALID_PARTITION_VALUE")


def test_a_column_that_an_old_partition_lacks_is_null_there(snapshots: Warehouse) -> None:
    snapshots.put("snapshots/t4/f.parquet", parquet({**TWO, "age": [30, 40]}))
    columns = {**COLUMNS, "age": "bigint"}
    table = snapshots.glue.get_table(DatabaseName=snapshots.database, Name="snapshots")["Table"]
    snapshots.glue.update_table(
        DatabaseName=snapshots.database,
        TableInput={
            "Name": "snapshots",
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": table["PartitionKeys"],
            "StorageDescriptor": snapshots.storage("snapshots", columns),
        },
    )
    snapshots.partition("snapshots", "t4")
    assert snapshots.rows("SELECT at, sum(age) FROM snapshots GROUP BY at ORDER BY at") == [
        ("t1", None), ("t2", None), ("t3", None), ("t4", 70),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "values", "new", "expected"),
    [
        ("int", pa.array([1, 2], pa.int32()), "bigint", [(1,), (2,)]),
        ("bigint", pa.array([1, None]), "string", [("1",), (None,)]),
        ("float", pa.array([0.5, 1.5], pa.float32()), "double", [(0.5,), (1.5,)]),
        ("struct<a:int>", pa.array([{"a": 1}, None], pa.struct([("a", pa.int32())])), "struct<a:bigint,b:string>",
         [({"a": "1", "b": None},), (None,)]),
    ],
)  # fmt: skip
def test_a_partition_of_an_older_schema_is_widened_to_the_tables(
    warehouse: Warehouse, old: str, values: pa.Array, new: str, expected: Any
) -> None:
    warehouse.table("t", {"x": new}, keys={"at": "string"})
    warehouse.put("t/t1/f.parquet", parquet({"x": values}))
    warehouse.partition("t", "t1", columns={"x": old})
    assert warehouse.rows("SELECT x FROM t") == expected


def test_a_partition_of_an_incompatible_schema_fails_as_a_mismatch(snapshots: Warehouse) -> None:
    snapshots.put("snapshots/t4/f.parquet", parquet({"id": ["x"], "name": ["y"]}))
    snapshots.partition("snapshots", "t4", columns={"id": "double", "name": "string"})
    assert snapshots.rows("SELECT count(*) FROM snapshots WHERE at < 't4'") == [(6,)]
    reason = snapshots.fails("SELECT id FROM snapshots")
    assert reason.startswith("HIVE_PARTITION_SCHEMA_MISMATCH: There is a mismatch between the table and partition")
    assert "declared as type 'bigint', but partition 'at=t4' declared column 'id' as type 'double'" in reason
