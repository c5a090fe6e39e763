"""A search from the snapshot to its last trial.

dataset snapshot → validation split → the preset itself → proposals, each fitted and judged → importances

Only the validation ratings are looked at. What a version of the best parameters is worth is told by a training, or by
``judgement``, on the test part.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import Error, OperationalError

from mlops import runs, searches
from mlops.engines import trainers_for
from mlops.models import Search, TrainingRun, Trial
from mlops.passports import code_version, libraries
from mlops.proposals import Adviser, Proposal, Tried
from mlops.searches import LostRun
from mlops.training import SECONDS_BETWEEN_WRITES, pipeline_for
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.pipeline import Trainers
from recommender.algorithms.presets import configuration
from recommender.algorithms.tuning import ValidationSplit, validation_split
from recommender.algorithms.validation_fit import ValidationFit, place_of
from recommender.dataset import Dataset, snapshot

logger = logging.getLogger(__name__)

# So many failures one after the other are no accident.
MAX_FAILURES_IN_A_ROW = 3
# Each waits for as long as the database lets a writer wait.
WRITE_ATTEMPTS = 4
# On resuming, at most this share of the ratings that the search began with may have been changed or deleted since.
MAX_LOST_SHARE = 0.01

State = Trial.State


class SearchFailed(Exception):
    """The search cannot go on; the message says why."""


class TrialFailed(Exception):
    """These parameters lead nowhere; the message says why."""


@dataclass
class Watched:
    """How far a search is; what the terminal shows."""

    search: Search
    trial: Trial
    epoch: int = 0
    n_epochs: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


Watcher = Callable[[Watched], None]


def carry_out(run_id: int, owner: UUID, *, watch: Watcher | None = None) -> Search:
    """Carries out the claimed run ``run_id``, and returns its search.

    Raises LostRun when the run was taken away or cancelled; every other exception has already been written to the run
    as ``failed``. Whatever happens, no trial is left running.
    """
    run = TrainingRun.objects.select_related("search").get(pk=run_id)
    try:
        if run.search is None:
            raise SearchFailed(f"Run {run.pk} belongs to no search.")
        _Searching(run, run.search, owner, watch).go()
        if not runs.finish(run.pk, owner, TrainingRun.Status.SUCCEEDED):
            raise LostRun(f"Run {run.pk} is no longer this process's.")
    except LostRun:
        raise
    except Exception as error:
        logger.exception("Run %d, a search, failed", run_id)
        runs.finish(run.pk, owner, TrainingRun.Status.FAILED, error=_reason(error))
        raise
    finally:
        searches.interrupt_trials(run)
    run.search.refresh_from_db()
    return run.search


def _reason(error: Exception) -> str:
    """What to show for a failure: our own messages as they are, the others with their kind."""
    ours = type(error).__module__.startswith(("recommender.", "mlops."))
    return str(error) if ours else f"{type(error).__name__}: {error}"


class _Searching:
    """One run of a search, trial after trial."""

    def __init__(self, run: TrainingRun, search: Search, owner: UUID, watch: Watcher | None) -> None:
        self.run, self.search, self.owner, self._watch = run, search, owner, watch
        self.space = search.space
        self.adviser = Adviser(
            self.space,
            smaller_is_better=search.smaller_is_better,
            seed=search.seed,
            # The curve is of RMSE. How well a list is ordered it does not tell.
            prunes=search.smaller_is_better,
        )
        self._trainers: Trainers
        self._phase = ""
        self._written = 0.0

    def go(self) -> None:
        waiting = searches.claim_trials(self.run)
        self._report(phase="reading ratings", progress=self._progress())
        dataset = read_dataset(self.search)
        pipeline = pipeline_for(self.search.config, dataset, refit=False)
        split = validation_split(pipeline.split, seed=self.search.config.seed)
        searches.describe(self.search, self.run, self.owner, **_passport(self.search, dataset, pipeline.split.name))
        # One engine for all trials: starting it may take longer than a fit.
        with trainers_for(self.search.config, self._doing) as self._trainers:
            while not self._is_over():
                proposal = self._next(waiting)
                if proposal is None:
                    searches.note(self.search, "It ended early: every proposal had been tried before.")
                    break
                logger.info("trying %s", proposal.parameters)
                self._try(proposal, split, pipeline.side, dataset.fingerprint)
                importances = self.adviser.importances(self._tried())
                searches.describe(self.search, self.run, self.owner, importances=importances)

    def _is_over(self) -> bool:
        self.search.refresh_from_db()
        # Of this run: whoever resumes a search that failed wants it to try.
        last = [one for one in self.search.done if one.run_id == self.run.pk][-MAX_FAILURES_IN_A_ROW:]
        if len(last) == MAX_FAILURES_IN_A_ROW and all(one.state == State.FAILED for one in last):
            raise SearchFailed(f"{len(last)} trials failed one after the other. The last: {last[-1].error}")
        return self.search.budget_is_spent

    def _tried(self) -> list[Tried]:
        self.search.refresh_from_db()
        # By when they ended, which is by number but for those that were done over.
        return [
            Tried(one.parameters, one.state, one.value, {int(place): rmse for place, rmse in one.curve})
            for one in self.search.done
        ]

    def _next(self, waiting: list[Trial]) -> Proposal | None:
        """What was interrupted comes first, then the preset itself, then what the adviser proposes."""
        tried = self._tried()
        if waiting:
            return self.adviser.take_up(waiting.pop(0).parameters, tried)
        if not tried:
            return self.adviser.take_up(self.space.of(self.search.config.as_dict()), tried)
        return self.adviser.propose(tried)

    def _try(self, proposal: Proposal, split: ValidationSplit, side: SideInformation, fingerprint: str) -> None:
        done = len(self.search.done)
        self._phase = f"trial {done + 1} of {self.search.max_trials}" if self.search.max_trials else f"trial {done + 1}"
        trial = searches.begin_trial(
            self.run,
            self.owner,
            parameters=proposal.parameters,
            dataset_fingerprint=fingerprint,
            phase=self._phase,
            progress=self._progress(),
            history=[],
            epoch=0,
        )
        began = time.monotonic()
        try:
            found = self._judge(trial, proposal, split, side)
        except (LostRun, Error):
            raise
        except Exception as error:  # what cannot be trained with these parameters says nothing of the others
            logger.exception("Trial %d of search %d failed", trial.number, self.search.pk)
            found = {"state": State.FAILED, "error": _reason(error)}
        found["seconds"] = round(time.monotonic() - began, 3)
        self._end(trial, found)
        value = f", {self.search.measure} {found['value']:.4f}" if "value" in found else ""
        logger.info("trial %d: %s%s, %.1f s", trial.number, found["state"].label, value, found["seconds"])

    def _end(self, trial: Trial, found: dict[str, Any]) -> None:
        """Insists where the database is busy: a trial costs more than a few more seconds."""
        for patience in range(WRITE_ATTEMPTS, 0, -1):
            try:
                return searches.end_trial(trial, self.run, self.owner, **found)
            except OperationalError as error:
                logger.warning("Trial %d of search %d could not be written: %s", trial.number, self.search.pk, error)
                if patience == 1:
                    raise
        return None

    def _judge(self, trial: Trial, proposal: Proposal, split: ValidationSplit, side: SideInformation) -> dict[str, Any]:
        config = configuration(self.search.preset, proposal.parameters)
        fit = ValidationFit(config, split, side, trainers=self._trainers)
        watched = Watched(self.search, trial, n_epochs=config.n_epochs)
        curve: list[list[float]] = []
        began = time.monotonic()
        for epoch in fit:
            watched.epoch = epoch.number
            watched.history.append(
                {
                    "epoch": epoch.number,
                    "train_rmse": epoch.train_rmse,
                    "validation_rmse": epoch.held_out_rmse,
                    "seconds": round(time.monotonic() - began, 3),
                }
            )
            self._show(watched)
            place = place_of(epoch.number, config.n_epochs)
            if place is None or epoch.held_out_rmse is None:
                continue
            if not math.isfinite(epoch.held_out_rmse):
                raise TrialFailed("The descent left all bounds: the step is too large.")
            curve.append([place, epoch.held_out_rmse])
            # At the end, too: what comes then, the tuning, takes longer than most fits.
            if proposal.hopeless(place, epoch.held_out_rmse):
                return {"state": State.PRUNED, "curve": curve}
        self._show(watched)
        self._report(phase=f"{self._phase}, tuning", epoch=watched.epoch, history=watched.history)
        tuned = fit.tuned()
        rmse, ndcg = tuned.validation_rmse, tuned.validation_ndcg
        value = rmse if self.search.smaller_is_better else ndcg
        if not math.isfinite(value):
            raise TrialFailed(f"The {self.search.measure} is no number.")
        return {"state": State.COMPLETE, "curve": curve, "value": value, "rmse": rmse, "ndcg": ndcg}

    def _progress(self) -> float:
        return self.search.progress

    def _doing(self, what: str) -> None:
        """What an engine outside is doing; that does not change the trial's name."""
        if time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self._report()

    def _show(self, watched: Watched) -> None:
        if self._watch is not None:
            self._watch(watched)
        if time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES:
            self._report(epoch=watched.epoch, n_epochs=watched.n_epochs, history=watched.history)

    def _report(self, **fields: Any) -> None:
        """Raises LostRun; a busy database must not end a search."""
        self._written = time.monotonic()
        try:
            ours = runs.report_progress(self.run.pk, self.owner, **fields)
        except Error as error:
            logger.warning("Progress of run %d could not be written: %s", self.run.pk, error)
            return
        if not ours:
            raise LostRun(f"Run {self.run.pk} is no longer this process's.")


def read_dataset(search: Search, consequence: str | None = None) -> Dataset:
    """The ratings that the search began with, or all of them where it begins. ``consequence``: what was judged without
    those that are missing, by default the trials to come.

    Ratings that were changed or deleted since are missing. A few are no reason to throw the earlier trials away, for
    they move a figure by less than two trials differ; the page says how many. More than MAX_LOST_SHARE are: then the
    trials before and after were not judged on the same thing. Raises SearchFailed.
    """
    dataset = snapshot(until=search.data_until)
    if search.data_until is None or dataset.fingerprint == search.dataset_fingerprint:
        return dataset
    before, now = search.n_ratings or 0, len(dataset.interactions)
    lost = before - now
    if abs(lost) > MAX_LOST_SHARE * before:
        raise SearchFailed(
            f"Of the {before:,} ratings that the search began with, {now:,} are left as they were. Its trials could "
            "not be compared with new ones. Start a new search."
        )
    consequence = consequence or f"Trials from number {len(search.all_trials)} on were judged"
    what = f"{lost:,} of its {before:,} ratings were changed or deleted" if lost else "films or genres were changed"
    searches.note(search, f"Since it began, {what}. {consequence} without them.")
    return dataset


def _passport(search: Search, dataset: Dataset, split: str) -> dict[str, Any]:
    """What its figures depend on; what it began with stays."""
    if search.data_until is not None:
        if search.code_version != code_version():
            searches.note(search, f"Resumed with other code: {code_version()}, not {search.code_version}.")
        return {"split": split}
    until: datetime = dataset.data_until
    return {
        "data_until": until,
        "dataset_fingerprint": dataset.fingerprint,
        "n_ratings": len(dataset.interactions),
        "split": split,
        "code_version": code_version(),
        "libraries": libraries(search.preset),
    }
