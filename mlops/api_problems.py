"""Problems that several parts of the API of runs answer with."""

from __future__ import annotations

from cinema.problems import Problem


def in_progress(run_id: int) -> Problem:
    return Problem(
        status=409,
        code="training_in_progress",
        detail=f"Training run {run_id} is still in progress.",
        extra={"run_id": run_id},
    )
