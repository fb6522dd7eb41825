"""Asking AWS: what is refused is remembered and told, and stops one examination only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from dynamo_assets.aws.refusals import Refusal
from dynamo_assets.doctor.finding import Finding, problem, unknown
from dynamo_assets.errors import DynamoAssetsError

T = TypeVar("T")


class UntoldError(Exception):
    """AWS did not answer a question.

    Attributes:
        finding: What is to be said of it.
    """

    def __init__(self, found: str, advice: str):
        super().__init__(found)
        self.found = found
        self.advice = advice


@dataclass(frozen=True)
class Inquiry:
    """What AWS was asked, by IAM's names of the actions.

    Attributes:
        allowed: What it answered.
        denied: What it refused for want of a permission.
    """

    allowed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def ask(self, action: str, call: Callable[[], T], missing: Collection[str] = ()) -> T | None:
        """Asks.

        Args:
            action: What a policy must allow for it.
            call: Asks.
            missing: The codes by which the service says that there is no such thing.

        Returns:
            The answer; None where there is no such thing.

        Raises:
            UntoldError: There was no answer.
        """
        try:
            answer = call()
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in missing:
                self.allowed.add(action)
                return None
            refusal = Refusal.of(error)
            if refusal.denied:
                self.denied.add(action)
                raise UntoldError(
                    f"could not be examined: AWS denied {refusal.action}",
                    f"Allow {action} for whoever runs the doctor, or run it as somebody who may",
                ) from error
            raise UntoldError(f"could not be examined: {error}", "Mend that and run the doctor again") from error
        self.allowed.add(action)
        return answer


def examined(subject: str, examination: Iterable[Finding], table: str | None = None) -> Iterator[Finding]:
    """What an examination finds, up to where it cannot go on; that is a finding, too.

    Args:
        subject: What is examined.
        examination: Gives findings, and raises where it cannot go on.
        table: Whose it is.
    """
    try:
        yield from examination
    except UntoldError as error:
        yield unknown(subject, error.found, error.advice, table)
    except DynamoAssetsError as error:
        found, _, advice = str(error).removeprefix(f"{table}: ").partition("; ")
        yield problem(subject, found, advice[:1].upper() + advice[1:] or "Mend what it names", table)
