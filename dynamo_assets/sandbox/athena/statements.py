"""Which statement a text is: a query for the engine, one of the catalog's statements, or none the sandbox executes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from dynamo_assets.sandbox.athena.errors import RequestError


class AthenaQuery(Trino):
    """The syntax of Athena's queries, every call as it is written: what functions mean is `functions`' own."""

    INDEX_OFFSET = 0

    class Parser(Trino.Parser):
        """Trino's, knowing no function but those with a syntax of their own."""

        FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {
            name: parse
            for name, parse in Trino.Parser.FUNCTION_PARSERS.items()
            if name in ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "SUBSTRING", "POSITION")
        }
        PLACEHOLDER_PARSERS: ClassVar = {
            **Trino.Parser.PLACEHOLDER_PARSERS,
            TokenType.PLACEHOLDER: lambda parser: exp.Placeholder().update_positions(parser._prev),
        }
        # `decimal '1.5'` is no CAST, whose decimal would have no fraction; nor is `json '[1]'`, which reads the text.
        TYPE_LITERAL_PARSERS: ClassVar = {
            **Trino.Parser.TYPE_LITERAL_PARSERS,
            exp.DType.DECIMAL: lambda _, this, _type: exp.Literal.number(this.name),
            exp.DType.JSON: lambda _, this, _type: exp.Anonymous(this="json_parse", expressions=[this]),
        }


@dataclass(frozen=True)
class Statement:
    """A statement to execute.

    Attributes:
        kind: `select`, or the name of one of the catalog's statements, such as `show_partitions`.
        statement_type: DML, DDL or UTILITY, as GetQueryExecution says it.
        arguments: The parts of a catalog statement, by name.
        query: The syntax tree of a query, or of a new view's.
    """

    kind: str
    statement_type: str
    arguments: dict[str, str] = field(default_factory=dict)
    query: exp.Expr | None = None

    @property
    def substatement_type(self) -> str:
        """Such as CREATE_VIEW."""
        return self.kind.upper()


_WORD = r"""(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[\w$]+)"""
_NAME = rf"(?P<name>{_WORD}(?:\s*\.\s*{_WORD}){{0,2}})"
_IN = rf"(?:\s+(?:IN|FROM)\s+(?P<database>{_WORD}))?"
_LIKE = r"(?:\s+(?:LIKE\s+)?'(?P<pattern>[^']*)')?"
_LOCATION = r"(?:\s+LOCATION\s+'(?P<location>[^']*)')?"
_COMMENT = r"(?:\s+COMMENT\s+'(?P<comment>[^']*)')?"
_IF_EXISTS = r"(?P<exists>\s+IF\s+(?:NOT\s+)?EXISTS)?"
_SPEC = r"\(\s*(?P<spec>[^()]*)\)"

# kind: (StatementType, the whole text)
_CATALOG_STATEMENTS = {
    "create_view": ("DDL", rf"CREATE(?P<replace>\s+OR\s+REPLACE)?\s+VIEW\s+{_NAME}\s+AS\b\s*(?P<query>.+)"),
    "drop_view": ("DDL", rf"DROP\s+VIEW{_IF_EXISTS}\s+{_NAME}"),
    "drop_table": ("DDL", rf"DROP\s+TABLE{_IF_EXISTS}\s+{_NAME}"),
    "create_database": ("DDL", rf"CREATE\s+(?:DATABASE|SCHEMA){_IF_EXISTS}\s+{_NAME}{_COMMENT}{_LOCATION}"),
    "add_partition": ("DDL", rf"ALTER\s+TABLE\s+{_NAME}\s+ADD{_IF_EXISTS}\s+PARTITION\s*{_SPEC}{_LOCATION}"),
    "drop_partition": ("DDL", rf"ALTER\s+TABLE\s+{_NAME}\s+DROP{_IF_EXISTS}\s+PARTITION\s*{_SPEC}"),
    "repair_table": ("DDL", rf"MSCK\s+REPAIR\s+TABLE\s+{_NAME}"),
    "show_create_view": ("UTILITY", rf"SHOW\s+CREATE\s+VIEW\s+{_NAME}"),
    "show_partitions": ("UTILITY", rf"SHOW\s+PARTITIONS\s+{_NAME}"),
    "show_tables": ("UTILITY", rf"SHOW\s+TABLES{_IN}{_LIKE}"),
    "show_views": ("UTILITY", rf"SHOW\s+VIEWS{_IN}{_LIKE}"),
    "show_columns": ("UTILITY", rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{_NAME}{_IN}"),
    "show_databases": ("UTILITY", rf"SHOW\s+(?:DATABASES|SCHEMAS){_LIKE}"),
    "describe_table": ("UTILITY", rf"(?:DESCRIBE|DESC)\s+(?!(?:EXTENDED|FORMATTED)\s){_NAME}"),
}

# What Athena executes and the sandbox does not, by its first words; the longest that fits names it.
_REFUSED = (
    "ALTER", "ALTER TABLE", "ALTER VIEW", "ANALYZE", "CREATE", "CREATE EXTERNAL TABLE", "CREATE TABLE", "DEALLOCATE",
    "DELETE", "DESC", "DESCRIBE", "DROP", "DROP DATABASE", "DROP SCHEMA", "EXECUTE", "EXPLAIN", "INSERT", "MERGE",
    "MSCK", "OPTIMIZE", "PREPARE", "SHOW", "SHOW CREATE TABLE", "SHOW TBLPROPERTIES", "UNLOAD", "UPDATE", "USING",
    "VACUUM",
)  # fmt: skip
_LEADING_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


def parse(text: str, parameters: list[str]) -> Statement:
    """The statement of a QueryString, its `?` filled with the ExecutionParameters.

    Raises:
        RequestError: InvalidRequestException: it cannot be parsed, or the sandbox does not execute its kind.
    """
    comments = _LEADING_COMMENTS.match(text)
    start = comments.end() if comments else 0
    body = text[start:].rstrip().removesuffix(";").rstrip()
    for kind, (statement_type, pattern) in _CATALOG_STATEMENTS.items():
        if match := re.fullmatch(pattern, body, re.IGNORECASE | re.DOTALL):
            arguments = {name: value for name, value in match.groupdict().items() if value is not None}
            query = None
            if "query" in arguments:
                # Blank before the query, so that errors have their places in the whole.
                blank = re.sub(r"\S", " ", text[: start + match.start("query")])
                query = parse_query(blank + arguments["query"])
            return Statement(kind, statement_type, arguments, query)
    words = re.findall(r"[A-Za-z]+", body.upper())[:3]
    if refused := [known for known in _REFUSED if words[: known.count(" ") + 1] == known.split()]:
        raise RequestError(f"The sandbox does not execute this {max(refused, key=len)} statement")
    return Statement("select", "DML", query=parse_query(text, parameters))


def parse_query(text: str, parameters: list[str] | None = None) -> exp.Expr:
    """A query's syntax tree.

    Raises:
        RequestError: InvalidRequestException, as Athena answers what its parser refuses; says where.
    """
    dialect = AthenaQuery()
    try:
        tokens = dialect.tokenize(text)
        for token, following in zip_longest(tokens, tokens[1:]):
            # Taken by the parser, not by Athena's.
            is_end = following is None or following.token_type in (TokenType.FROM, TokenType.R_PAREN)
            is_unfinished = token.token_type in (TokenType.COMMA, TokenType.SELECT) and is_end
            if token.token_type == TokenType.DCOLON or is_unfinished:
                raise malformed(f"mismatched input '{token.text}'", token.line, token.col - len(token.text) + 1)
        trees = [tree for tree in dialect.parser().parse(tokens, text) if tree is not None] if tokens else []
    except ParseError as error:
        place = error.errors[0]
        found = place["highlight"] or "<EOF>"
        raise malformed(f"mismatched input '{found}'", place["line"], place["col"] - len(found) + 1) from error
    except TokenError as error:
        raise malformed(str(error).split("\n", 1)[0]) from error
    if len(trees) != 1:
        raise malformed(f"Only one sql statement is allowed. Got: {text}" if trees else "mismatched input '<EOF>'")
    if not isinstance(trees[0], exp.Query | exp.Values | exp.Subquery):
        raise malformed(f"mismatched input '{text.split(maxsplit=1)[0]}'. Expecting: a query or a statement")
    return _with_parameters(trees[0], parameters or [])


def malformed(message: str, line: int = 1, column: int = 1) -> RequestError:
    """What Athena answers to a text it cannot parse."""
    return RequestError(f"line {line}:{column}: {message}", detail="MALFORMED_QUERY")


def _with_parameters(query: exp.Expr, parameters: list[str]) -> exp.Expr:
    places = sorted(query.find_all(exp.Placeholder), key=lambda node: node.meta["start"])
    if len(places) != len(parameters):
        raise RequestError(f"Incorrect number of parameters: expected {len(places)} but found {len(parameters)}")
    for place, text in zip(places, parameters, strict=True):
        select = parse_query(f"SELECT {text}")
        if not isinstance(select, exp.Select) or len(select.expressions) != 1 or select.find(exp.Column):
            raise RequestError(f"The execution parameter {text} is not a literal: text goes in single quotes")
        place.replace(select.expressions[0])
    return query
