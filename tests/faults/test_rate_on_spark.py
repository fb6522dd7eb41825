"""Units on Spark's executors, each in a process of its own, keep one rate together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import glue_scripts
from tests.faults.read_rate import ReadRate
from tests.faults.trials import Trial

SCRIPT = Path(glue_scripts.__path__[0], "export_table.py")
RATE = 150.0


def test_executors_together_keep_the_rate_and_use_it(trial: Trial) -> None:
    trial.proxy.behaviour = measured = ReadRate()
    made = trial.exports(trial.corpus, segments=6, max_read_units=RATE)
    arguments = [text for pair in made.request.to_arguments().items() for text in pair]
    environment = {
        **os.environ,
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": "--master local[3] pyspark-shell",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.read(made.manifest()).rows == trial.quiet_snapshot(made.request).rows
    measured.assert_kept(RATE)
    segments = [r.parameters["Segment"] for r in trial.proxy.requests if r.operation == "dynamodb.Scan"]
    assert segments != sorted(segments), "one after another they would keep it anyway"
