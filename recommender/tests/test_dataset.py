from __future__ import annotations

from datetime import timedelta

from django.test import TestCase
from django.utils import timezone

from cinema.models import Genre, Movie, Rating, User
from cinema.ratings import rate_movie
from recommender.dataset import snapshot
from recommender.tests.stored_versions import make_catalogue, rate


class SnapshotTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        cls.alice = User.objects.create_user("alice")
        cls.bob = User.objects.create_user("bob")
        rate(cls.alice, {0: 5.0, 1: 4.0})
        rate(cls.bob, {1: 2.5})

    alice: User
    bob: User

    def changed_parts(self, before: dict[str, str]) -> set[str]:
        return {name for name, digest in snapshot().parts.items() if digest != before[name]}

    def test_it_holds_ratings_films_genres_and_years(self) -> None:
        Movie.objects.filter(pk=20).update(year=None)
        dataset = snapshot()
        self.assertEqual(dataset.interactions.value.tolist(), [5.0, 4.0, 2.5])
        self.assertEqual(dataset.movie_ids[:2].tolist(), [10, 20])
        self.assertEqual(dataset.years[:3].tolist(), [1960, 0, 1962])
        self.assertEqual(dataset.genres.membership[[0, 59]].tolist(), [[1, 0], [0, 1]])
        self.assertEqual(len(dataset.fingerprint), 64)

    def test_its_fingerprint_stays_while_nothing_changes(self) -> None:
        self.assertEqual(snapshot().fingerprint, snapshot().fingerprint)

    def test_its_fingerprint_tells_what_has_changed(self) -> None:
        changes = {
            "ratings": lambda: rate_movie(user=self.alice, movie=Movie.objects.get(pk=10), value=4.5),
            "years": lambda: Movie.objects.filter(pk=10).update(year=1961),
            "genres": lambda: Movie.objects.get(pk=10).genres.add(Genre.objects.get(name="Comedy")),
        }
        for part, change in changes.items():
            with self.subTest(part):
                before = snapshot()
                change()
                self.assertEqual(self.changed_parts(before.parts), {part})
                self.assertNotEqual(snapshot().fingerprint, before.fingerprint)

    def test_its_fingerprint_notices_a_film_that_nobody_has_rated(self) -> None:
        before = snapshot()
        Movie.objects.create(pk=5, title="Another")
        self.assertIn("films", self.changed_parts(before.parts))

    def test_it_leaves_out_what_was_rated_later(self) -> None:
        before = snapshot()
        self.assertEqual(before.data_until, Rating.objects.latest("changed_at").changed_at)
        later = timezone.now() + timedelta(seconds=1)
        Rating.objects.create(user=self.bob, movie_id=30, value=3.0, rated_at=later, changed_at=later)
        self.assertEqual(len(snapshot().interactions), 4)
        again = snapshot(until=before.data_until)
        self.assertEqual((again.parts, again.data_until), (before.parts, before.data_until))
