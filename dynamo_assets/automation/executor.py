"""Runs the steps of a run in threads of its one process, because what they do is wait.

A step of this package starts something in AWS and waits for it, for seconds or for hours. Under Dagster's default
executor each waiting step is a process of its own; here it is a thread. What either costs: docs/orchestration.md.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import dagster as dg

# Not public: read in Dagster 1.13.27, and the reason why pyproject.toml pins its minor version. Dagster's own
# in_process and multiprocess executors use the same names, so they show what to do when an upgrade changes one.
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.compute_logs import create_compute_log_file_key
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext, StepExecutionContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import (
    _handle_compute_log_setup_error,
    _handle_compute_log_teardown_error,
    _trigger_hook,
    dagster_event_sequence_for_step,
)
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.execution.tags import get_tag_concurrency_limits_config
from dagster._utils.error import serializable_error_info_from_exc_info

from dynamo_assets.aws.cancellation import Cancellation, under

DEFAULT_MAX_CONCURRENT = 100
"""A thread is cheap; what bounds it is how often AWS lets its state be asked for (docs/orchestration.md)."""

COMPUTES_TAG = "dynamo_assets/computes"
"""The op tag of a step that computes. The steps of a run share one interpreter, so few of these run at once."""
DEFAULT_MAX_COMPUTING = 2

_TICK_SECONDS = 0.5
"""How soon an interrupt, a retry that is due or a free slot of a pool is noticed."""

_running_step: ContextVar[str] = ContextVar("running_step")


@dataclass(frozen=True)
class _Ended:
    """A thread's last word on its step."""

    step: StepExecutionContext
    events: Sequence[DagsterEvent]
    error: BaseException | None


@dataclass
class _Threads:
    """The steps that run now, and what they report to the run's main thread, which alone decides what comes next."""

    pool: ThreadPoolExecutor
    cancellation: Cancellation = field(default_factory=Cancellation)
    running: set[StepExecutionContext] = field(default_factory=set)
    _reports: SimpleQueue[DagsterEvent | _Ended] = field(default_factory=SimpleQueue)

    def start(self, step: StepExecutionContext) -> None:
        self.running.add(step)
        self.pool.submit(copy_context().run, self._execute, step)

    def _execute(self, step: StepExecutionContext) -> None:
        events: list[DagsterEvent] = []
        error = None
        try:
            _keep_to_own_lines(step)
            with under(self.cancellation):
                for event in dagster_event_sequence_for_step(step):
                    events.append(event)
                    self._reports.put(event)
                for event in _trigger_hook(step, tuple(events)):
                    self._reports.put(event)
        except BaseException as caught:  # noqa: BLE001 - nobody is above a thread: the main thread judges it
            error = caught
        self._reports.put(_Ended(step, events, error))

    def reports(self) -> Iterator[DagsterEvent | _Ended]:
        """What the steps report within a tick, at most until one of them ends."""
        deadline = time.monotonic() + _TICK_SECONDS
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                report = self._reports.get(timeout=remaining)
            except Empty:
                return
            yield report
            if isinstance(report, _Ended):
                self.running.remove(report.step)
                return


class ThreadedExecutor(dg.Executor):
    """Runs each step of a run in a thread; see `threaded_executor`."""

    def __init__(self, retries: RetryMode, max_concurrent: int, tag_concurrency_limits: list[dict[str, Any]]):
        self._retries = retries
        self._max_concurrent = max_concurrent
        self._tag_concurrency_limits = tag_concurrency_limits

    @property
    def retries(self) -> RetryMode:
        """Whether the steps' retry policies are obeyed."""
        return self._retries

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """Executes a run's plan; the same frame as that of Dagster's in_process executor."""
        yield DagsterEvent.engine_event(
            plan_context,
            f"Executing steps in up to {self._max_concurrent} threads (pid: {os.getpid()})",
            EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute),
        )
        context_manager = PlanExecutionContextManager(
            job=plan_context.job,
            retry_mode=plan_context.retry_mode,
            execution_plan=execution_plan,
            run_config=plan_context.run_config,
            dagster_run=plan_context.dagster_run,
            instance=plan_context.instance,
            raise_on_error=plan_context.raise_on_error,
            output_capture=plan_context.output_capture,
        )
        yield from ExecuteRunWithPlanIterable(execution_plan, self._execute_plan, context_manager)

    def _execute_plan(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        with ExitStack() as stack:
            pools = stack.enter_context(InstanceConcurrencyContext(job_context.instance, job_context.dagster_run))
            active = stack.enter_context(
                execution_plan.start(
                    retry_mode=self._retries,
                    max_concurrent=self._max_concurrent,
                    tag_concurrency_limits=self._tag_concurrency_limits,
                    instance_concurrency_context=pools,
                )
            )
            threads = _Threads(stack.enter_context(ThreadPoolExecutor(self._max_concurrent, "step")))
            # Whatever ends the run, its steps are told before the pool waits for them.
            stack.callback(threads.cancellation.request)
            yield from _with_captured_output(job_context, execution_plan, self._run_steps(job_context, active, threads))

    def _run_steps(
        self, job_context: PlanExecutionContext, active: ActiveExecution, threads: _Threads
    ) -> Iterator[DagsterEvent]:
        stop = threads.cancellation
        errors: list[BaseException] = []
        while threads.running or not (stop.requested or active.is_complete):
            if active.check_for_interrupts() and not stop.requested:
                keys = sorted(step.step.key for step in threads.running)
                yield DagsterEvent.engine_event(
                    job_context, f"Told to stop: stopping {len(keys)} running steps", EngineEventData.interrupted(keys)
                )
                stop.request()
            if not stop.requested:
                for step in active.get_steps_to_execute():
                    threads.start(job_context.for_step(step, active.get_known_state()))
                yield from active.concurrency_event_iterator(job_context)
            for report in threads.reports():
                if isinstance(report, _Ended):
                    yield from self._end_step(report, active, stop, errors)
                    active.verify_complete(job_context, report.step.step.key)
                else:
                    yield report
            yield from active.plan_events_iterator(job_context)
        if stop.requested:
            raise dg.DagsterExecutionInterruptedError("The run was told to stop, and every step of it has ended")
        if errors:
            raise errors[0]

    def _end_step(
        self, ended: _Ended, active: ActiveExecution, stop: Cancellation, errors: list[BaseException]
    ) -> Iterator[DagsterEvent]:
        """Tells the plan what became of a step, and leaves no step without an event that says so."""
        outcome = next((event for event in ended.events if _is_outcome(event)), None)
        if ended.error and outcome is None:
            exc_info: Any = (type(ended.error), ended.error, ended.error.__traceback__)
            outcome = self.log_failure_or_retry_event_after_error(
                ended.step, serializable_error_info_from_exc_info(exc_info), active.get_known_state()
            )
            yield outcome
        elif ended.error and not isinstance(ended.error, dg.DagsterExecutionInterruptedError):
            errors.append(ended.error)
        if outcome and outcome.is_step_up_for_retry and stop.requested:
            # Dagster lets a RetryPolicy answer an interrupt too, but no retry will come.
            failure = StepFailureData(outcome.step_retry_data.error, None, ErrorSource.INTERRUPT)
            outcome = DagsterEvent.step_failure_event(ended.step, failure)
            yield outcome
        for event in ended.events:
            if not _is_outcome(event):
                active.handle_event(event)
        if outcome:
            active.handle_event(outcome)


def _is_outcome(event: DagsterEvent) -> bool:
    return event.is_step_success or event.is_step_failure or event.is_step_up_for_retry


def _keep_to_own_lines(step: StepExecutionContext) -> None:
    """Lets only this step's lines into its log.

    Python's loggers belong to the process. Dagster gives those that it manages (`get_dagster_logger`,
    `managed_python_loggers`) the handler of every running step, so each step would record all the others' lines.
    """
    _running_step.set(key := step.step.key)
    (handler,) = step.log.handlers
    accepts = handler.filter
    handler.filter = lambda record: _running_step.get(key) == key and accepts(record)


def _with_captured_output(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, events: Iterator[DagsterEvent]
) -> Iterator[DagsterEvent]:
    """Captures what is printed: once for the run, since standard output belongs to the process."""
    manager = job_context.instance.compute_log_manager
    log_key = manager.build_log_key_for_run(job_context.run_id, create_compute_log_file_key())
    with ExitStack() as capture:
        try:
            captured = capture.enter_context(manager.capture_logs(log_key))
            yield DagsterEvent.capture_logs(job_context, execution_plan.step_keys_to_execute, log_key, captured)
        except Exception:  # noqa: BLE001 - a run is worth more than its output
            yield from _handle_compute_log_setup_error(job_context, sys.exc_info())
        yield from events
        try:
            capture.close()
        except Exception:  # noqa: BLE001
            yield from _handle_compute_log_teardown_error(job_context, sys.exc_info())


_TAG_LIMITS = get_tag_concurrency_limits_config()


@dg.executor(
    name="threaded",
    config_schema={
        "max_concurrent": dg.Field(
            int, default_value=DEFAULT_MAX_CONCURRENT, description="How many steps of a run may run at once."
        ),
        "tag_concurrency_limits": dg.Field(
            _TAG_LIMITS.config_type,
            default_value=[{"key": COMPUTES_TAG, "limit": DEFAULT_MAX_COMPUTING}],
            description=_TAG_LIMITS.description,
        ),
        "retries": get_retries_config(),
    },
)
def threaded_executor(init_context: dg.InitExecutorContext) -> ThreadedExecutor:
    """Runs the steps of a run in threads of the run's process: for steps that wait.

    Retry policies, blocking checks, pools, tag limits, hooks and each step's log work as under Dagster's own
    executors. What the steps of a run share: its resources, which must bear being used by many threads, and its
    standard output. Not for `async def` steps, nor for steps that compute, but a few (`COMPUTES_TAG`).

    When the run is told to stop, every step's `pause` raises (`dynamo_assets.aws.cancellation`), and the run ends as
    soon as each step has cleaned up. A step that neither pauses nor asks is waited for.
    """
    config: Any = init_context.executor_config
    return ThreadedExecutor(
        retries=RetryMode(next(iter(config["retries"]))),
        max_concurrent=config["max_concurrent"],
        tag_concurrency_limits=config["tag_concurrency_limits"],
    )
