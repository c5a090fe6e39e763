"""Spark as a training holds it: a session that is there from the first fit to the end of the run, and no longer.

Nothing in here waits without a bound. A cluster that is not there, goes silent or dies ends in SparkFailed.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
from django.conf import settings

from cinema.processes import dying_with
from mlops.spark.errors import SparkFailed
from mlops.spark.exchange import Exchange, request
from mlops.spark.scratch import Scratch
from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig, Factors, Residuals

logger = logging.getLogger(__name__)

Say = Callable[[str], None]

CONNECT_SECONDS = 5.0
# A message is due every second; whoever listens looks up as often.
LOOK_SECONDS = 1.0
LEAVING_SECONDS = 15.0
LOG_LINES = 40

# What the driver is given of our environment: no key, no password of the database.
_GIVEN = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "PYTHONPATH"}
_GIVEN_PREFIXES = ("LC_", "JAVA_", "SPARK_", "PYSPARK_", "HADOOP_", "YARN_", "KUBE", "KRB5", "AWS_")


def missing() -> str:
    """What this machine lacks to speak to Spark, and what to do; nothing if nothing."""
    if find_spec("pyspark") is None or find_spec("pyarrow") is None:
        return "The engine spark needs pyspark and pyarrow: pip install -r requirements-spark.txt"
    home = os.environ.get("JAVA_HOME", "")
    if not shutil.which(str(Path(home) / "bin" / "java") if home else "java"):
        return "The engine spark needs Java 17 or newer: install a Java runtime, or set JAVA_HOME."
    return ""


class SparkCluster:
    """``with SparkCluster(say) as cluster``: its ``fit`` is the engine of ``alternating_least_squares``.

    ``say`` hears what is going on, every second; what it raises ends the fit, and Spark with it.
    """

    def __init__(self, say: Say, command: Sequence[str] | None = None) -> None:
        """``command`` replaces the driver in tests."""
        self._say = say
        self._command = command
        self._master: str = settings.SPARK_MASTER
        self._wait: float = settings.SPARK_WAIT_SECONDS
        self._scratch: Scratch | None = None
        self._exchange: Exchange | None = None
        self._driver: subprocess.Popen[str] | None = None
        self._jvm: psutil.Process | None = None
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._log = Path()
        self._fits = 0

    def __enter__(self) -> SparkCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(politely=kind is None)
        if self._exchange is not None:
            self._exchange.remove()
        if self._scratch is not None:
            self._scratch.remove()

    def fit(self, config: AlternatingLeastSquaresConfig, left: Residuals) -> Factors:
        """Starts Spark if this is the first. Raises SparkFailed."""
        self._fits += 1
        if self._driver is None:
            self.start()
        if self._exchange is None:
            self._exchange = self._open_exchange()
        assert self._driver is not None and self._driver.stdin is not None
        n = len(left.value)
        self._begin(f"writing {n:,} ratings")
        ratings, factors = self._exchange.write(left), f"factors-{self._fits}"
        doing = f"solving, {config.n_epochs} rounds"
        self._begin(doing)
        try:
            self._driver.stdin.write(json.dumps(request(self._exchange, ratings, factors, config, n)) + "\n")
            self._driver.stdin.flush()
        except OSError as error:
            raise self._failed("Spark ended between two fits.") from error
        self._listen("done", doing)
        self._begin("reading factors")
        found = self._exchange.read(factors, left, config.n_factors)
        self._exchange.forget(ratings, factors)
        return found

    def _open_exchange(self) -> Exchange:
        assert self._scratch is not None
        return Exchange(settings.SPARK_EXCHANGE or str(self._scratch.root), self._scratch.name)

    def _begin(self, doing: str) -> None:
        logger.info("fit %d: %s", self._fits, doing)
        self._tell(doing)

    def _tell(self, doing: str) -> None:
        self._say(f"Spark, fit {self._fits}: {doing}")

    def start(self) -> None:
        """Brings up driver and JVM, and returns when they are ready. Raises SparkFailed."""
        if self._command is None and (lacking := missing()):
            raise SparkFailed(lacking)
        self._say(f"Spark: reaching {self._master}"[:60])
        _reach(self._master)
        try:
            self._scratch = Scratch(Path(settings.VAR_DIR) / "spark")
            folder = self._scratch.path
            self._log = folder / "driver.log"
            with self._log.open("wb") as log:
                self._driver = subprocess.Popen(
                    self._command or _driver(self._master, folder, self._wait),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=settings.BASE_DIR,
                    env=_environment(self._master, folder),
                    text=True,
                    # In our group, which a supervisor ends as a whole, and not outliving us in any case.
                    preexec_fn=dying_with(os.getpid(), signal.SIGKILL),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise SparkFailed(f"Spark's driver could not be started ({type(error).__name__}).") from error
        threading.Thread(target=self._read, args=[self._driver], name="spark", daemon=True).start()
        message = self._listen("ready", "")
        with suppress(psutil.NoSuchProcess):
            self._jvm = psutil.Process(message["jvm"])
        logger.info("Spark %s at %s", message["ready"], self._master)

    def _read(self, driver: subprocess.Popen[str]) -> None:
        assert driver.stdout is not None
        with driver.stdout as lines:
            for line in lines:
                with suppress(ValueError):
                    self._messages.put(json.loads(line))
        self._messages.put(None)

    def _listen(self, wanted: str, doing: str) -> dict[str, Any]:
        """The first message that holds ``wanted``. Silence for as long as we are to wait is a failure."""
        heard = time.monotonic()
        while True:
            try:
                message = self._messages.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if time.monotonic() - heard > self._wait:
                    raise self._failed(
                        f"Spark at {self._master} has not answered for {self._wait:g} seconds."
                    ) from None
                # A chance to be told that the run was cancelled.
                self._tell(doing or "starting")
                continue
            heard = time.monotonic()
            if message is None:
                raise self._failed("Spark's driver ended without a word.")
            if "error" in message:
                raise self._failed(str(message["error"]))
            if wanted in message:
                return message
            self._tell(f"{doing}, {message['tasks']} tasks" if message.get("tasks") else doing)

    def _failed(self, text: str) -> SparkFailed:
        """Leaves the end of Spark's own account in the run's log."""
        with suppress(OSError):
            lines = self._log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            logger.warning("Spark's last words:\n%s", "\n".join(lines))
        return SparkFailed(text)

    def _end(self, *, politely: bool) -> None:
        """Afterwards neither driver nor JVM is there."""
        driver = self._driver
        if driver is None:
            return
        assert driver.stdin is not None
        if politely:
            with suppress(OSError):
                driver.stdin.close()  # the end of its requests
            with suppress(subprocess.TimeoutExpired):
                driver.wait(LEAVING_SECONDS)
        driver.kill()
        driver.wait()
        if self._jvm is not None:
            with suppress(psutil.Error):
                self._jvm.kill()
                self._jvm.wait(LEAVING_SECONDS)
        with suppress(OSError):
            driver.stdin.close()


def _driver(master: str, folder: Path, wait: float) -> list[str]:
    return [sys.executable, "-m", "mlops.spark.driver", master, str(folder), str(wait)]


def _environment(master: str, folder: Path) -> dict[str, str]:
    given = {
        name: value
        for name, value in os.environ.items()
        if name in _GIVEN or (name.startswith(_GIVEN_PREFIXES) and not name.startswith(_OURS))
    }
    given["SPARK_LOCAL_DIRS"] = str(folder)
    if master == "local" or master.startswith("local["):
        given["SPARK_LOCAL_IP"] = "127.0.0.1"
    return given


# Of our settings, which happen to begin like Spark's.
_OURS = ("SPARK_MASTER", "SPARK_EXCHANGE", "SPARK_WAIT")


def _reach(master: str) -> None:
    """A look whether anybody listens there: Spark itself would knock for a minute, and say less."""
    if not master.startswith("spark://"):
        return
    reasons = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            return
        except (OSError, ValueError) as error:
            reasons.append(getattr(error, "strerror", None) or str(error) or type(error).__name__)
    raise SparkFailed(f"No Spark master answers at {master} ({'; '.join(reasons)}).")
