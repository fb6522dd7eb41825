from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint

MB = 1024 * 1024
Item = dict[str, Any]


@pytest.fixture
def dynamodb(aws: Endpoint) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def new_table(dynamodb: Any, unique: Callable[[str], str]) -> Callable[..., str]:
    """Makes a table: `new_table("S")`, `new_table("S", "N")`, with further arguments of CreateTable."""

    def create(partition: str = "S", sort: str | None = None, **more: Any) -> str:
        keys = [("pk", "HASH", partition), *([("sk", "RANGE", sort)] if sort else [])]
        more.setdefault("BillingMode", "PAY_PER_REQUEST")
        more.setdefault("AttributeDefinitions", [{"AttributeName": n, "AttributeType": t} for n, _, t in keys])
        schema = [{"AttributeName": n, "KeyType": kind} for n, kind, _ in keys]
        name = unique("table")
        dynamodb.create_table(TableName=name, KeySchema=schema, **more)
        return name

    return create


def put_all(dynamodb: Any, table: str, items: list[Item]) -> None:
    for start in range(0, len(items), 25):
        dynamodb.batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]}
        )


def pages(dynamodb: Any, table: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    while True:
        page = dynamodb.scan(TableName=table, **parameters)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def scanned(dynamodb: Any, table: str, **parameters: Any) -> list[Item]:
    return [item for page in pages(dynamodb, table, **parameters) for item in page["Items"]]


def error(excinfo: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    found = excinfo.value.response["Error"]
    return found["Code"], found["Message"]


def partition_keys(kind: str, count: int) -> list[Any]:
    return {
        "S": [{"S": f"käse-{n}"} for n in range(count)],
        "N": [{"N": f"{n - count // 2}.5"} for n in range(count)],
        "B": [{"B": n.to_bytes(3)} for n in range(count)],
    }[kind]


# --- segments


@pytest.mark.parametrize("kind", ["S", "N", "B"])
@pytest.mark.parametrize("total", [1, 3, 7])
def test_segments_share_the_items_out_whole_and_once(dynamodb: Any, new_table: Any, kind: str, total: int) -> None:
    table, keys = new_table(kind), partition_keys(kind, 120)
    put_all(dynamodb, table, [{"pk": key} for key in keys])
    shares = [[item["pk"] for item in scanned(dynamodb, table, Segment=n, TotalSegments=total)] for n in range(total)]
    assert all(shares), "with 120 items every segment has some"
    found = [key for share in shares for key in share]
    assert len(found) == 120
    assert all(key in found for key in keys)


def test_a_thousand_segments_share_the_items_out_whole_and_once(dynamodb: Any, new_table: Any) -> None:
    """moto by itself knows 256."""
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}} for n in range(300)])
    shares = [scanned(dynamodb, table, Segment=n, TotalSegments=1000) for n in range(1000)]
    found = sorted(int(item["pk"]["S"]) for share in shares for item in share)
    assert found == list(range(300))
    assert sum(map(bool, shares)) > 200, "300 items in 1000 segments seldom meet"
    assert any(shares[256:])


def test_a_million_segments_are_the_most(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})
    assert dynamodb.scan(TableName=table, Segment=999_999, TotalSegments=1_000_000)["ScannedCount"] in {0, 1}
    with pytest.raises(ClientError) as excinfo:
        dynamodb.scan(TableName=table, Segment=0, TotalSegments=1_000_001)
    assert error(excinfo)[0] == "ValidationException"
    assert "totalSegments" in error(excinfo)[1]


def test_the_items_of_one_partition_key_are_in_one_segment_and_in_order(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", "N")
    put_all(dynamodb, table, [{"pk": {"S": f"p{n % 5}"}, "sk": {"N": str(n)}} for n in range(100)])
    shares = [scanned(dynamodb, table, Segment=n, TotalSegments=50) for n in range(50)]
    homes = {item["pk"]["S"]: n for n, share in enumerate(shares) for item in share}
    assert len(homes) == 5
    for partition, home in homes.items():
        numbers = [int(item["sk"]["N"]) for item in shares[home] if item["pk"]["S"] == partition]
        assert len(numbers) == 20, "all of them here"
        assert numbers == sorted(numbers), "by number, not by text"


def test_segments_do_not_change_while_others_delete(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}} for n in range(60)])
    before = [scanned(dynamodb, table, Segment=n, TotalSegments=4) for n in range(4)]
    for item in before[0]:
        dynamodb.delete_item(TableName=table, Key=item)
    assert before[0]
    assert [scanned(dynamodb, table, Segment=n, TotalSegments=4) for n in range(4)] == [[], *before[1:]]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Segment": 0}, "TotalSegments parameter is required"),
        ({"TotalSegments": 2}, "Segment parameter is required"),
        ({"Segment": 2, "TotalSegments": 2}, "zero-based"),
    ],
)
def test_half_a_segment_is_refused(dynamodb: Any, new_table: Any, parameters: Any, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        dynamodb.scan(TableName=new_table("S"), **parameters)


# --- pages


def thousand_byte_items(count: int) -> list[Item]:
    # 2 for "pk", 5 for its value, 4 for "data": 989 more make 1000.
    return [{"pk": {"S": f"{n:05}"}, "data": {"S": "x" * 989}} for n in range(count)]


def test_a_page_ends_with_the_item_that_makes_it_one_megabyte(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, thousand_byte_items(1200))
    first, second = pages(dynamodb, table, ReturnConsumedCapacity="TOTAL")
    assert first["Count"] == first["ScannedCount"] == math.ceil(MB / 1000) == 1049
    assert first["ConsumedCapacity"] == {"TableName": table, "CapacityUnits": 128.5}, "as AWS's full pages"
    assert second["Count"] == 1200 - 1049
    assert second["ConsumedCapacity"]["CapacityUnits"] == math.ceil(151_000 / 4096) / 2
    assert len({item["pk"]["S"] for item in first["Items"] + second["Items"]}) == 1200


def test_a_page_that_ends_with_the_last_item_is_followed_by_an_empty_one(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}} for n in range(6)])
    assert [page["Count"] for page in pages(dynamodb, table, Limit=3)] == [3, 3, 0]


def test_limit_counts_items_before_the_filter(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}, "even": {"BOOL": n % 2 == 0}} for n in range(10)])
    parameters = {"FilterExpression": "even = :yes", "ExpressionAttributeValues": {":yes": {"BOOL": True}}}
    found = list(pages(dynamodb, table, Limit=4, **parameters))
    assert [page["ScannedCount"] for page in found] == [4, 4, 2]
    assert sum(page["Count"] for page in found) == 5


def test_paging_survives_the_deletion_of_the_last_evaluated_item(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", "N")
    put_all(dynamodb, table, [{"pk": {"S": str(n % 3)}, "sk": {"N": str(n)}} for n in range(20)])
    first = dynamodb.scan(TableName=table, Limit=7)
    dynamodb.delete_item(TableName=table, Key=first["LastEvaluatedKey"])
    rest = scanned(dynamodb, table, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert sorted(int(item["sk"]["N"]) for item in first["Items"] + rest) == list(range(20))


def test_a_start_key_of_another_segment_is_refused(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}} for n in range(20)])
    foreign = scanned(dynamodb, table, Segment=1, TotalSegments=2)[0]
    with pytest.raises(ClientError, match="correct Segment"):
        dynamodb.scan(TableName=table, Segment=0, TotalSegments=2, ExclusiveStartKey=foreign)
    with pytest.raises(ClientError, match="does not match the schema"):
        dynamodb.scan(TableName=table, ExclusiveStartKey={"pk": {"N": "1"}})


# --- what a Scan answers

EVERY_TYPE: Item = {
    "pk": {"S": "a"},
    "sk": {"N": "-12.50"},
    "S": {"S": 'ünï"\\\n\u2028😀'},
    "N": {"N": "12345678901234567890123456789012345678"},
    "B": {"B": bytes(range(256))},
    "BOOL": {"BOOL": False},
    "NULL": {"NULL": True},
    "SS": {"SS": ["x", "y"]},
    "NS": {"NS": ["1", "2.5"]},
    "BS": {"BS": [b"\x00", b"\xff"]},
    "L": {"L": [{"S": ""}, {"L": []}, {"M": {"B": {"B": b"\x01"}}}]},
    "M": {"M": {"S": {"M": {}}, "NULL": {"NULL": True}}},
}


def test_every_type_comes_back_as_it_was_put(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", "N")
    dynamodb.put_item(TableName=table, Item=EVERY_TYPE)
    assert scanned(dynamodb, table) == [EVERY_TYPE]
    key = {"pk": EVERY_TYPE["pk"], "sk": {"N": "-12.5"}}
    assert dynamodb.get_item(TableName=table, Key=key)["Item"] == EVERY_TYPE, "numbers are keys by value"


@pytest.mark.parametrize("operation", ["Scan", "DescribeTable", "GetItem", "PutItem"])
def test_the_checksum_header_is_the_bodys(dynamodb: Any, new_table: Any, operation: str) -> None:
    table, seen = new_table("S"), []
    key = {"pk": {"S": "ü"}}
    dynamodb.put_item(TableName=table, Item=key)

    def see(response_dict: Any, **_: Any) -> None:
        seen.append(response_dict)

    dynamodb.meta.events.register(f"before-parse.dynamodb.{operation}", see)
    if operation == "Scan":
        dynamodb.scan(TableName=table)
    elif operation == "DescribeTable":
        dynamodb.describe_table(TableName=table)
    elif operation == "GetItem":
        dynamodb.get_item(TableName=table, Key=key)
    else:
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            dynamodb.put_item(TableName=table, Item=key, ConditionExpression="attribute_not_exists(pk)")
    (response,) = seen
    assert int(response["headers"]["x-amz-crc32"]) == zlib.crc32(response["body"])


def test_select_count_answers_the_number_alone(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, [{"pk": {"S": str(n)}} for n in range(4)])
    page = dynamodb.scan(TableName=table, Select="COUNT")
    assert (page["Count"], page["ScannedCount"]) == (4, 4)
    assert "Items" not in page


def test_a_projection_leaves_the_rest_out(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", "N")
    dynamodb.put_item(TableName=table, Item=EVERY_TYPE)
    found = scanned(
        dynamodb, table, ProjectionExpression="pk, #m.#n", ExpressionAttributeNames={"#m": "M", "#n": "NULL"}
    )
    assert found == [{"pk": {"S": "a"}, "M": {"M": {"NULL": {"NULL": True}}}}]


def test_an_index_is_scanned_in_segments_too(dynamodb: Any, new_table: Any) -> None:
    names = [{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "city")]
    index = {
        "IndexName": "by_city",
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = new_table("S", AttributeDefinitions=names, GlobalSecondaryIndexes=[index])
    put_all(dynamodb, table, [{"pk": {"S": str(n)}, **({"city": {"S": "x"}} if n % 2 else {})} for n in range(40)])
    shares = [scanned(dynamodb, table, IndexName="by_city", Segment=n, TotalSegments=300) for n in range(300)]
    assert sorted(int(item["pk"]["S"]) for share in shares for item in share) == list(range(1, 40, 2))
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.scan(TableName=table, IndexName="by_city", ReturnConsumedCapacity="TOTAL")
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "0"}}, ReturnConsumedCapacity="TOTAL")


def test_legacy_parameters_are_refused_not_ignored(dynamodb: Any, new_table: Any) -> None:
    condition = {"a": {"ComparisonOperator": "NULL"}}
    with pytest.raises(ClientError, match="The sandbox does not do the legacy parameter ScanFilter"):
        dynamodb.scan(TableName=new_table("S"), ScanFilter=condition)


def test_a_bad_filter_is_an_error(dynamodb: Any, new_table: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.scan(TableName=new_table("S"), FilterExpression="this is ( none")


def test_scans_go_on_while_others_write(dynamodb: Any, new_table: Any, aws: Endpoint) -> None:
    table, problems = new_table("S", "N"), []

    def write(worker: int) -> None:
        client = aws.client("dynamodb")
        try:
            for n in range(80):
                key = {"pk": {"S": f"{worker}-{n % 7}"}, "sk": {"N": str(n)}}
                client.put_item(TableName=table, Item=key)
                if n % 3 == 0:
                    client.delete_item(TableName=table, Key=key)
        except ClientError as problem:
            problems.append(problem)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for writer in writers:
        writer.start()
    scans = 0
    while any(writer.is_alive() for writer in writers):
        scanned(dynamodb, table, Segment=scans % 2, TotalSegments=2)
        scans += 1
    assert not problems
    assert scans > 3
    assert len(scanned(dynamodb, table)) == 4 * (80 - 27)


# --- consumed capacity


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("count", [1, 4, 5, 9, 300])
def test_a_scan_costs_its_bytes_in_units_of_four_kilobytes(
    dynamodb: Any, new_table: Any, count: int, consistent: bool
) -> None:
    table = new_table("S")
    put_all(dynamodb, table, thousand_byte_items(count))
    page = dynamodb.scan(TableName=table, ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES")
    units = math.ceil(count * 1000 / 4096) * (1 if consistent else 0.5)
    expected = {"TableName": table, "CapacityUnits": units, "Table": {"CapacityUnits": units}}
    assert page["ConsumedCapacity"] == expected


def test_filters_and_projections_do_not_make_a_scan_cheaper(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    put_all(dynamodb, table, thousand_byte_items(50))
    parameters = {"FilterExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "00007"}}}
    page = dynamodb.scan(TableName=table, ProjectionExpression="pk", ReturnConsumedCapacity="TOTAL", **parameters)
    assert page["Items"] == [{"pk": {"S": "00007"}}]
    assert page["ScannedCount"] == 50
    assert page["ConsumedCapacity"]["CapacityUnits"] == math.ceil(50_000 / 4096) / 2


def test_a_scan_that_finds_nothing_costs_the_least_there_is(dynamodb: Any, new_table: Any) -> None:
    page = dynamodb.scan(TableName=new_table("S"), ReturnConsumedCapacity="TOTAL")
    assert page["ConsumedCapacity"]["CapacityUnits"] == 0.5


def test_capacity_is_told_only_to_who_asks(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    key = {"pk": {"S": "a"}}
    change = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}
    answers = [
        dynamodb.put_item(TableName=table, Item=key),
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": key}}]}),
        dynamodb.update_item(TableName=table, Key=key, **change),
        dynamodb.get_item(TableName=table, Key=key),
        dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}}),
        dynamodb.scan(TableName=table),
        dynamodb.delete_item(TableName=table, Key=key),
    ]
    assert [answer for answer in answers if "ConsumedCapacity" in answer] == []


def test_single_reads_and_writes_cost_their_items(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    total = {"ReturnConsumedCapacity": "TOTAL"}
    small, large = {"pk": {"S": "s"}}, {"pk": {"S": "l"}, "data": {"S": "x" * 9000}}  # 3 and 9007 bytes
    key = {"pk": {"S": "l"}}

    def units(answer: dict[str, Any]) -> float:
        return answer["ConsumedCapacity"]["CapacityUnits"]

    assert units(dynamodb.put_item(TableName=table, Item=small, **total)) == 1
    assert units(dynamodb.put_item(TableName=table, Item=large, **total)) == 9
    assert units(dynamodb.get_item(TableName=table, Key=key, ProjectionExpression="pk", **total)) == 1.5
    assert units(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True, **total)) == 3
    assert units(dynamodb.get_item(TableName=table, Key={"pk": {"S": "none"}}, **total)) == 0.5
    question = {"KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": key["pk"]}}
    assert units(dynamodb.query(TableName=table, **question, **total)) == 1.5
    removal = {"UpdateExpression": "REMOVE #d", "ExpressionAttributeNames": {"#d": "data"}}
    assert units(dynamodb.update_item(TableName=table, Key=key, **removal, **total)) == 9, "the larger, before"
    assert units(dynamodb.put_item(TableName=table, Item=large, **total)) == 9
    assert units(dynamodb.delete_item(TableName=table, Key=key, **total)) == 9
    assert units(dynamodb.delete_item(TableName=table, Key=key, **total)) == 1


def test_batches_cost_each_item_rounded_up_by_itself(dynamodb: Any, new_table: Any) -> None:
    table, other = new_table("S"), new_table("S")
    requests = {
        table: [{"PutRequest": {"Item": item}} for item in thousand_byte_items(3)]
        + [{"DeleteRequest": {"Key": {"pk": {"S": "none"}}}}],
        other: [{"PutRequest": {"Item": {"pk": {"S": "a"}, "data": {"S": "x" * 2000}}}}],
    }
    written = dynamodb.batch_write_item(RequestItems=requests, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert {each["TableName"]: each["CapacityUnits"] for each in written} == {table: 4, other: 2}
    keys = [{"pk": {"S": f"{n:05}"}} for n in range(4)]
    wanted = {table: {"Keys": keys, "ConsistentRead": True}, other: {"Keys": [{"pk": {"S": "a"}}]}}
    read = dynamodb.batch_get_item(RequestItems=wanted, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
    assert {each["TableName"]: each["CapacityUnits"] for each in read} == {table: 4, other: 0.5}


def test_capacity_that_is_not_measured_is_refused(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    puts = [{"Put": {"TableName": table, "Item": {"pk": {"S": "a"}}}}]
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.transact_write_items(TransactItems=puts, ReturnConsumedCapacity="TOTAL")
    assert scanned(dynamodb, table) == []
    statement = f'SELECT * FROM "{table}"'
    with pytest.raises(ClientError, match="The sandbox does not measure"):
        dynamodb.execute_statement(Statement=statement, ReturnConsumedCapacity="TOTAL")
    question = {"KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "a"}}}
    with pytest.raises(ClientError, match="The sandbox does not measure the capacity of a Query with Select"):
        dynamodb.query(TableName=table, **question, Select="COUNT", ReturnConsumedCapacity="TOTAL")


def test_a_statement_that_is_not_understood_is_refused(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    with pytest.raises(ClientError, match="The sandbox does not understand the PartiQL statement"):
        dynamodb.execute_statement(Statement=f"INSERT INTO \"{table}\" value {{'pk': ?}}", Parameters=[{"S": "a"}])
    assert scanned(dynamodb, table) == []


# --- descriptions


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "käse"}, 5),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "-12"}, 2),
        ({"N": "1200"}, 2),
        ({"N": "0.00123"}, 3),
        ({"N": "1E+10"}, 2),
        ({"N": "12345678901234567890123456789012345678"}, 20),
        ({"B": b""}, 0),
        ({"B": b"\x00" * 4}, 4),
        ({"B": b"\x00" * 5}, 5),
        ({"B": b"\x00" * 6}, 6),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "ü"]}, 4),
        ({"NS": ["1", "100", "12.5"]}, 2 + 2 + 3),
        ({"BS": [b"a", b"bcd"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "abc"}, {"NULL": True}]}, 3 + (1 + 3) + (1 + 1)),
        ({"M": {}}, 3),
        ({"M": {"key": {"L": [{"N": "5"}]}}}, 3 + 1 + len("key") + 3 + 1 + 2),
    ],
)
def test_table_size_is_by_dynamodbs_rules(dynamodb: Any, new_table: Any, value: Any, size: int) -> None:
    table = new_table("S")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "k"}, "attribute": value})
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["TableSizeBytes"] == len("pk") + 1 + len("attribute") + size
    assert described["ItemCount"] == 1


def test_item_count_and_size_follow_every_kind_of_write(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")

    def facts() -> tuple[int, int]:
        described = dynamodb.describe_table(TableName=table)["Table"]
        return described["ItemCount"], described["TableSizeBytes"]

    put_all(dynamodb, table, thousand_byte_items(30))
    assert facts() == (30, 30_000)
    put_all(dynamodb, table, thousand_byte_items(10))
    assert facts() == (30, 30_000), "replaced, not added"
    key = {"pk": {"S": "00000"}}
    removal = {"UpdateExpression": "REMOVE #d", "ExpressionAttributeNames": {"#d": "data"}}
    dynamodb.update_item(TableName=table, Key=key, **removal)
    assert facts() == (30, 29_007)
    new = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "bc"}}}
    dynamodb.update_item(TableName=table, Key={"pk": {"S": "new"}}, **new)
    assert facts() == (31, 29_007 + 5 + 3)
    dynamodb.delete_item(TableName=table, Key=key)
    dynamodb.delete_item(TableName=table, Key=key)
    assert facts() == (30, 29_000 + 8)
    dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": {"pk": {"S": "new"}}}}])
    assert facts() == (29, 29_000)


def test_failed_writes_leave_nothing(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    old = {"pk": {"S": "a"}, "n": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=old)
    values = {":n": {"N": "2"}, ":b": {"S": "x" * (400 * 1024)}}
    growth = {"UpdateExpression": "SET n = :n, big = :b", "ExpressionAttributeValues": values}
    absent = {"TableName": table, "Key": {"pk": {"S": "d"}}, "ConditionExpression": "attribute_exists(pk)"}
    failing: list[Callable[[], Any]] = [
        lambda: dynamodb.put_item(TableName=table, Item=old | {"n": {"N": "2"}}, ConditionExpression="n > n"),
        lambda: dynamodb.put_item(TableName=table, Item=old | {"big": values[":b"]}),
        lambda: dynamodb.update_item(TableName=table, Key={"pk": {"S": "a"}}, **growth),
        lambda: dynamodb.update_item(TableName=table, Key={"pk": {"S": "b"}}, **growth),
        lambda: dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": {"pk": {"S": "c"}}}},
                {"Update": {"TableName": table, "Key": {"pk": {"S": "a"}}, "UpdateExpression": "REMOVE n"}},
                {"ConditionCheck": absent},
            ]
        ),
    ]
    for write in failing:
        with pytest.raises(ClientError):
            write()
        assert scanned(dynamodb, table) == [old]
        assert dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}})["Item"] == old
        assert dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] == 1


def test_an_item_of_400_kilobytes_is_the_largest(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S")
    largest = {"pk": {"S": "k"}, "data": {"S": "x" * (400 * 1024 - 7)}}
    dynamodb.put_item(TableName=table, Item=largest)
    assert dynamodb.describe_table(TableName=table)["Table"]["TableSizeBytes"] == 400 * 1024
    larger = largest | {"pk": {"S": "kk"}}
    with pytest.raises(ClientError, match="exceeded the maximum allowed size"):
        dynamodb.put_item(TableName=table, Item=larger)


def test_an_on_demand_table_says_what_it_may_and_can_do(dynamodb: Any, new_table: Any) -> None:
    table = new_table("S", OnDemandThroughput={"MaxReadRequestUnits": 500})
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == described["CreationDateTime"]
    assert described["OnDemandThroughput"] == {"MaxReadRequestUnits": 500, "MaxWriteRequestUnits": -1}
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert described["WarmThroughput"]["ReadUnitsPerSecond"] == 12_000
    assert described["TableArn"].endswith(f":table/{table}")
    assert len(described["TableId"]) == 36
    dynamodb.update_table(TableName=table, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert "OnDemandThroughput" not in dynamodb.describe_table(TableName=table)["Table"]


def test_a_provisioned_table_says_what_it_may_and_can_do(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    table = new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert units.items() <= described["ProvisionedThroughput"].items()
    assert "BillingModeSummary" not in described, "as AWS: only of tables that have been on-demand"
    assert "OnDemandThroughput" not in described
    more = {"ReadCapacityUnits": 50, "WriteCapacityUnits": 6}
    described = dynamodb.update_table(TableName=table, ProvisionedThroughput=more)["TableDescription"]
    assert more.items() <= described["ProvisionedThroughput"].items()
    assert described["WarmThroughput"]["ReadUnitsPerSecond"] == 50


def test_a_table_can_change_its_billing_mode(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    table = new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    dynamodb.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    with pytest.raises(ClientError, match="must both be specified"):
        dynamodb.update_table(TableName=table, BillingMode="PROVISIONED")
    dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    assert units.items() <= described["ProvisionedThroughput"].items()


def test_a_maximum_throughput_is_of_on_demand_tables_only(dynamodb: Any, new_table: Any) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    maximum = {"MaxReadRequestUnits": 1}
    with pytest.raises(ClientError, match="when BillingMode is PROVISIONED"):
        new_table("S", BillingMode="PROVISIONED", ProvisionedThroughput=units, OnDemandThroughput=maximum)


def test_a_restored_table_is_scanned_and_measured_like_any(dynamodb: Any, new_table: Any, unique: Any) -> None:
    table, copy = new_table("S"), unique("copy")
    put_all(dynamodb, table, thousand_byte_items(12))
    backup = dynamodb.create_backup(TableName=table, BackupName="before")["BackupDetails"]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName=copy, BackupArn=backup)
    assert len(scanned(dynamodb, copy)) == 12
    assert dynamodb.describe_table(TableName=copy)["Table"]["TableSizeBytes"] == 12_000
