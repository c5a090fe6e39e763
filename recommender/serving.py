"""The live model in this process: loaded once, exchanged when the live pointer moves.

Every request asks the database which generation is live (one indexed row). If it has moved, a thread loads the new
version beside the old one, which serves meanwhile, and exchanges them; nobody is answered from half of each. Who asks
when the old one has been out of date for PATIENCE_SECONDS waits for the new one instead.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection
from django.db.models import Min, Model
from django.utils import timezone

from cinema.models import CatalogueEdition
from recommender import artifacts
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import Activation, Experiment, LivePointer, ModelVersion

logger = logging.getLogger(__name__)

# How long a version that could not be loaded is left alone before the next try.
RETRY_SECONDS = 5.0
# So long after a change of the live pointer requests are still answered from the version before, while the new one is
# being loaded. With what it takes to answer, nobody is answered from a version that has not been live for 2 s.
PATIENCE_SECONDS = 1.5
# The version that was live before stays in memory, for a roll-back, if its arrays take no more than this. What is
# worked out of them while serving can take as much again.
MAX_KEPT_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True)
class LiveModel:
    label: str
    generation: int
    data_until: datetime
    model: TrainedModel
    catalogue: int | None = None  # the edition of films and genres that the request sees; None: it is not known
    experiment: int | None = None  # the one that is running, as the request sees it
    exploration: int = 0  # lists of a hundred in which one place is given away by lot


@dataclass(frozen=True, slots=True)
class _Pointer:
    generation: int
    label: str
    sha256: str
    data_until: datetime
    read_at: float  # when the database said so, by a clock that never steps back


@dataclass(frozen=True, eq=False)
class _Load:
    """A version on its way into memory."""

    pointer: _Pointer
    deadline: float  # by that clock: from then on requests wait for it
    ended: threading.Event = field(default_factory=threading.Event)  # in memory, failed, or no longer wanted


def _position() -> tuple[int, int | None, int | None, int] | None:
    """The live pointer's generation, the catalogue's edition, the running experiment and the share of lists that
    explore; None if nothing is live. Every request asks this, so it is one statement that is not composed anew."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITION)
        row: tuple[int, int | None, int | None, int] | None = cursor.fetchone()
    return row


def _table(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


# Our own tables.
_EDITION = f"SELECT number FROM {_table(CatalogueEdition)} WHERE id = 1"  # nosec B608
_LIVE = f"FROM {_table(LivePointer)} WHERE id = 1 AND activation_id IS NOT NULL"
_EXPERIMENT = f"SELECT MIN(id) FROM {_table(Experiment)} WHERE status = 'running'"  # nosec B608
_POSITION = f"SELECT generation, ({_EDITION}), ({_EXPERIMENT}), exploration {_LIVE}"  # nosec B608


def _pointer() -> _Pointer | None:
    read_at = time.monotonic()
    row = (
        LivePointer.objects.filter(pk=1, activation__isnull=False)
        .values_list(
            "generation",
            "activation__version__label",
            "activation__version__artifact_sha256",
            "activation__version__data_until",
        )
        .first()
    )
    return None if row is None else _Pointer(*row, read_at)


class _Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: LiveModel | None = None
        self._previous: LiveModel | None = None
        self._generation = -1  # whose version is loaded; differs from the live one's while that cannot be read
        self._confirmed_at = 0.0  # when the database last said that this generation was live, by the same clock
        self._failed_generation = -1
        self._failed_at = -RETRY_SECONDS
        self._load: _Load | None = None
        self._loading = False  # whether there is a thread that loads

    def get(self) -> LiveModel | None:
        while True:
            asked_at = time.monotonic()
            position = _position()
            if position is None:
                return None
            generation, catalogue, experiment, exploration = position
            # The generation is written after the model: whoever sees the new one sees the new model too.
            if self._generation == generation:
                self._confirmed_at = asked_at
                live = self._live
            else:
                load = self._under_way(generation)
                if load is not None and time.monotonic() >= load.deadline:
                    load.ended.wait()
                    if self._failed_generation != load.pointer.generation:
                        continue  # the pointer may have moved again meanwhile
                live = self._live
            if live is None:
                return None
            return replace(live, catalogue=catalogue, experiment=experiment, exploration=exploration)

    @property
    def label(self) -> str:
        live = self._live
        return live.label if live is not None else ""

    def clear(self) -> None:
        with self._lock:
            self._live = self._previous = None
            self._generation = self._failed_generation = -1
            self._want(None)

    def _under_way(self, generation: int) -> _Load | None:
        """The load of that generation, begun if there is none; None where there is nothing to wait for."""
        load = self._load
        if load is not None and load.pointer.generation == generation:
            return load
        with self._lock:
            pointer = _pointer()
            if pointer is None or self._generation == pointer.generation:
                return None
            if self._load is not None and self._load.pointer.generation == pointer.generation:
                return self._load
            if pointer.generation == self._failed_generation and time.monotonic() - self._failed_at < RETRY_SECONDS:
                return None
            if (model := self.in_memory(pointer.label)) is not None:
                self._exchange(pointer, model)
                return None
            if self._live is None:
                self._load_at_once(pointer)
                return None
            load = _Load(pointer, self._deadline(pointer))
            self._want(load)
            if not self._loading:
                threading.Thread(target=self._load_wanted, name="load-model", daemon=True).start()
                self._loading = True
            return load

    def in_memory(self, label: str) -> TrainedModel | None:
        return next((live.model for live in (self._live, self._previous) if live and live.label == label), None)

    def _deadline(self, pointer: _Pointer) -> float:
        """Until when what is in memory may go on serving. It was live when a request last saw it so; the database knows
        when the next one came, by a clock that another machine may have set. Nobody waits for a version that could not
        be loaded before."""
        if pointer.generation == self._failed_generation:
            return math.inf
        now = time.monotonic()
        after = Activation.objects.filter(generation__gt=self._generation).aggregate(first=Min("at"))["first"]
        since = self._confirmed_at if after is None else now - (timezone.now() - after).total_seconds()
        return min(max(since, self._confirmed_at), now) + PATIENCE_SECONDS

    def _want(self, load: _Load | None) -> None:
        """Whoever waits for what was wanted before looks again."""
        if self._load is not None:
            self._load.ended.set()
        self._load = load

    def _load_wanted(self) -> None:
        """In a thread of its own, which reads files and never the database. One load after the other: two large models
        beside the one that serves could be more than there is memory for."""
        while True:
            with self._lock:
                load = self._load
                if load is None:
                    self._loading = False
                    return
            model, error = None, ""
            try:
                model = _loaded(load.pointer)
            except artifacts.ArtifactCorrupt as corrupt:
                error = str(corrupt)
            except Exception as unforeseen:  # a thread that ended here would leave all requests waiting
                logger.exception("Loading version %s failed", load.pointer.label)
                error = type(unforeseen).__name__
            with self._lock:
                if self._load is not load:
                    continue  # something else is wanted since
                if model is None:
                    self._failed(load.pointer, error)
                else:
                    self._exchange(load.pointer, model)
                self._want(None)

    def _load_at_once(self, pointer: _Pointer) -> None:
        """For a process that has nothing to answer from."""
        try:
            model = _loaded(pointer)
        except artifacts.ArtifactCorrupt as error:
            self._failed(pointer, str(error))
            # What is in memory is better than what is on disk; after a restart, the newest version that is whole.
            self._live = self._newest_intact(pointer)
        else:
            self._exchange(pointer, model)

    def _exchange(self, pointer: _Pointer, model: TrainedModel) -> None:
        self._want(None)
        if self._live is not None and self._live.label != pointer.label:
            self._previous = self._live if _size(self._live.model) <= MAX_KEPT_BYTES else None
        self._live = LiveModel(pointer.label, pointer.generation, pointer.data_until, model)
        self._confirmed_at, self._failed_generation = pointer.read_at, -1
        self._generation = pointer.generation

    def _failed(self, pointer: _Pointer, error: str) -> None:
        self._failed_generation, self._failed_at = pointer.generation, time.monotonic()
        logger.error("Live version %s cannot be loaded: %s", pointer.label, error)

    def _newest_intact(self, pointer: _Pointer) -> LiveModel | None:
        for version in ModelVersion.objects.ready().exclude(label=pointer.label).order_by("-pk"):
            try:
                model, _ = artifacts.load(version.label, version.artifact_sha256)
            except artifacts.ArtifactCorrupt as error:
                logger.error("Version %s cannot be loaded either: %s", version.label, error)
                continue
            logger.error("Serving version %s instead of %s", version.label, pointer.label)
            return LiveModel(version.label, pointer.generation, version.data_until, model)
        return None


def _loaded(pointer: _Pointer) -> TrainedModel:
    model, _ = artifacts.load(pointer.label, pointer.sha256)
    model.prepare()
    return model


def _size(model: TrainedModel) -> int:
    """Bytes of what was loaded."""
    return sum(array.nbytes for array in model.arrays().values())


_cache = _Cache()


_held: ContextVar[list[LiveModel | None] | None] = ContextVar("held", default=None)


@contextmanager
def one_version() -> Iterator[None]:
    """Within, ``live_model`` says the same throughout: an answer is wholly from one version, and asks for it once."""
    token = _held.set([])
    try:
        yield
    finally:
        _held.reset(token)


@contextmanager
def as_if_live(model: LiveModel) -> Iterator[None]:
    """Within, that model answers, whatever is live: for looking at a version without serving anybody from it."""
    token = _held.set([model])
    try:
        yield
    finally:
        _held.reset(token)


def live_model() -> LiveModel | None:
    """The model to answer this request from; None if there is no version that can be read."""
    held = _held.get()
    if held is None:
        return _cache.get()
    if not held:
        held.append(_cache.get())
    return held[0]


def in_memory(label: str) -> TrainedModel | None:
    """That version, if this process has it because it is live or was before."""
    return _cache.in_memory(label)


def loaded_label() -> str:
    """The version that this process has loaded, without asking whether it is still live; empty for none."""
    return _cache.label


def forget() -> None:
    """Drops the loaded model, for tests and for a process that wants its memory back."""
    _cache.clear()
