"""Who sees which arm of a running experiment, and the models that the arms need.

Who is in which arm is worked out from the person's number and the experiment's salt alone: it is the same in every
process, after every restart and whatever is live, and nothing of it is stored.

The models of arms are loaded beside the live one, by a thread. Until all of them are there, the process serves what is
live and nobody's list counts for the experiment, so that no arm gets the impatient ones.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from cinema.models import User
from recommender import artifacts, serving
from recommender.algorithms.controls import Controls
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import Arm, Experiment
from recommender.serving import LiveModel

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RunningArm:
    name: str
    label: str  # of its version; empty: whatever is live
    sha256: str
    data_until: datetime | None
    discovery: int | None  # places in ten; None: as many as the version chose
    controls: Controls | None  # None: it leaves them as they are

    @classmethod
    def of(cls, arm: Arm) -> RunningArm:
        given: dict[str, Any] = {name: value for name, value in arm.settings.items() if value is not None}
        discovery = given.pop("discovery", None)
        controls = Controls(**given) if given else None
        version = arm.version
        if version is None:
            return cls(arm.name, "", "", None, discovery, controls)
        return cls(arm.name, version.label, version.artifact_sha256, version.data_until, discovery, controls)


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    pk: int
    interleaves: bool
    salt: str
    share: int
    arms: tuple[RunningArm, ...]

    def takes_part(self, user_id: int) -> bool:
        return _point(f"{self.salt}:share:{user_id}") < self.share / 100

    def arm_of(self, user_id: int) -> RunningArm:
        """Every arm has the same chance."""
        return self.arms[int(_point(f"{self.salt}:arm:{user_id}") * len(self.arms))]

    def coin(self, *about: object) -> np.random.Generator:
        """For one list: the same one for the same ``about``, so that a page that is looked at again is the same."""
        said = ":".join([self.salt, "list", *(str(one) for one in about)])
        return np.random.default_rng(np.frombuffer(hashlib.sha256(said.encode()).digest(), np.uint32))


def _point(text: str) -> float:
    """Somewhere in [0, 1), evenly for different texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands: what serves them, and on account of which experiment."""

    live: LiveModel
    experiment: RunningExperiment | None = None
    arm: RunningArm | None = None  # None where each list mixes the arms
    others: tuple[LiveModel, ...] = ()  # where each list mixes two: the models of both

    @property
    def counts(self) -> tuple[int, str] | None:
        """The experiment and the arm that whole lists count for; None where they count for none."""
        return None if self.experiment is None or self.arm is None else (self.experiment.pk, self.arm.name)


def place_of(user: User) -> Place | None:
    """None while no version is live."""
    live = serving.live_model()
    if live is None:
        return None
    experiment = _running(live)
    if experiment is None or not experiment.takes_part(user.pk):
        return Place(live)
    models = _models(experiment, live)
    if models is None:
        return Place(live)
    if experiment.interleaves:
        return Place(live, experiment, None, tuple(models[arm.name] for arm in experiment.arms))
    arm = experiment.arm_of(user.pk)
    return Place(models[arm.name], experiment, arm)


_lock = threading.Lock()
_experiment: RunningExperiment | None = None
_loaded: dict[str, TrainedModel] = {}  # by label
_loading: set[str] = set()
_failed_at: dict[str, float] = {}


def forget() -> None:
    """Drops what this process knows of experiments, for tests."""
    global _experiment
    with _lock:
        _experiment = None
        _loaded.clear()
        _loading.clear()
        _failed_at.clear()


def _running(live: LiveModel) -> RunningExperiment | None:
    """What the request sees running. Its arms do not change while it runs, so they are read once in a process."""
    global _experiment
    known = _experiment
    if live.experiment is None:
        if known is not None and live.catalogue is not None:  # a request of somebody's, and no look at another version
            forget()
        return None
    if known is not None and known.pk == live.experiment:
        return known
    row = Experiment.objects.filter(pk=live.experiment, status=Experiment.Status.RUNNING).first()
    if row is None:
        return None
    arms = tuple(RunningArm.of(arm) for arm in row.arms.select_related("version").order_by("name"))
    found = RunningExperiment(row.pk, row.kind == Experiment.Kind.INTERLEAVED, row.salt, row.share, arms)
    forget()
    with _lock:
        _experiment = found
    return found


def _models(experiment: RunningExperiment, live: LiveModel) -> dict[str, LiveModel] | None:
    """Each arm's, by its name; None while one is not there."""
    found: dict[str, LiveModel] = {}
    for arm in experiment.arms:
        if not arm.label or arm.label == live.label:
            found[arm.name] = live
            continue
        model = _loaded.get(arm.label) or serving.in_memory(arm.label)
        if model is None:
            _begin_loading(arm)
            return None
        assert arm.data_until is not None
        found[arm.name] = replace(live, label=arm.label, model=model, data_until=arm.data_until)
    return found


def _begin_loading(arm: RunningArm) -> None:
    with _lock:
        recently = time.monotonic() - _failed_at.get(arm.label, -RETRY_SECONDS) < RETRY_SECONDS
        if arm.label in _loading or arm.label in _loaded or recently:
            return
        _loading.add(arm.label)
    threading.Thread(target=_load, args=(arm,), name="load-arm", daemon=True).start()


def _load(arm: RunningArm) -> None:
    """In a thread of its own, which reads files and never the database."""
    try:
        model, _ = artifacts.load(arm.label, arm.sha256)
        model.prepare()
    except Exception as error:  # whatever it is, the site serves what is live
        logger.error("Version %s of an experiment cannot be loaded: %s", arm.label, error)
        with _lock:
            _failed_at[arm.label] = time.monotonic()
            _loading.discard(arm.label)
        return
    with _lock:
        if arm.label in _loading:  # else the experiment is over
            _loaded[arm.label] = model
            _loading.discard(arm.label)
