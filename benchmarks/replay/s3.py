"""As much of S3 as exports, peers and checks use, with the objects in memory. What it does not do it refuses."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass
class Buckets:
    """Every bucket there could be: it exists as soon as it is named."""

    _objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
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
            case "PUT" if request.key and not headers & {"x-amz-copy-source", "if-match"}:
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
        elif request.headers.get("if-none-match") == "*" and (request.bucket, request.key) in self._objects:
            return _error(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
        else:
            self._objects[request.bucket, request.key] = request.body
        return Response(headers={"ETag": _etag(request.body)})

    def _get(self, request: Request) -> Response:
        body = self._objects.get((request.bucket, request.key))
        if body is None:
            return _error(HTTPStatus.NOT_FOUND, "NoSuchKey")
        headers = {"ETag": _etag(body), "Accept-Ranges": "bytes", "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"}
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
        keys = sorted(
            key for bucket, key in self._objects if bucket == request.bucket and key.startswith(prefix) and key > after
        )
        most = int(request.query.get("max-keys", _PAGE_KEYS))
        page, more = keys[:most], len(keys) > most
        # Where the client asks for it, keys come percent-encoded; these hold nothing that XML cannot, and a client
        # decodes only what says that it is encoded.
        content = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self._objects[request.bucket, key])}</Size>"
            f"<LastModified>2026-11-23T10:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
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
        self._objects[request.bucket, request.key] = body
        return Response(body=_xml("CompleteMultipartUploadResult", f"<ETag>{escape(_etag(body))}</ETag>"))

    def _delete(self, request: Request) -> Response:
        if upload := request.query.get("uploadId"):
            self._uploads.pop(upload, None)
        else:
            self._objects.pop((request.bucket, request.key), None)
        return Response(HTTPStatus.NO_CONTENT)
