"""A signal to a process at a moment of its conversation with AWS: just before or just after something was done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from signal import SIGINT, SIGKILL, Signals

from tests.faults.proxy import Exchange, Request, pass_on

Act = Callable[["Moment", Exchange], None]


@dataclass
class Moment:
    """Sends a signal once: when the first wanted request comes.

    Attributes:
        wanted: Which request.
        act: What is done with that request, and when the signal is sent.
        request: The request that it was.
    """

    wanted: Callable[[Request], bool]
    act: Act
    request: Request | None = None
    released: threading.Event = field(default_factory=threading.Event)
    _pid: int = 0
    _known: threading.Event = field(default_factory=threading.Event)
    _on_its_way: threading.Lock = field(default_factory=threading.Lock)

    def aim_at(self, pid: int) -> None:
        """Says who gets the signal."""
        self._pid = pid
        self._known.set()

    def send(self, number: Signals) -> None:
        self._known.wait()
        os.kill(self._pid, number)

    def __call__(self, exchange: Exchange) -> None:
        if self.request is None and self.wanted(exchange.request):
            self.request = exchange.request
            self.act(self, exchange)
        else:
            with self._on_its_way:
                pass
            pass_on(exchange)

    def send_on_the_way(self, number: Signals, exchange: Exchange) -> None:
        """Sends the signal while a request is on its way, which none that comes after it overtakes."""
        with self._on_its_way:
            self.send(number)
            pass_on(exchange)


def killed_before(moment: Moment, exchange: Exchange) -> None:
    """The request never arrives."""
    moment.send(SIGKILL)
    exchange.hang_up()


def killed_after(moment: Moment, exchange: Exchange) -> None:
    """What it asks for is done."""
    exchange.forward()
    moment.send(SIGKILL)
    exchange.hang_up()


def interrupted_before(moment: Moment, exchange: Exchange) -> None:
    """Ctrl-C comes while the request is on its way."""
    moment.send_on_the_way(SIGINT, exchange)


def interrupted_after(moment: Moment, exchange: Exchange) -> None:
    """Ctrl-C comes when what it asks for is done, and before the answer."""
    answer = exchange.forward()
    moment.send(SIGINT)
    exchange.send(answer)


def interrupted_long_before(moment: Moment, exchange: Exchange) -> None:
    """Ctrl-C comes, and the request arrives at last when its sender is gone: once `released` is set."""
    moment.send(SIGINT)
    moment.released.wait()
    exchange.forward()
