"""The live model in this process: loaded once, exchanged when the live pointer moves.

Every request asks the database which generation is live (one indexed row). If it has moved, the first request to see
it loads the new version beside the old one and exchanges them; nobody is answered from half of each.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import Model

from cinema.models import CatalogueEdition
from recommender import artifacts
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import LivePointer, ModelVersion

logger = logging.getLogger(__name__)

# How long a version that could not be loaded is left alone before the next try.
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class LiveModel:
    label: str
    generation: int
    data_until: datetime
    model: TrainedModel
    catalogue: int | None = None  # the edition of films and genres that the request sees; None: it is not known


@dataclass(frozen=True, slots=True)
class _Pointer:
    generation: int
    label: str
    sha256: str
    data_until: datetime


def _position() -> tuple[int, int | None] | None:
    """The live pointer's generation and the catalogue's edition; None if nothing is live. Every request asks this, so
    it is one statement that is not composed anew."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITION)
        row: tuple[int, int | None] | None = cursor.fetchone()
    return row


def _table(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


# Our own tables.
_EDITION = f"SELECT number FROM {_table(CatalogueEdition)} WHERE id = 1"  # nosec B608
_LIVE = f"FROM {_table(LivePointer)} WHERE id = 1 AND activation_id IS NOT NULL"
_POSITION = f"SELECT generation, ({_EDITION}) {_LIVE}"  # nosec B608


def _pointer() -> _Pointer | None:
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
    return None if row is None else _Pointer(*row)


class _Cache:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: LiveModel | None = None
        self._generation = -1  # whose version is loaded; differs from the live one's while that cannot be read
        self._failed_generation = -1
        self._failed_at = -RETRY_SECONDS

    def get(self) -> LiveModel | None:
        position = _position()
        if position is None:
            return None
        generation, catalogue = position
        live = self._at(generation)
        return None if live is None else replace(live, catalogue=catalogue)

    def _at(self, generation: int) -> LiveModel | None:
        # The generation is written after the model: whoever sees the new one sees the new model too.
        if self._generation == generation:
            return self._live
        with self._lock:
            pointer = _pointer()
            if pointer is None or self._generation == pointer.generation:
                return self._live
            # This clock never steps back.
            if pointer.generation == self._failed_generation and time.monotonic() - self._failed_at < RETRY_SECONDS:
                return self._live
            return self._exchange(pointer)

    @property
    def label(self) -> str:
        return self._live.label if self._live is not None else ""

    def clear(self) -> None:
        with self._lock:
            self._live = None
            self._generation = self._failed_generation = -1

    def _exchange(self, pointer: _Pointer) -> LiveModel | None:
        live = self._live
        if live is not None and live.label == pointer.label:
            model = live.model
        else:
            try:
                model, _ = artifacts.load(pointer.label, pointer.sha256)
            except artifacts.ArtifactCorrupt as error:
                self._failed_generation, self._failed_at = pointer.generation, time.monotonic()
                logger.error("Live version %s cannot be loaded: %s", pointer.label, error)
                # What is in memory is better than what is on disk; after a restart, the newest version that is whole.
                if live is None:
                    self._live = self._newest_intact(pointer)
                return self._live
        self._live = LiveModel(pointer.label, pointer.generation, pointer.data_until, model)
        self._generation = pointer.generation
        return self._live

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


def loaded_label() -> str:
    """The version that this process has loaded, without asking whether it is still live; empty for none."""
    return _cache.label


def forget() -> None:
    """Drops the loaded model, for tests and for a process that wants its memory back."""
    _cache.clear()
