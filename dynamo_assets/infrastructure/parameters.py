"""What the template's parameters are, by the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files

from dynamo_assets.configuration.ownership import EXPORTING
from dynamo_assets.configuration.settings import Settings
from dynamo_assets.errors import ConfigError
from dynamo_assets.infrastructure.existing import Existing, table_arns
from dynamo_assets.infrastructure.glue_code import GlueCode
from dynamo_assets.infrastructure.python_modules import MODULES_ARGUMENT, OPTION_ARGUMENT, PythonModules

MAX_TABLES_TEXT = 2_500
"""Characters of the tables' ARNs. They stand twice in a policy for Dagster, which IAM allows 6,144 characters."""
MAX_ROLES_AND_KEYS_TEXT = 2_000
"""Characters of the ARNs of roles and keys, in the other policy for Dagster."""


def template_body() -> str:
    """The template, without the lines that are only comments: CloudFormation takes 51,200 bytes."""
    text = files("dynamo_assets.infrastructure").joinpath("template.yaml").read_text()
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


def stack_name(settings: Settings) -> str:
    """The stack, from the settings or from the database's name."""
    return settings.deploy.stack or f"dynamo-assets-{settings.catalog.database.replace('_', '-')}"[:128].rstrip("-")


def parameters(
    settings: Settings, existing: Existing, code: GlueCode, modules: PythonModules, region: str
) -> Mapping[str, str]:
    """A value for each parameter of the template.

    Raises:
        ConfigError: The tables' ARNs are too many for a policy.
    """
    glue, prefix = settings.glue, settings.layout.glue_code_prefix()
    partition, role = glue.role_arn.split(":")[1], glue.role_arn.split(":role", 1)[1]
    path, _, role_name = role.rpartition("/")
    topic, key = settings.alerts.sns_topic or "", settings.deploy.kms_key
    tables = ",".join(table_arns(settings, partition, region, existing.account))
    if len(tables) > MAX_TABLES_TEXT:
        raise ConfigError(
            f"deploy.table_arns: the ARNs of {len(settings.tables)} tables have {len(tables)} characters, and IAM "
            f"allows a policy some {MAX_TABLES_TEXT} for them; name them by patterns, such as "
            f'["arn:{partition}:dynamodb:{region}:{existing.account}:table/shop-*"]'
        )
    lists = _roles_and_keys(settings, f"arn:{partition}:kms:{region}:{existing.account}:key/")
    if (length := len(",".join(lists.values()))) > MAX_ROLES_AND_KEYS_TEXT:
        raise ConfigError(
            f"accounts, deploy.table_kms_keys: the ARNs of roles and keys have {length} characters, and IAM allows a "
            f"policy some {MAX_ROLES_AND_KEYS_TEXT} for them; share a role among the tables of an account, or give "
            "some tables a stack of their own"
        )
    keeps_exports = any(table.point_in_time.keep_native_export for table in settings.tables)
    return {
        "BucketName": settings.storage.bucket,
        "KeyPrefix": settings.layout.athena_results_prefix().removesuffix("_athena_results/"),
        "DatabaseName": settings.catalog.database,
        "WorkgroupName": settings.athena.workgroup,
        "ScanLimitBytes": str(settings.deploy.scan_limit),
        "RoleName": role_name,
        "RolePath": f"{path}/",
        "RoleArn": glue.role_arn,
        "TableArns": tables,
        **lists,
        "JobName": glue.job_name,
        "ConnectorJobName": glue.connector_job_name,
        "ScriptKey": prefix + code.scripts["glue"][0],
        "ConnectorScriptKey": prefix + code.scripts["glue_connector"][0],
        "PackageKey": prefix + code.package_name,
        "PythonModules": modules.arguments[MODULES_ARGUMENT],
        "PythonModulesOption": modules.arguments.get(OPTION_ARGUMENT, ""),
        "GlueVersion": glue.version,
        "WorkerType": glue.worker_type,
        "ExecutionClass": "FLEX" if glue.flex else "STANDARD",
        "NumberOfWorkers": str(glue.fixed_workers or 2),  # each run is started with its own number
        "JobTimeoutMinutes": str(glue.job_timeout_minutes),
        "MaxConcurrentRuns": str(glue.max_concurrent_runs),
        "NativeExportDays": "0" if keeps_exports else "14",
        "TopicName": "" if "Topic" in existing.found else topic.rsplit(":", 1)[-1],
        "TopicArn": topic if "Topic" in existing.found else "",
        "MakeKey": "true" if key == "new" else "false",
        "KmsKeyArn": key if key and key != "new" else "",
        "MakeBucket": existing.make("Bucket"),
        "MakeDatabase": existing.make("Database"),
        "MakeWorkgroup": existing.make("Workgroup"),
        "MakeRole": existing.make("Role"),
        "MakeJob": existing.make("Job"),
        "MakeConnectorJob": existing.make("ConnectorJob"),
    }


def _roles_and_keys(settings: Settings, own_keys: str) -> Mapping[str, str]:
    """The parameters that list them; keys of exports may be given by their IDs alone."""
    exported = [table for table in settings.tables if table.engine in EXPORTING]
    keys = [table.point_in_time.kms_key for table in exported]
    return {
        "TableRoleArns": _listed(table.role_arn for table in settings.tables),
        "ExportingRoleArns": _listed(table.role_arn for table in exported),
        "TableKeyArns": _listed(settings.deploy.table_kms_keys),
        "ExportKeyArns": _listed(key if key is None or key.startswith("arn:") else own_keys + key for key in keys),
    }


def _listed(arns: Iterable[str | None]) -> str:
    """Each once, as CloudFormation takes a list."""
    return ",".join(dict.fromkeys(filter(None, arns)))
