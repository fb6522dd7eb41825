"""As much of S3 as exports, peers and checks use, with the objects in memory. What it does not do it refuses."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from threading import Lock
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_PAGE_KEYS = 1000


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        method: In capitals.
        bucket: From the path, whose first part it is.
        key: The rest of the path; may be empty.
        query: Parameters without a value have an empty one.
        headers: Names in lower case.
        body: Decoded, whatever its transfer encoding was.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """One HTTP response."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes | memoryview = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def _xml(root: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} {_NAMESPACE}>{content}</{root}>'.encode()


def _error(status: HTTPStatus, code: str) -> Response:
    return Response(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())


def _texts(body: bytes, name: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(body).iter() if node.tag.rpartition("}")[2] == name]


def _etag(body: bytes) -> str:
    # Clients take an ETag for what it is, so it need not be an MD5, which would cost the server time.
    return f'"{zlib.crc32(body):08x}-{len(body)}"'


@dataclass(frozen=True)
class _Object:
    body: bytes
    etag: str
    modified: datetime

    @classmethod
    def now(cls, body: bytes) -> _Object:
        # S3 keeps no fractions of a second.
        return cls(body, _etag(body), datetime.now(UTC).replace(microsecond=0))


@dataclass
class Buckets:
    """Every bucket there could be: it exists as soon as it is named."""

    _objects: dict[tuple[str, str], _Object] = field(default_factory=dict)
    _uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _serial: itertools.count[int] = field(default_factory=itertools.count)
    _lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request) -> Response:
        """Answers one request."""
        with self._lock:
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        query, headers = request.query.keys(), request.headers.keys()
        match request.method:
            case "PUT" if request.key and not headers & {"x-amz-copy-source"}:
                return self._put(request)
            case "GET" | "HEAD" if request.key and not query - {"x-id"}:
                return self._get(request)
            case "GET" if request.query.get("list-type") == "2" and not request.query.get("delimiter"):
                return self._list(request)
            case "POST" if query & {"uploads", "uploadId", "delete"}:
                return self._post(request)
            case "DELETE" if request.key:
                return self._delete(request)
        return _error(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented")

    def _put(self, request: Request) -> Response:
        if upload := request.query.get("uploadId"):
            self._uploads[upload][int(request.query["partNumber"])] = request.body
            return Response(headers={"ETag": _etag(request.body)})
        present = self._objects.get((request.bucket, request.key))
        wanted = request.headers.get("if-match")
        if wanted and not present:
            return _error(HTTPStatus.NOT_FOUND, "NoSuchKey")
        if present and (request.headers.get("if-none-match") == "*" or wanted not in {None, present.etag}):
            return _error(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        written = self._objects[request.bucket, request.key] = _Object.now(request.body)
        return Response(headers={"ETag": written.etag})

    def _get(self, request: Request) -> Response:
        present = self._objects.get((request.bucket, request.key))
        if present is None:
            return _error(HTTPStatus.NOT_FOUND, "NoSuchKey")
        if "if-match" in request.headers and request.headers["if-match"] != present.etag:
            return _error(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        body, modified = present.body, format_datetime(present.modified, usegmt=True)
        headers = {"ETag": present.etag, "Accept-Ranges": "bytes", "Last-Modified": modified}
        if not (wanted := request.headers.get("range")):
            return Response(body=body, headers=headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, len(body) - int(last))
        end = min(int(last) + 1, len(body)) if first and last else len(body)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        return Response(HTTPStatus.PARTIAL_CONTENT, memoryview(body)[start:end], headers)

    def _list(self, request: Request) -> Response:
        prefix = request.query.get("prefix", "")
        after = max(request.query.get("start-after", ""), request.query.get("continuation-token", ""))
        found = sorted(
            (key, present)
            for (bucket, key), present in self._objects.items()
            if bucket == request.bucket and key.startswith(prefix) and key > after
        )
        most = int(request.query.get("max-keys", _PAGE_KEYS))
        page, more = found[:most], len(found) > most
        # Where the client asks for it, keys come percent-encoded; these hold nothing that XML cannot, and a client
        # decodes only what says that it is encoded.
        content = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(present.body)}</Size>"
            f"<LastModified>{present.modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
            for key, present in page
        )
        token = f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>" if more else ""
        counts = f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        return Response(body=_xml("ListBucketResult", counts + token + content))

    def _post(self, request: Request) -> Response:
        if "uploads" in request.query:
            upload = f"upload-{next(self._serial)}"
            self._uploads[upload] = {}
            return Response(body=_xml("InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>"))
        if "delete" in request.query:
            for key in _texts(request.body, "Key"):
                self._objects.pop((request.bucket, key), None)
            return Response(body=_xml("DeleteResult", ""))
        parts = self._uploads.pop(request.query["uploadId"])
        body = b"".join(parts[int(number)] for number in _texts(request.body, "PartNumber"))
        written = self._objects[request.bucket, request.key] = _Object.now(body)
        return Response(body=_xml("CompleteMultipartUploadResult", f"<ETag>{escape(written.etag)}</ETag>"))

    def _delete(self, request: Request) -> Response:
        if upload := request.query.get("uploadId"):
            self._uploads.pop(upload, None)
        else:
            self._objects.pop((request.bucket, request.key), None)
        return Response(HTTPStatus.NO_CONTENT)
