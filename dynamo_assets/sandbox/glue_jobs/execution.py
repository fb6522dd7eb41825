"""Executing a Glue run: its script a process of its own, its output carried to the logs, its end to its state."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.endpoint import GLUE_ACCESS_KEY, Endpoint
from dynamo_assets.sandbox.glue_jobs import driver as glue_driver
from dynamo_assets.sandbox.glue_jobs.files import RunFiles, fetch
from dynamo_assets.sandbox.glue_jobs.interpreters import GluePythons
from dynamo_assets.sandbox.glue_jobs.logs import LinePump, LogStream
from dynamo_assets.sandbox.glue_jobs.module_installer import ModuleInstaller, ModulesError
from dynamo_assets.sandbox.glue_jobs.run import LOG_GROUP, JobRun
from dynamo_assets.sandbox.glue_jobs.spark import SparkJvm
from dynamo_assets.sandbox.glue_jobs.spark_pool import SparkPool

_RUNS_AT_ONCE = 2  # each uses two cores and a JVM of a quarter of a GB or more; further runs wait in STARTING
_STOP_GRACE_SECONDS = 2.0
_MESSAGE_CHARACTERS = 4000
# Of the sandbox's own environment, only what a process needs to run at all: nothing of AWS, no PYTHON*, no SPARK*.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")


class GlueExecutor:
    """Executes runs, each on a thread of its own.

    Args:
        endpoint: The sandbox that the scripts talk to.
        minute_seconds: How long a minute of a run's timeout takes.
        on_end: Is told of every run that is over.
    """

    def __init__(self, endpoint: Endpoint, minute_seconds: float, on_end: Callable[[JobRun], None]) -> None:
        self._endpoint = endpoint
        self._minute_seconds = minute_seconds
        self._on_end = on_end
        self._folder = endpoint.work_dir / "glue"
        self._pythons = GluePythons(self._folder / "python")
        self._installer = ModuleInstaller(self._folder / "wheels")
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        # No home of the user's: boto3 would read ~/.aws there.
        own = {"AWS_ACCESS_KEY_ID": GLUE_ACCESS_KEY, "HOME": str(self._folder)}
        self._environment = {**inherited, **endpoint.environment(), **own}
        self._jvms = SparkPool(self._folder / "spark", self._environment, _RUNS_AT_ONCE)
        self._threads: dict[threading.Thread, JobRun] = {}

    def warm_up(self) -> None:
        """Starts Spark in the background, so that the first run need not wait for it."""
        self._jvms.warm_up()

    def start(self, run: JobRun) -> None:
        """Starts executing a run."""
        thread = threading.Thread(target=self._execute, args=(run,), name=run.id[:12], daemon=True)
        self._threads[thread] = run
        thread.start()

    def close(self) -> None:
        """Ends every run and every process."""
        threads = list(self._threads.items())
        for _, run in threads:
            run.request_stop()
        self._jvms.close()
        for thread, _ in threads:
            thread.join(timeout=2 * _STOP_GRACE_SECONDS)

    @cached_property
    def _s3(self) -> Any:
        return self._endpoint.client("s3")

    @cached_property
    def _logs(self) -> Any:
        return self._endpoint.client("logs")

    def _execute(self, run: JobRun) -> None:
        folder = self._folder / "runs" / run.id
        folder.mkdir(parents=True)
        try:
            state, message = self._outcome(run, folder)
        except ModulesError as error:
            LogStream(self._logs, f"{LOG_GROUP}/error", run.id).write(str(error).splitlines())
            state, message = "FAILED", f"LAUNCH ERROR | Python Module Installer: {error}"
        except SandboxError as error:
            state, message = "FAILED", f"LAUNCH ERROR | {error}"
        except Exception as error:  # the thread's last resort: a run must not stay RUNNING for ever
            logging.getLogger(__name__).exception("Glue run %s of %s", run.id, run.request.job_name)
            state, message = "FAILED", f"The sandbox itself failed: {error!r}"
        shutil.rmtree(folder, ignore_errors=True)
        run.finish(state, message)
        self._on_end(run)
        del self._threads[threading.current_thread()]

    def _outcome(self, run: JobRun, folder: Path) -> tuple[str, str | None]:
        files = fetch(self._s3, run.request, self._installer, folder)
        settings = _spark_conf(run.request.arguments.get("--conf", ""))
        jvm = self._jvms.take(run.stop_requested.is_set)
        if jvm is None:
            return "STOPPED", None
        reusable = False
        try:
            output, errors = (LogStream(self._logs, f"{LOG_GROUP}/{kind}", run.id) for kind in ("output", "error"))
            own = {"spark.app.name": run.request.job_name, "spark.executorEnv.PYTHONPATH": files.python_path}
            jvm.begin({**own, **settings}, errors.write)
            process = self._start_driver(run, jvm, files)
            with process:
                state = self._follow(run, process, output, errors)
            # A driver that was killed may have left Spark in any state: its JVM is not given to another run.
            reusable = state in {"SUCCEEDED", "FAILED"} and jvm.reset()
        finally:
            self._jvms.give_back(jvm, reusable=reusable)
        return state, _error_message(files.report, process.returncode) if state == "FAILED" else None

    def _start_driver(self, run: JobRun, jvm: SparkJvm, files: RunFiles) -> subprocess.Popen[bytes]:
        python = str(self._pythons.interpreter(run.request.glue_version))
        return subprocess.Popen(
            [python, glue_driver.__file__, files.report, files.script, *_argv(run)],
            cwd=files.script.parent,
            env={
                **self._environment,
                "PYTHONPATH": files.python_path,
                "PYTHONUNBUFFERED": "1",
                "PYSPARK_PYTHON": python,
                "PYSPARK_GATEWAY_PORT": str(jvm.port),
                "PYSPARK_GATEWAY_SECRET": jvm.secret,
                "TMPDIR": str(files.scratch),
            },
            stdin=subprocess.PIPE,  # the driver ends when this closes, so also when the sandbox is killed
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _follow(self, run: JobRun, process: subprocess.Popen[bytes], output: LogStream, errors: LogStream) -> str:
        run.mark_running()
        assert process.stdout is not None
        assert process.stderr is not None
        pumps = [
            LinePump(process.stdout.fileno(), output.write, name="glue-output"),
            LinePump(process.stderr.fileno(), errors.write, name="glue-error"),
        ]
        state = self._wait(run, process)
        _end_group(process)
        for pump in pumps:
            pump.join()
        return state

    def _wait(self, run: JobRun, process: subprocess.Popen[bytes]) -> str:
        deadline = time.monotonic() + run.request.timeout_minutes * self._minute_seconds
        while True:
            with suppress(subprocess.TimeoutExpired):
                return "SUCCEEDED" if process.wait(timeout=0.1) == 0 else "FAILED"
            if run.stop_requested.is_set():
                return "STOPPED"
            if time.monotonic() > deadline:
                return "TIMEOUT"


def _argv(run: JobRun) -> list[str]:
    own = {
        "--JOB_ID": "j_" + run.id.removeprefix("jr_")[:64],
        "--JOB_RUN_ID": run.id,
        "--JOB_NAME": run.request.job_name,
    }
    return [text for name, value in {**run.request.arguments, **own}.items() for text in (name, value)]


def _spark_conf(text: str) -> dict[str, str]:
    # Glue takes several settings in its one argument: "spark.a=1 --conf spark.b=2".
    settings: dict[str, str] = {}
    for setting in filter(str.strip, text.split("--conf")):
        name, _, value = setting.strip().partition("=")
        if not value or not name.startswith("spark."):
            raise SandboxError(f"--conf {text!r} is not of the form 'spark.a=1 --conf spark.b=2'")
        if name.startswith("spark.jars") or name.endswith("ClassPath"):
            raise SandboxError(f"The sandbox does not add jars to Spark, as --conf {name} asks")
        settings[name] = value
    return settings


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and whatever it started, first kindly."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_GRACE_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _error_message(report: Path, exit_code: int) -> str:
    if not report.exists():
        return f"Command failed with exit code {exit_code} - Check the logs for more details"
    found = json.loads(report.read_text())
    text = found["message"]
    if len(text) > _MESSAGE_CHARACTERS:  # the end of a worker's traceback says what happened
        text = f"{text[:500]} ... {text[500 - _MESSAGE_CHARACTERS :]}"
    line = f"Failed Line Number: {found['line']}; " if found["line"] else ""
    return f"Error Category: {found['category']}; {line}{text}"
