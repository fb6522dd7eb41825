"""The operations of Athena's API: a request's members in, the answer's out."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from dynamo_assets.sandbox.athena.catalog import CATALOG, Table
from dynamo_assets.sandbox.athena.errors import RequestError
from dynamo_assets.sandbox.athena.execution import Execution, Runner
from dynamo_assets.sandbox.athena.mount import bucket_and_key
from dynamo_assets.sandbox.athena.statements import parse
from dynamo_assets.sandbox.athena.work_groups import WorkGroups
from dynamo_assets.sandbox.endpoint import ACCOUNT_ID, REGION, Endpoint

_LOGGER = logging.getLogger(__name__)
_MAX_ROWS = 1000
_MAX_QUERY_BYTES = 262_144
# How long GetQueryExecution holds an answer back for a query about to end. PyAthena asks once at the start and then
# sleeps a second: so a short query costs it no sleep.
_PATIENCE_SECONDS = 1.0

Request = dict[str, Any]
Operation = Callable[[Request], dict[str, Any]]


def respond(operation: Operation) -> Callable[[Any], Any]:
    """A method for moto's AthenaResponse that answers with an operation of ours."""

    def method(response: Any) -> Any:
        try:
            return json.dumps(_answer(operation, response))
        except RequestError as error:
            body = {"__type": error.code, "Message": str(error), "message": str(error), "AthenaErrorCode": error.detail}
            return json.dumps(body), {"status": 400}
        except Exception as error:
            # The boundary of a request: a client can read AWS's answer, and nothing of a page of HTML.
            _LOGGER.exception("%s failed inside the sandbox", operation.__name__)
            message = f"The sandbox failed: {type(error).__name__}: {error}"
            return json.dumps({"__type": "InternalServerException", "Message": message}), {"status": 500}

    return method


def _answer(operation: Operation, response: Any) -> dict[str, Any]:
    if response.region != REGION:
        raise RequestError(f"The sandbox does not have Athena in {response.region}: only in {REGION}")
    if response.current_account != ACCOUNT_ID:
        raise RequestError(f"The sandbox does not have Athena in {response.current_account}: only in {ACCOUNT_ID}")
    return operation(json.loads(response.body or "{}"))


def refuse(what: str) -> Operation:
    """An operation that the sandbox does not do."""

    def operation(_request: Request) -> dict[str, Any]:
        raise RequestError(f"The sandbox does not {what}")

    return operation


class Athena:
    """Athena's API.

    Args:
        endpoint: The sandbox.
        backend: moto's own Athena, for the workgroups and tags that it keeps.
    """

    def __init__(self, endpoint: Endpoint, backend: Any) -> None:
        self.runner = Runner(endpoint)
        self.work_groups = WorkGroups(backend.work_groups)
        self._tag = backend.tagger.tag_resource
        # What each ClientRequestToken asked for, and the query that it started.
        self._tokens: dict[str, tuple[Request, str]] = {}
        self._starting = threading.Lock()

    # --- Queries

    def start_query_execution(self, request: Request) -> dict[str, Any]:
        """StartQueryExecution."""
        token = request.get("ClientRequestToken")
        if not token:
            return {"QueryExecutionId": self._start(request)}
        with self._starting:
            if token not in self._tokens:
                self._tokens[token] = request, self._start(request)
            first, execution_id = self._tokens[token]
        if first != request:
            raise RequestError("Idempotent parameters do not match", detail="IDEMPOTENT_PARAMETERS_MISMATCH")
        return {"QueryExecutionId": execution_id}

    def _start(self, request: Request) -> str:
        execution = self._execution(request)
        self.runner.submit(execution)
        return execution.id

    def _execution(self, request: Request) -> Execution:
        text = request["QueryString"]
        if len(text.encode()) > _MAX_QUERY_BYTES:
            raise RequestError(f"The query is longer than the {_MAX_QUERY_BYTES} bytes that Athena takes")
        group = self.work_groups.get(request.get("WorkGroup") or "primary")
        if group.state != "ENABLED":
            raise RequestError(f"WorkGroup {group.name} is disabled.")
        folder = group.result_folder(request.get("ResultConfiguration", {}).get("OutputLocation"))
        bucket, _ = bucket_and_key(folder)
        try:
            self.runner.s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            raise RequestError(f"Unable to verify/create output bucket {bucket}") from error
        context = request.get("QueryExecutionContext", {})
        if context.get("Catalog", CATALOG).lower() != CATALOG:
            raise RequestError(f"The sandbox does not have the catalog {context['Catalog']}, but {CATALOG}")
        return Execution(
            statement=parse(text, request.get("ExecutionParameters", [])),
            request=request,
            database=context.get("Database", "").lower(),
            work_group=group.name,
            folder=folder,
            scan_limit=group.scan_limit,
        )

    def _find(self, execution_id: str) -> Execution:
        if found := self.runner.executions.get(execution_id):
            return found
        raise RequestError(f"QueryExecution {execution_id} was not found")

    def get_query_execution(self, request: Request) -> dict[str, Any]:
        """GetQueryExecution."""
        execution = self._find(request["QueryExecutionId"])
        execution.finished.wait(_PATIENCE_SECONDS)
        return {"QueryExecution": _described(execution)}

    def batch_get_query_execution(self, request: Request) -> dict[str, Any]:
        """BatchGetQueryExecution."""
        found = [self.runner.executions.get(execution_id) for execution_id in request["QueryExecutionIds"]]
        return {
            "QueryExecutions": [_described(execution) for execution in found if execution],
            "UnprocessedQueryExecutionIds": [
                {"QueryExecutionId": execution_id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": "was not found"}
                for execution_id, execution in zip(request["QueryExecutionIds"], found, strict=True)
                if execution is None
            ],
        }

    def list_query_executions(self, request: Request) -> dict[str, Any]:
        """ListQueryExecutions: the newest first."""
        group = self.work_groups.get(request.get("WorkGroup") or "primary").name
        ids = [found.id for found in reversed(self.runner.executions.values()) if found.work_group == group]
        return _paged("QueryExecutionIds", ids, request)

    def stop_query_execution(self, request: Request) -> dict[str, Any]:
        """StopQueryExecution; nothing to a query that has ended."""
        execution = self._find(request["QueryExecutionId"])
        if not execution.finished.is_set():
            execution.stop()
        return {}

    def get_query_results(self, request: Request) -> dict[str, Any]:
        """GetQueryResults."""
        execution = self._find(request["QueryExecutionId"])
        if not execution.finished.is_set():
            raise RequestError(f"Query has not yet finished. Current state: {execution.state}")
        if execution.state != "SUCCEEDED" or execution.result is None:
            raise RequestError(f"Query did not finish successfully. Final query state: {execution.state}")
        limit = request.get("MaxResults", _MAX_ROWS)
        if request.get("QueryResultType", "DATA_ROWS") != "DATA_ROWS":
            raise RequestError("The sandbox does not give data manifests")
        rows, following = execution.result.page(int(request.get("NextToken", "0")), limit)
        answer: dict[str, Any] = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": [{"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows],
                "ResultSetMetadata": {"ColumnInfo": [column.info() for column in execution.result.columns]},
            },
        }
        return answer if following is None else {**answer, "NextToken": str(following)}

    # --- Workgroups

    def create_work_group(self, request: Request) -> dict[str, Any]:
        """CreateWorkGroup."""
        group = self.work_groups.create(request)
        self._tag(group.arn, request.get("Tags", []))
        return {}

    def get_work_group(self, request: Request) -> dict[str, Any]:
        """GetWorkGroup."""
        group = self.work_groups.get(request["WorkGroup"])
        summary = {name: value for name, value in group.summary().items() if name != "EngineVersion"}
        return {"WorkGroup": {**summary, "Configuration": group.configuration}}

    def list_work_groups(self, request: Request) -> dict[str, Any]:
        """ListWorkGroups."""
        return _paged("WorkGroups", [group.summary() for group in self.work_groups.all()], request)

    def update_work_group(self, request: Request) -> dict[str, Any]:
        """UpdateWorkGroup."""
        self.work_groups.get(request["WorkGroup"]).update(request)
        return {}

    def delete_work_group(self, request: Request) -> dict[str, Any]:
        """DeleteWorkGroup."""
        self.work_groups.delete(request["WorkGroup"])
        return {}

    # --- The catalog

    def list_data_catalogs(self, request: Request) -> dict[str, Any]:
        """ListDataCatalogs: the account's own."""
        return _paged("DataCatalogsSummary", [{"CatalogName": "AwsDataCatalog", "Type": "GLUE"}], request)

    def get_data_catalog(self, request: Request) -> dict[str, Any]:
        """GetDataCatalog."""
        _check_catalog(request["Name"])
        return {"DataCatalog": {"Name": "AwsDataCatalog", "Type": "GLUE"}}

    def list_databases(self, request: Request) -> dict[str, Any]:
        """ListDatabases."""
        _check_catalog(request["CatalogName"])
        return _paged("DatabaseList", [_database(found) for found in self.runner.catalog.databases()], request)

    def get_database(self, request: Request) -> dict[str, Any]:
        """GetDatabase."""
        _check_catalog(request["CatalogName"])
        found = self.runner.catalog.database(request["DatabaseName"].lower())
        if found is None:
            raise _missing(f"Database {request['DatabaseName']} not found.")
        return {"Database": _database(found)}

    def list_table_metadata(self, request: Request) -> dict[str, Any]:
        """ListTableMetadata."""
        if request.get("Expression"):
            raise RequestError("The sandbox does not filter ListTableMetadata by Expression")
        database = self.get_database(request)["Database"]["Name"]
        return _paged("TableMetadataList", [_table(found) for found in self.runner.catalog.tables(database)], request)

    def get_table_metadata(self, request: Request) -> dict[str, Any]:
        """GetTableMetadata."""
        database = self.get_database(request)["Database"]["Name"]
        found = self.runner.catalog.table(database, request["TableName"].lower())
        if found is None:
            raise _missing(f"Table {request['TableName']} not found.")
        return {"TableMetadata": _table(found)}


def _described(execution: Execution) -> dict[str, Any]:
    """A query as GetQueryExecution describes it."""
    ended = execution.ended or time.time()
    started = execution.started or ended
    computed = execution.computed or ended
    spans = {
        "QueryQueueTimeInMillis": (execution.submitted, started),
        "QueryPlanningTimeInMillis": (started, execution.planned or started),
        "EngineExecutionTimeInMillis": (started, computed),
        "ServiceProcessingTimeInMillis": (computed, ended),
        "TotalExecutionTimeInMillis": (execution.submitted, ended),
    }
    status: dict[str, Any] = {
        "State": execution.state,
        "SubmissionDateTime": execution.submitted,
        "StateChangeReason": execution.reason,
        "AthenaError": execution.error,
        "CompletionDateTime": execution.ended,
    }
    request = execution.request
    return {
        "QueryExecutionId": execution.id,
        "Query": request["QueryString"],
        "StatementType": execution.statement.statement_type,
        "SubstatementType": execution.statement.substatement_type,
        "ResultConfiguration": {
            **request.get("ResultConfiguration", {}),
            "OutputLocation": execution.output_location,
        },
        "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": False}},
        "QueryExecutionContext": request.get("QueryExecutionContext", {}),
        "Status": {name: value for name, value in status.items() if value is not None},
        "Statistics": {
            "DataScannedInBytes": execution.scanned_bytes,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
            **{name: round((end - begin) * 1000) for name, (begin, end) in spans.items()},
        },
        "WorkGroup": execution.work_group,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        **({"ExecutionParameters": parameters} if (parameters := request.get("ExecutionParameters")) else {}),
    }


def _paged(name: str, items: list[Any], request: Request) -> dict[str, Any]:
    start, size = int(request.get("NextToken", "0")), request.get("MaxResults", 50)
    page: dict[str, Any] = {name: items[start : start + size]}
    return page if start + size >= len(items) else {**page, "NextToken": str(start + size)}


def _missing(message: str) -> RequestError:
    return RequestError(f"EntityNotFoundException: {message}", code="MetadataException")


def _check_catalog(name: str) -> None:
    if name.lower() != CATALOG:
        raise RequestError(f"Catalog {name} was not found")


def _database(found: dict[str, Any]) -> dict[str, Any]:
    return {"Name": found["Name"], **{key: found[key] for key in ("Description", "Parameters") if found.get(key)}}


def _table(table: Table) -> dict[str, Any]:
    def columns() -> Iterator[list[dict[str, str]]]:
        for definitions in (table.columns, table.partition_keys):
            yield [{"Name": column.name, "Type": column.hive_type, "Comment": column.comment} for column in definitions]

    own, keys = columns()
    storage = {
        "inputformat": table.storage.get("InputFormat"),
        "location": table.storage.get("Location"),
        "outputformat": table.storage.get("OutputFormat"),
        "serde.serialization.lib": table.storage.get("SerdeInfo", {}).get("SerializationLibrary"),
    }
    created = table.glue.get("CreateTime")
    return {
        "Name": table.name,
        "TableType": table.glue.get("TableType", "EXTERNAL_TABLE"),
        **({"CreateTime": created.timestamp()} if created else {}),
        "Columns": own,
        "PartitionKeys": keys,
        "Parameters": {**table.parameters, **{name: value for name, value in storage.items() if value}},
    }
