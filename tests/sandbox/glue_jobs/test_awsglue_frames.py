"""DynamicFrames in Glue runs, what surrounds them, and what is not there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.sandbox.awsglue_reader import Reader


@pytest.fixture
def reader(sandbox: Endpoint, bucket: str, unique: Callable[[str], str]) -> Reader:
    return Reader(sandbox, bucket, unique)


# ---- frames


def test_choices_resolve_as_aws_documents_it(reader: Reader) -> None:
    table = reader.table(
        {"n": {"N": "1"}, "t": {"S": "12"}, "l": {"L": [{"M": {"price": {"N": "100"}}}]}, "a.b": {"N": "0.001"}},
        {"n": {"N": "2.5"}, "t": {"N": "7"}, "l": {"L": [{"M": {"price": {"S": "$100"}}}]}, "a.b": {"S": "x"}},
        {"n": {"NULL": True}, "t": {"S": "x"}, "a.b": {"N": "-12345678.5"}},
    )
    found = reader.run(
        table,
        """
        from awsglue.transforms import ResolveChoice
        frame = read(TABLE)
        attempts = {
            "cast": frame.resolveChoice(specs=[("n", "cast:double"), ("t", "cast:long"), ("l[].price", "cast:string")]),
            "text": frame.resolveChoice(specs=[("n", "cast:string"), ("`a.b`", "cast:string")]),
            "project": ResolveChoice.apply(frame, specs=[("n", "project:long"), ("t", "project:string")]),
            "cols": ResolveChoice.apply(frame=frame.drop_fields(["l"]), choice="make_cols", transformation_ctx="x"),
            "structs": frame.resolveChoice(choice="make_struct"),
            "twice": frame.resolveChoice(specs=("n", "cast:double")).resolveChoice(specs=[("n", "cast:int")]),
            "nowhere": frame.select_fields(["pk", "n"]).resolveChoice(specs=[("x.y", "cast:long")]),
        }
        say("found", {name: [types(attempt), rows(attempt)] for name, attempt in attempts.items()})
        """,
    )

    def column(attempt: str, name: str) -> list[Any]:
        kinds, records = found[attempt]
        return [kinds[name], *(records[n][name] for n in "012")]

    both = "struct<double:double,long:bigint>"
    assert column("cast", "n") == ["double", 1.0, 2.5, None]
    assert column("cast", "t") == ["bigint", 12, 7, None]
    assert column("cast", "l") == ["array<struct<price:string>>", [{"price": "100"}], [{"price": "$100"}], None]
    assert column("text", "n") == ["string", "1", "2.5", None]
    assert column("text", "a.b") == ["string", "0.001", "x", "-1.23456785E7"]
    assert column("project", "n") == ["bigint", 1, None, None]
    assert column("project", "t") == ["string", "12", None, "x"]
    assert found["cols"][0] == {
        "pk": "string",
        "n_double": "double",
        "n_long": "bigint",
        "t_long": "bigint",
        "t_string": "string",
        "a.b_double": "double",
        "a.b_string": "string",
    }
    assert column("cols", "n_double") == ["double", None, 2.5, None]
    assert column("cols", "t_long") == ["bigint", None, 7, None]
    assert column("structs", "n") == [both, {"double": None, "long": 1}, {"double": 2.5, "long": None}, None]
    assert column("twice", "n") == ["int", 1, 2, None]
    assert found["nowhere"][0] == {"pk": "string", "n": both}


def test_records_can_be_filtered_and_their_fields_chosen(reader: Reader) -> None:
    table = reader.table(
        {"n": {"N": "1"}, "a.b": {"S": "x"}, "m": {"M": {"city": {"S": "Ulm"}}}},
        {"n": {"S": "two"}},
        {"other": {"BOOL": True}},
    )
    found = reader.run(
        table,
        """
        from awsglue.dynamicframe import DynamicFrame
        from awsglue.transforms import *
        frame = read(TABLE)
        frame.schema()
        numbers = Filter.apply(frame=frame, f=lambda record: record["n"] > 0)
        attempts = {
            "filter": numbers,
            "attributes": frame.filter(lambda record: record.m.city == "Ulm"),
            "drop": DropFields.apply(frame, ["n", "`a.b`", "unknown"]),
            "select": SelectFields.apply(frame=frame, paths=["pk", "`a.b`"]),
            "rename": RenameField.apply(frame, "n", "`n.1`"),
            "from_df": DynamicFrame.fromDF(frame.toDF().selectExpr(
                "pk", "cast(1.50 as decimal(5,2)) as d", "date'2026-01-02' as day", "cast(7 as int) as i",
                "map('k', array(1)) as m", "named_struct('x', binary('a')) as s"), glue_context, "again"),
        }
        found = {name: [types(attempt), list(rows(attempt))] for name, attempt in attempts.items()}
        *values, last = attempts["from_df"].toDF().orderBy("pk").first()
        found["values"] = [*map(str, values), last.x.hex()]
        found["name"] = attempts["from_df"].name
        say("found", found)
        """,
    )
    assert found["filter"] == [
        {"pk": "string", "n": "bigint", "a.b": "string", "m": "struct<city:string>"},
        ["0"],
    ]
    assert found["attributes"][1] == ["0"]
    assert found["drop"][0] == {"pk": "string", "m": "struct<city:string>", "other": "boolean"}
    assert sorted(found["drop"][1]) == ["0", "1", "2"]
    assert found["select"][0] == {"pk": "string", "a.b": "string"}
    assert found["rename"][0]["n.1"] == "struct<long:bigint,string:string>"
    assert found["from_df"][0] == {
        "pk": "string",
        "d": "decimal(5,2)",
        "day": "date",
        "i": "int",
        "m": "map<string,array<int>>",
        "s": "struct<x:binary>",
    }
    assert found["values"] == ["0", "1.50", "2026-01-02", "7", "{'k': [1]}", "61"]
    assert found["name"] == "again"


# ---- arguments, jobs, and what is not there


def test_arguments_and_job_are_what_scripts_expect(reader: Reader) -> None:
    found = reader.run(
        "none",
        """
        from awsglue.job import Job
        from awsglue.utils import GlueArgumentError, getResolvedOptions
        args = getResolvedOptions(sys.argv, ["JOB_NAME", "table", "my-opt", "TempDir"])
        job = Job(glue_context)
        before = job.isInitialized()
        job.init(args["JOB_NAME"], args)
        after = job.isInitialized()
        job.commit()
        argv = ["script.py", "--a=--b=c", "--n", "-1", "--flag", "--twice", "1", "--twice", "2", "--tabl", "x"]
        parsed = getResolvedOptions(argv, ["a", "n", "twice"])
        say("found", {
            "args": args,
            "job": [before, after],
            "parsed": {name: value for name, value in parsed.items() if value is not None},
            "missing": refused(getResolvedOptions, argv, ["table"]),
            "own": refused(getResolvedOptions, argv, ["JOB_RUN_ID"]),
            "reserved": refused(getResolvedOptions, argv, ["job-bookmark-from"]),
            "session": glue_context.spark_session.range(3).count(),
            "again": type(GlueContext(glue_context.spark_session)).__name__,
        })
        """,
        DefaultArguments={"--table": "Orders", "--my-opt": '{"a": 1}', "--unknown": "x"},
    )
    args = found["args"]
    assert args["JOB_NAME"].startswith("job")
    assert args["JOB_RUN_ID"].startswith("jr_")
    assert {name: args[name] for name in ("table", "my_opt", "TempDir", "job_bookmark_option")} == {
        "table": "Orders",
        "my_opt": '{"a": 1}',
        "TempDir": None,
        "job_bookmark_option": "job-bookmark-disable",
    }
    assert "unknown" not in args
    assert found["job"] == [False, True]
    assert found["parsed"] == {"a": "--b=c", "n": "-1", "twice": "2", "job_bookmark_option": "job-bookmark-disable"}
    assert found["missing"] == "GlueArgumentError: the following arguments are required: --table"
    assert found["own"] == "ArgumentError: argument --JOB_RUN_ID: conflicting option string: --JOB_RUN_ID"
    assert found["reserved"] == "RuntimeError: the argument job-bookmark-from is reserved"
    assert (found["session"], found["again"]) == (3, "GlueContext")


REFUSED = """
    from awsglue.dynamicframe import DynamicFrame
    from awsglue.transforms import ApplyMapping, ResolveChoice
    import awsglue.transforms
    frame = read(TABLE)
    many = read(TABLE).resolveChoice
    def importing(line):
        exec(line, {})
    say("found", [
        refused(read, TABLE, **{"dynamodb.filter": "x"}),
        refused(read, TABLE, **{"dynamodb.export": "ddb"}),
        refused(glue_context.create_dynamic_frame.from_options, "s3", {"paths": ["s3://b/k"]}, format="json"),
        refused(glue_context.create_dynamic_frame_from_options, "dynamodb", {}, push_down_predicate="a > 1"),
        refused(glue_context.create_dynamic_frame.from_catalog, database="d", table_name="t"),
        refused(getattr, glue_context.create_dynamic_frame, "from_rdd"),
        refused(glue_context.write_dynamic_frame.from_options, frame=frame, connection_type="s3", format="parquet"),
        refused(getattr, glue_context, "create_data_frame"),
        refused(getattr, glue_context, "get_logger"),
        refused(getattr, frame, "relationalize"),
        refused(getattr, frame, "map"),
        refused(getattr, frame, "_jdf"),
        refused(frame.filter, lambda record: True, stageThreshold=1),
        refused(frame.drop_fields, ["m.city"]),
        refused(frame.toDF, ["an option"]),
        refused(many, choice="match_catalog"),
        refused(many, specs=[("m", "cast:string")]),
        refused(many, specs=[("n", "cast:timestamp")]),
        refused(many, specs=[("n", "project:binary")]),
        refused(many, specs=[("l[]", "make_cols")]),
        refused(ApplyMapping.apply, frame, []),
        refused(awsglue.transforms.Map.apply, frame=frame, f=None),
        refused(DynamicFrame.fromDF, glue_context.spark_session.sql("select interval 1 day as i"), glue_context),
        refused(importing, "from awsglue.gluetypes import EnumType"),
        refused(importing, "from awsglue.utils import callsite"),
        refused(importing, "from awsglue.context import DataSource"),
        refused(many(specs=[("big", "cast:int")]).toDF().collect),
    ])
"""


def test_what_is_not_there_is_refused_by_name(reader: Reader) -> None:
    table = reader.table(
        {"n": {"N": "1"}, "m": {"M": {}}, "l": {"L": [{"N": "1"}, {"S": "x"}]}, "big": {"N": "3000000000"}},
        {"n": {"S": "x"}, "m": {"S": "x"}},
    )
    found = reader.run(table, REFUSED)
    words = [
        "dynamodb.filter",
        "dynamodb.export",
        "'s3'",
        "push_down_predicate",
        "catalog tables",
        "DynamicFrameReader.from_rdd",
        "write DynamicFrames",
        "GlueContext.create_data_frame",
        "GlueContext.get_logger",
        "DynamicFrame.relationalize",
        "DynamicFrame.map",
        "DynamicFrame._jdf",
        "stageThreshold",
        "'m.city'",
        "toDF",
        "match_catalog",
        "cast struct to string, as for m",
        "cast n to timestamp",
        "project n to binary",
        "elements of an array, as for l.[]",
        "ApplyMapping",
        "Map",
        "interval",
        "awsglue.gluetypes.EnumType",
        "awsglue.utils.callsite",
        "awsglue.context.DataSource",
        "cast 3000000000 to int",
    ]
    assert len(found) == len(words)
    for message, word in zip(found, words, strict=True):
        refusal = message.partition("The sandbox does not ")[2].splitlines()[0]
        assert word in refusal, message


def test_wrong_connection_options_are_errors_before_anything_is_read(reader: Reader) -> None:
    found = reader.run(
        reader.table({}),
        """
        percent, splits = "dynamodb.throughput.read.percent", "dynamodb.splits"
        say("found", [
            refused(glue_context.create_dynamic_frame.from_options, "dynamodb", {}),
            refused(read, "no_such_table"),
            *[refused(read, TABLE, **{percent: value}) for value in ("0.09", "1.6", "much")],
            *[refused(read, TABLE, **{splits: value}) for value in ("0", "1000001", "1.5")],
            refused(read(TABLE).resolveChoice, specs=[], choice="make_cols"),
            refused(read(TABLE).resolveChoice),
            refused(read(TABLE).resolveChoice, choice="cast"),
            refused(read(TABLE).resolveChoice, specs=[("a..b", "make_cols")]),
        ])
        """,
    )
    beginnings = [
        "ValueError: the connection option 'dynamodb.input.tableName' is required",
        "ResourceNotFoundException: ",
        "ValueError: the connection option 'dynamodb.throughput.read.percent' must be between 0.1 and 1.5, and is 0.09",
        "ValueError: the connection option 'dynamodb.throughput.read.percent' must be",
        "ValueError: could not convert string to float: 'much'",
        "ValueError: the connection option 'dynamodb.splits' must be between 1 and 1000000, and is 0",
        "ValueError: the connection option 'dynamodb.splits' must be",
        "ValueError: invalid literal for int() with base 10: '1.5'",
        "ValueError: resolveChoice takes either specs or choice",
        "ValueError: resolveChoice takes either specs or choice",
        "ValueError: 'cast' is not one of",
        "ValueError: 'a..b' is not a path such as",
    ]
    for message, beginning in zip(found, beginnings, strict=True):
        assert message.startswith(beginning)


def test_only_glue_runs_have_awsglue_and_they_have_nothing_else_of_the_checkout(reader: Reader) -> None:
    assert importlib.util.find_spec("awsglue") is None
    found = reader.run(
        "none",
        """
        import importlib.util
        def seen(name):
            return importlib.util.find_spec(name) is not None
        names = ["awsglue", "awsglue.transforms", "dynamo_assets", "provided", "glue_jobs"]
        in_workers = SparkContext.getOrCreate().parallelize(names, 2).map(seen).collect()
        say("found", [[seen(name) for name in names], in_workers])
        """,
    )
    assert found == [[True, True, False, False, False]] * 2
