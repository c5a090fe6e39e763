"""The API of a viewer: films, ratings, lists and explanations."""

from __future__ import annotations

from typing import Any

from cinema.models import Movie, Rating, User
from cinema.tests.api_clients import ApiTestCase
from recommender.models import LivePointer
from recommender.tests.stored_versions import DRAMA_FAN, FIRST_OF_CROWD, make_crowd, rate


class MeTestCase(ApiTestCase):
    def test_it_works(self) -> None:
        self.assertEqual(
            self.api("GET", "/api/me", by=self.staff).json(),
            {
                "id": self.staff.pk,
                "username": "grace",
                "is_staff": True,
                "discovery": None,
                "controls": {"popularity": 0.0, "novelty": 0.0, "recency": 0.0, "diversity": 0.0, "since": None},
            },
        )

    def test_it_keeps_how_many_discoveries_one_wants(self) -> None:
        for discovery in (0, 1, 2, 3, 3, None):
            answer = self.api("PATCH", "/api/me", by=self.alice, json={"discovery": discovery})
            self.assertEqual((answer.status_code, answer.json()["discovery"]), (200, discovery))
            self.assertEqual(answer.json(), self.api("GET", "/api/me", by=self.alice).json())
            self.alice.refresh_from_db()
            self.assertEqual(self.alice.discovery, discovery)

    def test_it_leaves_alone_what_is_not_sent(self) -> None:
        self.api("PATCH", "/api/me", by=self.alice, json={"discovery": 2})
        self.assertEqual(self.api("PATCH", "/api/me", by=self.alice, json={}).json()["discovery"], 2)

    def test_it_changes_nobody_else_and_nothing_else(self) -> None:
        body = {"discovery": 2, "is_staff": True, "is_superuser": True, "id": self.bob.pk, "username": "root"}
        self.assertEqual(self.api("PATCH", "/api/me", by=self.alice, json=body).status_code, 200)
        self.alice.refresh_from_db()
        self.bob.refresh_from_db()
        self.assertEqual((self.alice.username, self.alice.is_staff, self.alice.is_superuser), ("alice", False, False))
        self.assertEqual((self.alice.discovery, self.bob.discovery), (2, None))


class MoviesTestCase(ApiTestCase):
    def test_it_lists_the_most_rated_first(self) -> None:
        make_crowd()
        answer = self.api("GET", "/api/movies?page_size=60").json()
        self.assertEqual((answer["count"], answer["next"], answer["previous"]), (60, None, None))
        counts = [film["rating_count"] for film in answer["results"]]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertEqual(set(answer["results"][0]), {"movie_id", "title", "year", "genres", "rating_count"})

    def test_it_searches_and_filters(self) -> None:
        found = self.api("GET", "/api/movies?search=film 7&genre=drama&year_min=1960&year_max=1970").json()
        self.assertEqual([film["title"] for film in found["results"]], ["Film 7"])

    def test_it_pages(self) -> None:
        first = self.api("GET", "/api/movies?page_size=25").json()
        self.assertEqual(len(first["results"]), 25)
        self.assertIn("page=2", first["next"])

    def test_it_takes_the_same_few_queries_for_any_page(self) -> None:
        with self.assertNumQueries(3):
            self.api("GET", "/api/movies?page_size=60")

    def test_it_shows_an_average_from_five_people_on(self) -> None:
        self.assertIsNone(self.api("GET", "/api/movies/10").json()["average_rating"])
        make_crowd()
        film = self.api("GET", "/api/movies/10").json()
        self.assertTrue(0.5 <= film["average_rating"] <= 5)


class RatingsTestCase(ApiTestCase):
    def put(self, movie_id: int, value: float) -> Any:
        return self.api("PUT", f"/api/ratings/{movie_id}", by=self.alice, json={"value": value})

    def test_it_is_created_once_and_then_replaced(self) -> None:
        codes = [self.put(10, value).status_code for value in (4, 4, 2.5)]
        self.assertEqual(codes, [201, 200, 200])
        self.assertEqual(Rating.objects.get().value, 2.5)

    def test_it_answers_with_a_receipt(self) -> None:
        rate(self.alice, DRAMA_FAN)
        top = self.api("GET", f"/api/ml/recommendations/{self.alice.pk}", by=self.alice).json()["items"][0]["movie_id"]
        answer = self.put(top, 1).json()
        self.assertEqual((answer["movie_id"], answer["value"]), (top, 1.0))
        receipt = answer["receipt"]
        self.assertEqual(set(receipt), {"learned_in_ms", "model_version", "entered", "left"})
        self.assertEqual(receipt["model_version"], self.version.label)
        self.assertIn(top, [film["movie_id"] for film in receipt["left"]])
        self.assertEqual(len(receipt["left"]), len(receipt["entered"]))

    def test_it_is_removed_however_often(self) -> None:
        self.put(10, 4)
        for _ in range(2):
            response = self.api("DELETE", "/api/ratings/10", by=self.alice)
            self.assertEqual((response.status_code, response.content), (204, b""))
        self.assertFalse(Rating.objects.exists())

    def test_it_lists_ones_own_only(self) -> None:
        rate(self.alice, {0: 4.0, 1: 3.5})
        rate(self.bob, {2: 1.0})
        answer = self.api("GET", "/api/ratings", by=self.alice).json()
        self.assertEqual(set(answer), {"count", "next", "previous", "results"})
        self.assertEqual({film["movie_id"] for film in answer["results"]}, {10, 20})
        self.assertEqual(set(answer["results"][0]), {"movie_id", "title", "value", "rated_at", "changed_at"})

    def test_it_keeps_the_moment_of_the_first_rating(self) -> None:
        first = self.put(10, 4).json()["rated_at"]
        again = self.put(10, 5).json()
        self.assertEqual(again["rated_at"], first)
        self.assertGreater(again["changed_at"], first)


class RecommendationsTestCase(ApiTestCase):
    def get(self, query: str = "", by: User | None = None) -> Any:
        return self.api("GET", f"/api/ml/recommendations/{self.alice.pk}{query}", by=by or self.alice)

    def test_it_has_the_form_of_the_contract(self) -> None:
        rate(self.alice, DRAMA_FAN)
        answer = self.get("?n=3").json()
        self.assertEqual(
            set(answer),
            {"user_id", "model_version", "generation", "fallback", "items", "controls", "experiment", "arm"},
        )
        self.assertEqual((answer["user_id"], answer["fallback"], len(answer["items"])), (self.alice.pk, False, 3))
        self.assertEqual(
            set(answer["items"][0]),
            {"movie_id", "title", "year", "genres", "predicted_rating", "score", "rank", "slot", "parts", "arm"},
        )

    def test_it_is_the_same_for_staff(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.assertEqual(self.get().json(), self.get(by=self.staff).json())

    def test_it_filters_and_excludes(self) -> None:
        rate(self.alice, DRAMA_FAN)
        items = self.get("?n=100&genre=Comedy&year_min=1990&year_max=1999&exclude=310,320").json()["items"]
        self.assertEqual({item["movie_id"] for item in items}, set(range(330, 401, 10)))

    def test_it_takes_the_number_of_discoveries(self) -> None:
        for discovery in ("auto", "0", "1", "2", "3"):
            self.assertEqual(self.get(f"?discovery={discovery}").status_code, 200)
        for discovery in ("4", "-1", "many", "true"):
            self.assert_problem(self.get(f"?discovery={discovery}"), 400)

    def test_it_answers_for_somebody_imported(self) -> None:
        make_crowd()
        response = self.api("GET", f"/api/ml/recommendations/{FIRST_OF_CROWD}", by=self.staff)
        self.assertEqual((response.status_code, response.json()["fallback"]), (200, False))

    def test_it_works_before_the_first_training(self) -> None:
        LivePointer.objects.update(activation=None, generation=3)
        answer = self.get().json()
        self.assertEqual((answer["model_version"], answer["fallback"]), (None, True))


class ExplainTestCase(ApiTestCase):
    def get(self, query: str = "") -> Any:
        return self.api("GET", f"/api/ml/explain/{self.alice.pk}/60{query}", by=self.alice)

    def test_it_has_the_form_of_the_contract(self) -> None:
        rate(self.alice, DRAMA_FAN)
        answer = self.get().json()
        self.assertEqual(
            set(answer),
            {
                "movie_id", "movie_title", "predicted_rating", "confidence", "interval", "model_version", "reasons",
                "breakdown",
                "order",
            },
        )  # fmt: skip
        kinds = [reason["type"] for reason in answer["reasons"]]
        self.assertEqual(kinds, ["similar_movies", "genre_match", "similar_users"])
        named = answer["reasons"][0]["movies"][0]
        self.assertEqual(set(named), {"movie_id", "title", "your_rating", "contribution", "without_it"})
        self.assertEqual(set(named["without_it"]), {"predicted_rating", "rank"})
        self.assertEqual(set(answer["order"]), {"rank", "score", "tie_break", "network", "moment", "movies"})
        self.assertEqual(set(answer["order"]["movies"][0]), set(named))
        parts = answer["breakdown"]
        total = sum(parts[name] for name in ("base", "film", "you", "your_ratings", "clipped"))
        self.assertAlmostEqual(total, parts["total"], delta=1e-6)
        self.assertEqual(parts["total"], answer["predicted_rating"])

    def test_it_lists_all_contributions_on_request(self) -> None:
        rate(self.alice, DRAMA_FAN)
        answer = self.get("?all=1").json()
        self.assertEqual(len(answer["contributions"]), len(DRAMA_FAN))
        self.assertEqual(
            set(answer["contributions"][0]),
            {"movie_id", "title", "your_rating", "contribution", "watched", "rated", "order_contribution"},
        )
        for entry in answer["contributions"]:
            self.assertAlmostEqual(entry["watched"] + entry["rated"], entry["contribution"], delta=1e-9)
        total = sum(entry["contribution"] for entry in answer["contributions"])
        self.assertAlmostEqual(total, answer["breakdown"]["your_ratings"], delta=1e-6)
        self.assert_problem(self.get("?all=yes"), 400)

    def test_it_says_when_there_is_no_model_yet(self) -> None:
        LivePointer.objects.update(activation=None, generation=3)
        response = self.get()
        self.assert_problem(response, 503, "no_model")
        self.assertIn("Retry-After", response.headers)

    def test_it_takes_a_film_that_came_after_the_training(self) -> None:
        film = Movie.objects.create(title="New")
        response = self.api("GET", f"/api/ml/explain/{self.alice.pk}/{film.pk}", by=self.alice)
        self.assertEqual(response.status_code, 200)


class SimilarTestCase(ApiTestCase):
    def test_it_works(self) -> None:
        answer = self.api("GET", "/api/ml/similar/40?n=5", by=self.charlie).json()
        self.assertEqual((answer["movie_id"], len(answer["items"])), (40, 5))
        self.assertEqual(set(answer["items"][0]), {"movie_id", "title", "year", "genres", "similarity", "reasons"})
        self.assertEqual(
            answer["items"][0]["reasons"],
            [{"type": "shared_genres", "description": "Both are Drama", "genres": ["Drama"]}],
        )
        self.assert_problem(self.api("GET", "/api/ml/similar/40?n=0", by=self.charlie), 400)
