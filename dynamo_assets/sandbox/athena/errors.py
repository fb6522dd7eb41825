"""How Athena says that something went wrong: a request refused, or a query that ends FAILED or CANCELLED."""

from __future__ import annotations

import re

import duckdb
from sqlglot import exp

# https://docs.aws.amazon.com/athena/latest/ug/error-reference.html: the user's errors are of category 2.
USER_ERROR, SYSTEM_ERROR = 2, 1
_ERROR_TYPES = {
    "HIVE_BAD_DATA": 1001,
    "HIVE_CURSOR_ERROR": 1001,
    "HIVE_PARTITION_SCHEMA_MISMATCH": 1004,
    "HIVE_METASTORE_ERROR": 1004,
    "SYNTAX_ERROR": 1006,
    "COLUMN_NOT_FOUND": 1006,
    "TYPE_MISMATCH": 1006,
    "FUNCTION_NOT_FOUND": 1006,
    "TABLE_NOT_FOUND": 1110,
    "INVALID_VIEW": 1107,
    "VIEW_IS_STALE": 1107,
    "NOT_SUPPORTED": 1200,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "GENERIC_INTERNAL_ERROR": 200,
}
_ANY_USER_ERROR = 1000

Position = tuple[int, int]


class RequestError(Exception):
    """A request that Athena answers with an error, such as InvalidRequestException."""

    def __init__(self, message: str, *, code: str = "InvalidRequestException", detail: str = "INVALID_INPUT") -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail


class QueryFailure(Exception):  # noqa: N818 - a query FAILED; it is no error of the sandbox
    """Ends a query FAILED.

    Args:
        code: The engine's name of the error, such as `COLUMN_NOT_FOUND`; empty for Hive's own statements.
        message: What is wrong.
        position: Line and column in the query, from 1; None where the error has no place.
    """

    def __init__(self, code: str, message: str, position: Position | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.position = position

    @property
    def located(self) -> str:
        """The message with its place in the query, as it also stands inside a view's failure."""
        return f"line {self.position[0]}:{self.position[1]}: {self.message}" if self.position else self.message

    @property
    def reason(self) -> str:
        """The query's StateChangeReason."""
        return f"{self.code}: {self.located}" if self.code else self.located

    def athena_error(self) -> dict[str, object]:
        """The AthenaError of the query's status."""
        return {
            "ErrorCategory": SYSTEM_ERROR if self.code == "GENERIC_INTERNAL_ERROR" else USER_ERROR,
            "ErrorType": _ERROR_TYPES.get(self.code, _ANY_USER_ERROR),
            "Retryable": False,
            "ErrorMessage": self.reason,
        }


class QueryCancelled(Exception):  # noqa: N818 - as above
    """Ends a query CANCELLED; its text is the StateChangeReason."""


def position(node: exp.Expr) -> Position | None:
    """Where a node stands in the query: the leftmost part of it that the parser gave a place."""
    places = [
        # The parser counts to the last character.
        (part.meta["line"], part.meta["col"] - part.meta["end"] + part.meta["start"])
        for part in node.walk()
        if isinstance(part, exp.Identifier | exp.Anonymous | exp.Star) and "line" in part.meta
    ]
    return min(places) if places else None


def unsupported(what: str, node: exp.Expr | None = None) -> QueryFailure:
    """The refusal of something that Athena does and the sandbox does not."""
    return QueryFailure("NOT_SUPPORTED", f"The sandbox does not {what}", position(node) if node is not None else None)


# Messages of DuckDB that Athena's engine has a name for, in order.
_ENGINE_ERRORS: list[tuple[str, str, str]] = [
    # The sandbox's own checks, raised through DuckDB's error().
    (r"Invalid Input Error: ([A-Z_]+): (.*)", r"\1", r"\2"),
    (r'column "(\w+)" must appear in the GROUP BY', "EXPRESSION_NOT_AGGREGATE",
     r"'\1' must be an aggregate expression or appear in GROUP BY clause"),
    (r"Could not convert string '(.*?)' to (\w+)", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to \2"),
    (r"Could not parse string \"(.*?)\" according to format", "INVALID_FUNCTION_ARGUMENT",
     r'Invalid format: "\1" does not match the format'),
    (r"(?:Conversion|Out of Range) Error: (.*)", "NUMERIC_VALUE_OUT_OF_RANGE", r"\1"),
    (r"More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS",
     "Scalar sub-query has returned multiple rows"),
    (r"Binder Error: (.*)", "SYNTAX_ERROR", r"\1"),
    (r"Invalid Input Error: (.*)", "INVALID_FUNCTION_ARGUMENT", r"\1"),
    (r"Out of Memory Error: .*", "EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor"),
]  # fmt: skip


def from_engine(error: duckdb.Error, names: dict[str, str]) -> QueryFailure:
    """A DuckDB error in Athena's words; `names` gives the query's own names for the columns of the generated SQL."""
    first_line = str(error).split("\n", 1)[0]
    text = re.sub(r"\bc\d+\b", lambda match: names.get(match.group(), match.group()), first_line)
    for pattern, code, message in _ENGINE_ERRORS:
        if match := re.search(pattern, text):
            return QueryFailure(match.expand(code), match.expand(message))
    return QueryFailure("GENERIC_INTERNAL_ERROR", f"the sandbox's engine failed: {text}")
