"""Reading a Glue run's log while it is being written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.waiting import is_throttled

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

OUTPUT_GROUP = "/aws-glue/jobs/output"
ERROR_GROUP = "/aws-glue/jobs/error"

MAX_SECONDS_BETWEEN_READINGS = 30.0
"""Of one run's log: an account may call GetLogEvents 10 or 25 times a second, and cannot have that raised."""
_SHARE_OF_AGE = 0.25


class LogTail:
    """One CloudWatch log stream, read once from its beginning to wherever it ends now.

    Glue writes what the driver prints to the stream that has the run's id as its name (developer guide, "Logging for
    Glue jobs"). The stream appears some seconds after the run started; until then there is nothing to read.
    """

    def __init__(self, logs: CloudWatchLogsClient, group: str, stream: str):
        self._logs = logs
        self._group = group
        self._stream = stream
        self._token: str | None = None

    def new_lines(self, *, to_the_end: bool = False) -> Iterator[str]:
        """What came since the last call.

        Args:
            to_the_end: An empty page is not taken for the end, which it need not be (API reference, GetLogEvents): it
                costs another request to know.
        """
        while True:
            token: Any = {"nextToken": self._token} if self._token else {}
            try:
                answer = self._logs.get_log_events(
                    logGroupName=self._group, logStreamName=self._stream, startFromHead=True, **token
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    return
                raise
            before, self._token = self._token, answer["nextForwardToken"]
            for event in answer["events"]:
                yield from (line for line in event.get("message", "").splitlines() if line.strip())
            # At the end of a stream CloudWatch gives back the token it was asked with.
            if self._token == before or not (answer["events"] or to_the_end):
                return


class RunLog:
    """Passes on what a Glue run prints, and asks seldom: of a run that is young soon, of others twice a minute.

    A log that cannot be read is told of once, and is no reason to fail.

    Args:
        logs: The client.
        run_id: The run.
        on_line: Called with each line.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        logs: CloudWatchLogsClient,
        run_id: str,
        on_line: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ):
        self._tail = LogTail(logs, OUTPUT_GROUP, run_id)
        self._run_id = run_id
        self._on_line = on_line
        self._clock = clock
        self._began = self._read_at = clock()
        self._told = False

    def look(self) -> None:
        """Reads on, where it is time to."""
        now = self._clock()
        age = now - self._began
        if now - self._read_at >= min(age * _SHARE_OF_AGE, MAX_SECONDS_BETWEEN_READINGS):
            self._read_at = now
            self._pass_on(self._tail.new_lines(), last=False)

    def finish(self) -> None:
        """Reads what is left, to the end."""
        self._pass_on(self._tail.new_lines(to_the_end=True), last=True)

    def _pass_on(self, lines: Iterator[str], *, last: bool) -> None:
        while True:
            try:
                line = next(lines, None)
            except (BotoCoreError, ClientError) as error:
                # What is too much now may be read later; nothing is lost but at the end.
                if not self._told and (last or not is_throttled(error)):
                    self._on_line(f"The log of Glue run {self._run_id} cannot be read; the run goes on: {error}")
                    self._told = True
                return
            if line is None:
                return
            self._on_line(line)
