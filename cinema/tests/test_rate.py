from __future__ import annotations

import json

from django.test import Client, override_settings

from cinema.models import Rating
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/movies/110"}


class RateTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)
        self.url = "/movies/110/rating"

    def given(self, movie_id: int = 110) -> float | None:
        return Rating.objects.filter(user=self.alice, movie_id=movie_id).values_list("value", flat=True).first()

    def test_it_works(self) -> None:
        response = self.client.post(self.url, {"value": "4.5"}, headers=HTMX)
        self.assertEqual(self.given(), 4.5)
        self.assertContains(response, "You gave it 4.5")
        self.assertRegex(response.content.decode(), r"Learned in <strong>[\d.]+ ms</strong>")
        self.assertIn("rating-saved", json.loads(response["HX-Trigger"]))
        self.assertTrue(response.content.decode().startswith('<form class="rating" id="rating-110"'))

    def test_it_works_without_javascript(self) -> None:
        response = self.client.post(self.url, {"value": "0.5", "next": "/my/ratings"}, follow=True)
        self.assertRedirects(response, "/my/ratings")
        self.assertContains(response, "You gave Film 10 0.5 stars. Learned in ")
        self.assertEqual(self.given(), 0.5)

    def test_it_names_what_came_into_the_list_and_what_left_it(self) -> None:
        top = self.client.get("/").context["recommendations"].items
        self.client.post(f"/movies/{top[9].movie_id}/rating", {"value": "3.0"}, headers=HTMX)
        response = self.client.post(f"/movies/{top[0].movie_id}/rating", {"value": "0.5"}, headers=HTMX)
        receipt = response.context["receipt"]
        self.assertIn(top[0].movie_id, [film["movie_id"] for film in receipt.left])
        self.assertTrue(receipt.entered)
        self.assertContains(response, "Now in your list")
        # That the rated film itself is gone needs no telling.
        self.assertNotIn(top[0].movie_id, [film["movie_id"] for film in response.context["left"]])

    def test_it_removes_a_rating(self) -> None:
        response = self.client.post("/movies/10/rating", {"value": "5.0", "unrate": "1"}, headers=HTMX)
        self.assertIsNone(self.given(10))
        self.assertContains(response, "Removed.")
        self.assertContains(response, "Rate it")
        self.assertNotContains(response, "checked")
        self.client.post("/movies/20/rating", {"unrate": "1"})
        self.assertIsNone(self.given(20))

    def test_it_removes_what_is_not_there_without_complaint(self) -> None:
        self.assertEqual(self.client.post(self.url, {"unrate": "1"}, headers=HTMX).status_code, 200)

    def test_it_refuses_what_is_no_rating(self) -> None:
        for value in ("", "0", "0.7", "5.5", "NaN", "Infinity", "-1", "true", "4,5", "1e400", "٥", "\x00"):
            response = self.client.post(self.url, {"value": value}, headers=HTMX)
            self.assertEqual(response.status_code, 422, value)
            self.assertContains(response, "Choose half a star to five stars", status_code=422)
            self.assertNotIn("HX-Trigger", response)
            self.assertRedirects(self.client.post(self.url, {"value": value}), "/movies/110")
        self.assertIsNone(self.given())

    def test_it_rates_for_nobody_else(self) -> None:
        self.client.post(self.url, {"value": "1.0", "user": self.bob.pk, "user_id": self.bob.pk})
        self.assertFalse(Rating.objects.filter(user=self.bob).exists())

    def test_it_sends_strangers_to_sign_in(self) -> None:
        stranger = Client()
        response = stranger.post(self.url, {"value": "4.0", "next": "/movies/110"})
        self.assertRedirects(response, "/sign-in?next=%2Fmovies%2F110")
        # A fragment's place is too small for the sign-in page.
        response = stranger.post(self.url, {"value": "4.0"}, headers=HTMX)
        self.assertEqual(response["HX-Redirect"], "/sign-in?next=%2Fmovies%2F110")
        self.assertIsNone(self.given())

    def test_it_sends_nobody_off_the_site(self) -> None:
        for target in (
            "//evil.example",
            "https://evil.example/",
            "/\\evil.example",
            "https:evil.example",
            "javascript:alert(1)",
        ):
            response = self.client.post(self.url, {"value": "4.0", "next": target})
            self.assertRedirects(response, "/movies/110", msg_prefix=target)

    def test_it_demands_the_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        self.assertEqual(client.post(self.url, {"value": "4.0"}).status_code, 403)
        self.assertIsNone(self.given())

    def test_it_takes_the_token_from_the_pages_headers(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        page = client.get("/movies/110").content.decode()
        token = page.split('{"x-csrftoken": "')[1].split('"')[0]
        response = client.post(self.url, {"value": "4.0"}, headers={**HTMX, "X-CSRFToken": token})
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self.given(), 4.0)

    def test_it_rejects_get(self) -> None:
        self.assertEqual(self.client.get(f"{self.url}?value=4.0").status_code, 405)

    def test_it_answers_404_for_what_is_no_film(self) -> None:
        self.assertEqual(self.client.post("/movies/999/rating", {"value": "4.0"}).status_code, 404)

    @override_settings(THROTTLE_RATES={"rating": 2})
    def test_it_slows_down_a_flood(self) -> None:
        for _ in range(2):
            self.assertEqual(self.client.post(self.url, {"value": "4.0"}, headers=HTMX).status_code, 200)
        response = self.client.post(self.url, {"value": "1.0"}, headers=HTMX)
        self.assertContains(response, "You gave it 4.0", status_code=429)
        self.assertContains(response, "many ratings", status_code=429)
        self.assertGreater(int(response["Retry-After"]), 0)
        response = self.client.post(self.url, {"value": "1.0"})
        self.assertContains(response, "Slow down", status_code=429)
        self.assertGreater(int(response["Retry-After"]), 0)
        self.assertEqual(self.given(), 4.0)
