"""The address of a running sandbox, and clients for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ACCESS_KEY = "sandbox"
GLUE_ACCESS_KEY = "sandbox-glue-run"
"""Of the scripts of Glue runs, whose credentials on AWS are their role's."""
SECRET_KEY = "sandbox"  # noqa: S105 - the sandbox checks no signatures

_MAKING_A_CLIENT = threading.Lock()  # boto3's default session is not safe to make clients with on several threads


@dataclass(frozen=True)
class Endpoint:
    """A sandbox's address and the folder it may work in.

    Attributes:
        url: Such as `http://127.0.0.1:5000`.
        work_dir: Where the sandbox keeps job scripts, logs and spill files; removed when it stops.
    """

    url: str
    work_dir: Path

    def environment(self) -> dict[str, str]:
        """The variables that point any AWS client, and this package's configuration, at the sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCOUNT_ID": ACCOUNT_ID,
        }

    def client(self, service: str, account: str = ACCESS_KEY, region: str = REGION) -> Any:
        """A boto3 client of the sandbox, whatever the environment says.

        Args:
            service: Of which service.
            account: Another account than the sandbox's own, by its ID.
            region: Where.
        """
        with _MAKING_A_CLIENT:
            return boto3.client(
                service,  # pyright: ignore[reportCallIssue, reportArgumentType]
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id=account,
                aws_secret_access_key=SECRET_KEY,
            )
