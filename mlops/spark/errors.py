from __future__ import annotations


class SparkFailed(Exception):
    """Spark is not there, or did not finish; the message says what to do, and is shown on the run."""
