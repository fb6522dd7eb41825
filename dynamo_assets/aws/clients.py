"""boto3 clients for the whole package, as one Dagster resource."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

import boto3
import dagster as dg
from botocore.config import Config
from pydantic import Field, PrivateAttr

from dynamo_assets.credentials import ReadTable, Role, reading_session
from dynamo_assets.naming import table_region

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

Service = Literal["athena", "cloudformation", "dynamodb", "glue", "iam", "kms", "logs", "s3", "sns", "sts"]

MAX_ATTEMPTS = 10
"""Control-plane APIs of Glue and Athena allow few calls a second; `standard` mode backs off with jitter."""

MAX_CONNECTIONS = 100
"""As many steps of a run may ask at once; botocore keeps 10 otherwise, and opens and drops the rest each time."""

PATIENT = Config(retries={"mode": "standard", "max_attempts": MAX_ATTEMPTS}, max_pool_connections=MAX_CONNECTIONS)
IMPATIENT = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
"""For what a sensor does last and tries again at its next tick: Dagster ends a tick after 60 seconds, and all that it
has found is lost. A VPC without an endpoint for the service lets each attempt wait for as long as it may."""

BRIEF = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=MAX_CONNECTIONS,
)
"""For somebody who waits for an answer, and to whom it is one that AWS is not reached."""


class AwsClients(dg.ConfigurableResource):
    """AWS clients, made on first use and shared by all steps of a run.

    Credentials, region and endpoint come from where boto3 always looks: the environment, the profile, the instance.
    """

    region: str | None = Field(default=None, description="The region; boto3's default where empty.")
    profile: str | None = Field(default=None, description="A named profile of the AWS configuration files.")

    brief: bool = Field(default=False, description="Whether to give up early where AWS does not answer.")

    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    _clients: dict[tuple[object, ...], Any] = PrivateAttr(default_factory=dict)
    _session: boto3.Session | None = PrivateAttr(default=None)

    def session(self) -> boto3.Session:
        """The boto3 session that every client comes from."""
        with self._lock:
            return self._session_unlocked()

    def _session_unlocked(self) -> boto3.Session:
        # A session is not thread-safe while it makes clients (boto3 guide, "Multithreading"); clients are.
        if self._session is None:
            self._session = boto3.Session(profile_name=self.profile, region_name=self.region)
        return self._session

    def _client(
        self,
        service: Service,
        region: str | None = None,
        config: Config | None = None,
        reading: tuple[str, Role] | None = None,
    ) -> Any:
        key = (service, region, reading)
        with self._lock:
            if key not in self._clients:
                config = config or (BRIEF if self.brief else PATIENT)
                session = self._session_unlocked()
                session = reading_session(session, *reading) if reading else session
                self._clients[key] = session.client(service, region_name=region, config=config)
            return self._clients[key]

    @property
    def s3(self) -> S3Client:
        """Amazon S3."""
        return self._client("s3")

    @property
    def glue(self) -> GlueClient:
        """AWS Glue."""
        return self._client("glue")

    @property
    def athena(self) -> AthenaClient:
        """Amazon Athena."""
        return self._client("athena")

    @property
    def dynamodb(self) -> DynamoDBClient:
        """Amazon DynamoDB in the region that clients talk to."""
        return self._client("dynamodb")

    def dynamodb_of(self, read: ReadTable) -> DynamoDBClient:
        """Amazon DynamoDB in a table's region (that of its ARN, where it is named so), with its role's credentials."""
        # For each table, though a role may be that of many: what is refused names the table.
        reading = (read.table, read.role) if read.role else None
        return self._client("dynamodb", table_region(read.table), None, reading)

    def sns_of(self, topic: str) -> Any:
        """Amazon SNS in the region of a topic's ARN. It gives up early, see `IMPATIENT`."""
        return self._client("sns", topic.split(":")[3], IMPATIENT)

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Amazon CloudWatch Logs."""
        return self._client("logs")

    @property
    def cloudformation(self) -> Any:
        """AWS CloudFormation."""
        return self._client("cloudformation")

    @property
    def iam(self) -> Any:
        """AWS IAM."""
        return self._client("iam")

    def kms_of(self, key: str) -> Any:
        """AWS KMS in the region of a key's ARN; in this one where it is named otherwise."""
        return self._client("kms", key.split(":")[3] if key.startswith("arn:") else None)

    def account_id(self) -> str:
        """The account that the credentials are of."""
        return self.caller()["Account"]

    def caller(self) -> Any:
        """Whose the credentials are: `Arn` and `Account`."""
        return self._client("sts").get_caller_identity()

    def region_name(self) -> str:
        """The region that clients talk to."""
        return self.glue.meta.region_name
