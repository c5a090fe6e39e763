"""Versions with real artifacts in a folder of the test's own."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.color import no_style
from django.db import connection
from django.test import TestCase, override_settings
from django.utils import timezone

from cinema.models import Genre, Movie, Rating, User, new_edition
from recommender import arms, artifacts, film_years, new_films, registry, serving
from recommender.algorithms.ensemble import TrainedModel
from recommender.models import ModelVersion
from recommender.tests.ratings_for_tests import small_model, two_tastes


@lru_cache(maxsize=1)
def trained() -> TrainedModel:
    """Trained once for all tests: nothing changes a model."""
    return small_model()


def store_version(model: TrainedModel | None = None, **fields: Any) -> ModelVersion:
    """A ready version with its files."""
    label = registry.new_label()
    stored = artifacts.save(label, model or trained(), {"algorithm": "test"})
    values: dict[str, Any] = {
        "algorithm": "test",
        "preset": "tuned",
        "dataset_fingerprint": "0" * 64,
        "data_until": datetime(2026, 1, 1, tzinfo=UTC),
        "n_ratings": 1,
        "n_users": 1,
        "n_movies": 60,
        **fields,
    }
    return ModelVersion.objects.create(
        label=label, artifact_sha256=stored.manifest_sha256, artifact_bytes=stored.size, **values
    )


def make_catalogue() -> None:
    """The 60 films that ``trained()`` knows, ids 10 to 600: the first half Drama, the second Comedy."""
    drama, comedy = Genre.objects.create(name="Drama"), Genre.objects.create(name="Comedy")
    Movie.objects.bulk_create(Movie(pk=10 * (row + 1), title=f"Film {row}", year=1960 + row) for row in range(60))
    link = Movie.genres.through
    link.objects.bulk_create(
        link(movie_id=10 * (row + 1), genre_id=(drama if row < 30 else comedy).pk) for row in range(60)
    )
    with connection.cursor() as cursor:  # the next film gets an id above these, on PostgreSQL too
        for statement in connection.ops.sequence_reset_sql(no_style(), [Movie]):
            cursor.execute(statement)


# Far above what a database counts up to while tests run.
FIRST_OF_CROWD = 1_000_000


def make_crowd() -> None:
    """The people behind ``two_tastes()`` with their ratings, as rows."""
    data = two_tastes()
    User.objects.bulk_create(
        User(pk=FIRST_OF_CROWD + user, username=f"crowd:{user}", source="crowd", source_id=user, is_active=False)
        for user in range(data.n_users)
    )
    now = timezone.now()
    Rating.objects.bulk_create(
        Rating(user_id=FIRST_OF_CROWD + u, movie_id=10 * (i + 1), value=float(v), rated_at=now, changed_at=now)
        for u, i, v in zip(data.user.tolist(), data.item.tolist(), data.value, strict=True)
    )


def rate(user: User, stars: dict[int, float]) -> None:
    """Ratings by row of film, older than no version's data."""
    now = timezone.now()
    Rating.objects.bulk_create(
        Rating(user=user, movie_id=10 * (row + 1), value=value, rated_at=now, changed_at=now)
        for row, value in stars.items()
    )
    User.objects.filter(pk=user.pk).update(edition=new_edition())


class StoredVersionsMixin:
    """Artifacts in a temporary folder, and a process that has loaded nothing."""

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp())
        override = override_settings(ARTIFACTS_DIR=folder)
        override.enable()
        serving.forget()
        arms.forget()
        new_films.forget()
        film_years.forget()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)  # type: ignore[attr-defined]
        self.addCleanup(override.disable)  # type: ignore[attr-defined]
        self.addCleanup(arms.forget)  # type: ignore[attr-defined]
        self.addCleanup(serving.forget)  # type: ignore[attr-defined]
        super().setUp()  # type: ignore[misc]


class CatalogueTestCase(StoredVersionsMixin, TestCase):
    """A catalogue, a live version that knows it, and Alice, Bob and Charlie (who must never get in)."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        cls.alice = User.objects.create_user("alice", password="correct horse")
        cls.bob = User.objects.create_user("bob", password="battery staple")
        cls.charlie = User.objects.create_user("charlie", password="wrong trousers")
        cls.staff = User.objects.create_user("grace", password="hopper's moth", is_staff=True)

    alice: User
    bob: User
    charlie: User
    staff: User

    def setUp(self) -> None:
        super().setUp()
        self.version = store_version()
        registry.activate(self.version)


DRAMA_FAN = {0: 5.0, 1: 5.0, 2: 4.5, 3: 5.0, 40: 1.5, 41: 2.0, 42: 1.0}


def rows_of(movie_ids: list[int]) -> list[int]:
    return (np.array(movie_ids) // 10 - 1).tolist()
