"""The JSON schema of tables.yaml says the same as the settings, as far as a schema can."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel, ValidationError

from dynamo_assets.cli import main
from dynamo_assets.configuration.json_schema import json_schema, schema_text
from dynamo_assets.configuration.keys import AnyOf, Form, Key, Scalar, Special, keys_of, sections_within
from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.errors import ConfigError
from dynamo_assets.yaml_file import read_yaml
from tests.configuration import test_load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SCHEMA = json_schema()
ENVIRONMENT = {"AWS_ACCOUNT_ID": "123456789012", "AWS_REGION": "eu-west-1"}

BEYOND_A_SCHEMA = {
    # what the environment holds
    r"storage.bucket: .*AWS_ACCOUNT_ID is not set",
    # what a text means
    r"tables.Orders.schedule: .*cron",
    r"tables.Orders.volume.drop: .*less than 1",
    r"tables.Orders.time_limit: .*write less",
    r"tables.2024: a table's name must be text",  # to a schema every key is
    # what one place says of another
    r"tables.Orders.freshness: .*longer than",
    r"glue: `flex` knows the worker types G.1X and G.2X",
    r"tables.Orders.checks: there is another check 'keys'",
    r"tables.Orders.keep_views: .*'orders_history' of 'Orders_history'.*`name: orders_table`",
    r"catalog.database: 'dynamodb'.*choose",
    r"tables.x+: Glue takes names of 255 .*`name:` that is 27 shorter",
    r"tables.x+: .* 255 .*`name:` that is 1 shorter",
    r"sets.shop: tables: 'Costumers' is not in .*'Customers'\?",
    r"sets.shop: tables: 'orders' is not in .*'Orders'\?",
    r"sets.tills: tables: 'Orders' is in the set 'shop' too",
    r"sets.shop: tables: 'Scanned' has engine 'glue'.*point_in_time",
    r"sets.shop: tables: 'Orders' .*'0 \* \* \* \*' and 'Daily' .*one schedule",
    r"sets.daily: 'daily' is the view or the raw table of Daily",
    r"sets.snapshots_orders: .* raw table of Orders",
}
"""The messages, as test_load.py has them, of mistakes that no schema can find."""


def _problems(document: Any, schema: Mapping[str, Any] = SCHEMA) -> list[str]:
    return [error.message for error in Draft7Validator(schema).iter_errors(_as_json(document))]


def _as_json(value: Any) -> Any:
    """JSON has no dates; to an editor they are texts."""
    if isinstance(value, dict):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _cases(test: Any, before: str = "") -> list[tuple[str, str]]:
    [mark] = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return [(before + text, message) for text, message in mark.args[1]]


def test_what_is_refused_at_load_is_refused_by_the_schema_where_a_schema_can(tmp_path: Path) -> None:
    cases = _cases(test_load.test_what_is_wrong_is_named_with_its_key_and_the_fix)
    cases += _cases(test_load.test_what_is_wrong_with_a_set_is_named_with_the_fix, test_load.SHOP + "sets: ")
    accepted, path = set(), tmp_path / "tables.yaml"
    for text, message in cases:
        path.write_text(text)
        try:
            document = read_yaml(path)
        except ConfigError:
            continue  # no YAML
        if not _problems(document):
            accepted.add(message)
    assert accepted == BEYOND_A_SCHEMA


def _examples() -> Iterator[tuple[str, str]]:
    yield "tables.yaml", (ROOT / "tables.yaml").read_text()
    for page in PAGES:
        for match in re.finditer(r"^```yaml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            yield page.name, match[1]


def test_every_example_is_valid_and_loads(tmp_path: Path) -> None:
    """What stands in the documentation is mostly a part; what a file needs besides is added here."""
    path, tried = tmp_path / "tables.yaml", 0
    for where, text in _examples():
        path.write_text(text)
        document = read_yaml(path)
        if not set(document) & set(SCHEMA["properties"]):
            continue  # dagster.yaml, a policy
        members = [name for each in (document.get("sets") or {}).values() for name in each["tables"]]
        if "tables" not in document:
            document["tables"] = {name: {"engine": "point_in_time"} for name in members or ["Orders"]}
        document.setdefault("storage", {"bucket": "exports-bucket"})
        assert not _problems(document), (where, text)
        path.write_text(_yaml(document))
        load_settings(path, ENVIRONMENT)
        tried += 1
    assert tried >= 10


def _yaml(document: Any) -> str:
    import yaml

    return yaml.safe_dump(document)


# Of each kind of value some that fit, some at a limit and some beyond it; each is tried with each key.
PROBES: list[Any] = [
    None, True, False, -1, 0, 1, 2, 10, 50, 99, 299, 300, 10_080, 10_081, 10_000_000, 0.05, 0.1, 0.25, 1.0, 1.5,
    "", "x", "Orders", "a b", "off", "new", "auto", "5.1", "a/b", "/a/", "123456789012", "https://dagster.example",
    "90s", " 2 h", "1d", "1w", "-1h", "64MB", "1 GB", "64MiB", "50%", "5.5 %", "%", "0 10 * * *", "@daily", "0 10 * *",
    "2026-11-01", date(2026, 11, 1), "soon", "count {view}",
    "arn:aws:sns:eu-west-1:123456789012:alerts", "arn:aws:sns:eu-west-1:123456789012:alerts.fifo",
    "arn:aws:kms:eu-west-1:123456789012:key/1234", "arn:aws", [], {}, ["x"], [1], {"x": "y"}, {"x": 1}, [{}],
    *("parquet", "glue", "glue_connector", "in_process", "point_in_time", "text", "json", "double", "direct", "G.2X"),
    *("block", "block_zero", "warn"),
]  # fmt: skip

_FEWEST: Mapping[str, dict[str, Any]] = {
    "Storage": {"bucket": "exports"},
    "Account": {"role_arn": "arn:aws:iam::210987654321:role/reader"},
    "Freshness": {"warn": "1m", "fail": "9d"},
    "DeclaredCheck": {"sql": "{view}", "expect": 1},
    "Table": {"table": "Orders", "name": "orders", "role_arn": "arn:aws:iam::210987654321:role/reader"},
    "TableSet": {"name": "shop", "tables": ["Orders", "Customers"]},
}


def _all_keys() -> Iterator[tuple[type[BaseModel], Key, Mapping[str, Any]]]:
    """Every key of every section, with its part of the schema."""
    top = SCHEMA["properties"]
    for key in keys_of(Settings):
        if key.name == "tables":
            yield from _keys_below(Table, SCHEMA["definitions"]["table"], but="table")
        elif key.name in ("accounts", "sets"):
            [model] = sections_within(key.form)
            yield from _keys_below(model, top[key.name]["additionalProperties"], but="name")
        else:
            [model] = sections_within(key.form)
            yield from _keys_below(model, top[key.name])


def _keys_below(model: type[BaseModel], schema: Mapping[str, Any], but: str = "") -> Iterator[Any]:
    for key in keys_of(model):
        if key.name == but:
            continue
        part = schema["properties"][key.name]
        while "$ref" in part:
            part = SCHEMA["definitions"]["defaults"]["properties"][part["$ref"].rsplit("/", 1)[1]]
        yield model, key, part
        for section in sections_within(key.form):
            yield from _keys_below(section, part.get("items", part))


def _loads(model: type[BaseModel], key: Key, value: Any) -> bool:
    try:
        model.model_validate({**_FEWEST.get(model.__name__, {}), key.name: value})
    except ValidationError:
        return False
    return True


def _forms(form: Form) -> tuple[Form, ...]:
    return form.forms if isinstance(form, AnyOf) else (form,)


def _is_looser_at_load(key: Key, probe: Any) -> bool:
    """What pydantic makes the best of, and an editor may underline: numbers and truth values written as another."""
    kinds = {form.type for form in _forms(key.form) if isinstance(form, Scalar)}
    spoken = {form.written.spoken for form in _forms(key.form) if isinstance(form, Special)}
    if key.name == "tables":
        return isinstance(probe, list)  # load.py counts the members of a set
    if "date" in spoken:
        return isinstance(probe, int | float | str)  # seconds since 1970
    if "share" in spoken:
        return isinstance(probe, float)  # 1.0 is a whole number to a schema
    return bool(kinds & {"boolean", "integer", "number"}) and isinstance(probe, str | bool | int | float)


def _is_beyond_a_schema(model: type[BaseModel], key: Key, probe: Any) -> bool:
    spoken = {form.written.spoken for form in _forms(key.form) if isinstance(form, Special)}
    # The range of what is written with a unit; that of freshness goes from one minute on.
    has_unit = isinstance(probe, str) and bool({"size", "share"} & spoken or model.__name__ == "Freshness")
    # A bare date is text to an editor, and 1.0 a whole number.
    return has_unit or isinstance(probe, date) or ("size" in spoken and isinstance(probe, float))


@pytest.mark.parametrize(
    ("model", "key", "schema"), list(_all_keys()), ids=lambda value: getattr(value, "name", None) or ""
)
def test_a_key_takes_what_its_schema_takes(model: type[BaseModel], key: Key, schema: Mapping[str, Any]) -> None:
    validator = Draft7Validator({**schema, "definitions": SCHEMA["definitions"]})
    assert key.is_required or validator.is_valid(key.default)
    for probe in [*PROBES, key.default]:
        loads, is_valid = _loads(model, key, probe), validator.is_valid(_as_json(probe))
        if loads and not is_valid:
            assert _is_looser_at_load(key, probe), f"{key.name}: {probe!r} loads, and the schema refuses it"
        if is_valid and not loads:
            assert _is_beyond_a_schema(model, key, probe), f"{key.name}: {probe!r} is valid, and is refused at load"


def test_a_variable_may_stand_where_one_value_is_expected(tmp_path: Path) -> None:
    text = """
storage: {bucket: "x-${WORD}", prefix: "${WORD}"}
catalog: {method: "${METHOD}", time_limit: "${TIME}"}
glue: {max_workers: "${NUMBER}", workers: "${NUMBER}", version: "${VERSION}"}
deploy: {scan_limit: "${SIZE}", table_arns: ["${ARN}"]}
defaults: {engine: "${ENGINE}", consistent_read: "${TRUTH}", read_percentage: "${SHARE}", owners: ["team:${WORD}"]}
tables:
  Orders: {volume: {drop: "${PERCENT}"}, schedule: "0 ${NUMBER} * * *", max_read_units: "${NUMBER}"}
"""
    environment = {
        "WORD": "word",
        "METHOD": "direct",
        "TIME": "2h",
        "NUMBER": "7",
        "VERSION": "6.0",
        "SIZE": "20MB",
        "ARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders",
        "ENGINE": "in_process",
        "TRUTH": "true",
        "SHARE": "0.5",
        "PERCENT": "5%",
    }
    path = tmp_path / "tables.yaml"
    path.write_text(text)
    assert not _problems(read_yaml(path))
    settings = load_settings(path, environment)
    [orders] = settings.tables
    assert (settings.glue.max_workers, settings.glue.workers, orders.consistent_read) == (7, 7, True)
    assert _problems({**read_yaml(path), "defaults": {"engine": "$ENGINE"}})


def test_every_key_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    unexplained = [f"{model.__name__}.{key.name}" for model, key, _ in _all_keys() if not key.meaning]
    assert not unexplained
    Draft7Validator.check_schema(SCHEMA)
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()
    assert '"default": null' not in schema_text()  # the YAML language server completes nothing beside it
    assert "](" not in schema_text()  # the documentation's links lead nowhere from an editor
