from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Retention
from dynamo_assets.errors import ConfigError
from dynamo_assets.export.request import ExportRequest

STORAGE = "storage: {bucket: exports-bucket}\n"


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str, **environment: str) -> Settings:
        path = tmp_path / "tables.yaml"
        path.write_text(text)
        return load_settings(path, environment)

    return load


def test_a_table_that_a_person_names_wrongly_is_an_error_that_helps(load) -> None:
    settings = load(STORAGE + "tables: {Orders: {}, Reviews: {}}")
    assert settings.table_named("Orders").table == "Orders"
    with pytest.raises(ConfigError, match=r"no table 'Order' in .*did you mean 'Orders'"):
        settings.table_named("Order")
    with pytest.raises(ConfigError, match="it has Orders, Reviews"):
        settings.table_named("stock")


def test_a_table_takes_the_defaults_and_overrides_them(load) -> None:
    settings = load(
        STORAGE
        + """
defaults: {engine: glue, read_percentage: 0.5, owners: ["team:data"]}
tables:
  Reviews: {}
  Orders: {engine: in_process, freshness: {warn: 2h, fail: 6h}, name: shop_orders}
"""
    )
    reviews, orders = settings.tables
    assert (reviews.name, reviews.engine, reviews.read_percentage, reviews.owners) == (
        "reviews",
        "glue",
        0.5,
        ["team:data"],
    )
    assert (orders.name, orders.engine, orders.read_percentage) == ("shop_orders", "in_process", 0.5)
    assert orders.freshness is not None
    assert orders.freshness.fail == timedelta(hours=6)


def test_environment_variables_are_filled_in(load) -> None:
    settings = load("storage: {bucket: 'x-${AWS_ACCOUNT_ID}'}\ntables: {Orders: {}}", AWS_ACCOUNT_ID="123456789012")
    assert settings.storage.bucket == "x-123456789012"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "storage: {bucket: 'x-${AWS_ACCOUNT_ID}'}\ntables: {Orders: {}}",
            r"storage.bucket: .*AWS_ACCOUNT_ID is not set",
        ),
        (STORAGE + "tables: {Orders: {enigne: glue}}", r"tables.Orders.enigne: there is no such key"),
        *(
            (
                STORAGE + f"glue: {{workers: {workers}}}\ntables: {{Orders: {{}}}}",
                r"glue.workers: write auto, or a whole",
            )
            for workers in ("many", "1", "300", "true", "2.5")
        ),
        (
            STORAGE + "glue: {flex: true, worker_type: G.4X}\ntables: {Orders: {}}",
            r"glue: `flex` knows the worker types G.1X and G.2X",
        ),
        (
            STORAGE + "tables: {Orders: {engine: spark}}",
            r"tables.Orders.engine: .*'glue', 'glue_connector', 'in_process' or 'point_in_time'.*found 'spark'",
        ),
        (
            STORAGE + "tables: {Orders: {engine: point_in_time, point_in_time: {full_every: weekly}}}",
            r"tables.Orders.point_in_time.full_every: .*write a cron expression of five fields",
        ),
        (STORAGE + "tables: {Orders: {read_percentage: 0.001}}", r"tables.Orders.read_percentage: .*0.1.*found 0.001"),
        (STORAGE + "tables: {Orders: {read_percentage: 1.5}}", r"tables.Orders.read_percentage: .*found 1.5"),
        (STORAGE + "defaults: {read_percentage: 0}\ntables: {Orders: {}}", r"read_percentage: .*found 0"),
        (STORAGE + "tables: {Orders: {format: xml}}", r"tables.Orders.format: .*found 'xml'"),
        (STORAGE + "tables: {Orders: {schedule: often}}", r"tables.Orders.schedule: .*cron expression.*found 'often'"),
        (STORAGE + "tables: {Orders: {schedule: '@daily'}}", r"tables.Orders.schedule: .*five fields"),
        (STORAGE + "tables: {Orders: {schedule: '0 25 * * *'}}", r"tables.Orders.schedule: .*cron"),
        (STORAGE + "tables: {Orders: {freshness: {warn: 6h, fail: 2h}}}", r"tables.Orders.freshness: .*longer than"),
        (STORAGE + "tables: {Orders: {retention: {keep_last: 0}}}", r"tables.Orders.retention.keep_last: .*found 0"),
        (
            STORAGE + "tables: {Orders: {retention: {keep_days: 1.5}}}",
            r"tables.Orders.retention.keep_days: .*found 1.5",
        ),
        (STORAGE + "tables: {Orders: {retention: {days: 9}}}", r"tables.Orders.retention.days: there is no such key"),
        (STORAGE + "tables: {Orders: {retention: 30}}", r"tables.Orders.retention: .*found 30"),
        (
            STORAGE + "alerts: {sns_topic: team}\ntables: {Orders: {}}",
            r"alerts.sns_topic: write the ARN .*found 'team'",
        ),
        (
            STORAGE + "alerts: {sns_topic: 'arn:aws:sns:eu-west-1:123456789012:team.fifo'}\ntables: {Orders: {}}",
            r"alerts.sns_topic: .*a FIFO topic sends no mail",
        ),
        (
            STORAGE + "deploy: {table_arns: [Orders]}\ntables: {Orders: {}}",
            r"deploy.table_arns.0: write an ARN.*Orders",
        ),
        (STORAGE + "deploy: {kms_key: old}\ntables: {Orders: {}}", r"deploy.kms_key.*: .*found 'old'"),
        (STORAGE + "deploy: {stack: my_stack}\ntables: {Orders: {}}", r"deploy.stack: .*found 'my_stack'"),
        (STORAGE + "alerts: {dagster_url: dagster}\ntables: {Orders: {}}", r"alerts.dagster_url: .*found 'dagster'"),
        (STORAGE + "tables: {Orders: {volume: {drop: 50}}}", r"tables.Orders.volume.drop: .*percent sign.*found 50"),
        (STORAGE + "tables: {Orders: {volume: {drop: 100%}}}", r"tables.Orders.volume.drop: .*less than 1"),
        (STORAGE + "tables: {Orders: {volume: {fall: 5%}}}", r"tables.Orders.volume.fall: there is no such key"),
        (
            STORAGE + "tables: {Orders: {verification: {files: maybe}}}",
            r"verification.files: .*'block', 'warn' or 'off'",
        ),
        (STORAGE + "tables: {Orders: {verification: {schema: block}}}", r"verification.schema: .*'warn' or 'off'"),
        (STORAGE + "tables: {Orders: {checks: [{sql: 'SELECT 1', expect: 1}]}}", r"checks.0: .*must have {view} in it"),
        (STORAGE + "tables: {Orders: {checks: [{sql: '{view}'}]}}", r"checks.0.expect: this key is required"),
        (
            STORAGE + "tables: {Orders: {checks: [{name: keys, sql: '{view}', expect: 1}]}}",
            r"tables.Orders.checks: there is another check 'keys'",
        ),
        (
            STORAGE + "tables: {Orders: {keep_views: 3}, Orders_history: {}}",
            r"tables.Orders.keep_views: .*'orders_history' of 'Orders_history'.*`name: orders_table`",
        ),
        (STORAGE + "tables: {Orders: {time_limit: soon}}", r"tables.Orders.time_limit: .*90s, 30m, 2h or 1d"),
        (STORAGE + "tables: {'my table': {}}", r"tables.my table: .*neither a DynamoDB table name"),
        (STORAGE + 'tables: {"x\'; DROP": {}}', r"neither a DynamoDB table name"),
        (STORAGE + "tables: {2024: {}}", r"tables.2024: a table's name must be text"),
        (STORAGE + "tables: {Orders: glue}", r"tables.Orders: must be a mapping"),
        (STORAGE + "tables: {Orders: {table: Payments}}", r"tables.Orders.table: there is no such key; .*'Orders'"),
        (STORAGE + "tables: {Orders: {name: 'a b'}}", r"tables.Orders.name: .*found 'a b'"),
        (STORAGE + "tables: {}", r"tables: must be a mapping"),
        (STORAGE, r"tables: must be a mapping"),
        ("tables: {Orders: {}}", r"storage: this key is required"),
        ("storage: {bucket: UPPER}\ntables: {Orders: {}}", r"storage.bucket: .*found 'UPPER'"),
        ("storage: {bucket: abc, prefix: /x/}\ntables: {Orders: {}}", r"storage.prefix: .*found '/x/'"),
        ("storage: {bucket: abc\n", r"not valid YAML"),
        ("- a\n- b\n", r"must be a mapping"),
        (STORAGE + "tables:\n  Orders: {}\n  Orders: {}\n", r"the key 'Orders' stands 2 times"),
        (STORAGE + "catalog: {database: dynamodb}\ntables: {orders: {}}", r"catalog.database: 'dynamodb'.*choose"),
        (
            STORAGE + f"tables: {{{'x' * 255}: {{}}}}",
            r"tables.x+: Glue takes names of 255 .*`name:` that is 27 shorter",
        ),
        (
            STORAGE + f"catalog: {{method: direct}}\ntables: {{{'x' * 246}: {{}}}}",
            r"tables.x+: .* 255 .*`name:` that is 1 shorter",
        ),
        (STORAGE + "tables: {Orders: {time_limit: 99999999999999d}}", r"tables.Orders.time_limit: .*write less"),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_the_fix(load, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(text)
    assert str(tmp_path / "tables.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [("My-Table", "my_table"), ("my.table", "My_Table"), ("Orders", "snapshots_orders")],
)
def test_tables_that_would_overwrite_each_other_are_refused_and_both_named(load, first: str, second: str) -> None:
    """Defect 8 of the pipeline that this one replaces."""
    with pytest.raises(ConfigError, match="overwrite") as caught:
        load(STORAGE + f"tables: {{{first}: {{}}, {second}: {{}}}}")
    assert first in str(caught.value)
    assert second in str(caught.value)


def test_a_check_is_turned_off_by_a_bare_off_which_yaml_takes_for_a_boolean(load) -> None:
    settings = load(STORAGE + "tables: {Orders: {verification: {files: off, schema: off, volume: warn}}}")
    levels = settings.tables[0].verification
    assert (levels.files, levels.schema_changes, levels.volume, levels.keys) == ("off", "off", "warn", "block")


def test_a_collision_is_resolved_by_a_name(load) -> None:
    settings = load(STORAGE + "tables: {My-Table: {}, my_table: {name: my_table_2}}")
    assert [table.name for table in settings.tables] == ["my_table", "my_table_2"]


HOURLY = "{engine: point_in_time, schedule: '0 * * * *'}"
SHOP = (
    STORAGE
    + f"""
tables:
  Orders: {HOURLY}
  Customers: {HOURLY}
  Payments: {HOURLY}
  Daily: {{engine: point_in_time}}
  Scanned: {{schedule: '0 * * * *'}}
"""
)


def test_a_set_has_the_tables_it_names_in_their_order(load) -> None:
    settings = load(SHOP + "sets: {shop: {tables: [Payments, Orders, Customers], owners: ['team:shop']}}")
    [shop] = settings.sets
    assert (shop.name, shop.owners) == ("shop", ["team:shop"])
    assert [table.name for table in settings.members(shop)] == ["payments", "orders", "customers"]
    assert settings.tables_in_sets == {"Payments", "Orders", "Customers"}


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("[Orders]", r"sets: must be a mapping"),
        ("{shop: [Orders, Customers]}", r"sets.shop: must be a mapping"),
        ("{shop: {}}", r"sets.shop.tables: this key is required"),
        ("{shop: {tables: Orders}}", r"sets.shop.tables: .*list"),
        ("{shop: {tables: [Orders, Customers], schedule: hourly}}", r"sets.shop.schedule: there is no such key"),
        ("{shop: {tables: [Orders, Customers], name: x}}", r"sets.shop.name: there is no such key"),
        ("{Shop: {tables: [Orders, Customers]}}", r"sets.Shop.name: .*found 'Shop'"),
        ("{shop: {tables: [Orders]}}", r"sets.shop: tables: a set has two members"),
        ("{shop: {tables: [Orders, Costumers]}}", r"sets.shop: tables: 'Costumers' is not in .*'Customers'\?"),
        ("{shop: {tables: [Orders, orders, Customers]}}", r"sets.shop: tables: 'orders' is not in .*'Orders'\?"),
        ("{shop: {tables: [Orders, Customers, Orders]}}", r"sets.shop: tables: 'Orders' stands 2 times"),
        (
            "{shop: {tables: [Orders, Customers]}, tills: {tables: [Payments, Orders]}}",
            r"sets.tills: tables: 'Orders' is in the set 'shop' too",
        ),
        ("{shop: {tables: [Orders, Scanned]}}", r"sets.shop: tables: 'Scanned' has engine 'glue'.*point_in_time"),
        (
            "{shop: {tables: [Orders, Daily]}}",
            r"sets.shop: tables: 'Orders' .*'0 \* \* \* \*' and 'Daily' .*one schedule",
        ),
        ("{daily: {tables: [Orders, Customers]}}", r"sets.daily: 'daily' is the view or the raw table of Daily"),
        ("{snapshots_orders: {tables: [Orders, Customers]}}", r"sets.snapshots_orders: .* raw table of Orders"),
    ],
)
def test_what_is_wrong_with_a_set_is_named_with_the_fix(load, tmp_path: Path, sets: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(SHOP + f"sets: {sets}")
    assert str(tmp_path / "tables.yaml") in str(caught.value)


def test_a_tables_retention_replaces_the_default_one_as_a_whole(load) -> None:
    settings = load(
        STORAGE
        + """
defaults: {retention: {keep_last: 30, keep_days: 90}}
tables:
  Orders: {}
  Payments: {retention: {keep_last: 3}}
  Audits: {retention: null}
"""
    )
    found = {table.table: table.retention for table in settings.tables}
    assert found == {
        "Orders": Retention(keep_last=30, keep_days=90),
        "Payments": Retention(keep_last=3),
        "Audits": None,
    }


def test_a_missing_file_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DYNAMO_ASSETS_CONFIG"):
        load_settings(tmp_path / "none.yaml", {})


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(STORAGE + "tables: {Orders: {}}")
    assert load_settings(None, {"DYNAMO_ASSETS_CONFIG": str(path)}).tables[0].table == "Orders"


def test_every_export_setting_of_a_table_reaches_the_request(load) -> None:
    settings = load(
        STORAGE
        + """
tables:
  Orders:
    {engine: in_process, read_percentage: 0.4, max_read_units: 70, consistent_read: true, mixed_types: fail,
     nested: json, numbers: double, columns: {price: double}, format: orc, target_file_size: 64MB, rediscover: true,
     time_limit: 3h}
"""
    )
    request = settings.export_request(settings.tables[0], slot="2026-11-23T10:00", attempt="run/1")
    assert request == ExportRequest(
        table="Orders",
        bucket="exports-bucket",
        name="orders",
        read_percentage=0.4,
        max_read_units=70,
        consistent_read=True,
        slot="2026-11-23T10:00",
        engine="in_process",
        attempt="run/1",
        mixed_types="fail",
        nested="json",
        numbers="double",
        columns={"price": "double"},
        format="orc",
        target_file_bytes=64 * 1024**2,
        rediscover=True,
        time_limit_seconds=3 * 3600,
    )


def test_the_file_of_this_repository_is_valid() -> None:
    path = Path(__file__).parents[2] / "tables.yaml"
    settings = load_settings(path, {"AWS_ACCOUNT_ID": "123456789012", "AWS_REGION": "eu-west-1"})
    tables = [table.table for table in settings.tables]
    assert tables == ["Reviews", "Api-Operations", "Orders", "Customers", "Payments"]
    assert [group.tables for group in settings.sets] == [["Customers", "Payments"]]
