"""The program that speaks to Spark, in a process of its own: a JVM's death, its log and its signals are kept out of the
training, and whoever ends this process ends the JVM.

    python -m mlops.spark.driver MASTER SCRATCH WAIT_SECONDS

It reads one request a line from its input, what ``exchange.request`` makes, and writes one message a line to its
output: ``{"ready": …}``, ``{"alive": …}`` every second while it works, ``{"done": true}``, or ``{"error": …}``, after
which it ends. It knows nothing of Django and is given no secrets.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from cinema.processes import chain_forks

BEAT_SECONDS = 1.0
# Without a checkpoint the plan of a fit grows with every round, until the JVM's stack is too small for it.
ROUNDS_WITHOUT_CHECKPOINT = 15


class Channel:
    """Messages to whoever started us. What the JVM prints goes to the error output instead."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, **message: Any) -> None:
        with self._lock:
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()

    def fail(self, error: str) -> None:
        """Says so, and ends: nothing that Spark may still be doing is waited for."""
        self.say(error=error)
        os._exit(1)


def is_local(master: str) -> bool:
    """Whether the JVM beside us is all there is, without executors of their own."""
    return master == "local" or master.startswith("local[")


def start(master: str, scratch: str) -> Any:
    """A session without web page, Hive or Python workers."""
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

    conf = (
        SparkConf()
        .setMaster(master)
        .setAppName("CINÉMA")
        .set("spark.ui.enabled", "false")
        .set("spark.ui.showConsoleProgress", "false")
        .set("spark.sql.catalogImplementation", "in-memory")
        .set("spark.sql.warehouse.dir", f"{scratch}/warehouse")
        .set("spark.driver.extraJavaOptions", f"-Djava.io.tmpdir={scratch}")
        # A hash of a file beside each, which nobody looks at.
        .set("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    )
    if is_local(master):
        conf.set("spark.driver.bindAddress", "127.0.0.1").set("spark.driver.host", "127.0.0.1")
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


class Watch(threading.Thread):
    """Says every second that Spark answers and how many tasks it has done. A cluster that has no executor for us for
    ``wait`` seconds is given up: Spark itself would wait for one for ever."""

    def __init__(self, context: Any, channel: Channel, *, local: bool, wait: float) -> None:
        super().__init__(name="watch", daemon=True)
        self._context, self._channel, self._local, self._wait = context, channel, local, wait
        self.busy = threading.Event()

    def run(self) -> None:
        alone_since = time.monotonic()
        while True:
            time.sleep(BEAT_SECONDS)
            try:
                # The driver's own entry is one of them.
                executors = self._context._jsc.sc().getExecutorMemoryStatus().size() - (0 if self._local else 1)
                tasks = self._tasks_done()
            except Exception as error:  # whatever py4j raises when the JVM is gone
                self._channel.fail(_in_short(error))
            if executors or not self.busy.is_set():
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > self._wait:
                self._channel.fail(
                    f"The Spark cluster has had no executor for us for {self._wait:g} seconds: its workers are gone, "
                    "busy, or too small."
                )
            if self.busy.is_set():
                self._channel.say(alive=True, executors=executors, tasks=tasks)

    def _tasks_done(self) -> int:
        """Of the stages that are running."""
        tracker = self._context.statusTracker()
        stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
        return sum(stage.numCompletedTasks for stage in stages if stage is not None)


def fit(session: Any, request: dict[str, Any]) -> None:
    from pyspark.ml.recommendation import ALS

    often = request["rounds"] > ROUNDS_WITHOUT_CHECKPOINT
    if often:
        session.sparkContext.setCheckpointDir(request["checkpoints"])
    als = ALS(
        rank=request["rank"],
        maxIter=request["rounds"],
        regParam=request["regularization"],
        numUserBlocks=request["blocks"],
        numItemBlocks=request["blocks"],
        seed=request["seed"],
        userCol="user",
        itemCol="item",
        ratingCol="residual",
        checkpointInterval=10 if often else -1,
    )
    model = als.fit(session.read.parquet(request["ratings"]))
    model.userFactors.write.parquet(f"{request['factors']}/users")
    model.itemFactors.write.parquet(f"{request['factors']}/items")


def main(arguments: list[str]) -> None:
    master, scratch, wait = arguments
    channel = Channel()
    chain_forks(signal.SIGKILL)  # the JVM goes with us, however we go
    try:
        session = start(master, scratch)
        context = session.sparkContext
        watch = Watch(context, channel, local=is_local(master), wait=float(wait))
        watch.start()
        channel.say(ready=context.version, jvm=context._gateway.proc.pid)
        for line in sys.stdin:
            watch.busy.set()
            fit(session, json.loads(line))
            watch.busy.clear()
            channel.say(done=True)
        session.stop()
    except Exception as error:
        channel.fail(_in_short(error))


def _in_short(error: Exception) -> str:
    """The first line of the innermost cause: a stack of the JVM is a hundred lines long, and goes to the log."""
    print(error, file=sys.stderr, flush=True)
    if isinstance(error, OSError) or type(error).__name__ == "Py4JNetworkError":
        return "Spark ended in the middle. It may have run out of memory: SPARK_DRIVER_MEMORY, 1g by default."
    java = getattr(error, "java_exception", None)
    lines = str(java if java is not None else error).strip().splitlines() or [""]
    return f"Spark failed: {lines[0][:300]}" if lines[0] else f"Spark failed ({type(error).__name__})."


if __name__ == "__main__":
    main(sys.argv[1:])
