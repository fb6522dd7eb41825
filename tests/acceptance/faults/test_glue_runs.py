"""Glue runs that end in every state but success, and those that somebody stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import failure_of
from tests.acceptance.faults.answers import THROTTLED, When, after, changed, refused, to
from tests.acceptance.faults.watched import Watched
from tests.faults.catalogue import answer_lost
from tests.faults.proxy import Exchange

GLUE: Any = {"engine": "glue"}
FAILS = "raise SystemExit('the disk is full')"
WAITS_FOR_EVER = "import time\nprint('begun', flush=True)\nwhile True:\n    time.sleep(1)"


@pytest.fixture
def with_script(watched: Watched) -> Callable[[str | None], None]:
    """Gives the Glue job another script; its own again where None."""
    glue, name = watched.aws("glue"), watched.pipeline.settings.glue.job_name
    bucket = watched.pipeline.settings.storage.bucket
    job = glue.get_job(JobName=name)["Job"]
    own = job["Command"]["ScriptLocation"]
    kept = ("Role", "DefaultArguments", "GlueVersion", "WorkerType", "NumberOfWorkers", "ExecutionProperty")

    def change(script: str | None) -> None:
        location = own
        if script is not None:
            location = f"s3://{bucket}/_glue/script.py"
            watched.aws("s3").put_object(Bucket=bucket, Key="_glue/script.py", Body=script.encode())
        command = {**job["Command"], "ScriptLocation": location}
        glue.update_job(JobName=name, JobUpdate={**{key: job[key] for key in kept}, "Command": command})

    return change


@pytest.fixture
def watched(watch) -> Watched:
    return watch()


def _ends(state: str) -> When:
    """The run ends as it never does on the sandbox."""

    def edit(answer: dict[str, Any]) -> None:
        if answer["JobRun"]["JobRunState"] == "FAILED":
            answer["JobRun"]["JobRunState"] = state

    return When(to("glue.GetJobRun"), changed(edit))


def test_a_glue_run_that_ends_in_any_state_but_success_publishes_nothing_and_the_next_one_does(
    watched: Watched, with_script
) -> None:
    with_script(FAILS)
    watched.meets(_ends("FAILED"), ["ended FAILED", "the disk is full", "Mend what", "#/job/"], **GLUE)
    watched.meets(_ends("ERROR"), ["ended ERROR", "try again", "#/job/"], **GLUE)
    watched.meets(_ends("TIMEOUT"), ["ended TIMEOUT", "raise `time_limit`"], **GLUE)
    watched.meets(_ends("EXPIRED"), ["ended EXPIRED", "run it again"], **GLUE)

    with_script(WAITS_FOR_EVER)

    def stop() -> None:
        runs = watched.pipeline.glue_runs()
        job = watched.pipeline.settings.glue.job_name
        watched.aws("glue").batch_stop_job_run(JobName=job, JobRunIds=[runs[0]["Id"]])

    stopped = When(to("glue.GetJobRun"), after(stop), times=1)
    watched.meets(stopped, ["ended STOPPED", "Somebody stopped it"], **GLUE)
    with_script(None)
    watched.runs_well(**GLUE)


@pytest.mark.usefixtures("no_waiting")
def test_what_hinders_the_talk_about_a_run_does_not_hinder_the_run(watched: Watched, with_script) -> None:
    """A good export of hours is not to be lost to a minute of throttling, nor to a permission to read logs."""
    with_script(None)
    throttled = When(to("glue.GetJobRun", "glue.StartJobRun"), THROTTLED, times=40)
    denied = When(to("logs.GetLogEvents"), refused(400, "AccessDeniedException"))
    lost = When(to("glue.StartJobRun"), answer_lost, times=1)

    def behave(exchange: Exchange) -> None:
        if denied.wanted(exchange.request):
            denied(exchange)
        elif exchange.request.operation == "glue.StartJobRun" and throttled.met and not lost.met:
            lost(exchange)
        else:
            throttled(exchange)

    watched.grow()
    result = watched.run(behave, **GLUE)

    assert result.success, failure_of(result)
    assert (len(throttled.met), len(lost.met)) == (40, 1)
    assert denied.met
    assert watched.shown().rows == watched.items
    watched.assert_nothing_runs()
    states = [run["JobRunState"] for run in watched.pipeline.glue_runs()]
    assert sorted(states) == ["STOPPED", "SUCCEEDED"], "of the two that were started one is too many"


def test_a_run_that_cannot_be_stopped_at_its_limit_is_told(watched: Watched, with_script) -> None:
    with_script(WAITS_FOR_EVER)
    deaf = When(to("glue.BatchStopJobRun"), refused(400, "AccessDeniedException", "not allowed to stop"))
    before = watched.before_fault()
    result = watched.run(deaf, engine="glue", time_limit="1s")
    [run] = watched.pipeline.glue_runs()
    watched.aws("glue").batch_stop_job_run(JobName=run["JobName"], JobRunIds=[run["Id"]])
    says = ["time limit of 0:00:01", "could not be stopped", "not allowed to stop"]
    watched.after_fault(before, result, says)
