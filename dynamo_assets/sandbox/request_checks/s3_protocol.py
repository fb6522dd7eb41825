"""Requests of S3: members in the path, the query and headers, and some in a body of XML."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from dynamo_assets.sandbox.request_checks.problems import Problem
from dynamo_assets.sandbox.request_checks.s3_operations import Operation, Operations
from dynamo_assets.sandbox.request_checks.shapes import Shapes
from dynamo_assets.sandbox.request_checks.text_values import from_text

_OF_ANY_REQUEST = frozenset(
    {
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-decoded-content-length",
        "x-amz-sdk-checksum-algorithm",
        "x-amz-security-token",
        "x-amz-trailer",
        "x-amz-user-agent",
    }
)
"""Headers of signing and of uploads in chunks, which are no members of an operation."""
_CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range"})
"""An operation that does not know one of these does without the condition: whoever relied on it is deceived."""
_OF_ANY_QUERY = ("x-id", "X-Amz-")
_CHECKSUM = "x-amz-checksum-"
_METADATA = "x-amz-meta-"
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost"})


class S3Protocol:
    """The requests of S3.

    Args:
        model: botocore's model of S3.
    """

    def __init__(self, model: Any) -> None:
        self._operations = Operations(model)
        self._shapes = Shapes()

    def check(self, request: Mapping[str, Any]) -> tuple[str, list[Problem]]:
        """The operation, and what is wrong with the request."""
        if request.get("HTTP_HOST", "").partition(":")[0] not in _LOCAL_HOSTS:
            return "", []  # the bucket is in the name of the host, and so not in the path
        bucket, _, key = request["PATH_INFO"].lstrip("/").partition("/")
        query = dict(urllib.parse.parse_qsl(request.get("QUERY_STRING", ""), keep_blank_values=True))
        headers = dict(_headers(request))
        place = (request["REQUEST_METHOD"], bool(bucket), bool(key))
        operation = self._operations.asked_for(place, query, headers.keys())
        if operation is None:
            what = f"{place[0]} {request['PATH_INFO']}?{request.get('QUERY_STRING', '')}"
            return what, [Problem("operation", (), f"S3 has no operation of the kind {what!r}")]
        members = operation.model.input_shape.members if operation.model.input_shape else {}
        given: dict[str, Any] = {"Bucket": bucket, "Key": key} if key else {"Bucket": bucket} if bucket else {}
        problems = [*_unknown_in(operation, query, headers)]
        for names, values in ((operation.query, query), (operation.headers, headers)):
            for wire, name in names.items():
                if wire in values:
                    given[name] = from_text(members[name], values[wire])
        problems += self._body(operation, request["wsgi.input"].getvalue(), headers, given)
        if operation.model.input_shape:
            problems += self._shapes.checker(operation.model.input_shape)(given)
        return operation.model.name, problems

    def _body(
        self, operation: Operation, body: bytes, headers: Mapping[str, str], given: dict[str, Any]
    ) -> Iterator[Problem]:
        """Adds the body's members to what is given."""
        shape = operation.model.input_shape
        payload = shape.serialization.get("payload") if shape else None
        if operation.model.http_checksum.get("requestChecksumRequired") and not (
            "content-md5" in headers or any(name.startswith(_CHECKSUM) for name in headers)
        ):
            yield Problem("body", (), "Content-MD5 or a header x-amz-checksum-... is required")
        if payload is None:
            if body:
                yield Problem("unknown", ("the body",), operation.model.name)
            return
        member = shape.members[payload]
        if member.type_name == "string":
            given[payload] = body.decode(errors="replace")
        elif member.type_name == "structure" and body:
            try:
                root = ET.fromstring(body)  # noqa: S314 - the sandbox's own users are its only clients
            except ET.ParseError as error:
                yield Problem("body", (payload,), f"The body is no XML: {error}")
                return
            if (name := _local(root)) != (expected := member.serialization.get("name", payload)):
                yield Problem("body", (payload,), f"The body's root is {name}, {expected} is expected")
                return
            reading = _Reading()
            given[payload] = reading.structure(member, root, (payload,))
            yield from reading.problems


def _headers(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in request.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-").lower(), value


def _unknown_in(operation: Operation, query: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[Problem]:
    for name in query:
        if not (name in operation.query or name in operation.literals or name.startswith(_OF_ANY_QUERY)):
            yield Problem("unknown", (name,), operation.model.name)
    with_checksum = "requestAlgorithmMember" in operation.model.http_checksum
    with_metadata = "Metadata" in (operation.model.input_shape.members if operation.model.input_shape else ())
    for name in headers:
        if name in operation.headers or not (name.startswith("x-amz-") or name in _CONDITIONS):
            continue
        if (
            name in _OF_ANY_REQUEST
            or (with_checksum and name.startswith(_CHECKSUM))
            or (with_metadata and name.startswith(_METADATA))
        ):
            continue
        yield Problem("unknown", (name,), operation.model.name)


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class _Part(NamedTuple):
    """What an element or an attribute is in its structure.

    Attributes:
        name: The member's.
        shape: The member's; of a list without an element of its own that of its items.
        repeated: Whether it is such a list.
    """

    name: str
    shape: Any
    repeated: bool


_parts: dict[str, dict[str, _Part]] = {}


def _parts_of(shape: Any) -> dict[str, _Part]:
    """By their names in XML."""
    if shape.name not in _parts:
        _parts[shape.name] = dict(_all_parts(shape))
    return _parts[shape.name]


def _all_parts(shape: Any) -> Iterator[tuple[str, _Part]]:
    for name, member in shape.members.items():
        repeated = member.type_name == "list" and bool(member.serialization.get("flattened"))
        wire = member.serialization.get("name", name).rpartition(":")[2]
        yield wire, _Part(name, member.member if repeated else member, repeated)


class _Reading:
    """Makes of an element what the shape says it is; what the shape does not have is a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def structure(self, shape: Any, element: ET.Element, path: tuple[str, ...]) -> dict[str, Any]:
        parts = _parts_of(shape)
        found: dict[str, Any] = {}
        for child in element:
            part = parts.get(_local(child))
            if part is None:
                self.problems.append(Problem("unknown", (*path, _local(child)), shape.name))
            elif part.repeated:
                items = found.setdefault(part.name, [])
                items.append(self._value(part.shape, child, (*path, part.name, str(len(items) + 1), "member")))
            else:
                found[part.name] = self._value(part.shape, child, (*path, part.name))
        for attribute, value in element.attrib.items():
            if part := parts.get(attribute.rpartition("}")[2]):
                found[part.name] = value
        return found

    def _value(self, shape: Any, element: ET.Element, path: tuple[str, ...]) -> Any:
        if shape.type_name == "structure":
            return self.structure(shape, element, path)
        if shape.type_name == "list":
            item = shape.member.serialization.get("name", "member")
            self.problems += [
                Problem("unknown", (*path, _local(child)), shape.name) for child in element if _local(child) != item
            ]
            return [self._value(shape.member, child, path) for child in element if _local(child) == item]
        return from_text(shape, element.text or "")
