"""The states of a search and of its trials, and the only ways from one to the next.

    a trial:  running → complete | pruned | failed | interrupted

A search has no state of its own: it is its last run's. Every step of a trial is a conditional UPDATE in one transaction
with a sign of life of the run, so that a process that has lost its run changes nothing. Nothing in here knows what is
tried next (``proposals``) or how it is judged (``searching``), so that web processes can use all of it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from cinema.models import User
from mlops import runs
from mlops.models import Search, TrainingRun, Trial, parameters_digest

MAX_TRIALS = 200
MAX_MINUTES = 300  # less than a run may take at all
DEFAULT_TRIALS = 20

State = Trial.State


class SearchError(Exception):
    """What was asked for cannot be done; the message says why."""


class LostRun(Exception):
    """The run belongs to somebody else now, or is to stop: whatever this process found is thrown away."""


def _new(**fields: Any) -> Search:
    return Search.objects.create(**fields)


def request_search(
    *,
    preset: str,
    objective: str = Search.Objective.RMSE,
    max_trials: int | None = DEFAULT_TRIALS,
    max_minutes: int | None = None,
    seed: int = 0,
    requested_by: User | None = None,
) -> Search:
    """Queues a search. Raises TrainingInProgress if a run of any kind is active."""
    with transaction.atomic():
        search = _new(
            preset=preset,
            objective=objective,
            max_trials=max_trials,
            max_minutes=max_minutes,
            seed=seed,
            requested_by=requested_by,
        )
        runs.request_run(**_run_of(search), requested_by=requested_by)
    return search


def begin_search(
    *, preset: str, objective: str, max_trials: int | None, max_minutes: int | None, seed: int
) -> tuple[TrainingRun, UUID]:
    """A search that this process carries out itself: its run, already claimed. Raises TrainingInProgress."""
    with transaction.atomic():
        search = _new(preset=preset, objective=objective, max_trials=max_trials, max_minutes=max_minutes, seed=seed)
        return runs.begin_run(**_run_of(search))


def _run_of(search: Search) -> dict[str, Any]:
    return {"kind": TrainingRun.Kind.SEARCH, "search": search, "preset": search.preset, "activate": False}


def _check_resumable(search: Search) -> None:
    if search.is_active:
        raise SearchError(f"Search {search.pk} is still going on.")
    if not search.preset_exists:
        raise SearchError(f"Search {search.pk} began from the preset {search.preset}, which is no more.")
    if not search.can_resume:
        raise SearchError(f"Search {search.pk} has ended: there is nothing left to do.")


def resume_search(search: Search, *, requested_by: User | None = None) -> TrainingRun:
    """Queues another run of the same search. Raises SearchError or TrainingInProgress."""
    sweep()
    search.refresh_from_db()
    _check_resumable(search)
    return runs.request_run(**_run_of(search), requested_by=requested_by)


def resume_in_foreground(search: Search) -> tuple[TrainingRun, UUID]:
    """The same for a run that this process carries out itself."""
    sweep()
    search.refresh_from_db()
    _check_resumable(search)
    return runs.begin_run(**_run_of(search))


def cancel_search(search: Search, *, by: User | None = None) -> bool:
    """Asks the run to stop; what it found stays, and the search can be resumed. False if it had ended already."""
    run = search.last_run
    if run is None or not run.is_active:
        return False
    runs.request_cancel(run, by=by)
    return True


def sweep() -> None:
    """Settles runs that nobody carries any more, and the trials that they left behind."""
    runs.sweep()
    # Looks before it writes: a look must not wait for whoever is writing to the database.
    abandoned = Trial.objects.filter(state=State.RUNNING).exclude(run__status__in=TrainingRun.ACTIVE)
    if abandoned.exists():
        abandoned.update(state=State.INTERRUPTED)


def claim_trials(run: TrainingRun) -> list[Trial]:
    """Ends the trials that earlier runs left behind. What is to be done over, oldest first: their parameters count
    for nothing and are lost to nobody."""
    Trial.objects.filter(search=run.search, state=State.RUNNING).update(state=State.INTERRUPTED)
    return to_do_over(run.search)


def to_do_over(search: Search | None) -> list[Trial]:
    """Interrupted trials whose parameters no other trial has taken up."""
    trials = list(Trial.objects.filter(search=search).order_by("number"))
    taken = {trial.digest for trial in trials if trial.state != State.INTERRUPTED}
    found: dict[str, Trial] = {}
    for trial in trials:
        if trial.digest not in taken:
            found.setdefault(trial.digest, trial)
    return list(found.values())


def begin_trial(
    run: TrainingRun, owner: UUID, *, parameters: dict[str, Any], dataset_fingerprint: str, **progress: Any
) -> Trial:
    """A new trial of the run's search. Raises LostRun; IntegrityError where the parameters were tried before."""
    with transaction.atomic():
        _still_ours(run, owner, **progress)
        last = Trial.objects.filter(search=run.search).aggregate(last=Max("number"))["last"]
        return Trial.objects.create(
            search=run.search,  # type: ignore[misc]
            run=run,
            number=0 if last is None else last + 1,
            parameters=parameters,
            digest=parameters_digest(parameters),
            dataset_fingerprint=dataset_fingerprint,
            started_at=timezone.now(),
        )


def end_trial(trial: Trial, run: TrainingRun, owner: UUID, *, state: str, **found: Any) -> None:
    """running → ``state`` with what was ``found``. Raises LostRun."""
    with transaction.atomic():
        _still_ours(run, owner)
        if Trial.objects.filter(pk=trial.pk, state=State.RUNNING).update(state=state, **found) != 1:
            raise LostRun(f"Trial {trial.number} of search {trial.search_id} was taken for dead.")


def interrupt_trials(run: TrainingRun) -> None:
    """What the run leaves unfinished."""
    Trial.objects.filter(run=run, state=State.RUNNING).update(state=State.INTERRUPTED)


def describe(search: Search, run: TrainingRun, owner: UUID, **fields: Any) -> None:
    """Writes what was learned of the search itself. Raises LostRun."""
    with transaction.atomic():
        _still_ours(run, owner)
        Search.objects.filter(pk=search.pk).update(**fields)


def note(search: Search, text: str) -> None:
    """A sentence for whoever reads the result, once."""
    search.refresh_from_db(fields=["notes"])
    if text not in search.notes:
        search.notes = [*search.notes, text]
        search.save(update_fields=["notes"])


def _still_ours(run: TrainingRun, owner: UUID, **progress: Any) -> None:
    if not runs.report_progress(run.pk, owner, **progress):
        raise LostRun(f"Run {run.pk} is no longer this process's.")
