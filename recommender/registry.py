"""Which version is live, and every way to change that."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import transaction
from django.utils import timezone

from cinema import audit
from cinema.models import User
from recommender import artifacts
from recommender.models import MAX_EXPLORATION, Activation, Arm, Experiment, LivePointer, ModelVersion

logger = logging.getLogger(__name__)


class RegistryError(Exception):
    """A change of the live version that was refused; the message is for people, the code for programs."""

    code: ClassVar[str] = "refused"


class ArtifactCorrupt(RegistryError):
    code = "artifact_corrupt"


class VersionNotReady(RegistryError):
    code = "version_not_ready"


class StaleGeneration(RegistryError):
    code = "stale_generation"


class NothingToRollBackTo(RegistryError):
    code = "nothing_to_roll_back_to"


class AutomaticActivationHeld(RegistryError):
    code = "automatic_activation_held"


class RefusedByGate(RegistryError):
    """The gate found the version worse than what was live, and nobody has said why it is to be live all the same."""

    code = "refused_by_gate"


@dataclass(frozen=True, slots=True)
class LiveState:
    version: ModelVersion | None
    generation: int
    hold: bool
    can_roll_back: bool


def live() -> LiveState:
    """The live version as the database says now."""
    pointer = LivePointer.objects.select_related("activation__version").filter(pk=1).first()
    if pointer is None or pointer.activation is None:
        return LiveState(None, 0 if pointer is None else pointer.generation, bool(pointer and pointer.hold), False)
    activation = pointer.activation
    return LiveState(activation.version, pointer.generation, pointer.hold, activation.returns_to_id is not None)


def exploration() -> int:
    """In how many of a hundred lists one place is given away by lot."""
    share = LivePointer.objects.filter(pk=1).values_list("exploration", flat=True).first()
    return share or 0


def explore(share: int) -> None:
    """From now on in so many of a hundred lists. Raises ValueError."""
    if not 0 <= share <= MAX_EXPLORATION:
        raise ValueError(f"{share} is not a share of 0 to {MAX_EXPLORATION} lists of a hundred.")
    LivePointer.objects.get_or_create(pk=1)
    LivePointer.objects.filter(pk=1).update(exploration=share)


def new_label(now: datetime | None = None) -> str:
    """``v<UTC timestamp>``; if that second is taken, the next free one."""
    moment = (now or timezone.now()).replace(microsecond=0)
    while True:
        label = f"v{moment:%Y%m%d_%H%M%S}"
        if not ModelVersion.objects.filter(label=label).exists() and not artifacts.exists(label):
            return label
        moment += timedelta(seconds=1)


def verify(version: ModelVersion) -> None:
    """Raises ArtifactCorrupt or VersionNotReady unless ``version`` could serve this moment."""
    if version.status != ModelVersion.Status.READY:
        raise VersionNotReady(f"Version {version.label} is not ready ({version.get_status_display()}).")
    try:
        artifacts.load(version.label, version.artifact_sha256)
    except artifacts.ArtifactCorrupt as error:
        raise ArtifactCorrupt(f"Version {version.label} cannot be used: {error}") from error


def _locked_pointer(generation: int | None) -> LivePointer:
    """The pointer, locked until the transaction ends. SQLite's IMMEDIATE transaction is that lock already."""
    LivePointer.objects.get_or_create(pk=1)
    pointer = LivePointer.objects.select_for_update().get(pk=1)
    if generation is not None and generation != pointer.generation:
        raise StaleGeneration(
            f"The live version has changed: this is generation {pointer.generation}, not {generation}. Look again."
        )
    return pointer


def _flip(pointer: LivePointer, activation: Activation, *, hold: bool) -> Activation:
    activation.save(force_insert=True)
    changed = LivePointer.objects.filter(pk=1, generation=pointer.generation).update(
        generation=activation.generation, activation=activation, hold=hold
    )
    if changed != 1:
        raise StaleGeneration("Somebody else changed the live version at the same moment. Look again first.")
    rolled_back, automatic = activation.kind == Activation.Kind.ROLLBACK, activation.kind == Activation.Kind.AUTOMATIC
    audit.record(
        audit.Action.ROLLBACK if rolled_back else audit.Action.ACTIVATE,
        actor=activation.actor,
        role=audit.Role.SITE if automatic else None,
        before=pointer.activation.version.label if pointer.activation is not None else "",
        after=activation.version.label,
    )
    logger.info(
        "Live version is now %s (%s, generation %d)", activation.version, activation.kind, activation.generation
    )
    return activation


def activate(
    version: ModelVersion,
    *,
    kind: str = Activation.Kind.MANUAL,
    actor: User | None = None,
    reason: str = "",
    generation: int | None = None,
) -> Activation:
    """Makes ``version`` live, after checking its artifact. By staff, it also lifts the hold of an earlier rollback.

    A version that the gate refused needs a ``reason``, which overrules it. Raises RegistryError.
    Activating what is live already changes nothing but the hold. With ``generation``, only if it is still current.
    """
    verify(version)
    return activate_verified(version, kind=kind, actor=actor, reason=reason, generation=generation)


def activate_verified(
    version: ModelVersion,
    *,
    kind: str = Activation.Kind.MANUAL,
    actor: User | None = None,
    reason: str = "",
    generation: int | None = None,
) -> Activation:
    """``activate`` for a version whose artifact was read back a moment ago; touches the database only, so that it can
    be part of a larger transaction."""
    if version.is_refused and (kind == Activation.Kind.AUTOMATIC or not reason.strip()):
        raise RefusedByGate(
            f"The gate refused {version.label}. To make it live all the same, say why: the reason stays in the log."
        )
    with transaction.atomic():
        pointer = _locked_pointer(generation)
        if kind == Activation.Kind.AUTOMATIC and pointer.hold:
            raise AutomaticActivationHeld(
                "After a rollback nothing is activated automatically until staff activates a version or lifts the hold."
            )
        if not ModelVersion.objects.ready().filter(pk=version.pk).exists():
            # Deleted since its files were read.
            raise VersionNotReady(f"Version {version.label} was deleted.")
        current = pointer.activation
        if current is not None and current.version_id == version.pk:
            LivePointer.objects.filter(pk=1).update(hold=False)
            return current
        activation = Activation(
            version=version,
            kind=kind,
            generation=pointer.generation + 1,
            returns_to=current,
            actor=actor,
            reason=reason,
            at=timezone.now(),
        )
        return _flip(pointer, activation, hold=False)


def roll_back(*, actor: User | None, reason: str = "", generation: int | None = None) -> Activation:
    """Makes the version live that was live before; again, the one before that. It never toggles.

    Afterwards automatic activation is on hold.
    """
    target = _rollback_target(LivePointer.objects.select_related("activation").filter(pk=1).first())
    verify(target.version)  # reading files does not belong into a transaction
    with transaction.atomic():
        pointer = _locked_pointer(generation)
        # Also where the target was deleted since.
        if _rollback_target(pointer).pk != target.pk:
            raise StaleGeneration("Somebody else changed the live version at the same moment. Look again first.")
        activation = Activation(
            version=target.version,
            kind=Activation.Kind.ROLLBACK,
            generation=pointer.generation + 1,
            returns_to=target.returns_to,
            actor=actor,
            reason=reason,
            at=timezone.now(),
        )
        return _flip(pointer, activation, hold=True)


def _rollback_target(pointer: LivePointer | None) -> Activation:
    """The activation that a rollback restores: the newest one before the present whose version still exists."""
    entry = pointer.activation.returns_to if pointer is not None and pointer.activation is not None else None
    while entry is not None and entry.version.status == ModelVersion.Status.DELETED:
        entry = entry.returns_to
    if entry is None:
        raise NothingToRollBackTo("No version was live before this one.")
    return entry


def in_use() -> dict[int, str]:
    """The versions that serve or that a rollback would restore, by primary key, with the reason."""
    pointer = LivePointer.objects.select_related("activation").filter(pk=1).first()
    return _in_use(pointer)


def _in_use(pointer: LivePointer | None) -> dict[int, str]:
    planned = Arm.objects.filter(experiment__status__in=[Experiment.Status.DRAFT, Experiment.Status.RUNNING])
    versions = planned.filter(version__isnull=False).values_list("version_id", flat=True)
    found = dict.fromkeys(versions, "an arm of an experiment")
    if pointer is None or pointer.activation is None:
        return found
    with suppress(NothingToRollBackTo):
        found[_rollback_target(pointer).version_id] = "live before: a roll-back restores it"
    found[pointer.activation.version_id] = "live"
    return found


def retire(version: ModelVersion) -> bool:
    """Marks ``version`` as deleted unless it is in use or pinned; under the pointer's lock, so that it cannot become
    live at the same moment. Its files are the caller's to remove."""
    with transaction.atomic():
        pointer = _locked_pointer(None)
        if version.pk in _in_use(pointer):
            return False
        ready = ModelVersion.objects.ready().filter(pk=version.pk, pinned=False)
        return ready.update(status=ModelVersion.Status.DELETED) == 1


def lift_hold(*, actor: User | None) -> None:
    """Lets finished trainings activate their version again."""
    if LivePointer.objects.filter(pk=1, hold=True).update(hold=False):
        logger.info("Automatic activation resumed by user %s", actor.pk if actor else None)


def annotate(version: ModelVersion, *, note: str | None = None, pinned: bool | None = None) -> None:
    """Changes what staff says of a version; None leaves it as it is."""
    changed = []
    if note is not None:
        version.note = note.strip()
        changed.append("note")
    if pinned is not None:
        version.pinned = pinned
        changed.append("pinned")
    if changed:
        version.save(update_fields=changed)
