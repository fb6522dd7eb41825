"""How CloudFormation says that something is wrong: with a request, or with a resource."""

from __future__ import annotations

from moto.cloudformation.exceptions import ValidationError  # moto finds the service by the class


class TemplateError(Exception):
    """A template or its parameters are wrong; the request is refused."""


class ResourceError(Exception):
    """A resource could not be made, changed or deleted; its event has this text as its reason."""


def refused(message: str) -> ValidationError:
    """A request that CloudFormation answers with a ValidationError."""
    return ValidationError(message=message)
