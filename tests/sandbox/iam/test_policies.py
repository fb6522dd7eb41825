"""Policy documents, evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.sandbox.iam.policies import (
    ALLOWED,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    Call,
    Document,
    UnknownElementError,
    decide,
)

BUCKET = "arn:aws:s3:::exports"


def _verdict(action: str, resource: str, *statements: dict[str, Any], **context: str) -> str:
    document = Document.of("one", "role", {"Statement": list(statements)})
    keys = {key.replace("__", ":"): (value,) for key, value in context.items()}
    return decide([document], Call(action, resource, keys)).verdict


def _allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_what_nobody_allows_is_refused_and_a_refusal_beats_every_permission() -> None:
    allowed = _allow(["s3:Get*", "S3:putobject"], f"{BUCKET}/*")
    denied = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": f"{BUCKET}/_glue/*"}
    assert _verdict("s3:GetObject", f"{BUCKET}/a", allowed, denied) == ALLOWED
    assert _verdict("s3:PutObject", f"{BUCKET}/a", allowed, denied) == ALLOWED, "an action's case does not matter"
    assert _verdict("s3:PutObject", f"{BUCKET}/_glue/a", allowed, denied) == EXPLICIT_DENY
    assert _verdict("s3:PutObject", f"{BUCKET}/_glue/a", denied, allowed) == EXPLICIT_DENY
    assert _verdict("s3:GetObject", "arn:aws:s3:::Exports/a", allowed) == IMPLICIT_DENY, "a resource's does"
    assert _verdict("s3:DeleteObject", f"{BUCKET}/a", allowed, denied) == IMPLICIT_DENY


def test_wildcards_are_star_and_question_mark_and_nothing_else() -> None:
    assert _verdict("a:B", "x[1]", _allow("a:?", "x[1]")) == ALLOWED
    assert _verdict("a:B", "x1", _allow("a:?", "x[1]")) == IMPLICIT_DENY
    assert _verdict("a:B", "x.", _allow("a:B", "x?")) == ALLOWED
    assert _verdict("a:B", "xyz", _allow("a:B", "x.z")) == IMPLICIT_DENY
    assert _verdict("a:B", "x", {"Effect": "Allow", "NotAction": "a:C", "NotResource": "y"}) == ALLOWED
    assert _verdict("a:C", "x", {"Effect": "Allow", "NotAction": "a:C", "Resource": "*"}) == IMPLICIT_DENY


def test_conditions_hold_all_or_the_statement_does_not_count() -> None:
    glue = {"StringEquals": {"iam:PassedToService": ["glue.amazonaws.com", "other"]}}
    passes = _allow("iam:PassRole", Condition=glue)
    assert _verdict("iam:PassRole", "r", passes, iam__passedtoservice="glue.amazonaws.com") == ALLOWED
    assert _verdict("iam:PassRole", "r", passes, iam__passedtoservice="ec2.amazonaws.com") == IMPLICIT_DENY
    over_tls = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": False}}}
    assert _verdict("a:B", "r", _allow("*"), over_tls, aws__securetransport="false") == EXPLICIT_DENY
    both = _allow("a:B", Condition={"StringLike": {"k": "x*"}, "StringEquals": {"l": "1"}})
    assert _verdict("a:B", "r", both, k="xy", l="1") == ALLOWED
    assert _verdict("a:B", "r", both, k="xy", l="2") == IMPLICIT_DENY


def test_a_condition_key_that_is_not_given_is_named() -> None:
    document = Document.of("one", "role", {"Statement": _allow("a:B", Condition={"Bool": {"aws:X": "true"}})})
    decision = decide([document], Call("a:B", "r", {}))
    assert (decision.verdict, decision.missing) == (IMPLICIT_DENY, {"aws:X"})


@pytest.mark.parametrize(
    "statement",
    [
        _allow("a:B", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        _allow("a:B", "arn:aws:s3:::${aws:username}"),
        _allow("a:B", Principal="*"),
    ],
    ids=["operator", "variable", "element"],
)
def test_what_is_not_understood_is_refused(statement: dict[str, Any]) -> None:
    with pytest.raises(UnknownElementError):
        _verdict("a:B", "r", statement)
