"""A training from the snapshot to the version: read, fit and measure, store, activate.

dataset snapshot → validation, training and served fit → metrics → against the live version → artifact, verified →
version → live, if the gate lets it pass
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

import psutil
from django.db import Error, close_old_connections, transaction

from cinema.fault_points import reach
from mlops import runs
from mlops.engaged import engaged_with
from mlops.engines import trainers_for
from mlops.examination import Examined, examine, with_files
from mlops.models import TrainingRun
from mlops.passports import Provenance, code_version, diagnostics_json, libraries, metrics_json
from mlops.retention import prune_after_training
from recommender import artifacts, held_out, registry
from recommender.algorithms.pipeline import Outcome, Pipeline, Step, Trainers, make_trainer
from recommender.algorithms.presets import Config, algorithm, configuration
from recommender.algorithms.splits import Split
from recommender.dataset import Dataset, snapshot
from recommender.models import Activation, ModelVersion
from recommender.moments import utc_offset

logger = logging.getLogger(__name__)

# A run's row is written at most this often, so that a fast training does not keep the database busy.
SECONDS_BETWEEN_WRITES = 1.0
# Of the progress bar; the rest is the comparison with the live version.
PIPELINE_SHARE = 0.9


class OwnershipLost(Exception):
    """The run belongs to somebody else now, or was ended: whatever this process made is thrown away."""


@dataclass
class Progress:
    """How far a run is; what the dashboard shows."""

    phase: str
    progress: float
    epoch: int = 0
    n_epochs: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


Watcher = Callable[[Progress], None]


def train(run_id: int, owner: UUID, *, watch: Watcher | None = None) -> ModelVersion:
    """Carries out the claimed run ``run_id`` and returns its version.

    ``watch`` sees every step. Raises OwnershipLost when the run was taken away or cancelled; every other exception
    has already been written to the run as ``failed``.
    """
    run = TrainingRun.objects.get(pk=run_id)
    report = _Reporter(run_id, owner, watch)
    started = time.monotonic()
    try:
        config = configuration(run.preset, run.hyperparameters)
        report(Progress("reading ratings", 0.0, n_epochs=config.n_epochs))
        dataset = snapshot()
        report.dataset(dataset)
        with trainers_for(config, report.doing) as trainers:
            pipeline, outcome = _run_pipeline(pipeline_for(config, dataset, trainers=trainers), report)
        examined = _examine(run, config, pipeline, outcome, dataset, report)
        report(Progress("saving", 1.0, config.n_epochs, config.n_epochs, report.history), now=True)
        finished = _Finished(config, dataset, pipeline.split, outcome, examined, time.monotonic() - started)
        version = _publish(run, owner, finished)
    except OwnershipLost:
        raise
    except Exception as error:
        logger.exception("Training run %d failed", run_id)
        runs.finish(run_id, owner, TrainingRun.Status.FAILED, error=_reason(error))
        raise
    prune_after_training()
    return version


def _reason(error: Exception) -> str:
    """What to show for a failure: our own messages as they are, the others with their kind."""
    if isinstance(error, OSError):
        return f"The model could not be stored: {error.strerror or type(error).__name__}."
    if type(error).__module__.startswith(("recommender.", "mlops.")):
        return str(error)
    return f"{type(error).__name__}: {error}"


class _Reporter:
    """Writes progress to the run, at most once a second, and learns there whether the run is still ours."""

    def __init__(self, run_id: int, owner: UUID, watch: Watcher | None) -> None:
        self._run_id = run_id
        self._owner = owner
        self._watch = watch
        self._written = -SECONDS_BETWEEN_WRITES
        self._process = psutil.Process()
        self._phase = ""
        self._last = Progress("", 0.0)
        self._about: dict[str, Any] = {}
        self.history: list[dict[str, Any]] = []
        self.rate: float | None = None  # ratings per second of the last epoch

    def dataset(self, dataset: Dataset) -> None:
        """What is learned from, to be written with the next step."""
        n = len(dataset.interactions)
        self._about = {"n_ratings": n, "dataset_fingerprint": dataset.fingerprint}
        logger.info(
            "%s ratings by %s people of %s films", f"{n:,}", f"{len(dataset.user_ids):,}", f"{len(dataset.movie_ids):,}"
        )

    def doing(self, what: str) -> None:
        """What goes on within a step, for a step that takes its time."""
        self._phase = what  # it changes every second: nothing for the log
        self(replace(self._last, phase=what))

    def __call__(self, progress: Progress, *, now: bool = False) -> None:
        self._last = progress
        if self._watch is not None:
            self._watch(progress)
        if progress.phase != self._phase:
            self._phase = progress.phase
            logger.info("%s", progress.phase)
        if not now and time.monotonic() - self._written < SECONDS_BETWEEN_WRITES:
            return
        try:
            ours = runs.report_progress(
                self._run_id,
                self._owner,
                **asdict(progress),
                **self._about,
                ratings_per_second=self.rate,
                memory_bytes=self._process.memory_info().rss,
            )
        except Error as error:  # a busy database must not end a training
            logger.warning("Progress of training run %d could not be written: %s", self._run_id, error)
            close_old_connections()
            ours = True
        if not ours:
            raise OwnershipLost(f"Training run {self._run_id} is no longer this process's.")
        self._written = time.monotonic()


def pipeline_for(
    config: Config, dataset: Dataset, *, refit: bool = True, trainers: Trainers = make_trainer
) -> Pipeline:
    """The pipeline that every training of ``dataset`` goes through; a measurement alone needs no refit. ``trainers``:
    what ``engines`` has for the config."""
    return Pipeline(
        config,
        dataset.interactions,
        movie_ids=dataset.movie_ids,
        genres=dataset.genres,
        years=dataset.years,
        refit=refit,
        trainers=trainers,
        utc_offset=utc_offset(),
        engaged=engaged_with(dataset, utc_offset()),
    )


def _run_pipeline(pipeline: Pipeline, report: _Reporter) -> tuple[Pipeline, Outcome]:
    config = pipeline.config
    began = previous = time.monotonic()
    for step in pipeline:
        now = time.monotonic()
        if step.n_ratings and now > previous:
            report.rate = step.n_ratings / (now - previous)
        previous = now
        if step.validation_rmse is not None:
            report.history.append(_epoch_entry(step, now - began))
            logger.info(
                "epoch %d: RMSE %.4f on what it learns from, %.4f held back",
                step.epoch, step.train_rmse or float("nan"), step.validation_rmse,
            )  # fmt: skip
        report(
            Progress(
                step.phase,
                PIPELINE_SHARE * step.progress,
                step.epoch or config.n_epochs,
                config.n_epochs,
                report.history,
            ),
            # The step after this one takes longer than a second: show its name at once.
            now=step.phase in {"tuning", "measuring"},
        )
    if pipeline.outcome is None:
        raise RuntimeError("The pipeline ended without an outcome.")
    return pipeline, pipeline.outcome


def _examine(
    run: TrainingRun, config: Config, pipeline: Pipeline, outcome: Outcome, dataset: Dataset, report: _Reporter
) -> Examined:
    def progress(share: float) -> None:
        done = PIPELINE_SHARE + (1 - PIPELINE_SHARE) * share
        report(Progress("comparing with the live version", done, config.n_epochs, config.n_epochs, report.history))

    progress(0.0)
    examined = examine(outcome, pipeline.split, dataset, preset=run.preset, seed=config.seed, progress=progress)
    for check in (examined.verdict or {}).get("checks", []):
        logger.info("gate, %s: %s", "passed" if check["passed"] else "REFUSED", check["text"])
    return examined


def _epoch_entry(step: Step, seconds: float) -> dict[str, Any]:
    return {
        "epoch": step.epoch,
        "train_rmse": step.train_rmse,
        "validation_rmse": step.validation_rmse,
        "seconds": round(seconds, 3),
    }


@dataclass(frozen=True, eq=False)
class _Finished:
    """Everything that a training has brought forth, before any of it is stored."""

    config: Config
    dataset: Dataset
    split: Split
    outcome: Outcome
    examined: Examined
    seconds: float


def _publish(run: TrainingRun, owner: UUID, finished: _Finished) -> ModelVersion:
    """Files first, then in one transaction the version's row and the run's success, if the run is still ours."""
    config, dataset, outcome = finished.config, finished.dataset, finished.outcome
    provenance = Provenance(dataset.fingerprint, outcome.split_name, config.seed, run.preset)
    metrics = metrics_json(outcome.evaluation, provenance)
    diagnostics = diagnostics_json(outcome.evaluation, dataset, provenance)
    diagnostics["agreement"] = finished.examined.agreement
    diagnostics["voices"] = outcome.model.voices()
    diagnostics["moment"] = asdict(outcome.model.context.verdict) if outcome.model.context is not None else None
    label = registry.new_label()
    described = {
        "algorithm": algorithm(config),
        "preset": run.preset,
        "hyperparameters": config.as_dict(),
        "metrics": metrics,
        "diagnostics": diagnostics,
        "dataset_fingerprint": dataset.fingerprint,
    }
    about = {
        **described,
        "data_until": dataset.data_until.isoformat(),
        "code_version": code_version(),
        "libraries": libraries(run.preset),
    }
    stored = artifacts.save(label, outcome.model, about, twin=outcome.measured)
    verdict = with_files(finished.examined.verdict)  # they were read back, or we would not be here
    try:
        with transaction.atomic():
            version = ModelVersion.objects.create(
                label=label,
                **described,
                verdict=verdict,
                data_until=dataset.data_until,
                n_ratings=len(dataset.interactions),
                n_users=len(dataset.user_ids),
                n_movies=len(dataset.movie_ids),
                artifact_sha256=stored.manifest_sha256,
                artifact_bytes=stored.size,
                training_seconds=finished.seconds,
            )
            held_out.remember(version, dataset, finished.split)
            reach("row_written")
            if not runs.finish(run.pk, owner, TrainingRun.Status.SUCCEEDED, version=version, metrics=metrics):
                raise OwnershipLost(f"Training run {run.pk} is no longer this process's.")
            if run.activate and not version.is_refused:
                # In the same transaction: a process that dies here leaves either all of it or nothing.
                _activate(version, run, finished.examined.generation)
                reach("pointer_flipped")
        reach("published")
    except BaseException:
        # A signal may arrive after the commit: then the files have an owner and stay.
        if not ModelVersion.objects.filter(label=label).exists():
            artifacts.delete(label)
        raise
    return version


def _activate(version: ModelVersion, run: TrainingRun, generation: int) -> None:
    """The version exists whatever comes of this; why it is not live is written to the run.

    ``generation``: which live version it was compared with. Against another, the verdict says nothing.
    """
    try:
        registry.activate_verified(
            version,
            kind=Activation.Kind.AUTOMATIC,
            actor=run.requested_by,
            reason=f"Training run {run.pk}",
            generation=generation,
        )
    except registry.RegistryError as error:
        logger.warning("Version %s was not activated: %s", version.label, error)
        TrainingRun.objects.filter(pk=run.pk).update(error=f"Not activated: {error}")
