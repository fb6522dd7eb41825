"""What DynamoDB says about a table, as far as it matters to an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from dynamo_assets.errors import PlanError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ON_DEMAND_READ_UNITS = 12_000
"""What any new on-demand table serves a second (developer guide, "On-demand throughput capacity")."""


@dataclass(frozen=True)
class TableDescription:
    """What matters to an export of what DynamoDB says about a table.

    Attributes:
        keys: The key attributes and their types (S, N or B), the partition key first.
        items: As DynamoDB last counted them; it does so about every six hours.
        bytes: Their size, as of then.
        billing_mode: How the table pays.
        read_units_per_second: The capacity there is: provisioned, or for on-demand the table's own maximum, else its
            warm throughput.
        arn: The table's ARN.
    """

    keys: Mapping[str, str]
    items: int
    bytes: int
    billing_mode: Literal["PROVISIONED", "PAY_PER_REQUEST"]
    read_units_per_second: float
    arn: str = ""

    @classmethod
    def of(cls, client: DynamoDBClient, table: str) -> TableDescription:
        """Asks DynamoDB.

        Args:
            client: Of the table's region.
            table: Name or ARN.

        Raises:
            PlanError: There is no such table, or it cannot be read in its present state.
        """
        try:
            answer: Any = client.describe_table(TableName=table)["Table"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "ResourceNotFoundException":
                raise PlanError(
                    f"table {table} does not exist in {client.meta.region_name} of this account; "
                    "check its name, the region and the credentials, or give its ARN"
                ) from error
            if code == "AccessDeniedException":
                raise PlanError(f"table {table}: {error}; allow dynamodb:DescribeTable and dynamodb:Scan") from error
            raise
        return cls.from_answer(answer)

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> TableDescription:
        """Reads the `Table` of a DescribeTable answer.

        Raises:
            PlanError: The table cannot be read in its present state.
        """
        if answer["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            raise PlanError(f"table {answer['TableName']} is {answer['TableStatus']}; export it once it is ACTIVE")
        types = {entry["AttributeName"]: entry["AttributeType"] for entry in answer["AttributeDefinitions"]}
        schema = sorted(answer["KeySchema"], key=lambda entry: entry["KeyType"] != "HASH")
        provisioned = answer.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0)
        billing_mode = answer.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        # -1 says that the table has no maximum of its own.
        maximum = answer.get("OnDemandThroughput", {}).get("MaxReadRequestUnits", -1)
        warm = answer.get("WarmThroughput", {}).get("ReadUnitsPerSecond") or ON_DEMAND_READ_UNITS
        on_demand = maximum if maximum > 0 else warm
        return cls(
            keys={entry["AttributeName"]: types[entry["AttributeName"]] for entry in schema},
            items=answer.get("ItemCount", 0),
            bytes=answer.get("TableSizeBytes", 0),
            billing_mode=billing_mode,
            read_units_per_second=on_demand if billing_mode == "PAY_PER_REQUEST" else max(1, provisioned),
            arn=answer.get("TableArn", ""),
        )
