"""Reading a Glue run's log while it is being written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

OUTPUT_GROUP = "/aws-glue/jobs/output"
ERROR_GROUP = "/aws-glue/jobs/error"


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

    def new_lines(self) -> Iterator[str]:
        """What came since the last call."""
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
            for event in answer["events"]:
                yield from (line for line in event.get("message", "").splitlines() if line.strip())
            # At the end of a stream CloudWatch gives back the token it was asked with.
            if answer["nextForwardToken"] == self._token or not answer["events"]:
                self._token = answer["nextForwardToken"]
                return
            self._token = answer["nextForwardToken"]
