"""What follows of a single answer of AWS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from dynamo_assets.doctor import expiry, history, stack
from dynamo_assets.doctor.finding import Finding, ok, problem, warning
from dynamo_assets.doctor.inquiry import Inquiry, UntoldError, examined
from dynamo_assets.doctor.recovery import examine_recovery
from dynamo_assets.doctor.report import Report
from dynamo_assets.doctor.role import GLUE, may_be_assumed_by
from dynamo_assets.doctor.table_options import examine_settings
from dynamo_assets.errors import PlanError
from tests.doctor.cases import settings, table

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("", "ok"),
        ("UPDATE_ROLLBACK_COMPLETE", "warning"),
        ("UPDATE_IN_PROGRESS", "warning"),
        ("ROLLBACK_COMPLETE", "problem"),
        ("UPDATE_ROLLBACK_FAILED", "problem"),
    ],
)
def test_a_stacks_state_says_whether_its_last_change_went_well(status: str, level: str) -> None:
    assert stack.judged("s", status).level == level


def test_time_to_live_must_be_by_the_attribute_that_the_view_goes_by() -> None:
    by = {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    off = {"TimeToLiveStatus": "DISABLED", "AttributeName": "expires"}
    assert expiry.judged(table(ttl_attribute="expires"), by).level == "ok"
    assert expiry.judged(table(), by).level == "ok"
    assert expiry.judged(table(ttl_attribute="expiry"), by).advice == "Set ttl_attribute to expires"
    assert expiry.judged(table(ttl_attribute="expires"), off).level == "warning"
    assert expiry.judged(table(ttl_attribute="expires"), {}).level == "warning"


def test_a_trust_policy_must_name_glue() -> None:
    def trust(**changes: Any) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": GLUE}, "Action": "sts:AssumeRole"}
        return {"Statement": [{**statement, **changes}]}

    assert may_be_assumed_by(GLUE, trust())
    assert may_be_assumed_by(GLUE, trust(Principal={"Service": ["ec2.amazonaws.com", GLUE]}, Action=["sts:*"]))
    assert not may_be_assumed_by(GLUE, trust(Effect="Deny"))
    assert not may_be_assumed_by(GLUE, trust(Principal={"Service": "ec2.amazonaws.com"}))
    assert not may_be_assumed_by(GLUE, trust(Action="sts:TagSession"))
    assert not may_be_assumed_by(GLUE, {})


def _recovery(earliest: datetime | None, interval: timedelta = DAY, **entry: Any) -> list[str]:
    return [finding.level for finding in examine_recovery(table(**entry), earliest, interval, None)]


def test_recovery_must_be_on_for_native_exports_and_changes_have_their_limits() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    chain = {"engine": "point_in_time", "point_in_time": {"full_every": "0 3 * * 0"}}
    assert _recovery(None, engine="point_in_time") == ["problem"]
    assert _recovery(None, engine="auto") == ["ok"]
    assert _recovery(now, engine="point_in_time") == ["ok"]
    assert _recovery(now, **chain) == ["ok"]
    assert _recovery(now, timedelta(days=8), **chain) == ["ok", "warning"]
    assert _recovery(now, timedelta(minutes=5), **chain) == ["ok", "warning"]


def test_retention_says_what_is_kept_beyond_it() -> None:
    def level(interval: timedelta = DAY, **entry: Any) -> str:
        [finding] = history.examine_retention(table(**entry), interval)
        return finding.level

    assert level() == "ok"
    assert level(retention={"keep_last": 3}, keep_views=3) == "ok"
    assert level(retention={"keep_last": 2}, keep_views=3) == "warning"
    chain = {"engine": "point_in_time", "point_in_time": {"full_every": "0 3 1 * *"}}
    assert level(7 * DAY, retention={"keep_days": 3}, **chain) == "warning"
    assert level(7 * DAY, retention={"keep_days": 30}, **chain) == "ok"


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetThing")


def test_what_cannot_be_examined_is_a_finding_and_ends_only_that_examination() -> None:
    inquiry = Inquiry()

    def look(error: Exception, missing: tuple[str, ...] = ()) -> list[Finding]:
        def fail() -> None:
            raise error

        def examination():
            yield ok("a", "begun")
            yield ok("a", f"found {inquiry.ask('x:GetThing', fail, missing)}")

        return list(examined("a", examination(), "Orders"))

    assert [each.level for each in look(_refusal("AccessDeniedException"))] == ["ok", "unknown"]
    assert inquiry.denied == {"x:GetThing"}
    assert "AWS denied GetThing" in look(_refusal("AccessDenied"))[1].found
    assert look(EndpointConnectionError(endpoint_url="https://x"))[1].level == "unknown"
    assert look(_refusal("NoSuchThing"), ("NoSuchThing",))[1].found == "found None"
    told = look(PlanError("Orders: it is ARCHIVED; export it once it is ACTIVE"))[1]
    assert (told.level, told.found, told.advice, told.table) == (
        "problem",
        "it is ARCHIVED",
        "Export it once it is ACTIVE",
        "Orders",
    )
    with pytest.raises(UntoldError):
        inquiry.ask("x:GetThing", lambda: look_up(_refusal("Throttling")))


def look_up(error: Exception) -> None:
    raise error


def test_the_worst_stands_first_and_only_a_problem_fails() -> None:
    report = Report("1", "r", "me", (ok("a", "fine"), warning("b", "so so", "mend", "Orders")))
    assert (report.exit_code(), report.exit_code(strict=True)) == (0, 1)
    lines = list(report.lines())
    assert lines[0] == "WARNING  Orders  b  so so"
    assert lines[1].strip() == "-> mend"
    assert lines[2].startswith("OK       -       a  fine")
    assert lines[-1] == "0 problem(s), 1 warning(s), 0 unknown, 1 ok"
    bad = Report("1", "r", "me", (*report.findings, problem("c", "broken", "mend")))
    assert bad.exit_code() == 1
    assert bad.document()["counts"] == {"problem": 1, "warning": 1, "unknown": 0, "ok": 1}
    assert bad.document()["findings"][1] == {
        "table": "Orders",
        "subject": "b",
        "level": "warning",
        "found": "so so",
        "advice": "mend",
    }


def test_what_an_export_would_refuse_or_pass_over_is_told_from_the_settings() -> None:
    chain = {"engine": "point_in_time", "point_in_time": {"full_every": "0 3 * * 0"}}

    def levels(**entry: Any) -> list[str]:
        one = table(**entry)
        return [finding.level for finding in examine_settings(settings(one), one)]

    assert levels() == []
    assert levels(columns={"price": "money"}) == ["problem"]
    assert levels(**chain) == []
    assert levels(format="json", **chain) == ["warning"]
    assert levels(format="json", point_in_time=chain["point_in_time"]) == [], "engine glue has no chain"
