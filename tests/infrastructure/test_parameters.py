"""What deploy gives the template, by partition and by whose the tables are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dynamo_assets.configuration.load import load_settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure.existing import Existing
from dynamo_assets.infrastructure.glue_code import GlueCode
from dynamo_assets.infrastructure.parameters import parameters
from dynamo_assets.infrastructure.python_modules import MODULES_ARGUMENT, PythonModules

OWN, OTHER = "123456789012", "210987654321"
CODE = GlueCode({"glue": ("a/s.py", b""), "glue_connector": ("b/c.py", b"")}, "c/p.zip", b"")
MODULES = PythonModules({MODULES_ARGUMENT: "pyarrow==1"})
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def given(tmp_path: Path):
    def given(text: str, partition: str = "aws", region: str = "eu-west-1") -> dict[str, str]:
        path = tmp_path / "tables.yaml"
        path.write_text(
            f"storage: {{bucket: exports, bucket_owner: '{OWN}'}}\n"
            f"glue: {{role_arn: 'arn:{partition}:iam::{OWN}:role/service/exports'}}\n{text}"
        )
        return dict(parameters(load_settings(path, {}), Existing({}, OWN), CODE, MODULES, region))

    return given


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_every_arn_is_of_the_partition_and_region_that_is_deployed_to(given, partition: str, region: str) -> None:
    role = f"arn:{partition}:iam::{OTHER}:role/reader"
    made = given(
        f"""
alerts: {{sns_topic: 'arn:{partition}:sns:{region}:{OWN}:alerts'}}
accounts: {{"{OTHER}": {{role_arn: "{role}"}}}}
tables:
  Orders: {{engine: point_in_time, point_in_time: {{kms_key: {KEY}}}}}
  arn:{partition}:dynamodb:{region}:{OTHER}:table/Theirs: {{engine: point_in_time}}
""",
        partition,
        region,
    )

    assert made["TableArns"] == f"arn:{partition}:dynamodb:{region}:{OWN}:table/Orders"
    assert made["TableRoleArns"] == made["ExportingRoleArns"] == role
    assert made["ExportKeyArns"] == f"arn:{partition}:kms:{region}:{OWN}:key/{KEY}"
    assert (made["RoleName"], made["RolePath"], made["TopicName"]) == ("exports", "/service/", "alerts")
    assert all(value.split(":")[1] == partition for value in made.values() if value.startswith("arn:"))


def test_a_role_that_only_scans_is_given_nothing_in_the_bucket(given) -> None:
    made = given(f"tables: {{Orders: {{role_arn: 'arn:aws:iam::{OTHER}:role/reader'}}}}")
    assert made["TableRoleArns"] == f"arn:aws:iam::{OTHER}:role/reader"
    assert (made["TableArns"], made["ExportingRoleArns"]) == ("", "")


def test_roles_and_keys_that_no_policy_has_room_for_are_refused(given) -> None:
    keys = ", ".join(f"'arn:aws:kms:eu-west-1:{OWN}:key/{number:036}'" for number in range(40))
    with pytest.raises(ConfigError, match="share a role among the tables of an account"):
        given(f"deploy: {{table_kms_keys: [{keys}]}}\ntables: {{Orders: {{}}}}")
