"""Every override of moto's private names, in one place.

moto 5.2.5 answers Glue runs, crawlers and Athena queries without executing them. Each class or function named
below replaces one such answer; the code that does the work lives in the service modules beside this one. All of it
leans on names that moto may rename in any release, so `MOTO_VERSION` is pinned here and in `pyproject.toml`, and
`install` refuses another version.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.utils import parse_to_aware_datetime
from moto.athena.models import athena_backends
from moto.athena.responses import AthenaResponse
from moto.cloudformation.responses import CloudFormationResponse
from moto.core import responses as moto_responses
from moto.core import serialize as moto_serialize
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.glue import models as glue_models
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse
from moto.iam.responses import IamResponse
from moto.moto_api._internal import urls as moto_api_urls
from moto.s3.models import FakeBucket
from moto.sts.responses import TokenResponse

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox import bucket_policies, traffic
from dynamo_assets.sandbox.accounts import identities, roles
from dynamo_assets.sandbox.athena.service import Athena, refuse, respond
from dynamo_assets.sandbox.cloudformation import service as cloudformation
from dynamo_assets.sandbox.crawlers.classifiers import Classifiers
from dynamo_assets.sandbox.crawlers.crawlers import Crawlers
from dynamo_assets.sandbox.dynamodb import (
    clock,
    consumed_capacity,
    continuous_backups,
    scan,
    table_descriptions,
    table_writes,
)
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint
from dynamo_assets.sandbox.glue_catalog.catalog import CatalogTable, GlueCatalog, refuse_operation
from dynamo_assets.sandbox.glue_catalog.errors import invalid
from dynamo_assets.sandbox.glue_jobs.jobs import GlueJobs
from dynamo_assets.sandbox.iam import simulation
from dynamo_assets.sandbox.native_export import exports
from dynamo_assets.sandbox.request_checks import checks

MOTO_VERSION = "5.2.5"

_closers: list[Callable[[], None]] = []


def install(endpoint: Endpoint) -> None:
    """Replaces moto's answers in this process. Call once, before the server answers its first request.

    Raises:
        SandboxError: Another version of moto is installed.
    """
    installed = importlib.metadata.version("moto")
    if installed != MOTO_VERSION:
        raise SandboxError(
            f"the sandbox needs moto {MOTO_VERSION} exactly, and {installed} is installed: "
            "reinstall with the project's constraints file"
        )
    _keep_what_is_asked_again()
    _install_accounts()
    # Read when the first request of moto's own API arrives.
    moto_api_urls.url_paths["{0}" + traffic.PATH] = traffic.traffic.serve
    moto_api_urls.url_paths["{0}" + checks.PATH] = checks.request_checks.serve
    _install_dynamodb()
    _install_glue_jobs(endpoint)
    _install_crawlers(endpoint)
    _install_athena(endpoint)
    _install_cloudformation(endpoint)
    identities: Any = IamResponse
    identities.simulate_principal_policy = simulation.simulate_principal_policy


def shut_down() -> None:
    """Ends every process and thread that the overrides started."""
    while _closers:
        _closers.pop()()


def _keep_what_is_asked_again() -> None:
    core: Any = moto_responses
    # Of a class that does not change, for every request.
    core.method_names_from_class = functools.cache(core.method_names_from_class)
    # The time of each object of a listing, which is text, for every listing.
    serializing: Any = moto_serialize
    serializing.parse_to_aware_datetime = functools.lru_cache(10_000)(parse_to_aware_datetime)


def _install_accounts() -> None:
    responses: Any = moto_responses.BaseResponse
    responses.get_current_account = identities.current_account
    tokens: Any = TokenResponse
    tokens.assume_role = roles.assume_role


def _install_dynamodb() -> None:
    handler: Any = DynamoHandler
    handler.call_action = scan.call_action
    handler.create_table = table_descriptions.create_table
    handler.update_table = table_descriptions.update_table
    handler.scan = scan.scan
    handler.get_item = consumed_capacity.get_item
    handler.batch_get_item = consumed_capacity.batch_get_item
    handler.query = consumed_capacity.query
    handler.put_item = consumed_capacity.put_item
    handler.update_item = consumed_capacity.update_item
    handler.delete_item = consumed_capacity.delete_item
    handler.batch_write_item = consumed_capacity.batch_write_item
    handler.transact_get_items = consumed_capacity.transact_get_items
    handler.transact_write_items = consumed_capacity.transact_write_items
    handler.execute_statement = consumed_capacity.execute_statement
    handler.execute_transaction = consumed_capacity.execute_transaction
    handler.batch_execute_statement = consumed_capacity.batch_execute_statement
    handler.restore_table_to_point_in_time = continuous_backups.restore_table_to_point_in_time
    handler.export_table_to_point_in_time = exports.export_table_to_point_in_time
    handler.describe_export = exports.describe_export
    handler.list_exports = exports.list_exports
    backend: Any = DynamoDBBackend
    backend.update_item = table_writes.update_item
    backend.execute_statement = table_writes.execute_statement
    backend.describe_continuous_backups = continuous_backups.describe_continuous_backups
    backend.update_continuous_backups = continuous_backups.update_continuous_backups
    table: Any = Table
    table.put_item = table_writes.put_item
    table.delete_item = table_writes.delete_item
    table.describe = table_descriptions.describe
    item: Any = Item
    item.is_within_segment = scan.is_within_segment
    # moto adds up the whole item for each attribute that it sets; `table_writes` checks the size once.
    sized: Any = LimitedSizeDict
    sized.__setitem__ = dict.__setitem__
    # Read when the first request of moto's own API arrives.
    moto_api_urls.url_paths["{0}" + clock.PATH] = clock.serve_clock
    _closers.append(exports.shut_down)


def _answered_by(
    operation: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
) -> Callable[[GlueResponse], ActionResult]:
    """An operation of Glue, as moto calls it."""

    def answer(response: GlueResponse) -> ActionResult:
        if response.region != REGION:
            raise invalid(f"The sandbox does not have AWS Glue in {response.region}: only in {REGION}")
        if response.current_account != ACCOUNT_ID:
            raise invalid(f"The sandbox does not have AWS Glue in {response.current_account}: only in {ACCOUNT_ID}")
        return ActionResult(operation(json.loads(response.body)) or {})

    return answer


def _install_glue_jobs(endpoint: Endpoint) -> None:
    minute_seconds = float(os.environ.get("DYNAMO_ASSETS_SANDBOX_MINUTE_SECONDS", "60"))
    jobs = GlueJobs(endpoint, glue_backends[ACCOUNT_ID][REGION], minute_seconds)
    _closers.append(jobs.close)
    responses: Any = GlueResponse  # UpdateJob and BatchStopJobRun are new to it
    responses.create_job = _answered_by(jobs.create_job)
    responses.update_job = _answered_by(jobs.update_job)
    responses.delete_job = _answered_by(jobs.delete_job)
    responses.start_job_run = _answered_by(jobs.start_job_run)
    responses.get_job_run = _answered_by(jobs.get_job_run)
    responses.get_job_runs = _answered_by(jobs.get_job_runs)
    responses.batch_stop_job_run = _answered_by(jobs.batch_stop_job_run)


def _install_crawlers(endpoint: Endpoint) -> None:
    classifiers = Classifiers()
    crawlers = Crawlers(endpoint, classifiers)
    _closers.append(crawlers.shut_down)
    catalog = GlueCatalog(glue_backends[ACCOUNT_ID][REGION])
    responses: Any = GlueResponse  # UpdateCrawler and GetCrawlerMetrics are new to it
    responses.create_classifier = _answered_by(classifiers.create_classifier)
    responses.update_classifier = _answered_by(classifiers.update_classifier)
    responses.get_classifier = _answered_by(classifiers.get_classifier)
    responses.get_classifiers = _answered_by(classifiers.get_classifiers)
    responses.delete_classifier = _answered_by(classifiers.delete_classifier)
    responses.create_crawler = _answered_by(crawlers.create_crawler)
    responses.update_crawler = _answered_by(crawlers.update_crawler)
    responses.delete_crawler = _answered_by(crawlers.delete_crawler)
    responses.get_crawler = _answered_by(crawlers.get_crawler)
    responses.get_crawlers = _answered_by(crawlers.get_crawlers)
    responses.batch_get_crawlers = _answered_by(crawlers.batch_get_crawlers)
    responses.list_crawlers = _answered_by(crawlers.list_crawlers)
    responses.start_crawler = _answered_by(crawlers.start_crawler)
    responses.stop_crawler = _answered_by(crawlers.stop_crawler)
    responses.get_crawler_metrics = _answered_by(crawlers.get_crawler_metrics)
    responses.list_crawls = _answered_by(crawlers.list_crawls)
    # The catalog: pages, batch limits, version numbers.
    responses.get_databases = _answered_by(catalog.get_databases)
    responses.get_tables = _answered_by(catalog.get_tables)
    responses.update_table = _answered_by(catalog.update_table)
    responses.get_table_versions = _answered_by(catalog.get_table_versions)
    responses.get_partitions = _answered_by(catalog.get_partitions)
    responses.batch_create_partition = _answered_by(catalog.batch_create_partition)
    responses.batch_update_partition = _answered_by(catalog.batch_update_partition)
    responses.batch_delete_partition = _answered_by(catalog.batch_delete_partition)
    responses.batch_get_partition = _answered_by(catalog.batch_get_partition)
    responses.batch_delete_table = _answered_by(catalog.batch_delete_table)
    models: Any = glue_models
    models.FakeTable = CatalogTable
    # moto meets an operation that it lacks with an HTML page, which boto3 tries again.
    for name in get_service_model("glue").operation_names:
        if not hasattr(GlueResponse, xform_name(name)):
            setattr(responses, xform_name(name), _answered_by(refuse_operation(name)))


def _install_athena(endpoint: Endpoint) -> None:
    athena = Athena(endpoint, athena_backends[ACCOUNT_ID][REGION])
    _closers.append(athena.runner.shut_down)
    api: Any = AthenaResponse
    api.start_query_execution = respond(athena.start_query_execution)
    api.get_query_execution = respond(athena.get_query_execution)
    api.batch_get_query_execution = respond(athena.batch_get_query_execution)
    api.list_query_executions = respond(athena.list_query_executions)
    api.stop_query_execution = respond(athena.stop_query_execution)
    api.get_query_results = respond(athena.get_query_results)
    api.get_query_runtime_statistics = respond(refuse("keep run-time statistics of queries"))
    api.create_work_group = respond(athena.create_work_group)
    api.get_work_group = respond(athena.get_work_group)
    api.list_work_groups = respond(athena.list_work_groups)
    api.update_work_group = respond(athena.update_work_group)
    api.delete_work_group = respond(athena.delete_work_group)
    api.list_data_catalogs = respond(athena.list_data_catalogs)
    api.get_data_catalog = respond(athena.get_data_catalog)
    api.create_data_catalog = respond(refuse("have other data catalogs than AwsDataCatalog"))
    api.list_databases = respond(athena.list_databases)
    api.get_database = respond(athena.get_database)
    api.list_table_metadata = respond(athena.list_table_metadata)
    api.get_table_metadata = respond(athena.get_table_metadata)
    for name in ("create_prepared_statement", "get_prepared_statement"):
        setattr(api, name, respond(refuse("keep prepared statements")))
    # Those that moto has and the sandbox cannot keep, and those that moto lacks.
    for name in map(xform_name, get_service_model("athena").operation_names):
        if name.endswith(("capacity_reservation", "capacity_reservations")) or not hasattr(api, name):
            setattr(api, name, respond(refuse(f"answer {name}")))


def _install_cloudformation(endpoint: Endpoint) -> None:
    stacks = cloudformation.CloudFormation(endpoint)
    bucket: Any = FakeBucket
    bucket.get_permission = bucket_policies.get_permission
    responses: Any = CloudFormationResponse
    # moto's description of some answers expects its own objects in them.
    responses.RESPONSE_KEY_PATH_TO_TRANSFORMER = {}
    for name in get_service_model("cloudformation").operation_names:
        operation = getattr(stacks, xform_name(name), None) or cloudformation.refuse(name)
        setattr(responses, xform_name(name), cloudformation.answered_by(operation))
