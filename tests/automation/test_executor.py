import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

from dynamo_assets.automation.executor import COMPUTES_TAG, DEFAULT_MAX_COMPUTING, threaded_executor

PATIENCE_SECONDS = 60
"""How long a test waits for what should come at once."""

Compute = Callable[[dg.AssetExecutionContext], Any]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A persistent instance on SQLite, as `dagster dev` has."""
    with dg.instance_for_test() as made:
        yield made


@dataclass(frozen=True)
class Outcome:
    """A finished run and all that was recorded of it."""

    status: str
    records: Sequence[dg.EventLogEntry]

    def steps(self, event_type: dg.DagsterEventType) -> list[str]:
        """The steps that recorded an event of the type, in the order of recording."""
        return [str(record.step_key) for record in self._events(event_type)]

    def _events(self, event_type: dg.DagsterEventType) -> list[dg.EventLogEntry]:
        return [r for r in self.records if r.is_dagster_event and r.dagster_event_type == event_type]

    def event(self, event_type: dg.DagsterEventType, step: str | None = None) -> dg.DagsterEvent:
        [record] = [record for record in self._events(event_type) if step in (None, record.step_key)]
        return record.get_dagster_event()

    def time_of(self, event_type: dg.DagsterEventType, step: str) -> float:
        [record] = [record for record in self._events(event_type) if record.step_key == step]
        return record.timestamp

    def lines(self, step: str) -> list[str]:
        return [r.user_message for r in self.records if r.step_key == step and r.level == logging.INFO]


def asset(name: str, compute: Compute, **options: Any) -> dg.AssetsDefinition:
    # No return annotation: Dagster would read it.
    def _asset(context: dg.AssetExecutionContext):
        return compute(context)

    return dg.asset(name=name, **options)(_asset)


def run(instance: dg.DagsterInstance, definitions: Sequence[Any], **options: Any) -> Outcome:
    """Runs a job of the assets and checks under the executor, its config in `options`."""
    hooks, raise_on_error = options.pop("hooks", None), options.pop("raise_on_error", False)
    job = dg.define_asset_job("exports", executor_def=threaded_executor, hooks=hooks)
    checks = [definition for definition in definitions if isinstance(definition, dg.AssetChecksDefinition)]
    assets = [definition for definition in definitions if definition not in checks]
    job_def = dg.Definitions(assets=assets, asset_checks=checks, jobs=[job]).resolve_job_def("exports")
    made = instance.create_run_for_job(job_def, run_config={"execution": {"config": options}})
    execute_run(InMemoryJob(job_def), made, instance, raise_on_error=raise_on_error)
    return outcome(instance, made.run_id)


def outcome(instance: dg.DagsterInstance, run_id: str) -> Outcome:
    found = instance.get_run_by_id(run_id)
    assert found
    return Outcome(found.status.value, instance.all_logs(run_id))


class Peak:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


def test_steps_run_at_once_in_one_process(instance: dg.DagsterInstance):
    everybody = threading.Barrier(20)
    processes = set()

    def meet(context: dg.AssetExecutionContext) -> None:
        processes.add(os.getpid())
        everybody.wait(PATIENCE_SECONDS)

    result = run(instance, [asset(f"table_{n}", meet) for n in range(20)])

    assert result.status == "SUCCESS"
    assert len(result.steps(dg.DagsterEventType.STEP_SUCCESS)) == 20
    assert processes == {os.getpid()}


def test_no_more_steps_than_max_concurrent_run_at_once(instance: dg.DagsterInstance):
    pairs, peak = threading.Barrier(2), Peak()

    def meet_one(context: dg.AssetExecutionContext) -> None:
        with peak:
            pairs.wait(PATIENCE_SECONDS)

    result = run(instance, [asset(f"table_{n}", meet_one) for n in range(6)], max_concurrent=2)

    assert result.status == "SUCCESS"
    assert peak.most == 2


def test_downstream_step_starts_while_another_table_still_waits(instance: dg.DagsterInstance):
    published = threading.Event()

    def wait_for_the_others_view(context: dg.AssetExecutionContext) -> None:
        assert published.wait(PATIENCE_SECONDS)

    result = run(
        instance,
        [
            asset("slow_export", wait_for_the_others_view),
            asset("quick_export", lambda _: None),
            asset("quick_view", lambda _: published.set(), deps=["quick_export"]),
        ],
    )

    assert result.status == "SUCCESS"


def test_step_that_fails_is_retried_after_its_policys_delay(instance: dg.DagsterInstance):
    attempts = []

    def fail_once(context: dg.AssetExecutionContext) -> None:
        attempts.append(context.retry_number)
        if len(attempts) == 1:
            raise RuntimeError("throttled")

    result = run(instance, [asset("table", fail_once, retry_policy=dg.RetryPolicy(max_retries=2, delay=0.8))])

    assert result.status == "SUCCESS"
    assert attempts == [0, 1]
    waited = result.time_of(dg.DagsterEventType.STEP_RESTARTED, "table") - result.time_of(
        dg.DagsterEventType.STEP_UP_FOR_RETRY, "table"
    )
    assert waited >= 0.8


def test_step_that_keeps_failing_fails_when_its_retries_are_used_up(instance: dg.DagsterInstance):
    def fail(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("throttled")

    result = run(instance, [asset("table", fail, retry_policy=dg.RetryPolicy(max_retries=2))])

    assert result.status == "FAILURE"
    assert result.steps(dg.DagsterEventType.STEP_UP_FOR_RETRY) == ["table", "table"]
    assert result.steps(dg.DagsterEventType.STEP_FAILURE) == ["table"]


def test_failure_that_forbids_retries_is_not_retried(instance: dg.DagsterInstance):
    def refuse(context: dg.AssetExecutionContext) -> None:
        raise dg.Failure("a past slot", metadata={"slot": "2026-01-01T10:00"}, allow_retries=False)

    result = run(instance, [asset("table", refuse, retry_policy=dg.RetryPolicy(max_retries=2))])

    assert result.steps(dg.DagsterEventType.STEP_UP_FOR_RETRY) == []
    failure = result.event(dg.DagsterEventType.STEP_FAILURE).step_failure_data.user_failure_data
    assert failure
    assert failure.metadata["slot"].value == "2026-01-01T10:00"


def test_retries_can_be_disabled(instance: dg.DagsterInstance):
    def fail(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("throttled")

    result = run(instance, [asset("table", fail, retry_policy=dg.RetryPolicy(max_retries=2))], retries={"disabled": {}})

    assert result.steps(dg.DagsterEventType.STEP_UP_FOR_RETRY) == []
    assert result.steps(dg.DagsterEventType.STEP_FAILURE) == ["table"]


def table_with_check_in_its_export(name: str, *, passed: bool) -> list[Any]:
    check = dg.AssetCheckSpec("rows_in_files", asset=f"{name}_export", blocking=True)
    result = dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=passed, check_name="rows_in_files")])
    return [
        asset(f"{name}_export", lambda _: result, check_specs=[check]),
        asset(f"{name}_view", lambda _: None, deps=[f"{name}_export"]),
    ]


def table_with_check_as_a_step(name: str, *, passed: bool) -> list[Any]:
    @dg.asset_check(asset=f"{name}_export", blocking=True, name=f"{name}_check")
    def _check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed)

    return [
        asset(f"{name}_export", lambda _: None),
        _check,
        asset(f"{name}_view", lambda _: None, deps=[f"{name}_export"]),
    ]


@pytest.mark.parametrize("table", [table_with_check_in_its_export, table_with_check_as_a_step])
def test_blocking_check_that_fails_stops_its_own_table_only(
    instance: dg.DagsterInstance, table: Callable[..., list[Any]]
):
    result = run(instance, [*table("good", passed=True), *table("bad", passed=False)])

    assert result.status == "FAILURE"
    assert "good_view" in result.steps(dg.DagsterEventType.STEP_SUCCESS)
    assert "bad_view" not in result.steps(dg.DagsterEventType.STEP_START)
    [failed] = result.steps(dg.DagsterEventType.STEP_FAILURE)
    assert failed.startswith("bad_")


def test_failure_of_one_table_leaves_the_others_running(instance: dg.DagsterInstance):
    failed = threading.Event()

    def fail(context: dg.AssetExecutionContext) -> None:
        failed.set()
        raise RuntimeError("access denied")

    def outlive_the_failure(context: dg.AssetExecutionContext) -> None:
        assert failed.wait(PATIENCE_SECONDS)

    result = run(
        instance,
        [
            asset("bad_export", fail),
            asset("bad_view", lambda _: None, deps=["bad_export"]),
            asset("good_export", outlive_the_failure),
            asset("good_view", lambda _: None, deps=["good_export"]),
        ],
    )

    assert result.status == "FAILURE"
    assert result.steps(dg.DagsterEventType.STEP_SUCCESS) == ["good_export", "good_view"]
    assert result.steps(dg.DagsterEventType.STEP_FAILURE) == ["bad_export"]


def test_failure_keeps_its_stack_and_its_cause(instance: dg.DagsterInstance):
    def scan_a_segment() -> None:
        raise KeyError("Items")

    def export(context: dg.AssetExecutionContext) -> None:
        try:
            scan_a_segment()
        except KeyError as error:
            raise RuntimeError("segment 3 could not be read") from error

    error = run(instance, [asset("table", export)]).event(dg.DagsterEventType.STEP_FAILURE).step_failure_data.error

    assert error
    assert error.cause
    assert error.cause.message == "RuntimeError: segment 3 could not be read\n"
    assert "in export" in "".join(error.cause.stack)
    assert error.cause.cause
    assert "in scan_a_segment" in "".join(error.cause.cause.stack)


def test_error_is_raised_where_the_caller_asked_for_it(instance: dg.DagsterInstance):
    def fail(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("access denied")

    with pytest.raises(RuntimeError, match="access denied"):
        run(instance, [asset("table", fail)], raise_on_error=True)


def test_failure_that_a_thread_cannot_record_is_recorded_for_it(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    handle_new_event = instance.handle_new_event

    def refuse_from_the_steps_thread(event: dg.EventLogEntry, **options: Any) -> None:
        if event.step_key == "unlucky" and threading.current_thread() is not threading.main_thread():
            raise OSError("No space left on device")
        handle_new_event(event, **options)

    monkeypatch.setattr(instance, "handle_new_event", refuse_from_the_steps_thread)

    result = run(instance, [asset("unlucky", lambda _: None), asset("lucky", lambda _: None)])

    assert result.status == "FAILURE"
    assert result.steps(dg.DagsterEventType.STEP_SUCCESS) == ["lucky"]
    error = result.event(dg.DagsterEventType.STEP_FAILURE, "unlucky").step_failure_data.error
    assert error
    assert "No space left on device" in error.message
    assert "in refuse_from_the_steps_thread" in "".join(error.stack)


def test_pool_limits_how_many_of_its_steps_run_at_once(instance: dg.DagsterInstance):
    storage = instance.event_log_storage
    storage.set_concurrency_slots("glue_exports", 1)
    peak, others_are_blocked = Peak(), threading.Event()

    def export(context: dg.AssetExecutionContext) -> None:
        with peak:
            assert others_are_blocked.wait(PATIENCE_SECONDS)

    def watch_the_pool(context: dg.AssetExecutionContext) -> None:
        until(lambda: storage.get_concurrency_info("glue_exports").pending_step_count == 2)
        others_are_blocked.set()

    exports = [asset(f"table_{n}", export, pool="glue_exports") for n in range(3)]
    result = run(instance, [*exports, asset("outside_the_pool", watch_the_pool)])

    assert result.status == "SUCCESS"
    assert len(result.steps(dg.DagsterEventType.STEP_SUCCESS)) == 4
    assert peak.most == 1


def test_step_waits_for_a_pool_slot_that_another_run_holds(instance: dg.DagsterInstance):
    storage = instance.event_log_storage
    storage.set_concurrency_slots("glue_exports", 1)
    assert storage.claim_concurrency_slot("glue_exports", "another-run", "its-step").is_claimed

    def free_when_the_step_is_blocked() -> None:
        until(lambda: storage.get_concurrency_info("glue_exports").pending_step_count)
        storage.free_concurrency_slots_for_run("another-run")

    other_run = threading.Thread(target=free_when_the_step_is_blocked)
    other_run.start()
    result = run(instance, [asset("table", lambda _: None, pool="glue_exports")])
    other_run.join()

    assert result.status == "SUCCESS"
    assert storage.get_concurrency_info("glue_exports").active_slot_count == 0


def test_few_of_the_steps_that_compute_run_at_once(instance: dg.DagsterInstance):
    peak, beside_them = Peak(), threading.Event()

    def compute(context: dg.AssetExecutionContext) -> None:
        with peak:
            assert beside_them.wait(PATIENCE_SECONDS)

    def wait_for_all_who_may_compute(context: dg.AssetExecutionContext) -> None:
        until(lambda: peak.most >= DEFAULT_MAX_COMPUTING)
        beside_them.set()

    computing = [asset(f"table_{n}", compute, op_tags={COMPUTES_TAG: "true"}) for n in range(DEFAULT_MAX_COMPUTING + 3)]
    result = run(instance, [*computing, asset("waits_only", wait_for_all_who_may_compute)])

    assert result.status == "SUCCESS"
    assert peak.most == DEFAULT_MAX_COMPUTING


def test_each_steps_log_holds_its_own_lines_only(instance: dg.DagsterInstance):
    both_running, both_logged = threading.Barrier(2), threading.Barrier(2)

    def log(context: dg.AssetExecutionContext) -> None:
        name = context.asset_key.to_user_string()
        both_running.wait(PATIENCE_SECONDS)
        context.log.info(f"{name} by context.log")
        dg.get_dagster_logger().info(f"{name} by a Python logger")
        both_logged.wait(PATIENCE_SECONDS)

    result = run(instance, [asset("orders", log), asset("reviews", log)])

    for name in ("orders", "reviews"):
        assert result.lines(name) == [f"{name} by context.log", f"{name} by a Python logger"]


def test_threads_that_a_step_starts_log_to_the_step(instance: dg.DagsterInstance):
    def log_from_a_thread(context: dg.AssetExecutionContext) -> None:
        segment = threading.Thread(target=context.log.info, args=["segment 1 is read"])
        segment.start()
        segment.join()

    result = run(instance, [asset("orders", log_from_a_thread)])

    assert result.lines("orders") == ["segment 1 is read"]


def test_failure_hooks_are_called(instance: dg.DagsterInstance):
    alerts = []

    @dg.failure_hook
    def alert(context: dg.HookContext) -> None:
        alerts.append((context.op.name, str(context.op_exception)))

    def fail(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("access denied")

    result = run(instance, [asset("bad", fail), asset("good", lambda _: None)], hooks={alert})

    assert alerts == [("bad", "access denied")]
    assert result.steps(dg.DagsterEventType.HOOK_COMPLETED) == ["bad"]


def test_run_that_is_told_to_stop_does_not_wait_for_a_retry(instance: dg.DagsterInstance):
    def fail(context: dg.AssetExecutionContext) -> None:
        raise RuntimeError("throttled")

    def interrupt_when_only_the_retry_is_left() -> None:
        until(lambda: "STEP_UP_FOR_RETRY" in {e.event_type_value for e in recorded_events(instance)})
        os.kill(os.getpid(), signal.SIGINT)

    user = threading.Thread(target=interrupt_when_only_the_retry_is_left)
    user.start()
    began = time.monotonic()
    result = run(instance, [asset("table", fail, retry_policy=dg.RetryPolicy(max_retries=2, delay=3600))])
    user.join()

    assert result.status == "FAILURE"
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert result.steps(dg.DagsterEventType.STEP_START) == ["table"]


def recorded_events(instance: dg.DagsterInstance) -> list[Any]:
    logs = [record for run in instance.get_runs() for record in instance.all_logs(run.run_id)]
    return [record.dagster_event for record in logs if record.dagster_event]


@dataclass(frozen=True)
class Worker:
    """A run in a process of its own."""

    run_id: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def worker(instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[Worker]:
    """A run whose steps all wait, started as a run launcher starts it."""
    location = Path(__file__).with_name("waiting_steps.py")
    repository = ReconstructableRepository(
        FileCodePointer(str(location), "defs", str(location.parent)), executable_path=sys.executable
    )
    job = ReconstructableJob(repository, "exports")
    made = instance.create_run_for_job(job.get_definition(), job_code_origin=job.get_python_origin())
    arguments = ExecuteRunArgs(job_origin=job.get_python_origin(), run_id=made.run_id, instance_ref=instance.get_ref())
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "api", "execute_run", serialize_value(arguments)], stdout=log, stderr=log
        )
        try:
            until(lambda: started_glue_runs(outcome(instance, made.run_id)) == 12)
            yield Worker(made.run_id, process)
        finally:
            process.kill()
            process.wait()


def started_glue_runs(result: Outcome) -> int:
    return sum(record.user_message == "started a Glue run" for record in result.records)


def test_cancelled_run_stops_what_every_step_started(instance: dg.DagsterInstance, worker: Worker):
    run = instance.get_run_by_id(worker.run_id)
    assert run
    instance.report_run_canceling(run)
    worker.process.send_signal(signal.SIGTERM)
    worker.process.wait(PATIENCE_SECONDS)

    result = outcome(instance, worker.run_id)
    assert result.status == "CANCELED"
    waiting = sorted(f"snapshot_{n}" for n in range(12))
    assert sorted(str(r.step_key) for r in result.records if r.user_message == "stopped the Glue run") == waiting
    assert sorted(result.steps(dg.DagsterEventType.STEP_FAILURE)) == waiting
    assert sorted(result.steps(dg.DagsterEventType.STEP_START)) == waiting


def test_run_whose_machine_goes_away_fails_and_stops_what_every_step_started(
    instance: dg.DagsterInstance, worker: Worker
):
    worker.process.send_signal(signal.SIGTERM)
    worker.process.wait(PATIENCE_SECONDS)

    result = outcome(instance, worker.run_id)
    assert result.status == "FAILURE"
    assert sum(record.user_message == "stopped the Glue run" for record in result.records) == 12
