from __future__ import annotations

from cinema.models import MIN_PEOPLE, Genre, Movie, Rating, User
from cinema.ratings import rate_movie
from recommender.similar import SharedRaters, SimilarMovie, shared_raters, similar_movies
from recommender.tests.stored_versions import CatalogueTestCase, make_crowd, rate, rows_of


class SimilarMoviesTestCase(CatalogueTestCase):
    def test_it_works(self) -> None:
        answer = similar_movies(Movie.objects.get(pk=40), n=8)
        self.assertEqual(len(answer.items), 8)
        self.assertTrue(all(row < 30 for row in rows_of([item.movie_id for item in answer.items])))

    def test_it_is_empty_for_a_film_that_the_version_does_not_know(self) -> None:
        self.assertEqual(similar_movies(Movie.objects.create(title="New")).items, [])

    def test_it_does_not_move_with_single_ratings(self) -> None:
        before = similar_movies(Movie.objects.get(pk=40))
        rate_movie(user=self.alice, movie=Movie.objects.get(pk=40), value=0.5)
        self.assertEqual(similar_movies(Movie.objects.get(pk=40)), before)

    def reasons(self, film: SimilarMovie) -> dict[str, dict]:
        return {reason["type"]: reason for reason in film.reasons}

    def some_rate(self, n: int, stars: dict[int, float]) -> None:
        for _ in range(n):
            rate(User.objects.create_user(f"person{User.objects.count()}"), stars)

    def test_it_says_which_genres_films_share(self) -> None:
        film = Movie.objects.get(pk=40)
        film.genres.add(Genre.objects.create(name="Adventure"))
        for similar in similar_movies(film, n=8).items:
            reason = self.reasons(similar)["shared_genres"]
            self.assertEqual((reason["genres"], reason["description"]), (["Drama"], "Both are Drama"))

    def test_it_says_nothing_of_genres_where_none_is_shared(self) -> None:
        film = Movie.objects.get(pk=40)
        film.genres.clear()
        self.assertEqual([similar.reasons for similar in similar_movies(film, n=3).items], [[], [], []])

    def test_it_counts_who_rated_both_and_who_liked_both(self) -> None:
        make_crowd()
        film = Movie.objects.get(pk=40)
        mine = {rating.user_id: rating.value for rating in Rating.objects.filter(movie=film)}
        for similar in similar_movies(film, n=20).items:
            pairs = [
                (mine[rating.user_id], rating.value)
                for rating in Rating.objects.filter(movie_id=similar.movie_id)
                if rating.user_id in mine
            ]
            liked = sum(min(pair) >= 4 for pair in pairs)
            self.assertTrue(MIN_PEOPLE <= liked < len(pairs))
            reason = self.reasons(similar)["shared_raters"]
            self.assertEqual((reason["count"], reason["liked"]), (len(pairs), liked))
            self.assertEqual(reason["description"], f"{len(pairs)} people rated both, {liked} liked both")

    def test_it_says_nothing_of_fewer_than_five_people(self) -> None:
        film = Movie.objects.get(pk=40)
        row = rows_of([similar_movies(film, n=1).items[0].movie_id])[0]

        def told() -> dict | None:
            return self.reasons(similar_movies(film, n=1).items[0]).get("shared_raters")

        self.some_rate(4, {3: 4.0, row: 4.5})
        self.some_rate(9, {3: 5.0})
        self.some_rate(9, {row: 5.0})
        self.assertIsNone(told())
        self.some_rate(1, {3: 4.0, row: 3.5})
        self.assertEqual(
            told(), {"type": "shared_raters", "description": "5 people rated both", "count": 5}
        )  # but only four liked both
        self.some_rate(1, {3: 4.0, row: 4.0})
        told_of_six = told()
        assert told_of_six is not None
        self.assertEqual(told_of_six["description"], "6 people rated both, 5 liked both")

    def test_it_names_nobody(self) -> None:
        make_crowd()
        for similar in similar_movies(Movie.objects.get(pk=40), n=8).items:
            self.assertEqual(set(self.reasons(similar)["shared_raters"]), {"type", "description", "count", "liked"})
            self.assertNotIn("crowd", str(similar))

    def test_it_counts_with_one_query_however_many_films_are_alike(self) -> None:
        make_crowd()
        film = Movie.objects.prefetch_related("genres").get(pk=40)
        similar_movies(film, n=20)  # loads the model, and remembers what the films are called
        for n in (1, 20):
            with self.assertNumQueries(2):  # the live version, the shared raters
                similar_movies(film, n=n)


class SharedRatersTestCase(CatalogueTestCase):
    def test_it_works(self) -> None:
        rate(self.alice, {0: 4.0, 1: 4.0, 2: 1.0})
        rate(self.bob, {0: 3.5, 1: 5.0})
        rate(self.charlie, {1: 5.0, 2: 5.0})
        counted = shared_raters(Movie.objects.get(pk=10), [20, 30, 40])
        self.assertEqual(counted, {20: SharedRaters(2, 1), 30: SharedRaters(1, 0)})

    def test_it_asks_nothing_about_no_film(self) -> None:
        with self.assertNumQueries(0):
            self.assertEqual(shared_raters(Movie(pk=10), []), {})
