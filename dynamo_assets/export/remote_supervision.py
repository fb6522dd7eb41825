"""Supervision across processes: units on Spark's executors, their supervisor on the driver.

Spark's accumulators reach the driver only when a whole unit is done, and nothing of Spark's goes the other way. So the
driver listens on a port of its own, as Spark's own services do, and each unit holds a connection to it. One line asks,
one answers:

    progress 1717            ->  ok
    reserve 128.5 -0.5       ->  0.25
    either                   ->  error "OSError: why this unit must end"
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Self

from dynamo_assets.errors import ExportError
from dynamo_assets.export.supervision import Supervisor

Address = tuple[str, int]

REPORT_SECONDS = 2.0
ANSWER_SECONDS = 30.0
STOP_SECONDS = 0.05
_ERROR = "error "


@contextmanager
def serve_supervisor(supervisor: Supervisor, host: str) -> Iterator[Address]:
    """Lets `RemoteSupervisor` reach a supervisor for as long as the context lasts; gives the address.

    Args:
        supervisor: Asked from several threads. What it raises ends the unit that asked.
        host: The name or address by which executors reach this process.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(f"{_answer(supervisor, line.decode())}\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

    with Server((host, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(STOP_SECONDS,), name="supervision", daemon=True).start()
        try:
            yield host, server.server_address[1]
        finally:
            server.shutdown()


def _answer(supervisor: Supervisor, line: str) -> str:
    try:
        return _result(supervisor, line)
    except Exception as error:  # noqa: BLE001 - it is raised again where it matters: in the unit
        return _ERROR + json.dumps(f"{type(error).__name__}: {error}")


def _result(supervisor: Supervisor, line: str) -> str:
    match line.split():
        case ["progress", items]:
            supervisor.progress(int(items))
            return "ok"
        case ["reserve", units, correction]:
            return repr(supervisor.reserve(float(units), float(correction)))
        case _:
            raise ValueError(f"supervision: {line!r} is no question")


class RemoteSupervisor(Supervisor):
    """The supervisor of another process, for one unit.

    Use it as a context manager: leaving it tells what has not been told yet.

    Args:
        address: From `serve_supervisor`.
    """

    def __init__(self, address: Address):
        self._address = address
        self._connection: socket.socket | None = None
        self._lines: IO[bytes] | None = None
        self._untold = 0
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._untold and kind is None:
                self._tell()
        finally:
            if self._connection is not None:
                self._connection.close()

    def progress(self, items: int) -> None:
        """Tells every two seconds: each telling is a way to the driver and back."""
        self._untold += items
        if time.monotonic() - self._told_at >= REPORT_SECONDS:
            self._tell()

    def reserve(self, units: float, correction: float = 0.0) -> float:
        """Asks for a turn."""
        return float(self._ask(f"reserve {units!r} {correction!r}"))

    def _tell(self) -> None:
        self._ask(f"progress {self._untold}")
        self._untold, self._told_at = 0, time.monotonic()

    def _ask(self, question: str) -> str:
        try:
            if self._connection is None or self._lines is None:
                self._connection = socket.create_connection(self._address, timeout=ANSWER_SECONDS)
                self._lines = self._connection.makefile("rb")
            self._connection.sendall(f"{question}\n".encode())
            answer = self._lines.readline().decode().strip()
        except OSError as error:
            raise self._lost(error) from error
        if not answer:
            raise self._lost("it ended the connection")
        if answer.startswith(_ERROR):
            raise ExportError(f"the driver ended this unit: {json.loads(answer.removeprefix(_ERROR))}")
        return answer

    def _lost(self, reason: object) -> ExportError:
        host, port = self._address
        return ExportError(
            f"the executor cannot reach the driver at {host}:{port}, which keeps the read rate ({reason}); "
            "the security group of the job's connection must allow all TCP traffic within itself"
        )
