"""A crawler's definition, as CreateCrawler and UpdateCrawler take it: checked, with Glue's defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from dynamo_assets.sandbox.crawlers.listing import S3Target
from dynamo_assets.sandbox.glue_catalog.errors import GlueError

DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Classifiers": [],
    "TablePrefix": "",
    "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DEPRECATE_IN_DATABASE"},
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
    "LineageConfiguration": {"CrawlerLineageSettings": "DISABLE"},
    "LakeFormationConfiguration": {"UseLakeFormationCredentials": False, "AccountId": ""},
}
TARGET_KINDS = (
    "S3Targets", "JdbcTargets", "MongoDBTargets", "DynamoDBTargets", "CatalogTargets", "DeltaTargets",
    "IcebergTargets", "HudiTargets",
)  # fmt: skip
_CHOICES = (
    ("SchemaChangePolicy", "UpdateBehavior"),
    ("SchemaChangePolicy", "DeleteBehavior"),
    ("RecrawlPolicy", "RecrawlBehavior"),
)


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


# Every key Glue knows, with the values it takes; a dictionary is a section.
_CONFIGURATION: dict[str, Any] = {
    "Version": lambda value: value == 1 and not isinstance(value, bool),
    "Grouping": {
        "TableGroupingPolicy": lambda value: value == "CombineCompatibleSchemas",
        "TableLevelConfiguration": _is_positive,
    },
    "CrawlerOutput": {
        "Partitions": {"AddOrUpdateBehavior": lambda value: value == "InheritFromTable"},
        "Tables": {
            "AddOrUpdateBehavior": lambda value: value == "MergeNewColumns",
            "TableThreshold": _is_positive,
        },
    },
    "CreatePartitionIndex": lambda value: isinstance(value, bool),
}


@dataclass(frozen=True)
class CrawlerSettings:
    """What a crawl needs of its crawler's definition; each field is the definition's of about that name."""

    name: str
    database: str
    targets: tuple[S3Target, ...]
    table_prefix: str
    update_behavior: str
    delete_behavior: str
    new_folders_only: bool
    combine_compatible_schemas: bool
    table_level: int | None
    table_threshold: int | None
    partitions_inherit: bool
    merge_new_columns: bool
    partition_index: bool

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> CrawlerSettings:
        """The settings of a complete definition.

        Raises:
            GlueError: As Glue refuses it (`InvalidInputException`, `ValidationException`), or because the
                sandbox does not do what it asks for.
        """
        _refuse_unsupported(definition)
        _check_choices(definition)
        configuration = _parse_configuration(definition.get("Configuration"))
        grouping = configuration.get("Grouping", {})
        output = configuration.get("CrawlerOutput", {})
        tables = output.get("Tables", {})
        policy = definition["SchemaChangePolicy"]
        return cls(
            name=definition["Name"],
            database=definition["DatabaseName"],
            targets=_parse_targets(definition["Targets"]),
            table_prefix=definition["TablePrefix"],
            update_behavior=policy["UpdateBehavior"],
            delete_behavior=policy["DeleteBehavior"],
            new_folders_only=definition["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_NEW_FOLDERS_ONLY",
            combine_compatible_schemas="TableGroupingPolicy" in grouping,
            table_level=grouping.get("TableLevelConfiguration"),
            table_threshold=tables.get("TableThreshold"),
            partitions_inherit="AddOrUpdateBehavior" in output.get("Partitions", {}),
            merge_new_columns="AddOrUpdateBehavior" in tables,
            partition_index=configuration.get("CreatePartitionIndex", False),
        )


def refuse(message: str, code: str = "InvalidInputException") -> NoReturn:
    """Answers a request with an error of Glue's."""
    raise GlueError(code, message)


def _refuse_unsupported(definition: Mapping[str, Any]) -> None:
    if not definition.get("DatabaseName"):
        refuse("Database name cannot be null or empty")
    if not definition.get("Role"):
        refuse("Role cannot be null or empty")
    unsupported = {
        "run crawlers on a schedule": definition.get("Schedule"),
        "have security configurations": definition.get("CrawlerSecurityConfiguration"),
        "record lineage": definition["LineageConfiguration"].get("CrawlerLineageSettings") == "ENABLE",
        "use Lake Formation": definition["LakeFormationConfiguration"].get("UseLakeFormationCredentials"),
        "crawl by S3 events": definition["RecrawlPolicy"].get("RecrawlBehavior") == "CRAWL_EVENT_MODE",
        "crawl other data stores than S3": any(definition["Targets"].get(kind) for kind in TARGET_KINDS[1:]),
    }
    for what, asked in unsupported.items():
        if asked:
            refuse(f"The sandbox does not {what}")


def _check_choices(definition: Mapping[str, Any]) -> None:
    for section, key in _CHOICES:
        definition[section].setdefault(key, DEFAULTS[section][key])
    if definition["RecrawlPolicy"]["RecrawlBehavior"] == "CRAWL_NEW_FOLDERS_ONLY" and set(
        definition["SchemaChangePolicy"].values()
    ) != {"LOG"}:
        refuse(
            'The SchemaChangePolicy for "Crawl new folders only" Amazon S3 target can have only LOG DeleteBehavior '
            "value and LOG UpdateBehavior value."
        )
    if not re.fullmatch(r"[\w .-]{0,128}", definition["TablePrefix"]):
        refuse(f"The table prefix {definition['TablePrefix']!r} is not one: at most 128 letters, digits and _ . -")


def _parse_targets(targets: Mapping[str, Any]) -> tuple[S3Target, ...]:
    parsed = []
    for target in targets.get("S3Targets") or []:
        for key, what in {
            "ConnectionName": "crawl through a connection",
            "SampleSize": "crawl samples",
            "EventQueueArn": "crawl by S3 events",
            "DlqEventQueueArn": "crawl by S3 events",
        }.items():
            if target.get(key):
                refuse(f"The sandbox does not {what}")
        try:
            parsed.append(S3Target.parse(target.get("Path", ""), target.get("Exclusions") or []))
        except ValueError as error:
            refuse(str(error))
    if not parsed:
        refuse("Crawler targets cannot be empty: at least one crawl target must be specified")
    return tuple(parsed)


def _parse_configuration(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        configuration = json.loads(text)
    except ValueError as error:
        refuse(f"Crawler configuration is not valid JSON: {error}")
    if not isinstance(configuration, dict) or "Version" not in configuration:
        refuse("Crawler configuration must be a JSON object with a Version, 1.0")
    _check_section("Configuration", configuration, _CONFIGURATION)
    return configuration


def _check_section(path: str, section: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    if unknown := [key for key in section if key not in known]:
        refuse(f"{path} contains unsupported keys: {', '.join(unknown)}.")
    for key, value in section.items():
        inner = key if path == "Configuration" else f"{path}.{key}"
        if isinstance(known[key], dict):
            if not isinstance(value, dict):
                refuse(f"{inner} is not a JSON object.")
            _check_section(inner, value, known[key])
        elif not known[key](value):
            refuse(f"{inner} has the unsupported value {json.dumps(value)}.")
