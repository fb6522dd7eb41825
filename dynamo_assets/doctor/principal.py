"""Whose policies answer for a caller."""

from __future__ import annotations

from dynamo_assets.doctor.case import Case
from dynamo_assets.doctor.inquiry import UntoldError

NO_SUCH_ENTITY = frozenset({"NoSuchEntity"})


def principal_of(case: Case, caller: str) -> str:
    """The ARN of the role or user that IAM can simulate for a caller.

    A session of a role has an ARN of its own, from which the role's path is missing.

    Args:
        case: The case.
        caller: As GetCallerIdentity names it, or a role or user as IAM names it.

    Raises:
        UntoldError: IAM knows none; says why.
    """
    kind, account = parsed(caller)
    if account != case.place.account:
        raise UntoldError(
            f"{caller} is of account {account}, and IAM simulates only what is of the caller's own",
            "Run the doctor in that account, or look at its policies by hand",
        )
    match kind.partition("/")[0]:
        case "user" | "role" if ":iam:" in caller:
            return caller
        case "assumed-role":
            return _role(case, kind.split("/")[1])
        case "root":
            raise UntoldError(
                "these are the account's root credentials, which may do everything and which IAM does not simulate",
                "Run Dagster as a role, and name it: --principal arn:aws:iam::...:role/...",
            )
        case _:
            raise UntoldError(
                f"{caller} is neither a role nor a user, so IAM does not simulate what it may do",
                "Name the role of Dagster's processes: --principal arn:aws:iam::...:role/...",
            )


def parsed(arn: str) -> tuple[str, str]:
    """The resource of an ARN, and its account."""
    parts = arn.split(":", 5)
    return (parts[5], parts[4]) if len(parts) == 6 else ("", "")


def _role(case: Case, name: str) -> str:
    known = case.inquiry.ask("iam:GetRole", lambda: case.aws.iam.get_role(RoleName=name), NO_SUCH_ENTITY)
    if known is None:
        raise UntoldError(f"IAM knows no role {name}, although there is a session of it", "Run the doctor again")
    return known["Role"]["Arn"]
