from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cinema.models import Movie, Rating
from cinema.ratings import rate_movie
from recommender.explain import NoExplanation, explain_for
from recommender.models import LivePointer
from recommender.recommend import predict_for, recommend_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate


class ExplainForTestCase(CatalogueTestCase):
    def film(self, row: int) -> Movie:
        return Movie.objects.get(pk=10 * (row + 1))

    def reasons(self, row: int) -> dict[str, dict]:
        return {reason["type"]: reason for reason in explain_for(self.alice, self.film(row))["reasons"]}

    def test_it_works(self) -> None:
        rate(self.alice, DRAMA_FAN)
        explanation = explain_for(self.alice, self.film(5))
        self.assertEqual(explanation["movie_title"], "Film 5")
        self.assertEqual(explanation["model_version"], self.version.label)
        low, high = explanation["interval"]
        self.assertTrue(0.5 <= low < explanation["predicted_rating"] < high <= 5)
        self.assertTrue(0 < explanation["confidence"] <= 1)

    def test_it_adds_up_for_any_person_and_film(self) -> None:
        # Not on the method: each example replaces what the last one wrote, within the transaction of the test.
        @given(ratings=st.dictionaries(st.integers(0, 59), st.integers(1, 10), max_size=20), asked=st.integers(0, 59))
        @settings(max_examples=40)
        def holds(ratings: dict[int, int], asked: int) -> None:
            Rating.objects.filter(user=self.alice).delete()
            rate(self.alice, {row: stars / 2 for row, stars in ratings.items()})
            film = self.film(asked)
            explanation = explain_for(self.alice, film, all_contributions=True)
            parts = explanation["breakdown"]
            total = sum(parts[name] for name in ("base", "film", "you", "your_ratings", "clipped"))
            self.assertAlmostEqual(total, parts["total"], delta=1e-6)
            self.assertEqual(parts["total"], explanation["predicted_rating"])
            contributions = sum(entry["contribution"] for entry in explanation["contributions"])
            self.assertAlmostEqual(contributions, parts["your_ratings"], delta=1e-6)
            self.assertAlmostEqual(predict_for(self.alice, [film])[film.pk], parts["total"], delta=1e-9)

        holds()

    def test_it_adds_up_for_the_place_in_a_list_too(self) -> None:
        rate(self.alice, DRAMA_FAN)
        for item in recommend_for(self.alice, n=20).items:
            film = Movie.objects.get(pk=item.movie_id)
            explanation = explain_for(self.alice, film, all_contributions=True)
            order = explanation["order"]
            self.assertAlmostEqual(order["score"], item.score, delta=1e-9)
            total = sum(entry["order_contribution"] for entry in explanation["contributions"])
            self.assertAlmostEqual(total + order["tie_break"], order["score"], delta=1e-9)
            self.assertTrue(all(entry["contribution"] > 0 for entry in order["movies"]))

    def test_it_names_only_liked_films_that_speak_for_this_one(self) -> None:
        rate(self.alice, DRAMA_FAN)
        movies = self.reasons(5)["similar_movies"]["movies"]
        self.assertTrue(movies)
        for entry in movies:
            self.assertGreater(entry["contribution"], 0)
            self.assertGreaterEqual(entry["your_rating"], 4)

    def test_it_leaves_the_similar_films_out_where_there_is_none(self) -> None:
        rate(self.alice, {0: 1.0, 1: 1.5, 2: 1.0})
        self.assertNotIn("similar_movies", self.reasons(5))

    def test_it_matches_genres(self) -> None:
        rate(self.alice, DRAMA_FAN)
        good, bad = self.reasons(5)["genre_match"], self.reasons(50)["genre_match"]
        self.assertEqual((good["genres"], good["description"]), (["Drama"], "Matches your favorite genres"))
        self.assertGreater(good["match_score"], bad["match_score"])
        self.assertNotEqual(bad["description"], good["description"])

    def test_it_speaks_of_people_like_you_from_five_on(self) -> None:
        rate(self.alice, DRAMA_FAN)
        reason = self.reasons(5)["similar_users"]
        self.assertGreaterEqual(reason["count"], 5)
        self.assertIn(str(reason["count"]), reason["description"])

    def test_it_explains_a_rated_film_as_if_it_were_not(self) -> None:
        rate(self.alice, DRAMA_FAN)
        film = self.film(5)
        before = explain_for(self.alice, film, all_contributions=True)
        rate_movie(user=self.alice, movie=film, value=0.5)
        self.assertEqual(explain_for(self.alice, film, all_contributions=True), before)

    def test_it_is_less_sure_of_a_film_that_nobody_rated(self) -> None:
        rate(self.alice, DRAMA_FAN)
        new = Movie.objects.create(title="Brand new")
        unknown, known = explain_for(self.alice, new), explain_for(self.alice, self.film(5))
        self.assertEqual(unknown["breakdown"]["film"], 0.0)
        # Among these people nobody is ever a star off, so the chance of it cannot fall; the interval can widen.
        self.assertLessEqual(unknown["confidence"], known["confidence"])
        self.assertLess(unknown["interval"][0], known["interval"][0])

    def test_it_explains_to_somebody_without_ratings(self) -> None:
        explanation = explain_for(self.alice, self.film(5), all_contributions=True)
        self.assertEqual(explanation["reasons"], [])
        self.assertEqual(explanation["contributions"], [])

    def test_it_has_nothing_to_explain_without_a_version(self) -> None:
        LivePointer.objects.update(activation=None, generation=9)
        with self.assertRaises(NoExplanation):
            explain_for(self.alice, self.film(5))

    def test_it_is_told_the_same_of_others_whoever_of_them_rated(self) -> None:
        """One other person's rating leaves no trace until the next training."""
        rate(self.alice, DRAMA_FAN)
        before = explain_for(self.alice, self.film(5), all_contributions=True)
        rate_movie(user=self.bob, movie=self.film(5), value=1.0)
        self.assertEqual(explain_for(self.alice, self.film(5), all_contributions=True), before)
