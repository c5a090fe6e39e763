"""Does everything on disk and in the database fit together?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from cinema.models import RATING_VALUES, Rating
from mlops.runs import expired
from recommender import artifacts
from recommender.models import Activation, LivePointer, ModelVersion
from recommender.retention import UNOWNED_SECONDS


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


def checks() -> Iterator[Check]:
    """Every check, as it is done. The site may run meanwhile."""
    yield _database()
    yield _ratings()
    yield from _versions()
    yield _live_pointer()
    yield _activations()
    yield _leftovers()
    yield _runs()


def _database() -> Check:
    if connection.vendor != "sqlite":
        return Check("database", True, f"{connection.vendor} checks its pages itself")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        found = [row[0] for row in cursor.fetchall()]
        cursor.execute("PRAGMA foreign_key_check")
        dangling = cursor.fetchall()
    problems = [text for text in found if text != "ok"] + [f"dangling reference in {row[0]}" for row in dangling]
    return Check("database", not problems, "; ".join(map(str, problems[:5])) or "pages and references are sound")


def _ratings() -> Check:
    off_scale = Rating.objects.exclude(value__in=RATING_VALUES).count()
    twice = Rating.objects.order_by().values("user", "movie").annotate(n=Count("pk")).filter(n__gt=1).count()
    detail = f"{Rating.objects.count()} ratings, {off_scale} off the scale, {twice} given twice"
    return Check("ratings", not off_scale and not twice, detail)


def _versions() -> Iterator[Check]:
    for version in ModelVersion.objects.ready().order_by("pk"):
        try:
            artifacts.load(version.label, version.artifact_sha256)
            with suppress(artifacts.NoTwin):
                artifacts.load_twin(version.label, version.artifact_sha256)
        except artifacts.ArtifactCorrupt as error:
            yield Check(f"version {version.label}", False, str(error))
        else:
            yield Check(f"version {version.label}", True, "whole")


def _live_pointer() -> Check:
    pointer = LivePointer.objects.select_related("activation__version").filter(pk=1).first()
    newest = Activation.objects.order_by("-generation").first()
    if pointer is None or pointer.activation is None:
        return Check("live pointer", newest is None, "no version is live" if newest is None else "points nowhere")
    activation = pointer.activation
    ok = (
        activation == newest
        and activation.generation == pointer.generation
        and activation.version.status == ModelVersion.Status.READY
    )
    return Check("live pointer", ok, f"{activation.version.label}, generation {pointer.generation}")


def _activations() -> Check:
    generations = list(Activation.objects.order_by("generation").values_list("generation", flat=True))
    ok = generations == list(range(1, len(generations) + 1))
    return Check("activation log", ok, f"{len(generations)} entries" + ("" if ok else ", generations have gaps"))


def _leftovers() -> Check:
    # What is younger is being written by a training, or was by one that died: then it is swept when it has aged.
    found = artifacts.leftovers(set())
    known = set(ModelVersion.objects.ready().values_list("label", flat=True))
    old = set(artifacts.leftovers(known, at_least=2 * UNOWNED_SECONDS))
    young = [name for name in found if name not in known | old]
    detail = ", ".join(sorted(old)[:5]) or "none"
    return Check("leftover files", not old, detail + (f"; {len(young)} young, to be swept" if young else ""))


def _runs() -> Check:
    lost = expired().count()
    return Check("training runs", not lost, f"{lost} running without a sign of life" if lost else "none is lost")
