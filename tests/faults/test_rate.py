"""All segments and threads together keep the rate, whatever is lost on the way, and make use of it."""

from __future__ import annotations

import json
from dataclasses import replace

from dynamo_assets.export import InProcess, run_export
from tests.faults.catalogue import answer_lost, body_cut_short
from tests.faults.plans import in_turn
from tests.faults.proxy import Exchange
from tests.faults.read_rate import ReadRate
from tests.faults.trials import Trial

RATE = 150.0


def test_segments_and_threads_together_keep_the_rate_and_use_it(trial: Trial) -> None:
    trial.proxy.behaviour = measured = ReadRate()
    made = trial.exports(trial.corpus, segments=12, max_read_units=RATE)
    manifest = run_export(made.request, InProcess(8))
    assert measured.consumed() == manifest.read["read_units"]
    assert measured.consumed() > 4 * RATE
    measured.assert_kept(RATE)


def test_what_was_read_and_lost_on_the_way_counts(trial: Trial) -> None:
    """Every page is read three times until it arrives."""
    rate = 3 * RATE
    trial.proxy.behaviour = measured = ReadRate(in_turn([answer_lost, body_cut_short], ["dynamodb.Scan"], each=2))
    made = trial.exports(trial.corpus, segments=6, max_read_units=rate)
    manifest = run_export(made.request, InProcess(4))
    assert measured.consumed() == 3 * manifest.read["read_units"]
    measured.assert_kept(rate)


def test_a_table_that_dynamodb_has_not_counted_yet_is_read_at_the_rate_too(trial: Trial) -> None:
    """It counts every six hours; until then a new table has no items and no bytes."""
    measured = ReadRate()

    def behave(exchange: Exchange) -> None:
        if exchange.request.operation != "dynamodb.DescribeTable":
            measured(exchange)
            return
        answer = exchange.forward()
        described = json.loads(answer.body)
        described["Table"] |= {"ItemCount": 0, "TableSizeBytes": 0}
        body = json.dumps(described).encode()
        headers = [(name, value) for name, value in answer.headers if name.lower() != "x-amz-crc32"]
        exchange.send(replace(answer, headers=headers, body=body))

    trial.proxy.behaviour = behave
    made = trial.exports(trial.corpus, segments=6, max_read_units=RATE)
    run_export(made.request, InProcess(6))
    measured.assert_kept(RATE)
