"""Starting and stopping the sandbox, in this process or in one of its own."""

from __future__ import annotations

import gc
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.endpoint import ACCESS_KEY, ACCOUNT_ID, REGION, SECRET_KEY, Endpoint

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 60.0


@contextmanager
def serve(port: int = 0) -> Iterator[Endpoint]:
    """Runs the sandbox on threads of this process until the block ends. At most one in a process.

    Args:
        port: The port to listen on, on 127.0.0.1 only; 0 takes a free one.

    Raises:
        SandboxError: The port is taken, or moto is not the pinned version.
    """
    # moto decides at import where its own calls go and which account it plays.
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
    os.environ.update(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY, AWS_DEFAULT_REGION=REGION)
    from dynamo_assets.sandbox import moto_overrides  # noqa: PLC0415 - 0.5 s that `dynamo-assets --help` need not pay
    from dynamo_assets.sandbox.http_server import MotoServer  # noqa: PLC0415

    _require_free(port)
    work_dir = Path(tempfile.mkdtemp(prefix="dynamo-assets-sandbox-"))
    try:
        with MotoServer(HOST, port) as server:
            endpoint = Endpoint(f"http://{HOST}:{server.port}", work_dir)
            moto_overrides.install(endpoint)
            # What is imported by now is hundreds of thousands of objects, which the garbage collector need not go
            # through again and again; what a request leaves behind can wait for that of others.
            gc.freeze()
            gc.set_threshold(10_000, 20, 50)
            try:
                yield endpoint
            finally:
                moto_overrides.shut_down()
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


def _require_free(port: int) -> None:
    """Finds out before werkzeug does, which ends the process."""
    with socket.socket() as probe:
        # As werkzeug's server does; otherwise a port stays taken for a minute after its last connection.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise SandboxError(
                f"the sandbox cannot listen on {HOST}:{port} ({error.strerror}); choose another --port, or 0 for any"
            ) from error


@contextmanager
def spawn(*, log_path: Path | None = None) -> Iterator[Endpoint]:
    """Runs an empty sandbox in a process of its own until the block ends.

    Args:
        log_path: Where its standard error goes; discarded where None.

    Raises:
        SandboxError: It did not come up within a minute.
    """
    with open(log_path or os.devnull, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dynamo_assets.cli", "sandbox", "--empty", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield Endpoint(_read_address(process), Path(tempfile.gettempdir()))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read_address(process: subprocess.Popen[str]) -> str:
    marker = "export AWS_ENDPOINT_URL="
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    assert process.stdout is not None
    while time.monotonic() < deadline and process.poll() is None:
        if not select.select([process.stdout], [], [], 0.2)[0]:
            continue
        line = process.stdout.readline()
        if line.startswith(marker):
            return line.removeprefix(marker).strip().strip("'\"")
    raise SandboxError(f"the sandbox did not start within {START_TIMEOUT_SECONDS:.0f} s (exit code {process.poll()})")
