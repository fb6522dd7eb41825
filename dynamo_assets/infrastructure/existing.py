"""What of the infrastructure exists already and belongs to no stack of ours: it is used, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from dynamo_assets.aws.clients import AwsClients
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import DeploymentError
from dynamo_assets.naming import table_name

_MISSING = {"404", "NoSuchBucket", "NoSuchEntity", "EntityNotFoundException", "InvalidRequestException", "NotFound"}
"""What each service says of what does not exist; Athena has no code of its own for it."""


@dataclass(frozen=True)
class Existing:
    """Which of the template's resources exist, by the template's names for them, with what a person calls them."""

    found: Mapping[str, str]
    account: str

    def make(self, resource: str) -> str:
        """The template's parameter that says whether to make a resource."""
        return "false" if resource in self.found else "true"

    @classmethod
    def look(cls, settings: Settings, aws: AwsClients, own: Mapping[str, str]) -> Existing:
        """Asks for each resource that the stack does not have.

        Args:
            settings: What they are called.
            aws: Where to ask.
            own: What the stack has.
        """
        account, glue = aws.account_id(), aws.glue
        bucket, jobs = settings.storage.bucket, settings.glue
        asked: dict[str, tuple[str, str, Callable[[], object]]] = {
            "Bucket": ("bucket", bucket, lambda: aws.s3.head_bucket(Bucket=bucket)),
            "Database": (
                "database",
                settings.catalog.database,
                lambda: glue.get_database(Name=settings.catalog.database),
            ),
            "Workgroup": (
                "workgroup",
                settings.athena.workgroup,
                lambda: aws.athena.get_work_group(WorkGroup=settings.athena.workgroup),
            ),
            "Job": ("Glue job", jobs.job_name, lambda: glue.get_job(JobName=jobs.job_name)),
            "ConnectorJob": (
                "Glue job",
                jobs.connector_job_name,
                lambda: glue.get_job(JobName=jobs.connector_job_name),
            ),
        }
        role = jobs.role_arn.rsplit("/", 1)[-1]
        if jobs.role_arn.split(":")[4] == account:
            asked["Role"] = ("role", role, lambda: aws.iam.get_role(RoleName=role))
        topic = settings.alerts.sns_topic or ""
        if topic.split(":")[3:5] == [aws.region_name(), account]:
            asked["Topic"] = ("topic", topic, lambda: aws.sns_of(topic).get_topic_attributes(TopicArn=topic))
        found = {
            resource: f"{kind} {name}"
            for resource, (kind, name, ask) in asked.items()
            if own.get(resource) != name and _exists(ask, f"{kind} {name}")
        }
        if "Role" not in asked:
            found["Role"] = f"role {jobs.role_arn}"
        if topic and "Topic" not in asked:
            found["Topic"] = f"topic {topic}"
        return cls(found, account)


def _exists(ask: Callable[[], object], what: str) -> bool:
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise DeploymentError(
            f"{what}: cannot be looked at ({error}). It may be another account's, or your credentials may not do this; "
            "nothing was changed"
        ) from error
    return True


def table_arns(settings: Settings, partition: str, region: str, account: str) -> list[str]:
    """The ARNs of all tables that exports read with the own credentials."""
    return settings.deploy.table_arns or [
        table.table
        if table.table.startswith("arn:")
        else f"arn:{partition}:dynamodb:{region}:{account}:table/{table_name(table.table)}"
        for table in settings.tables
        if table.role_arn is None
    ]
