"""The CloudFormation stack, where `dynamo-assets deploy` has made one."""

from __future__ import annotations

from collections.abc import Iterator

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.finding import Finding, ok, problem, warning
from dynamo_assets.infrastructure.parameters import stack_name
from dynamo_assets.infrastructure.stack import Stack

STACK = "stack"
GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


def examine_stack(case: Case) -> Iterator[Finding]:
    """What state it is in. Whether what it made was changed by hand is seen where that is examined."""
    stack = Stack(case.aws.cloudformation, stack_name(case.settings))
    yield judged(stack.name, case.inquiry.ask("cloudformation:DescribeStacks", stack.status) or "")


def judged(name: str, status: str) -> Finding:
    """What a stack's status means."""
    if status in GOOD:
        return ok(STACK, f"{name} is {status}")
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warning(
            STACK,
            f"{name} is {status}: its last change failed, and everything is as it was before",
            "Run `dynamo-assets deploy`, which says why it fails",
        )
    if status in {"", "REVIEW_IN_PROGRESS"}:
        return ok(STACK, f"there is no stack {name}; what it would make is looked for all the same")
    if status.endswith("_IN_PROGRESS"):
        return warning(STACK, f"{name} is {status}", "Wait for its end, and run the doctor again")
    return problem(
        STACK,
        f"{name} is {status}",
        "Run `dynamo-assets deploy`; where it refuses, mend it in the CloudFormation console",
    )
