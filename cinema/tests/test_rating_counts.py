from __future__ import annotations

from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from cinema import rating_counts
from cinema.models import Movie, Rating, RatingCount, User
from cinema.rating_counts import recount
from cinema.ratings import rate_movie, unrate_movie
from cinema.tests.api_clients import ApiTestCase
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate


class RatingCountsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.people = [User.objects.create_user(f"person{n}") for n in range(3)]
        self.once, self.twice, self.never = Movie.objects.filter(pk__in=[10, 20, 30]).order_by("pk")
        Rating.objects.all().delete()
        for person, film in zip(self.people, (self.twice, self.twice, self.once), strict=True):
            rate_movie(user=person, movie=film, value=4.0)

    def most_rated(self) -> list[tuple[int, int]]:
        films = Movie.objects.filter(pk__in=[10, 20, 30]).most_rated_first()
        return [(film.pk, film.n_ratings) for film in films]  # type: ignore[attr-defined]

    def many(self) -> mock._patch[int]:
        return mock.patch.object(rating_counts, "MANY", 1)

    def test_pages_count_for_themselves_where_there_are_few_ratings(self) -> None:
        recount()
        self.assertFalse(RatingCount.objects.exists())
        rate_movie(user=self.people[0], movie=self.once, value=3.0)
        rate_movie(user=self.people[1], movie=self.once, value=3.0)
        self.assertEqual(self.most_rated(), [(10, 3), (20, 2), (30, 0)])

    def test_where_there_are_many_they_read_what_was_counted(self) -> None:
        with self.many():
            recount()
            self.assertEqual(self.most_rated(), [(20, 2), (10, 1), (30, 0)])
            unrate_movie(user=self.people[0], movie=self.twice)
            unrate_movie(user=self.people[1], movie=self.twice)
            rate_movie(user=self.people[0], movie=self.never, value=3.0)
            self.assertEqual(self.most_rated(), [(20, 2), (10, 1), (30, 0)])
            recount()
        self.assertEqual(self.most_rated(), [(10, 1), (30, 1), (20, 0)])

    def test_a_single_film_is_counted_now(self) -> None:
        with self.many():
            recount()
        rate_movie(user=self.people[0], movie=self.never, value=3.0)
        film = Movie.objects.all().with_rating_counts().get(pk=30)
        self.assertEqual(film.n_ratings, 1)  # type: ignore[attr-defined]

    def test_a_film_without_a_row_has_no_rating_and_one_that_is_deleted_no_row(self) -> None:
        with self.many():
            recount()
            new = Movie.objects.create(title="New")
            self.assertEqual(Movie.objects.most_rated_first().get(pk=new.pk).n_ratings, 0)  # type: ignore[attr-defined]
            self.twice.delete()
            recount()
        self.assertEqual(list(RatingCount.objects.values_list("movie_id", "n")), [(10, 1)])

    def test_nothing_is_kept_any_more_once_there_are_few_again(self) -> None:
        with self.many():
            recount()
        recount()
        self.assertFalse(RatingCount.objects.exists())
        self.assertEqual(self.most_rated(), [(20, 2), (10, 1), (30, 0)])

    def test_what_has_not_changed_is_not_written_again(self) -> None:
        with self.many():
            recount()
            rate_movie(user=self.people[0], movie=self.once, value=3.0)
            with CaptureQueriesContext(connection) as asked:
                recount()
        written = [query["sql"] for query in asked if query["sql"].startswith("INSERT")]
        self.assertLessEqual(len(written), 1, written)
        self.assertEqual(dict(RatingCount.objects.values_list("movie_id", "n")), {10: 2, 20: 2})


class PagesTestCase(ApiTestCase):
    def test_pages_lists_and_the_api_show_what_is_kept(self) -> None:
        """The same as without, while nothing has changed."""
        path = f"/api/ml/recommendations/{self.bob.pk}?n=5"
        rate(self.alice, DRAMA_FAN)
        rate(self.charlie, dict.fromkeys(list(DRAMA_FAN)[::2], 3.0))

        def shown() -> list[object]:
            return [
                self.api("GET", "/api/movies?page_size=5").json(),
                self.api("GET", path, by=self.bob).json()["items"],
                [(card.title, card.n_ratings) for card in self.client.get("/movies").context["cards"]],
            ]

        counted = shown()
        with mock.patch.object(rating_counts, "MANY", 1):
            recount()
        self.assertTrue(RatingCount.objects.exists())
        self.assertEqual(shown(), counted)
