"""What django-q runs. A task is just another interface: it names a function and passes an id."""

from __future__ import annotations

from mlops import runs, supervisor


def supervise(run_id: int) -> None:
    supervisor.supervise(run_id)


def sweep() -> None:
    runs.sweep()
