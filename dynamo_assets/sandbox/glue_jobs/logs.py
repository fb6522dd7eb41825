"""What a Glue run writes, carried to where CloudWatch Logs would have it while the run goes on."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

# Limits of PutLogEvents: 10,000 events in a call, 256 KB an event with 26 bytes of overhead, no empty message.
_EVENTS_PER_CALL = 10_000
_EVENT_CHARACTERS = 60_000


class LinePump(threading.Thread):
    """A thread that hands on the lines of a pipe as they come, until every writer has closed it.

    It reads what is there, hands it on, and reads again: while a batch is being handed on, the next one gathers in
    the pipe, and a writer that is too fast waits.

    Args:
        descriptor: The end to read from.
        deliver: Is given each batch of lines, without their line ends.
        name: The thread's name.
    """

    def __init__(self, descriptor: int, deliver: Callable[[list[str]], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._descriptor = descriptor
        self._deliver = deliver
        self.start()

    def run(self) -> None:
        """Runs on the thread."""
        rest = b""
        while chunk := os.read(self._descriptor, 65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                self._deliver([line.decode(errors="replace").rstrip("\r") for line in lines])
        if rest:
            self._deliver([rest.decode(errors="replace")])


class LogStream:
    """One stream of a CloudWatch Logs group; made, with its group, at once.

    Args:
        client: A client of the sandbox's own CloudWatch Logs.
        group: The group's name.
        stream: The stream's name.
    """

    def __init__(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._lock = threading.Lock()
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=stream)

    def write(self, lines: list[str]) -> None:
        """Adds lines, each an event of now; a line too long for an event becomes several."""
        now = int(time.time() * 1000)
        pieces = [
            line[start : start + _EVENT_CHARACTERS]
            for line in lines
            for start in range(0, len(line), _EVENT_CHARACTERS)
        ]
        with self._lock:
            for start in range(0, len(pieces), _EVENTS_PER_CALL):
                self._put([{"timestamp": now, "message": piece} for piece in pieces[start : start + _EVENTS_PER_CALL]])

    def _put(self, events: list[InputLogEventTypeDef]) -> None:
        try:
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)
        except (BotoCoreError, ClientError):  # someone deleted the stream: the writer must not be held up by that
            logging.getLogger(__name__).warning("lost %d lines of %s %s", len(events), self._group, self._stream)
