from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session

from dynamo_assets.sandbox.request_checks.patterns import UNREADABLE, compiled

SERVICES = ("dynamodb", "glue", "athena", "logs", "cloudformation", "iam", "sts", "sns", "s3")


def _patterns(model: Any) -> Iterator[str]:
    waiting, seen = [model.operation_model(name).input_shape for name in model.operation_names], set()
    while waiting:
        shape = waiting.pop()
        if shape is None or shape.name in seen:
            continue
        seen.add(shape.name)
        if "pattern" in shape.metadata:
            yield shape.metadata["pattern"]
        if shape.type_name == "structure":
            waiting += shape.members.values()
        elif shape.type_name == "list":
            waiting.append(shape.member)
        elif shape.type_name == "map":
            waiting += [shape.key, shape.value]


def test_which_patterns_cannot_be_read_is_known() -> None:
    session = get_session()
    patterns = {pattern for service in SERVICES for pattern in _patterns(session.get_service_model(service))}
    assert len(patterns) > 150
    assert {pattern for pattern in patterns if compiled(pattern) is None} == UNREADABLE


@pytest.mark.parametrize(
    ("text", "fits"), [("plain", True), ("日本 😀", True), ("two\nlines", False), ("", True), ("\ud800", False)]
)
def test_glues_names_are_any_text_of_one_line(text: str, fits: bool) -> None:
    pattern = compiled(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*")
    assert pattern is not None
    assert bool(pattern.fullmatch(text)) is fits


def test_classes_are_those_of_ascii() -> None:
    digits = compiled(r"[0-9]{1,3}|\d{12}")
    assert digits is not None
    assert digits.fullmatch("123456789012")
    assert not digits.fullmatch("١٢٣٤٥٦٧٨٩٠١٢")
