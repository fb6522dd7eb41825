"""Which of AWS's actions each access key has used, as an IAM policy would name them.

The sandbox checks no permissions; with this a test can say which would have been needed.

    curl "$AWS_ENDPOINT_URL/moto-api/sandbox/traffic?key=$AWS_ACCESS_KEY_ID"

A POST forgets what is known of the key. Glue runs have a key of their own, as they have a role of their own on AWS;
what is asked with a role's credentials is known by its ARN, too.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from dynamo_assets.sandbox.accounts.identities import identity_of
from dynamo_assets.sandbox.endpoint import Endpoint

PATH = "/moto-api/sandbox/traffic"
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")
"""In a signed request's header: the access key's ID, and the service that it is signed for."""
_PREFIXES = {"monitoring": "cloudwatch"}
"""IAM's prefix of a service, where it is not the name that requests are signed for."""

# Service authorization reference, Amazon S3: the action for each operation, here by method and subresource.
_OF_BUCKETS = {
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("GET", "location"): "GetBucketLocation",
    ("GET", "versioning"): "GetBucketVersioning",
    ("GET", "encryption"): "GetEncryptionConfiguration",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("POST", "delete"): "DeleteObject",
}
_OF_OBJECTS = {
    ("GET", ""): "GetObject",
    ("HEAD", ""): "GetObject",
    ("PUT", ""): "PutObject",
    ("POST", "uploads"): "PutObject",
    ("PUT", "uploadId"): "PutObject",
    ("POST", "uploadId"): "PutObject",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", ""): "DeleteObject",
}
_SUBRESOURCES = (
    "location", "versioning", "versions", "uploads", "uploadId", "delete", "acl", "tagging", "policy", "encryption",
    "publicAccessBlock", "ownershipControls", "lifecycle",
)  # fmt: skip


class Traffic:
    """What has been used, by access key."""

    def __init__(self) -> None:
        self._actions: dict[str, set[str]] = {}

    def note(self, request: Mapping[str, Any]) -> None:
        """Takes down a request, given as WSGI has it."""
        signed = CREDENTIAL.search(request.get("HTTP_AUTHORIZATION", ""))
        if signed:
            actions = _actions(signed[2], request)
            self._actions.setdefault(signed[1], set()).update(actions)
            if role := identity_of(signed[1]).role_arn:
                self._actions.setdefault(role, set()).update(actions)

    def serve(self, request: Any, _url: str, _headers: Any) -> tuple[int, dict[str, str], str]:
        """Answers the route above."""
        key = request.args.get("key", "")
        if request.method == "POST":
            self._actions.pop(key, None)
        return 200, {"Content-Type": "application/json"}, json.dumps(sorted(self._actions.get(key, ())))


traffic = Traffic()


def _actions(service: str, request: Mapping[str, Any]) -> set[str]:
    if service == "s3":
        return {f"s3:{name}" for name in _s3_actions(request)}
    target = request.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not target:  # the query protocol
        body = request["wsgi.input"].getvalue().decode(errors="replace")
        target = urllib.parse.parse_qs(body).get("Action", [f"{request['REQUEST_METHOD']} {request['PATH_INFO']}"])[0]
    return {f"{_PREFIXES.get(service, service)}:{target}"}


def _s3_actions(request: Mapping[str, Any]) -> set[str]:
    method = request["REQUEST_METHOD"]
    given = urllib.parse.parse_qs(request.get("QUERY_STRING", ""), keep_blank_values=True)
    subresource = next((name for name in _SUBRESOURCES if name in given), "")
    _, _, key = request["PATH_INFO"].lstrip("/").partition("/")
    # What is not in these tables stands here as it came, and is in no policy.
    name = (_OF_OBJECTS if key else _OF_BUCKETS).get((method, subresource), f"{method}?{subresource}")
    found = {name}
    if "HTTP_X_AMZ_COPY_SOURCE" in request:
        found.add("GetObject")
    if "HTTP_X_AMZ_ACL" in request:
        found.add("PutObjectAcl")
    return found


def used_actions(endpoint: Endpoint, key: str, *, forget: bool = False) -> set[str]:
    """Which actions an access key has used of a running sandbox.

    Args:
        endpoint: The sandbox.
        key: The access key ID, or the ARN of a role that is assumed.
        forget: Begin anew; then there are none.
    """
    url = f"{endpoint.url}{PATH}?key={urllib.parse.quote(key)}"
    with urllib.request.urlopen(url, data=b"" if forget else None, timeout=30) as answer:  # noqa: S310 - the sandbox's own address
        return set(json.load(answer))
