from __future__ import annotations

from pathlib import Path

import pytest

from dynamo_assets.configuration.load import load_settings
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.credentials import Role
from dynamo_assets.errors import ConfigError

OTHER = "210987654321"
ARN = f"arn:aws:dynamodb:eu-west-1:{OTHER}:table/"
ROLE = f"arn:aws:iam::{OTHER}:role/reader"
CN = "arn:aws-cn:dynamodb:cn-north-1:210987654321:table/Orders"


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str) -> Settings:
        path = tmp_path / "tables.yaml"
        path.write_text(f"storage: {{bucket: exports-bucket}}\n{text}")
        return load_settings(path, {})

    return load


def test_a_tables_role_is_its_own_or_its_accounts_or_that_of_the_defaults(load) -> None:
    settings = load(f"""
defaults: {{role_arn: "{ROLE}s", external_id: of-the-defaults}}
accounts: {{"{OTHER}": {{role_arn: "{ROLE}"}}}}
tables:
  Orders: {{}}
  Plain: {{role_arn: null}}
  {ARN}Reviews: {{}}
  {ARN}Special: {{role_arn: "{ROLE}/special", external_id: of-the-table}}
""")
    orders, plain, reviews, special = settings.tables

    assert orders.role == Role(f"{ROLE}s", "of-the-defaults")
    assert plain.role is None
    assert reviews.role == Role(ROLE), "another role's external ID is not its"
    assert special.role == Role(f"{ROLE}/special", "of-the-table")
    request = settings.export_request(special, slot=None, attempt="a")
    assert request.role == special.role
    assert type(request).from_arguments([text for pair in request.to_arguments().items() for text in pair]) == request


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'accounts: {{{OTHER}: {{role_arn: "{ROLE}"}}}}\ntables: {{Orders: {{}}}}', "accounts.*in quotes"),
        (
            f'accounts: {{"{OTHER}": {{}}}}\ntables: {{Orders: {{}}}}',
            f"accounts.{OTHER}.role_arn: this key is required",
        ),
        (f'accounts: {{"{OTHER}": {{role_arn: me}}}}\ntables: {{Orders: {{}}}}', "role_arn: write a role's ARN"),
        (
            f'accounts: {{"{OTHER}": {{role_arn: "{ROLE}"}}}}\ntables: {{Orders: {{}}}}',
            f"accounts.{OTHER}: no table's ARN has this account; name its tables by their ARNs",
        ),
        (
            f'accounts: {{"{OTHER}": {{role_arn: "arn:aws:iam::333333333333:role/r"}}}}\ntables: {{"{ARN}T12": {{}}}}',
            "a role of another account",
        ),
        ("tables: {Orders: {external_id: shop}}", "`external_id` is for `role_arn`, which is not given"),
        (
            f'tables: {{Orders: {{role_arn: "{ROLE}", external_id: shop, engine: glue_connector}}}}',
            "AWS's reader knows no external ID; use engine glue",
        ),
        (
            f'tables: {{Orders: {{role_arn: "{ROLE}", engine: point_in_time}}}}',
            "storage.bucket_owner: .*whose the bucket",
        ),
        (f'tables: {{Orders: {{role_arn: "{ROLE}", engine: auto}}}}', "storage.bucket_owner: .*whose the bucket is"),
        (f'tables: {{"{CN}": {{role_arn: "{ROLE}"}}}}', "is of the partition aws, and tables.arn:aws-cn.* of aws-cn"),
        (
            f'glue: {{role_arn: "arn:aws-us-gov:iam::{OTHER}:role/r"}}\ntables: {{"{CN}": {{}}}}',
            "glue.role_arn: .* of the partition aws-us-gov",
        ),
    ],
)
def test_what_is_wrong_with_an_account_is_named_with_the_fix(load, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(text)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_every_arn_of_a_partition_is_taken(load, partition: str) -> None:
    table = f"arn:{partition}:dynamodb:xx-north-1:{OTHER}:table/Orders"
    settings = load(f"""
glue: {{role_arn: "arn:{partition}:iam::123456789012:role/service/exports"}}
alerts: {{sns_topic: "arn:{partition}:sns:xx-north-1:123456789012:alerts"}}
accounts: {{"{OTHER}": {{role_arn: "arn:{partition}:iam::{OTHER}:role/reader"}}}}
deploy: {{kms_key: "arn:{partition}:kms:xx-north-1:123456789012:key/1"}}
tables: {{"{table}": {{}}}}
""")
    assert settings.tables[0].name == "orders"
    assert settings.tables[0].role == Role(f"arn:{partition}:iam::{OTHER}:role/reader")
