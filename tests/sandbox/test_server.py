from __future__ import annotations

import subprocess
import sys
import urllib.parse

from dynamo_assets.sandbox.endpoint import Endpoint


def _sandbox(port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dynamo_assets.cli", "sandbox", "--empty", "--port", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_taken_port_is_an_error_that_names_it(sandbox: Endpoint) -> None:
    port = urllib.parse.urlsplit(sandbox.url).port
    assert port is not None
    done = _sandbox(port)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr


def test_the_sandbox_listens_on_this_machine_alone(sandbox: Endpoint) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
