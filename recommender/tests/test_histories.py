"""A person's ratings as they are read for their lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cinema.models import RATING_VALUES, Movie, Rating, User
from cinema.ratings import rate_movie
from recommender.histories import RatedFilms, rated_films, rated_films_of
from recommender.serving import LiveModel, live_model
from recommender.tests.stored_versions import CatalogueTestCase


def as_rows(rated: RatedFilms) -> list[tuple[int, float, bool, int, int]]:
    columns = (rated.movie_ids, rated.values, rated.trained, rated.age, rated.year)
    return list(zip(*(column.tolist() for column in columns), strict=True))


class RatedFilmsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        live = live_model()
        assert live is not None
        self.live: LiveModel = live
        self.films = list(Movie.objects.order_by("pk")[:40])
        start = datetime(2019, 12, 31, 23, 59, tzinfo=UTC)
        for place, film in enumerate(self.films):
            Rating.objects.create(
                user=self.alice,
                movie=film,
                value=RATING_VALUES[place % len(RATING_VALUES)],
                rated_at=start + timedelta(days=100 * (place // 2)),  # two each at the same moment
                changed_at=live.data_until + timedelta(seconds=place - 20),
            )

    def expected(self, user: User) -> list[tuple[int, float, bool, int, int]]:
        rows = Rating.objects.filter(user=user).order_by("-rated_at", "-pk")
        return [
            (row.movie_id, row.value, row.changed_at <= self.live.data_until, age, row.rated_at.year)
            for age, row in enumerate(rows)
        ]

    def test_each_is_what_the_database_says_and_the_latest_comes_first(self) -> None:
        rows = as_rows(rated_films(self.alice, self.live, None))
        self.assertEqual(rows, self.expected(self.alice))
        self.assertEqual({row[1] for row in rows}, set(RATING_VALUES))
        self.assertEqual({row[2] for row in rows}, {True, False})
        self.assertIn(2019, {row[4] for row in rows})

    def test_an_edit_keeps_its_place(self) -> None:
        before = rated_films(self.alice, self.live, None).movie_ids.tolist()
        rate_movie(user=self.alice, movie=self.films[3], value=0.5)
        after = rated_films(self.alice, self.live, None)
        self.assertEqual(after.movie_ids.tolist(), before)
        self.assertEqual(as_rows(after), self.expected(self.alice))

    def test_nothing_is_trained_without_a_version(self) -> None:
        self.assertFalse(rated_films(self.alice, None, None).trained.any())

    def test_somebody_without_ratings_has_none(self) -> None:
        rated = rated_films(User.objects.create_user("carol"), self.live, None)
        self.assertEqual(as_rows(rated), [])
        self.assertEqual(len(rated.history(self.live)), 0)

    def test_many_people_are_read_as_each_of_them_is(self) -> None:
        carol = User.objects.create_user("carol")
        for film in self.films[5:12]:
            rate_movie(user=carol, movie=film, value=3.5)
        both = rated_films_of([self.alice.pk, carol.pk], self.live)
        self.assertEqual({pk: as_rows(rated) for pk, rated in both.items()}, {
            user.pk: as_rows(rated_films(user, self.live, None)) for user in (self.alice, carol)
        })  # fmt: skip
        self.assertEqual(as_rows(both[carol.pk]), self.expected(carol))
