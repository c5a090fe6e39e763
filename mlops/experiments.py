"""Experiments: planned, started, ended. One at a time on a surface, and no arm changes while it runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from cinema import audit
from cinema.models import MAX_DISCOVERIES, User
from mlops.experiment_reading import reading
from mlops.models import EngagementDay, EngagementPolicy
from recommender import registry
from recommender.algorithms.controls import Controls
from recommender.models import Activation, Arm, Experiment, ModelVersion
from recommender.models.experiments import ARM_NAMES

logger = logging.getLogger(__name__)

SETTINGS = ("discovery", *Controls.RANGES)
# Of what is engaged with anyway, a tenth more or less is worth finding, where nothing else is said.
SHARE_OF_INTEREST = 0.1
LEAST_INTEREST = 0.002


class ExperimentRefused(Exception):
    """Why it cannot be planned, started or ended; the message is for people, the code for programs."""

    def __init__(self, message: str, code: str = "experiment_refused") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PlannedArm:
    version: ModelVersion | None
    settings: dict[str, Any]


def usual_interest() -> float:
    """The smallest difference worth finding on this site, from how many lists were engaged with in the last month."""
    since = timezone.now().date() - timedelta(days=30)
    sums = EngagementDay.objects.filter(day__gte=since).aggregate(lists=Sum("lists"), opened=Sum("opened_lists"))
    if not sums["lists"] or not sums["opened"]:
        return float(Experiment._meta.get_field("interest").default)
    return float(max(LEAST_INTEREST, round(SHARE_OF_INTEREST * sums["opened"] / sums["lists"], 4)))


def plan(
    *, name: str, kind: str, arms: Sequence[PlannedArm], by: User | None, share: int = 100, **fields: Any
) -> Experiment:
    """A draft. Raises ExperimentRefused."""
    _check(kind, arms)
    with transaction.atomic():
        experiment = Experiment.objects.create(name=name, kind=kind, share=share, created_by=by, **fields)
        for letter, arm in zip(ARM_NAMES, arms, strict=False):
            Arm.objects.create(experiment=experiment, name=letter, version=arm.version, settings=arm.settings)
    audit.record(audit.Action.EXPERIMENT, actor=by, subject=f"{experiment.pk}: {name}"[:200], after="planned")
    return experiment


def _check(kind: str, arms: Sequence[PlannedArm]) -> None:
    if not 2 <= len(arms) <= len(ARM_NAMES):
        raise ExperimentRefused(f"An experiment has two to {len(ARM_NAMES)} arms.")
    if kind == Experiment.Kind.INTERLEAVED:
        if len(arms) != 2:
            raise ExperimentRefused("A list can be mixed of two versions, no more.")
        if any(arm.settings for arm in arms):
            raise ExperimentRefused("Mixed lists compare versions. For settings, let each person see one arm.")
    for arm in arms:
        _check_settings(arm.settings)
    told = [(arm.version.pk if arm.version else None, sorted(arm.settings.items())) for arm in arms]
    if any(one in told[:place] for place, one in enumerate(told)) and kind == Experiment.Kind.INTERLEAVED:
        raise ExperimentRefused("Both versions are the same: a mixed list of them would say nothing.")


def _check_settings(settings: dict[str, Any]) -> None:
    unknown = settings.keys() - set(SETTINGS)
    if unknown:
        raise ExperimentRefused(f"Unknown settings: {', '.join(sorted(unknown))}.")
    given = dict(settings)
    discovery = given.pop("discovery", None)
    if discovery is not None and discovery not in range(MAX_DISCOVERIES + 1):
        raise ExperimentRefused(f"Discoveries are 0 to {MAX_DISCOVERIES} places in ten.")
    try:
        Controls(**given)
    except ValueError as error:
        raise ExperimentRefused(f"{error}.") from error


def start(experiment: Experiment, *, by: User | None) -> None:
    """From now on people are served by its arms. Raises ExperimentRefused."""
    if not EngagementPolicy.current().record:
        raise ExperimentRefused(
            "The log of lists is off, so nothing could be learned. Turn it on first (Health, The log).", "log_is_off"
        )
    for arm in experiment.arms.select_related("version"):
        if arm.version is not None:
            try:
                registry.verify(arm.version)
            except registry.RegistryError as error:
                raise ExperimentRefused(f"Arm {arm.name}: {error}", error.code) from error
    try:
        with transaction.atomic():
            changed = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.DRAFT).update(
                status=Experiment.Status.RUNNING, started_at=timezone.now()
            )
    except IntegrityError as error:
        raise ExperimentRefused("Another experiment is running. End it first.", "experiment_running") from error
    if not changed:
        raise ExperimentRefused("It has been started before.", "already_started")
    experiment.refresh_from_db()
    audit.record(
        audit.Action.EXPERIMENT, actor=by, subject=f"{experiment.pk}: {experiment.name}"[:200],
        before="planned", after="running",
    )  # fmt: skip


def stop(experiment: Experiment, *, by: User | None, reason: str = "") -> bool:
    """Everybody is served by what is live again, and what was found is kept; False if it was not running. ``by``: None
    where a guard rail did."""
    verdict = reading(experiment).as_dict() if experiment.is_running else None
    changed = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.RUNNING).update(
        status=Experiment.Status.STOPPED,
        ended_at=timezone.now(),
        ended_by=by,
        end_reason=reason.strip().rstrip(".")[:200],
        verdict=verdict,
    )
    if not changed:
        return False
    experiment.refresh_from_db()
    audit.record(
        audit.Action.EXPERIMENT, actor=by, role=None if by else audit.Role.SITE,
        subject=f"{experiment.pk}: {experiment.name}"[:200], before="running", after="stopped",
    )  # fmt: skip
    return True


def guard() -> None:
    """What the job does every few minutes: ends what does harm."""
    running = Experiment.objects.filter(status=Experiment.Status.RUNNING).first()
    if running is None:
        return
    found = reading(running)
    if found.harm and stop(running, by=None, reason=f"Guard rail: {found.harm}"):
        logger.warning("Experiment %s was ended: %s", running.pk, found.harm)


def discard(experiment: Experiment) -> bool:
    """Deletes a draft; False if it was started."""
    deleted, _ = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.DRAFT).delete()
    return deleted > 0


def promote(experiment: Experiment, arm: Arm, *, by: User) -> Activation:
    """Makes an arm's version live, as the gate allows: one that it refused is not made live by having won. Raises
    ExperimentRefused and registry.RegistryError."""
    if experiment.is_running:
        raise ExperimentRefused("End the experiment first.", "experiment_running")
    if arm.version is None:
        raise ExperimentRefused("The arm tried settings, not a version: there is nothing to make live.")
    if arm.version.is_refused:
        raise registry.RefusedByGate(
            f"The gate refused {arm.version.label}. Its page says why, and makes it live all the same if you say why."
        )
    reason = f"Experiment {experiment.pk}, arm {arm.name}: {experiment.name}"
    return registry.activate(arm.version, actor=by, reason=reason)
