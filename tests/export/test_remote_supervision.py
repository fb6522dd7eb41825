"""Units in other processes keep the driver's rate and are counted by it, or fail and say why."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from dynamo_assets.errors import ExportError
from dynamo_assets.export import remote_supervision
from dynamo_assets.export.remote_supervision import Address, RemoteSupervisor, serve_supervisor
from dynamo_assets.export.supervision import Supervisor
from dynamo_assets.export.throttle import Throttle

HOST = "127.0.0.1"


class Noting(Supervisor):
    """Notes what it is told and asked."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.asked: list[tuple[float, float]] = []
        self.throttle = Throttle(10.0, clock=lambda: 0.0)

    def progress(self, items: int) -> None:
        self.told.append(items)

    def reserve(self, units: float, correction: float = 0.0) -> float:
        self.asked.append((units, correction))
        return self.throttle.reserve(units, correction)


class Raising(Supervisor):
    """Ends every unit that has anything to do with it."""

    def progress(self, items: int) -> None:
        raise InterruptedError("the run was cancelled\nby somebody")

    def reserve(self, units: float, correction: float = 0.0) -> float:
        raise InterruptedError("the run was cancelled\nby somebody")


def test_one_line_asks_and_one_line_answers() -> None:
    supervisor = Noting()
    with serve_supervisor(supervisor, HOST) as address, socket.create_connection(address) as connection:
        lines = connection.makefile("rb")
        answers = []
        for question in ("progress 1717", "reserve 128.5 -2.5", "reserve 1.0 2.5", "progress 3"):
            connection.sendall(f"{question}\n".encode())
            answers.append(lines.readline().decode())
    assert answers == ["ok\n", "0.0\n", "12.85\n", "ok\n"]
    assert supervisor.told == [1717, 3]
    assert supervisor.asked == [(128.5, -2.5), (1.0, 2.5)]


def test_numbers_arrive_with_all_their_digits() -> None:
    supervisor = Noting()
    with serve_supervisor(supervisor, HOST) as address, RemoteSupervisor(address) as remote:
        remote.reserve(0.1 + 0.2, -1 / 3)
        assert remote.reserve(0.0) == supervisor.throttle.reserve(0.0)
    assert supervisor.asked[0] == (0.1 + 0.2, -1 / 3)


def test_turns_of_many_units_follow_one_another() -> None:
    supervisor = Noting()

    def unit(_: int) -> list[float]:
        with RemoteSupervisor(address) as remote:
            remote.progress(5)
            return [remote.reserve(1.0) for _ in range(10)]

    with serve_supervisor(supervisor, HOST) as address, ThreadPoolExecutor(12) as pool:
        turns = [turn for turns in pool.map(unit, range(12)) for turn in turns]
    # The rate is 10 a second, and its clock stands still.
    assert sorted(turns) == pytest.approx([number / 10 for number in range(120)])
    assert sum(supervisor.told) == 60


def test_progress_is_told_now_and_then_and_the_rest_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_supervision.time, "monotonic", lambda: now)
    now = 100.0
    supervisor = Noting()
    with serve_supervisor(supervisor, HOST) as address, RemoteSupervisor(address) as remote:
        remote.progress(3)
        remote.progress(4)
        assert supervisor.told == []
        now += remote_supervision.REPORT_SECONDS
        remote.progress(0)
        assert supervisor.told == [7]
        remote.progress(5)
    assert supervisor.told == [7, 5]


def test_a_unit_that_failed_tells_nothing_more() -> None:
    supervisor = Noting()

    def unit(address: Address) -> None:
        with RemoteSupervisor(address) as remote:
            remote.progress(3)
            raise KeyError

    with serve_supervisor(supervisor, HOST) as address, pytest.raises(KeyError):
        unit(address)
    assert supervisor.told == []


def test_what_the_supervisor_raises_ends_the_unit_that_asked_and_is_its_reason() -> None:
    with (
        serve_supervisor(Raising(), HOST) as address,
        pytest.raises(ExportError, match=r"^the driver ended this unit: InterruptedError: the run was cancelled"),
        RemoteSupervisor(address) as remote,
    ):
        remote.reserve(1.0)


def test_a_question_that_is_none_is_answered_with_that() -> None:
    with serve_supervisor(Noting(), HOST) as address, socket.create_connection(address) as connection:
        connection.sendall(b"what is the time?\n")
        assert b"is no question" in connection.makefile("rb").readline()


def lost(address: Address, reason: str) -> str:
    return (
        f"the executor cannot reach the driver at {re.escape(address[0])}:{address[1]}, which keeps the read rate "
        rf"\(.*{reason}.*\); the security group of the job's connection must allow all TCP traffic within itself"
    )


def test_a_driver_that_is_not_there_is_the_reason() -> None:
    with serve_supervisor(Noting(), HOST) as address:
        pass
    with pytest.raises(ExportError, match=lost(address, "refused")), RemoteSupervisor(address) as remote:
        remote.reserve(1.0)


@contextmanager
def answering(answers: int) -> Iterator[Address]:
    """A driver that answers so many questions, reads one more, and goes; or stays silent, where that is negative."""
    with socket.create_server((HOST, 0)) as server:
        gone = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb", buffering=0) as lines:
                for _ in range(answers):
                    lines.readline()
                    lines.write(b"0.0\n")
                lines.readline()
                if answers < 0:
                    gone.wait()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()
        finally:
            gone.set()
            thread.join()


def test_a_driver_that_goes_in_between_is_the_reason() -> None:
    with answering(2) as address, RemoteSupervisor(address) as remote:
        assert [remote.reserve(1.0), remote.reserve(1.0)] == [0.0, 0.0]
        with pytest.raises(ExportError, match=lost(address, "it ended the connection")):
            remote.reserve(1.0)


def test_a_driver_that_does_not_answer_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_supervision, "ANSWER_SECONDS", 0.05)
    with (
        answering(-1) as address,
        RemoteSupervisor(address) as remote,
        pytest.raises(ExportError, match=lost(address, "timed out")),
    ):
        remote.reserve(1.0)
