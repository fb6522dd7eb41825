"""Every derived name in one place: catalog names, S3 keys, asset keys, crawler and job names, partition keys.

Only the standard library is imported here: this module ships to Glue with the export core.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

SLOT_FORMAT = "%Y-%m-%dT%H:%M"
SNAPSHOT_FORMAT = "%Y-%m-%dT%H:%M:%S"
PARTITION_COLUMN = "snapshot_timestamp"
"""The partition column of every raw table, so also a name that no attribute's column can have."""

ASSET_PREFIXES = frozenset({"dynamodb", "s3"})
"""What the keys of sources and snapshots begin with; those of raw tables and views begin with the database."""
MAX_GLUE_NAME = 255
"""Of a table, a crawler, a column (Glue API reference, NameString)."""

_NO_PUNCTUATION = str.maketrans("", "", "-:")
TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
# Developer guide, "DynamoDB Amazon Resource Names": arn:partition:dynamodb:region:account:table/name
TABLE_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):dynamodb:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):table/(?P<name>[a-zA-Z0-9_.-]{3,255})"
)


def table_name(table: str) -> str:
    """The bare name of a table given by name or ARN.

    Raises:
        ValueError: It is neither a DynamoDB table name (3 to 255 of `a-z A-Z 0-9 _ . -`) nor a table's ARN.
    """
    if match := TABLE_ARN.fullmatch(table):
        return match["name"]
    if TABLE_NAME.fullmatch(table):
        return table
    raise ValueError(
        f"{table!r} is neither a DynamoDB table name (3 to 255 characters of a-z, A-Z, 0-9, '_', '.', '-') "
        "nor the ARN of a table"
    )


def table_region(table: str) -> str | None:
    """The region in a table's ARN; None where the table is given by name."""
    match = TABLE_ARN.fullmatch(table)
    return match["region"] if match else None


def table_account(table: str) -> str | None:
    """The account in a table's ARN; None where the table is given by name."""
    match = TABLE_ARN.fullmatch(table)
    return match["account"] if match else None


def to_identifier(text: str) -> str:
    """Lower case, every character outside `[a-z0-9_]` replaced by `_`: what Glue and Athena take without quoting."""
    return re.sub(r"[^a-z0-9_]", "_", text.lower())


def catalog_name(table: str) -> str:
    """A table's catalog name (its view), from its name or ARN."""
    return to_identifier(table_name(table))


def snapshots_table(name: str) -> str:
    """The raw table that holds every snapshot, from a table's catalog name."""
    return f"snapshots_{name}"


def kept_view(name: str, label: str) -> str:
    """The view of a single older snapshot: `orders_20261123t1000`. Of several of one minute the newest has the name."""
    return f"{name}_{label[:16].translate(_NO_PUNCTUATION).lower()}"


def history_view(name: str) -> str:
    """The view of all snapshots of a table."""
    return f"{name}_history"


def is_further_view(name: str, view: str) -> bool:
    """Whether a view's name is one that `kept_view` or `history_view` gives a table."""
    return view == history_view(name) or bool(re.fullmatch(re.escape(name) + r"_\d{8}t\d{4}", view))


def crawler_name(database: str, name: str) -> str:
    """The crawler of one table; the database is part of it so that two deployments in one account stay apart."""
    return f"{database}_{snapshots_table(name)}"


def source_asset_key(table: str) -> list[str]:
    """The external asset of the DynamoDB table itself."""
    return ["dynamodb", table_name(table)]


def snapshot_asset_key(name: str) -> list[str]:
    """The partitioned asset of a table's snapshots in S3."""
    return ["s3", f"{name}_export"]


def catalog_asset_key(database: str, name: str) -> list[str]:
    """The raw table in the Data Catalog; equals `database.table`, so that dbt projects on Athena join up."""
    return [database, snapshots_table(name)]


def view_asset_key(database: str, name: str) -> list[str]:
    """The Athena view of the latest complete snapshot."""
    return [database, name]


def set_asset_key(database: str, name: str) -> list[str]:
    """The asset of a set of tables, beside the views that it moves together."""
    return [database, name]


_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def cadence_name(cron: str) -> str:
    """A cron expression as a readable identifier: `0 10 * * *` is `daily_at_1000`; unlike ones never get the same.

    It names the job and the schedule of all tables of that cadence.
    """
    minute, hour, day, month, weekday = cron.split()
    at = f"{int(hour):02}{int(minute):02}" if hour.isdecimal() and minute.isdecimal() else ""
    match (minute, hour, day, month, weekday):
        case ("0", "*", "*", "*", "*"):
            return "hourly"
        case (_, "*", "*", "*", "*") if minute.isdecimal():
            return f"hourly_at_{int(minute):02}"
        case (_, "*", "*", "*", "*") if re.fullmatch(r"\*/\d+", minute):
            return f"every_{minute[2:]}_minutes"
        case (_, _, "*", "*", "*") if at:
            return f"daily_at_{at}"
        case (_, _, "*", "*", _) if at and re.fullmatch("[0-7]", weekday):
            return f"weekly_on_{_WEEKDAYS[int(weekday)]}_at_{at}"
        case _:
            spelled = cron.translate(str.maketrans({" ": "_", "*": "x", ",": "n", "-": "to", "/": "by", "#": "th"}))
            return f"cron_{to_identifier(spelled)}"


def job_name(cron: str) -> str:
    """The job that snapshots, registers and publishes every table of one cadence."""
    return f"export_{cadence_name(cron)}"


def format_slot(instant: datetime) -> str:
    """A slot's partition key from a time-zone-aware instant."""
    return instant.astimezone(UTC).strftime(SLOT_FORMAT)


def parse_slot(slot: str) -> datetime:
    """The instant of a slot's partition key.

    Raises:
        ValueError: It is not of the form `YYYY-MM-DDTHH:MM`.
    """
    return datetime.strptime(slot, SLOT_FORMAT).replace(tzinfo=UTC)


def format_snapshot(instant: datetime) -> str:
    """A snapshot's label from a time-zone-aware instant, fractions of the second cut off."""
    return instant.astimezone(UTC).strftime(SNAPSHOT_FORMAT)


def parse_snapshot(label: str) -> datetime:
    """The instant of a snapshot's label.

    Raises:
        ValueError: It is not of the form `YYYY-MM-DDTHH:MM:SS`.
    """
    return datetime.strptime(label, SNAPSHOT_FORMAT).replace(tzinfo=UTC)


def is_label(text: str) -> bool:
    """Whether a text is a snapshot's label."""
    try:
        return format_snapshot(parse_snapshot(text)) == text
    except ValueError:
        return False


def label_of_old_folder(folder: str) -> str | None:
    """The label of a snapshot whose folder has no seconds in its name, as the pipeline of 2019 named them.

    Args:
        folder: The folder's own name, `snapshot_timestamp=2019-10-01T10:00`; colons may be escaped, as Hive does.

    Returns:
        The label, with no seconds past the minute; None where the folder is named otherwise.
    """
    key, _, value = re.sub("%3a", ":", folder, flags=re.IGNORECASE).partition("=")
    label = f"{value}:00"
    return label if key == PARTITION_COLUMN and is_label(label) else None


@dataclass(frozen=True)
class Layout:
    """Where everything lies in S3, below one bucket and prefix.

    Attributes:
        bucket: The bucket's name.
        prefix: What every key begins with; empty, or a path without a slash at either end.
    """

    bucket: str
    prefix: str = ""

    def _key(self, *parts: str) -> str:
        return "/".join(([self.prefix] if self.prefix else []) + list(parts))

    def uri(self, key: str) -> str:
        """The `s3://` form of a key."""
        return f"s3://{self.bucket}/{key}"

    def snapshots_prefix(self, name: str) -> str:
        """The folder of all of a table's snapshots, with a slash at its end: what the crawler is pointed at."""
        return self._key(snapshots_table(name), "")

    def snapshot_prefix(self, name: str, label: str) -> str:
        """The folder of one snapshot's data files, with a slash at its end."""
        return self._key(snapshots_table(name), f"{PARTITION_COLUMN}={label}", "")

    def manifests_prefix(self, name: str) -> str:
        """The folder of a table's manifests: a listing of it is the list of complete snapshots."""
        return self._key("_manifests", snapshots_table(name), "")

    def manifest_key(self, name: str, label: str) -> str:
        """The manifest of one snapshot."""
        return f"{self.manifests_prefix(name)}{label}.json"

    def verified_prefix(self, name: str) -> str:
        """The folder of the records of a table's snapshots that passed their checks: a listing of it tells which."""
        return self._key("_verified", snapshots_table(name), "")

    def verified_key(self, name: str, label: str) -> str:
        """The record of a snapshot that passed its checks."""
        return f"{self.verified_prefix(name)}{label}.json"

    def rejected_prefix(self, name: str) -> str:
        """The folder of the records of those that did not."""
        return self._key("_rejected", snapshots_table(name), "")

    def rejected_key(self, name: str, label: str) -> str:
        """The record of a snapshot that did not pass its checks."""
        return f"{self.rejected_prefix(name)}{label}.json"

    def pins_prefix(self) -> str:
        """The folder of the pins of all views."""
        return self._key("_pins", "")

    def pin_key(self, name: str) -> str:
        """The object that holds a view, or the views of a set, where they are."""
        return f"{self.pins_prefix()}{name}.json"

    def claims_prefix(self, name: str) -> str:
        """The folder of a table's claims."""
        return self._key("_claims", snapshots_table(name), "")

    def claim_key(self, name: str, label: str) -> str:
        """The object an attempt creates, with a conditional write, before the first file of its snapshot."""
        return f"{self.claims_prefix(name)}{label}.json"

    def retired_prefix(self, name: str) -> str:
        """The folder of the manifests of snapshots that retention is removing."""
        return self._key("_retired", snapshots_table(name), "")

    def retired_key(self, name: str, label: str) -> str:
        """Where retention keeps a snapshot's manifest, from when it is no longer complete until all of it is gone."""
        return f"{self.retired_prefix(name)}{label}.json"

    def set_claim_key(self, name: str) -> str:
        """The object that a run holds while it moves a set's views; no raw table's claims are below `sets`."""
        return self._key("_claims", "sets", f"{name}.json")

    def view_claim_key(self, name: str) -> str:
        """The object that a run holds while it re-points a view."""
        return self._key("_claims", "views", f"{name}.json")

    def retention_claim_key(self, name: str) -> str:
        """The object that a run holds while it removes snapshots of a table, or items from them."""
        return self._key("_claims", "retention", f"{name}.json")

    def erasures_prefix(self, name: str) -> str:
        """The folder of what erasures of a table's items keep: their history, and what is under way."""
        return self._key("_erasures", snapshots_table(name), "")

    def erasure_history_key(self, name: str, erasure: str) -> str:
        """What one erasure did."""
        return f"{self.erasures_prefix(name)}history/{erasure}.json"

    def erasure_journals_prefix(self, name: str) -> str:
        """The folder of a table's erasure journals."""
        return f"{self.erasures_prefix(name)}journals/"

    def erasure_journal_key(self, name: str, label: str) -> str:
        """What a snapshot is being made, from before its first file is replaced until its manifest is."""
        return f"{self.erasure_journals_prefix(name)}{label}.json"

    def all_staged_prefix(self, name: str) -> str:
        """The folder of the folders `staged_prefix` of a table."""
        return f"{self.erasures_prefix(name)}staged/"

    def staged_prefix(self, name: str, label: str) -> str:
        """Where an erasure puts a snapshot's new files until they take the old ones' places."""
        return f"{self.all_staged_prefix(name)}{label}/"

    def all_units_prefix(self, name: str) -> str:
        """The folder of the folders `units_prefix` of a table."""
        return self._key("_units", snapshots_table(name), "")

    def units_prefix(self, name: str, label: str) -> str:
        """The folder of a snapshot's files while they are not in their final format; gone when it is complete."""
        return f"{self.all_units_prefix(name)}{label}/"

    def native_exports_prefix(self, name: str) -> str:
        """The folder of the folders `native_export_prefix` of a table."""
        return self._key("_native_exports", snapshots_table(name), "")

    def native_export_prefix(self, name: str, label: str) -> str:
        """Where DynamoDB's own exports for one snapshot go, until they are converted."""
        return f"{self.native_exports_prefix(name)}{label}/"

    def athena_results_prefix(self) -> str:
        """Where Athena puts query results."""
        return self._key("_athena_results", "")

    def glue_code_prefix(self) -> str:
        """Where the Glue job's script and package lie."""
        return self._key("_glue", "")
