from __future__ import annotations

import threading
from typing import Any

import pytest

from dynamo_assets.assets.table_sets import together
from dynamo_assets.assets.table_sets.together import alone
from dynamo_assets.naming import Layout
from dynamo_assets.sandbox.endpoint import Endpoint


def test_two_runs_move_a_set_one_after_the_other(aws: Endpoint, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3: Any = aws.client("s3")
    layout, told, order = Layout(bucket), threading.Event(), []
    monkeypatch.setattr(together, "pause", lambda _: told.wait(0.05))

    def tell(line: str) -> None:
        order.append(line)
        told.set()

    def second() -> None:
        with alone(s3, layout, "shop", attempt="second", log=tell):
            order.append("second moves")

    with alone(s3, layout, "shop", attempt="first", log=order.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert told.wait(30)
        order.append("first moves")
    thread.join(30)

    assert "holds the views of set shop" in order[0]
    assert order[1:] == ["first moves", "second moves"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket), "both gave it back"


def test_a_failure_gives_the_set_back(aws: Endpoint, bucket: str) -> None:
    s3: Any = aws.client("s3")
    with pytest.raises(KeyboardInterrupt), alone(s3, Layout(bucket), "shop", attempt="first", log=print):
        raise KeyboardInterrupt
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
