from __future__ import annotations

import math
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dynamo_assets.sandbox.endpoint import Endpoint
from tests.conftest import own_client
from tests.sandbox.dynamodb_tables import Item, error, pages, put_all, scanned, table_maker, thousand_byte_items

MB = 1024 * 1024


@pytest.fixture
def dynamodb(aws: Endpoint) -> Any:
    return aws.client("dynamodb")


@pytest.fixture
def new_table(dynamodb: Any, unique: Any) -> Callable[..., str]:
    return table_maker(dynamodb, unique)


def partition_keys(kind: str, count: int) -> list[Any]:
    return {
        "S": [{"S": f"käse-{n}"} for n in range(count)],
        "N": [{"N": f"{n - count // 2}.5"} for n in range(count)],
        "B": [{"B": n.to_bytes(3)} for n in range(count)],
    }[kind]


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


def test_numbers_that_differ_in_the_last_of_38_digits_are_two_keys(dynamodb: Any, new_table: Any) -> None:
    table = new_table("N", "N")
    numbers = [f"1234567890123456789012345678901234567{n}" for n in range(1, 4)]
    put_all(dynamodb, table, [{"pk": {"N": pk}, "sk": {"N": sk}} for pk in numbers for sk in numbers])
    assert dynamodb.describe_table(TableName=table)["Table"]["ItemCount"] == 9
    found = scanned(dynamodb, table, Limit=1)
    assert len(found) == 9
    assert len({item["pk"]["N"] + item["sk"]["N"] for item in found}) == 9


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
def test_the_checksum_header_is_the_bodys(aws: Endpoint, new_table: Any, operation: str) -> None:
    dynamodb, table, seen = own_client(aws, "dynamodb"), new_table("S"), []
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


def test_scans_go_on_while_others_write(dynamodb: Any, new_table: Any) -> None:
    table, problems = new_table("S", "N"), []

    def write(worker: int) -> None:
        try:
            for n in range(80):
                key = {"pk": {"S": f"{worker}-{n % 7}"}, "sk": {"N": str(n)}}
                dynamodb.put_item(TableName=table, Item=key)
                if n % 3 == 0:
                    dynamodb.delete_item(TableName=table, Key=key)
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
