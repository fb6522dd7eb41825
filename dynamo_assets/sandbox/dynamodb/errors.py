"""Errors in the shape that DynamoDB gives them."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError

_NAMESPACE = "com.amazonaws.dynamodb.v20120810#"


def dynamodb_error(code: str, message: str) -> JsonRESTError:
    """An error that boto3 raises as the modelled exception `code`, such as `InvalidExportTimeException`."""
    return JsonRESTError(_NAMESPACE + code, message)


def invalid(message: str) -> JsonRESTError:
    """A `ValidationException`."""
    return dynamodb_error("ValidationException", message)


def refusal(what: str) -> JsonRESTError:
    """Says that the sandbox does not do what AWS would; `what` continues "The sandbox does not"."""
    return invalid(f"The sandbox does not {what}")
