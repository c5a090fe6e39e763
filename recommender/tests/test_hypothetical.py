from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

from django.db import transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.models import Movie, Rating, User
from cinema.ratings import rate_movie, unrate_movie
from recommender import serving
from recommender.algorithms.controls import UNCHANGED, Controls
from recommender.algorithms.ensemble import TrainedModel
from recommender.hypothetical import with_ratings
from recommender.recommend import Recommendation, recommend_for, recommend_to
from recommender.serving import LiveModel
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate
from recommender.tests.test_counterfactuals import N_FILMS, histories, random_model
from recommender.viewers import Viewer

Changes = dict[int, float | None]

changes_of_ratings = st.lists(
    # film, half stars or None for a rating taken back; films that are not rated among them
    st.tuples(st.integers(0, N_FILMS - 1), st.one_of(st.none(), st.integers(1, 10))),
    max_size=6,
    unique_by=lambda change: change[0],
).map(lambda changes: {10 * (row + 1): stars and stars / 2 for row, stars in changes})


class HypotheticalRatingsTestCase(CatalogueTestCase):
    """The list is the one that one gets after really changing the ratings, to the last bit."""

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    def supposed(self, changes: Changes, n: int = 10, controls: Controls = UNCHANGED) -> list[Recommendation]:
        viewer = Viewer.of(self.alice, controls)
        assert viewer is not None
        return recommend_to(with_ratings(viewer, changes), n=n).items

    def real(self, changes: Changes, n: int = 10, controls: Controls = UNCHANGED) -> list[Recommendation]:
        with self.rolled_back():
            for movie_id, value in changes.items():
                movie = Movie.objects.get(pk=movie_id)
                if value is None:
                    unrate_movie(user=self.alice, movie=movie)
                else:
                    rate_movie(user=self.alice, movie=movie, value=value)
            return recommend_for(self.alice, n=n, controls=controls).items

    def test_it_is_what_really_changing_the_ratings_gives(self) -> None:
        n_changed = 0

        # Not on the method: each example takes back what it wrote, within the transaction of the test.
        @settings(max_examples=80, deadline=None)
        @given(
            seed=st.integers(0, 10**6),
            half_life=st.sampled_from([0.0, 0.5, 3.0]),
            noise_ratio=st.sampled_from([1.0, 4.0]),
            ratings=histories,
            changes=changes_of_ratings,
            controls=st.sampled_from([UNCHANGED, Controls(since=2026), Controls(novelty=0.5, diversity=0.4)]),
        )
        def holds(
            seed: int,
            half_life: float,
            noise_ratio: float,
            ratings: list[tuple[int, int, int, bool]],
            changes: Changes,
            controls: Controls,
        ) -> None:
            nonlocal n_changed
            model = random_model(seed, half_life=half_life, noise_ratio=noise_ratio, taste_weight=0.4)
            n_changed += self.check(model, ratings, changes, controls)

        holds()
        self.assertGreater(n_changed, 10)

    def check(
        self, model: TrainedModel, ratings: list[tuple[int, int, int, bool]], changes: Changes, controls: Controls
    ) -> bool:
        live = LiveModel("v1", 1, self.version.data_until, model)
        now = live.data_until + timedelta(days=2)  # so that some ratings are of the year before
        with self.rolled_back(), mock.patch.object(serving._cache, "get", return_value=live):
            Rating.objects.bulk_create(
                Rating(
                    user=self.alice,
                    movie_id=10 * (row + 1),
                    value=half_stars / 2,
                    rated_at=now - timedelta(days=days),
                    changed_at=live.data_until if known else now,
                )
                for row, half_stars, days, known in ratings
            )
            real = self.real(changes, 40, controls)
            self.assertEqual(self.supposed(changes, 40, controls), real)
            return real != self.supposed({}, 40, controls)

    def test_it_holds_for_a_trained_version(self) -> None:
        rate(self.alice, DRAMA_FAN)
        tried: tuple[Changes, ...] = (
            {10: 0.5},
            {10: None},
            {410: 5.0, 420: 5.0, 500: 4.5},
            {500: 1.0, 20: None, 30: 1.0},
        )
        for changes in tried:
            self.assertEqual(self.supposed(changes), self.real(changes))
            self.assertNotEqual(self.supposed(changes), self.supposed({}))

    def test_without_any_rating_the_list_is_everybodys(self) -> None:
        rate(self.alice, {0: 5.0})
        self.assertEqual(self.supposed({10: None}), self.real({10: None}))
        self.assertEqual({item.slot for item in self.supposed({10: None})}, {"fallback"})

    def test_the_first_rating_makes_it_ones_own(self) -> None:
        self.assertEqual(self.supposed({10: 5.0}), self.real({10: 5.0}))
        self.assertEqual({item.slot for item in self.supposed({10: 5.0})}, {"ranked"})

    def test_it_writes_nothing(self) -> None:
        rate(self.alice, DRAMA_FAN)
        before = list(Rating.objects.values())
        self.supposed({10: None, 20: 0.5, 500: 5.0})
        self.assertEqual(list(Rating.objects.values()), before)

    def test_a_new_film_whose_rating_is_taken_back_is_what_others_make_of_it(self) -> None:
        long_ago = timezone.now() - timedelta(days=365)
        User.objects.filter(pk=self.alice.pk).update(date_joined=long_ago)
        fan = User.objects.create(username="fan", date_joined=long_ago)
        new, lonely = Movie.objects.create(title="Brand new"), Movie.objects.create(title="Only hers")
        for user in (self.alice, fan):
            rate(user, DRAMA_FAN)
            rate_movie(user=user, movie=new, value=5.0)
        rate_movie(user=self.alice, movie=lonely, value=5.0)
        changes: Changes = {new.pk: None, lonely.pk: None}
        supposed = self.supposed(changes)
        self.assertEqual(supposed, self.real(changes))
        self.assertIn(new.pk, {item.movie_id for item in supposed})
        self.assertNotIn(lonely.pk, {item.movie_id for item in supposed})
