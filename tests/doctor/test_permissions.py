"""What IAM's simulation says, read and told."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.doctor.examination import with_evidence
from dynamo_assets.doctor.finding import problem, unknown
from dynamo_assets.doctor.inquiry import Inquiry
from dynamo_assets.doctor.need import Need
from dynamo_assets.doctor.permissions import judged, read

NEED = Need("runs", ("s3:GetObject", "s3:PutObject"), ("arn:a", "arn:b"))


def _result(action: str, decision: str, specific: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    listed = [
        {"EvalResourceName": name, "EvalResourceDecision": verdict, **more}
        for name, verdict in (specific or {}).items()
    ]
    return {"EvalActionName": action, "EvalDecision": decision, "ResourceSpecificResults": listed, **more}


def _told(*results: dict[str, Any], need: Need = NEED) -> list[tuple[str, str]]:
    return [(each.level, each.found) for each in judged("permissions", "me", need, read(results, need))]


def test_each_resource_has_a_verdict_of_its_own() -> None:
    refused = _told(
        _result("s3:GetObject", "allowed", {"arn:a": "allowed", "arn:b": "allowed"}),
        _result("s3:PutObject", "implicitDeny", {"arn:a": "allowed", "arn:b": "implicitDeny"}),
    )
    assert refused == [("problem", "me may not do what is needed for runs: s3:PutObject on arn:b; no policy allows it")]


def test_of_a_single_resource_the_answer_may_be_the_actions_own() -> None:
    single = Need("runs", ("s3:GetObject",), ("arn:a",))
    assert _told(_result("s3:GetObject", "allowed"), need=single) == []
    assert len(_told(_result("s3:GetObject", "implicitDeny"), need=single)) == 1


def test_what_iam_does_not_speak_of_is_not_allowed() -> None:
    [(level, found)] = _told(_result("s3:GetObject", "allowed", {"arn:a": "allowed", "arn:b": "allowed"}))
    assert (level, "s3:PutObject on arn:a, arn:b" in found) == ("problem", True)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}}, "service control policy"),
        ({"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}}, "permissions boundary"),
        ({"MatchedStatements": [{"SourcePolicyId": "NoWrites"}]}, "denied by NoWrites"),
    ],
)
def test_it_is_said_who_refuses(more: dict[str, Any], why: str) -> None:
    denied = {"arn:a": "explicitDeny", "arn:b": "explicitDeny"}
    [(level, found)] = _told(*(_result(action, "explicitDeny", denied, **more) for action in NEED.actions))
    assert level == "problem"
    assert why in found
    assert "s3:GetObject, s3:PutObject on arn:a, arn:b" in found


def test_a_key_may_be_allowed_by_its_own_policy() -> None:
    of_key = Need("encrypted files", ("kms:Decrypt",), ("arn:key",), elsewhere="the key")
    [(level, found)] = _told(_result("kms:Decrypt", "implicitDeny"), need=of_key)
    assert (level, found.endswith("unless the policy of the key itself does")) == ("warning", True)
    denied = _result("kms:Decrypt", "explicitDeny", MatchedStatements=[{"SourcePolicyId": "No"}])
    assert [level for level, _ in _told(denied, need=of_key)] == ["problem"], "which no other policy undoes"


def test_what_depends_on_the_circumstances_of_a_call_is_unknown() -> None:
    denied = {"arn:a": "implicitDeny", "arn:b": "allowed"}
    [(level, found)] = _told(
        _result("s3:GetObject", "implicitDeny", denied, MissingContextValues=["aws:SourceVpce"]),
        _result("s3:PutObject", "allowed", {"arn:a": "allowed", "arn:b": "allowed"}),
    )
    assert (level, "depends on aws:SourceVpce" in found) == ("unknown", True)


def test_where_iam_says_nothing_the_calls_that_were_made_are_evidence() -> None:
    untold, needed = [unknown("permissions", "nobody knows", "ask")], {"s3:ListBucket", "glue:GetTable"}
    [good] = with_evidence(untold, needed, Inquiry({"s3:ListBucket", "iam:GetRole"}, set()))
    assert good.found == "nobody knows. These credentials were allowed, just now: s3:ListBucket"
    [_, bad] = with_evidence(untold, needed, Inquiry({"s3:ListBucket"}, {"glue:GetTable", "iam:GetRole"}))
    assert (bad.level, bad.found.rpartition(": ")[2]) == ("problem", "glue:GetTable")
    told = [problem("permissions", "it may not", "allow it")]
    assert list(with_evidence(told, needed, Inquiry(set(), {"glue:GetTable"}))) == told
