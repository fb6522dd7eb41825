"""`dynamo-assets demo`: the whole path on the sandbox, with the commands a user would type; optionally the UI after."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import dagster as dg

from dynamo_assets.automation.jobs import cadences
from dynamo_assets.automation.partitions import current_slot
from dynamo_assets.aws.athena import Athena, quote_identifier
from dynamo_assets.aws.catalog import Catalog
from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.load import CONFIG_VARIABLE, load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.configuration.table_settings import Table
from dynamo_assets.doctor.examination import examine
from dynamo_assets.errors import SandboxError
from dynamo_assets.export.manifest import ManifestStore
from dynamo_assets.infrastructure.deployment import deploy
from dynamo_assets.naming import (
    catalog_asset_key,
    crawler_name,
    format_slot,
    job_name,
    parse_slot,
    snapshot_asset_key,
    snapshots_table,
    view_asset_key,
)
from dynamo_assets.sandbox.sample_history import PAYMENTS
from dynamo_assets.sandbox.samples import REVIEWS, load_samples
from dynamo_assets.sandbox.server import spawn

LOCAL = Path(".local")
SHOWN_ROWS = 3
MODULE = "dynamo_assets.definitions"


def run_demo(*, ui: bool, ui_port: int) -> int:
    """Starts a sandbox, fills it, exports every table of the tables file, and prints what a user would want to see.

    Args:
        ui: Leave the Dagster UI open on it until interrupted.
        ui_port: Where.

    Returns:
        The exit code.
    """
    shutil.rmtree(LOCAL, ignore_errors=True)
    home = LOCAL.resolve() / "dagster_home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(files("dynamo_assets.sandbox").joinpath("dagster.yaml").read_text())
    # Made here once: two processes that find no database would both make one, and the second fail.
    dg.DagsterInstance.from_config(str(home)).dispose()
    with spawn(log_path=LOCAL / "sandbox.log") as endpoint:
        environment = {**endpoint.environment(), "DAGSTER_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        os.environ.update(environment)
        settings, aws = load_settings(), AwsClients()
        _say(f"A sandbox answers at {endpoint.url}. What must exist, and the sample tables:")
        deploy(settings, aws, lambda line: print(f"  {line}"))
        for name, items in load_samples(endpoint).items():
            print(f"  table {name}: {items:,} items")
        _examine(settings)
        _export(settings)
        for table in settings.tables:
            _show(table, settings, aws)
        _show_next(environment)
        return _serve_ui(ui_port) if ui else 0


def _examine(settings: Settings) -> None:
    _say("$ dynamo-assets doctor")
    report = examine(settings, AwsClients(brief=True), settings.tables, datetime.now(UTC))
    for line in report.lines({"problem", "warning", "unknown"}):
        print(f"  {line}")
    if report.exit_code():
        raise SandboxError("the doctor has found problems, above; the runs would meet them")


def _export(settings: Settings) -> None:
    """Runs the job of every cadence, all at once as their schedules would, then some assets once more."""
    now = datetime.now(UTC)
    slots = {cadence.cron: current_slot(cadence.slots, now) for cadence in cadences(settings)}
    _dagster(
        *(
            ["job", "execute", "-m", MODULE, "-j", job_name(cron), "--tags", json.dumps({"dagster/partition": slot})]
            for cron, slot in slots.items()
        )
    )
    for table in settings.tables:
        if table.table == REVIEWS:
            # The original demonstration: two snapshots of two items, and a view that shows the later one.
            first = "/".join(snapshot_asset_key(table.name))
            last = "/".join(view_asset_key(settings.catalog.database, table.name))
            select = f"key:{first}+ and +key:{last}"
            slot = slots[table.schedule]
            assert slot is not None
            _dagster(["asset", "materialize", "-m", MODULE, "--select", select, "--partition", slot])
        if table.table == PAYMENTS:
            # Yesterday, as it was at this hour. The view goes on showing today.
            slot = slots[table.schedule]
            assert slot is not None
            yesterday = format_slot(parse_slot(slot) - timedelta(days=1))
            row = [snapshot_asset_key(table.name), catalog_asset_key(settings.catalog.database, table.name)]
            select = " or ".join(f'key:"{"/".join(key)}"' for key in row)
            _dagster(["asset", "materialize", "-m", MODULE, "--select", select, "--partition", yesterday])


def _dagster(*commands: Sequence[str]) -> None:
    """Runs `dagster` commands side by side, as a user would type them, and waits for all.

    Raises:
        SandboxError: One failed; with the end of its log.
    """
    started = datetime.now(UTC)
    running = []
    for arguments in commands:
        _say(f"$ dagster {shlex.join(arguments)}")
        log_path = LOCAL / f"{arguments[0]}_{len(list(LOCAL.glob('*.log')))}.log"
        with log_path.open("wb") as log:
            running.append(
                (subprocess.Popen([sys.executable, "-m", "dagster", *arguments], stdout=log, stderr=log), log_path)
            )
    for process, log_path in running:
        code = process.wait()
        seconds = (datetime.now(UTC) - started).total_seconds()
        print(f"  exit code {code} after {seconds:.0f} s; its log: {log_path}", flush=True)
        if code:
            tail = log_path.read_text(errors="replace").splitlines()[-40:]
            raise SandboxError("the run failed; the end of its log:\n" + "\n".join(tail))


def _show(table: Table, settings: Settings, aws: AwsClients) -> None:
    database, raw = settings.catalog.database, snapshots_table(table.name)
    _say(f"{table.table} -> {database}.{table.name}")
    if table.engine == "glue":
        for run in _glue_runs(table, settings, aws):
            print(f"  Glue run    {run['Id'][:12]}... {run['JobRunState']} in {run['ExecutionTime']} s")
    manifests = ManifestStore(aws.s3, settings.layout)
    for label in manifests.labels(table.name):
        manifest = manifests.read(table.name, label)
        size = f"{manifest.bytes:,} bytes in {len(manifest.files)} file(s)"
        print(f"  snapshot    {label}: {manifest.rows:,} rows, {len(manifest.columns)} columns, {size}")
    crawl = aws.glue.get_crawler(Name=crawler_name(database, table.name))["Crawler"].get("LastCrawl", {})
    print(f"  crawler     {crawler_name(database, table.name)}: {crawl.get('Status')}")
    print(f"  view        {_shortened(Catalog(aws.glue, database).view_sql(table.name) or '')}")
    athena = Athena(
        aws.session(),
        workgroup=settings.athena.workgroup,
        database=database,
        time_limit=settings.athena.time_limit,
    )
    for name in (raw, table.name):
        query = f"SELECT count(*) FROM {quote_identifier(name)}"
        print(f"  {query:<44} -> {athena.query(query, subject=name).scalar():,}")
    sample = athena.query(f"SELECT * FROM {quote_identifier(table.name)} LIMIT {SHOWN_ROWS}", subject=table.name)
    for row in sample.rows:
        shown = [f"{name}={value}" for name, value in zip(sample.columns, row, strict=True) if value is not None]
        print(f"    {_shortened(', '.join(shown), 150)}")


def _glue_runs(table: Table, settings: Settings, aws: AwsClients) -> list[Mapping[str, Any]]:
    runs: list[Mapping[str, Any]] = []
    for page in aws.glue.get_paginator("get_job_runs").paginate(JobName=settings.glue.job_name):
        runs += [run for run in page["JobRuns"] if run.get("Arguments", {}).get("--table") == table.table]
    return sorted(runs, key=lambda run: run["StartedOn"])


def _show_next(environment: Mapping[str, str]) -> None:
    exports = {name: value for name, value in environment.items() if name.startswith(("AWS_", "DAGSTER_"))}
    _say("Where to go next")
    print("  make ui                  the same, with the Dagster UI left open on it")
    print("  dynamo-assets sandbox    a sandbox of your own, for any AWS client")
    print(f"  {CONFIG_VARIABLE}     your own tables file; README.md says how to point it at AWS")
    print(f"  ({', '.join(exports)} were set for this run)")


def _serve_ui(port: int) -> int:
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-p", str(port)]
    _say(f"The Dagster UI: http://127.0.0.1:{port}  (Ctrl-C ends it and the sandbox)")
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """`dagster dev` starts webserver, daemon and code servers, and does not always end them when it is asked to end."""
    for number, grace in ((signal.SIGINT, 10), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=grace)
        except subprocess.TimeoutExpired:
            continue


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _shortened(text: str, length: int = 220) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
