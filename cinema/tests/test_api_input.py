"""What no client should send, and what it gets for it. A 500 is always a bug."""

from __future__ import annotations

import gzip
from typing import Any
from unittest import mock

from django.db import OperationalError

from cinema.models import Rating
from cinema.tests.api_clients import ApiTestCase


class RatingInputTestCase(ApiTestCase):
    def test_it_takes_every_half_star_and_nothing_else(self) -> None:
        for step in range(1, 11):
            response = self.api("PUT", "/api/ratings/10", by=self.alice, json={"value": step / 2})
            self.assertLess(response.status_code, 300)
        values: tuple[Any, ...] = (0, -0.5, 5.5, 3.14159, 5.0001, True, False, "5", "٥", None, [], {}, [4], 10**400)
        for value in values:
            with self.subTest(repr(value)[:20]):
                response = self.api("PUT", "/api/ratings/20", by=self.bob, json={"value": value})
                problem = self.assert_problem(response, 400)
                if problem["code"] == "invalid":
                    self.assertIn("value", problem["errors"])
        self.assertFalse(Rating.objects.filter(user=self.bob).exists())

    def test_it_takes_no_numbers_that_json_does_not_have(self) -> None:
        for text in (b'{"value": NaN}', b'{"value": Infinity}', b'{"value": -Infinity}', b'{"value": 1e400}'):
            with self.subTest(text):
                self.assert_problem(self.api("PUT", "/api/ratings/10", by=self.alice, body=text), 400)

    def test_it_takes_no_broken_json(self) -> None:
        broken = {
            "nested 100,000 deep": b"[" * 30_000 + b"]" * 30_000,
            "bad UTF-8": b'{"value": "\xff\xfe"}',
            "a lone surrogate": b'{"value": "\\ud800"}',
            "a number of 5,000 digits": b'{"value": ' + b"9" * 5000 + b"}",
            "an open quote": b'{"value": "4',
            "nothing": b"{",
            "a byte order mark": b'\xef\xbb\xbf{"value": 4}',
            "packed with gzip": gzip.compress(b'{"value": 4}'),
            "a list": b"[4]",
            "a number": b"4",
            "null": b"null",
        }
        for name, body in broken.items():
            with self.subTest(name):
                self.assert_problem(self.api("PUT", "/api/ratings/10", by=self.alice, body=body), 400)

    def test_it_takes_no_large_bodies(self) -> None:
        for size in (70_000, 10_000_000):
            body = b'{"value": 4, "x": "' + b"x" * size + b'"}'
            self.assert_problem(self.api("PUT", "/api/ratings/10", by=self.alice, body=body), 413, "too_large")
        deep = b"[" * 100_000 + b"]" * 100_000
        self.assert_problem(self.api("PUT", "/api/ratings/10", by=self.alice, body=deep), 413)

    def test_it_takes_json_only(self) -> None:
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"):
            with self.subTest(content_type):
                response = self.api(
                    "PUT", "/api/ratings/10", by=self.alice, body=b'{"value": 4}', content_type=content_type
                )
                self.assert_problem(response, 415)

    def test_it_survives_an_unknown_charset(self) -> None:
        response = self.api(
            "PUT", "/api/ratings/10", by=self.alice, body=b'{"value": 4}', content_type="application/json; charset=ha"
        )
        self.assertIn(response.status_code, {201, 400, 415})

    def test_it_ignores_what_is_not_the_callers_to_say(self) -> None:
        body = {"value": 4, "user": self.bob.pk, "user_id": self.bob.pk, "id": 1, "rated_at": "1999-01-01"}
        self.assertEqual(self.api("PUT", "/api/ratings/10", by=self.alice, json=body).status_code, 201)
        rating = Rating.objects.get()
        self.assertEqual(rating.user, self.alice)
        self.assertGreater(rating.rated_at.year, 2020)


class MeInputTestCase(ApiTestCase):
    def test_it_takes_whole_numbers_from_0_to_3_and_null_only(self) -> None:
        values: tuple[Any, ...] = (-1, 4, 1.0, 1.5, True, False, "2", "auto", "", "٢", [], [1], {}, 10**400)
        for value in values:
            with self.subTest(repr(value)[:20]):
                problem = self.assert_problem(
                    self.api("PATCH", "/api/me", by=self.alice, json={"discovery": value}), 400
                )
                if problem["code"] == "invalid":
                    self.assertIn("discovery", problem["errors"])
        self.alice.refresh_from_db()
        self.assertIsNone(self.alice.discovery)

    def test_it_takes_no_broken_json(self) -> None:
        for body in (b"null", b"[1]", b"1", b'{"discovery": NaN}', b'{"discovery": 1e999}', b"{", b"[" * 30_000):
            with self.subTest(body[:20]):
                self.assert_problem(self.api("PATCH", "/api/me", by=self.alice, body=body), 400)


class PathInputTestCase(ApiTestCase):
    def test_it_knows_no_ids_but_plain_numbers(self) -> None:
        for number in ("99999999999999999999", "0", "-1", "1.0", "1e3", "%00", "１", "..%2f..", "9" * 5000, "abc"):
            for template in ("/api/ratings/{}", "/api/movies/{}", "/api/ml/recommendations/{}", "/api/ml/runs/{}"):
                with self.subTest(template.format(number[:25])):
                    self.assert_problem(self.api("GET", template.format(number), by=self.staff), 404)

    def test_it_finds_no_film_of_the_largest_id(self) -> None:
        largest = 10**18 - 1
        self.assert_problem(self.api("PUT", f"/api/ratings/{largest}", by=self.alice, json={"value": 4}), 404)
        self.assert_problem(self.api("GET", f"/api/ml/explain/{self.alice.pk}/{largest}", by=self.alice), 404)

    def test_it_reads_no_paths_from_labels(self) -> None:
        for label in ("..", "..%2f..%2fetc", "%2fetc%2fpasswd", "v1%00", "x" * 300, "file:%2f%2f%2fetc"):
            with self.subTest(label[:20]):
                response = self.api("POST", f"/api/ml/versions/{label}/activate", by=self.staff, json={})
                self.assert_problem(response, 404)

    def test_it_answers_unrouted_paths_as_problems_too(self) -> None:
        for path in ("/api", "/api/", "/api/nothing", "/api/ml/train/", "/api/me/"):
            self.assert_problem(self.api("GET", path), 404)


class QueryInputTestCase(ApiTestCase):
    def get(self, query: str) -> Any:
        return self.api("GET", f"/api/ml/recommendations/{self.alice.pk}?{query}", by=self.alice)

    def test_it_bounds_the_length_of_a_list(self) -> None:
        for n in ("0", "-1", "101", "1000000000", "abc", "1.5", str(2**70), "true", "NaN"):
            with self.subTest(n):
                problem = self.assert_problem(self.get(f"n={n}"), 400)
                self.assertIn("n", problem["errors"])
        for n in ("1", "100"):
            self.assertEqual(self.get(f"n={n}").status_code, 200)

    def test_it_refuses_nonsense_in_filters(self) -> None:
        for query in ("year_min=x", "year_max=99999", "exclude=a", "exclude=1,-2", "exclude=" + "9" * 30, "genre=%00"):
            with self.subTest(query):
                self.assert_problem(self.get(query), 400)

    def test_it_reads_the_same_text_the_same_way_again_and_of_others_only_so_many(self) -> None:
        kept: dict[tuple[type, str], Any] = {}
        with mock.patch.multiple("cinema.api_fields", MAX_READ_BEFORE=2, _read_before=kept):
            for n in (3, 4, 5, 3):
                self.assertEqual(len(self.get(f"n={n}&exclude=10").json()["items"]), n)
            self.assertEqual([text for _, text in kept], ["n=3&exclude=10", "n=4&exclude=10"])
            self.assert_problem(self.get("n=0"), 400)
            self.assert_problem(self.get("n=0"), 400)

    def test_it_does_not_pass_parameters_on_to_the_database(self) -> None:
        plain = self.api("GET", "/api/movies").json()["results"]
        for query in (
            "_connector=OR 1=1",
            "user__password__startswith=p",
            "ordering=user__password",
            "title__regex=.*",
        ):
            self.assertEqual(self.api("GET", "/api/movies", QUERY_STRING=query).json()["results"], plain)

    def test_it_refuses_nonsense_in_a_search(self) -> None:
        self.assert_problem(self.api("GET", "/api/movies?search=%00"), 400)
        self.assert_problem(self.api("GET", "/api/movies?page=99999999999999999999"), 404)
        self.assert_problem(self.api("GET", "/api/movies?page=x"), 404)
        self.assertEqual(self.api("GET", "/api/movies?page_size=100000").status_code, 200)
        queries = (
            "page_size=x", "page_size=0", "page_size=-1", "page_size=", "page=", "page=1&page=2", "year_min=",
            "year_min=1990&year_min=1991", "page_size=" + "9" * 5000,
        )  # fmt: skip
        for query in queries[:-1]:
            with self.subTest(query):
                self.assert_problem(self.api("GET", f"/api/movies?{query}"), 400)
        self.assertLess(self.api("GET", f"/api/movies?{queries[-1]}").status_code, 500)


class TroubleTestCase(ApiTestCase):
    def test_it_asks_to_come_back_when_the_database_is_locked(self) -> None:
        for where in ("cinema.api.rate_with_receipt", "knox.auth.TokenAuthentication.authenticate"):
            with self.subTest(where), mock.patch(where, side_effect=OperationalError("database is locked")):
                with self.assertLogs("cinema.problems", "ERROR"):
                    response = self.api("PUT", "/api/ratings/10", by=self.alice, json={"value": 4})
                problem = self.assert_problem(response, 503, "database_unavailable")
                self.assertGreater(int(response.headers["Retry-After"]), 0)
                self.assertNotIn("locked", str(problem))

    def test_it_asks_to_come_back_when_the_trouble_lies_outside_of_a_view(self) -> None:
        where = "django.contrib.sessions.middleware.SessionMiddleware.process_response"
        with mock.patch(where, side_effect=OperationalError("disk full")), self.assertLogs("django.request", "ERROR"):
            response = self.api("GET", "/api/movies")
        self.assert_problem(response, 503, "database_unavailable")
        self.assertIn("Retry-After", response.headers)

    def test_it_tells_nothing_of_what_broke(self) -> None:
        broken = mock.patch("cinema.api.rate_with_receipt", side_effect=RuntimeError("secret /path/to"))
        with broken, self.assertLogs("django.request", "ERROR"):
            response = self.api("PUT", "/api/ratings/10", by=self.alice, json={"value": 4})
        self.assert_problem(response, 500, "server_error")
        self.assertNotIn(b"secret", response.content)

    def test_it_does_not_let_the_method_be_overridden(self) -> None:
        self.assert_problem(
            self.api("GET", "/api/ml/train?_method=POST", by=self.staff, headers={"X-HTTP-Method-Override": "POST"}),
            405,
        )
        self.assert_problem(self.api("TRACE", "/api/me", by=self.staff), 405)

    def test_it_keeps_personal_answers_out_of_shared_caches(self) -> None:
        response = self.api("GET", f"/api/ml/recommendations/{self.alice.pk}", by=self.alice)
        self.assertEqual(response.headers["Cache-Control"], "private, no-store")

    def test_it_limits_ratings_across_all_processes(self) -> None:
        with self.settings(THROTTLE_RATES={"rating": 3}):
            codes = [
                self.api("PUT", f"/api/ratings/{10 * n}", by=self.alice, json={"value": 4}).status_code
                for n in range(1, 6)
            ]
            self.assertEqual(codes, [201, 201, 201, 429, 429])
            kept = Rating.objects.filter(user=self.alice, movie__in=[10, 20, 30, 40, 50])
            self.assertEqual(sorted(kept.values_list("movie_id", flat=True)), [10, 20, 30])
            response = self.api("DELETE", "/api/ratings/10", by=self.alice)
            self.assert_problem(response, 429)
            self.assertTrue(1 <= int(response.headers["Retry-After"]) <= 61)
            self.assertEqual(self.api("PUT", "/api/ratings/10", by=self.bob, json={"value": 4}).status_code, 201)
