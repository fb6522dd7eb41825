"""The faults: what may happen to a request to DynamoDB or S3 and to its answer on the way."""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace

from tests.faults.proxy import Answer, Behaviour, Exchange

SLOW_SECONDS = 0.15


def dynamodb_error(status: int, code: str) -> Behaviour:
    """DynamoDB refuses."""

    def fault(exchange: Exchange) -> None:
        text = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"sorry: {code}"}).encode()
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amz-crc32", str(zlib.crc32(text)))]
        exchange.send(Answer(status, headers, text))

    fault.__name__ = code
    return fault


def s3_error(status: int, code: str) -> Behaviour:
    """S3 refuses."""

    def fault(exchange: Exchange) -> None:
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>sorry</Message></Error>'
        body = b"" if exchange.request.method == "HEAD" else text.encode()
        exchange.send(Answer(status, [("Content-Type", "application/xml")], body))

    fault.__name__ = code
    return fault


def plain_error(status: int, text: str) -> Behaviour:
    """Something between the client and AWS refuses, and knows nothing of AWS's forms."""

    def fault(exchange: Exchange) -> None:
        body = b"" if exchange.request.method == "HEAD" else text.encode()
        exchange.send(Answer(status, [("Content-Type", "text/html")], body))

    fault.__name__ = f"plain_{status}" + ("" if text else "_without_a_body")
    return fault


def refuse_to_delete(code: str) -> Behaviour:
    """The answer is 200, and says of each key that it could not be deleted."""

    def fault(exchange: Exchange) -> None:
        keys = re.findall(rb"<Key>(.*?)</Key>", exchange.request.body)
        errors = b"".join(
            b"<Error><Key>%b</Key><Code>%b</Code><Message>sorry</Message></Error>" % (key, code.encode())
            for key in keys
        )
        body = b'<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult>%b</DeleteResult>' % errors
        exchange.send(Answer(200, [("Content-Type", "application/xml")], body))

    fault.__name__ = code
    return fault


def error_within_a_success(exchange: Exchange) -> None:
    """S3 begins to answer before it knows how it ends."""
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>sorry</Message></Error>'
    exchange.send(Answer(200, [("Content-Type", "application/xml")], body))


def reset_before_the_request_arrives(exchange: Exchange) -> None:
    exchange.hang_up()


def answer_lost(exchange: Exchange) -> None:
    """What was asked is done, and nobody hears of it."""
    exchange.forward()
    exchange.hang_up()


def reset_within_the_body(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.send(_first_half(answer), promised=len(answer.body))
    exchange.hang_up()


def body_cut_short(exchange: Exchange) -> None:
    """The connection ends in good order, before as much has come as was announced."""
    answer = exchange.forward()
    exchange.send(_first_half(answer), promised=len(answer.body))


def body_cut_and_relabelled(exchange: Exchange) -> None:
    """Half of the body, announced as if it were all."""
    exchange.send(_first_half(exchange.forward()))


def a_byte_changed(exchange: Exchange, without: str = "-") -> None:
    """Within a text, where it leaves good JSON, and near the beginning, where a file of ours has its values."""
    answer = exchange.forward()
    headers = [(name, value) for name, value in answer.headers if not name.lower().startswith(without)]
    at = next(
        place
        for place in range(len(answer.body) // 20, len(answer.body))
        if answer.body[place : place + 1].isalnum() and answer.body[place - 1 : place].isalpha()
    )
    changed = bytes([answer.body[at] ^ 1]) if answer.body[at] ^ 1 != ord("`") else b"z"
    exchange.send(Answer(answer.status, headers, answer.body[:at] + changed + answer.body[at + 1 :]))


def a_byte_changed_and_no_checksum(exchange: Exchange) -> None:
    """As in a part of an object, of which S3 sends no checksum."""
    a_byte_changed(exchange, without="x-amz-checksum")


def wrong_crc32(exchange: Exchange) -> None:
    answer = exchange.forward()
    headers = [(n, "1" if n.lower() == "x-amz-crc32" else v) for n, v in answer.headers]
    exchange.send(replace(answer, headers=headers))


def unreadable_crc32(exchange: Exchange) -> None:
    answer = exchange.forward()
    headers = [(n, v[:3] + "x" + v[4:] if n.lower() == "x-amz-crc32" else v) for n, v in answer.headers]
    exchange.send(replace(answer, headers=headers))


def slow_answer(exchange: Exchange) -> None:
    """It is no fault, but others get ahead meanwhile."""
    answer = exchange.forward()
    time.sleep(SLOW_SECONDS)
    exchange.send(answer)


def _first_half(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2])


THROTTLING: Sequence[Behaviour] = (
    dynamodb_error(400, "ProvisionedThroughputExceededException"),
    dynamodb_error(400, "ThrottlingException"),
    dynamodb_error(400, "RequestLimitExceeded"),
)
SCAN_FAULTS: Sequence[Behaviour] = (
    *THROTTLING,
    dynamodb_error(500, "InternalServerError"),
    dynamodb_error(503, "ServiceUnavailable"),
    dynamodb_error(400, "ExpiredTokenException"),
    plain_error(500, ""),
    plain_error(503, "<html>the load balancer's regrets</html>"),
    reset_before_the_request_arrives,
    answer_lost,
    reset_within_the_body,
    body_cut_short,
    body_cut_and_relabelled,
    a_byte_changed,
    wrong_crc32,
    unreadable_crc32,
    slow_answer,
)
S3_REFUSALS: Sequence[Behaviour] = (
    s3_error(500, "InternalError"),
    s3_error(503, "SlowDown"),
    s3_error(503, "ServiceUnavailable"),
    plain_error(503, ""),
    reset_before_the_request_arrives,
)
S3_WRITE_FAULTS: Sequence[Behaviour] = (*S3_REFUSALS, answer_lost)
S3_READ_FAULTS: Sequence[Behaviour] = (*S3_REFUSALS, answer_lost, reset_within_the_body, body_cut_short)
