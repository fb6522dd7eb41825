"""Errors in the shape that Glue gives them."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class GlueError(ServiceException):
    """What boto3 raises as the modelled exception of that code, `Message` included.

    A class of our own because moto looks for the models of an error's shape by the module of its class.

    Args:
        code: Such as `EntityNotFoundException`.
        message: What happened.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def invalid(message: str) -> GlueError:
    """The error that Glue answers a bad request with."""
    return GlueError("InvalidInputException", message)
