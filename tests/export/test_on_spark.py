"""What ends a unit on an executor is what the Glue run says."""

from __future__ import annotations

from typing import Any

import pytest

from dynamo_assets.errors import ConversionError, ExportError
from dynamo_assets.export import on_spark
from dynamo_assets.export.remote_supervision import serve_supervisor
from dynamo_assets.export.supervision import Supervisor


class Free(Supervisor):
    def progress(self, items: int) -> None:
        pass

    def reserve(self, units: float, correction: float = 0.0) -> float:
        return 0.0


class JavaError(Exception):
    """What Spark raises on the driver: the executor's traceback, as text among other text."""

    def __init__(self, text: str):
        super().__init__(text)
        self.java_exception = self

    def getMessage(self) -> str:  # noqa: N802 - Java's name
        return (
            f"Job aborted due to stage failure.\nTraceback (most recent call last):\n  File ...\n{self}\n\nDriver stack"
        )


def reason(work: Any, address: tuple[str, int]) -> Exception:
    with pytest.raises(RuntimeError) as raised:
        on_spark._run(work, address, 7)
    error: Any = JavaError(f"RuntimeError: {raised.value}")
    return on_spark._reason(error)


def fails(task: int, supervisor: Supervisor) -> None:
    supervisor.reserve(1.0)
    raise ConversionError(f'task {task}: "x" is not\na number')


def breaks(task: int, supervisor: Supervisor) -> None:
    raise MemoryError("no more")


def test_an_error_of_ours_is_the_same_error_on_the_driver() -> None:
    with serve_supervisor(Free(), "127.0.0.1") as address:
        error = reason(fails, address)
    assert type(error) is ConversionError
    assert str(error) == 'task 7: "x" is not\na number'


def test_any_other_error_is_named() -> None:
    with serve_supervisor(Free(), "127.0.0.1") as address:
        error = reason(breaks, address)
    assert type(error) is ExportError
    assert str(error) == "MemoryError: no more"


def test_an_executor_that_lost_the_driver_says_so() -> None:
    with serve_supervisor(Free(), "127.0.0.1") as address:
        pass
    error = reason(fails, address)
    assert type(error) is ExportError
    assert str(error).startswith(
        f"the executor cannot reach the driver at 127.0.0.1:{address[1]}, which keeps the read"
    )


def test_what_is_no_unit_s_error_is_spark_s() -> None:
    error: Any = JavaError("Executor lost")
    assert str(on_spark._reason(error)).startswith("Spark could not run the units: Job aborted")
