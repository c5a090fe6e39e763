from __future__ import annotations

import html
import re
from datetime import timedelta
from unittest import mock

from django.utils import timezone

from cinema.models import Movie, Rating
from cinema.ratings import InvalidRating, rate_movie, restore_rating
from cinema.undo import SECONDS, Before, read, token
from recommender.tests.stored_versions import CatalogueTestCase

HTMX = {"HX-Request": "true"}


class UndoTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)
        self.movie = Movie.objects.get(pk=60)

    def post(self, **data: str) -> str:
        return self.client.post("/movies/60/rating", data, headers=HTMX).content.decode()

    def undo(self, reply: str) -> str:
        found = re.search(r'name="undo" value="([^"]+)"', reply)
        assert found is not None
        return self.post(undo=found[1])

    def test_a_removed_rating_comes_back_as_it_was(self) -> None:
        rate_movie(user=self.alice, movie=self.movie, value=4.5)
        long_ago = timezone.now() - timedelta(days=400)
        Rating.objects.update(rated_at=long_ago)
        reply = self.undo(self.post(unrate="1"))
        self.assertIn("You gave it 4.5", reply)
        rating = Rating.objects.get(user=self.alice)
        self.assertEqual((rating.value, rating.rated_at), (4.5, long_ago))

    def test_a_changed_rating_goes_back_to_what_it_was(self) -> None:
        rate_movie(user=self.alice, movie=self.movie, value=4.5)
        self.undo(self.post(value="1.0"))
        self.assertEqual(Rating.objects.get(user=self.alice).value, 4.5)

    def test_a_first_rating_is_taken_back(self) -> None:
        self.undo(self.post(value="1.0"))
        self.assertFalse(Rating.objects.filter(user=self.alice).exists())

    def test_without_javascript_a_link_asks_and_a_button_takes_it_back(self) -> None:
        rate_movie(user=self.alice, movie=self.movie, value=4.5)
        response = self.client.post("/movies/60/rating", {"unrate": "1", "next": "/movies/60"}, follow=True)
        address = re.search(r'href="(/movies/60/rating/undo\?[^"]+)"', response.content.decode())
        assert address is not None
        page = self.client.get(html.unescape(address[1])).content.decode()
        self.assertFalse(Rating.objects.filter(user=self.alice).exists())
        word = re.search(r'name="undo" value="([^"]+)"', page)
        assert word is not None
        self.client.post("/movies/60/rating", {"undo": word[1]})
        self.assertEqual(Rating.objects.get(user=self.alice).value, 4.5)

    def test_a_link_that_is_worth_nothing_says_so(self) -> None:
        response = self.client.get("/movies/60/rating/undo?word=forged", follow=True)
        self.assertContains(response, "can no longer be taken back")

    def test_what_changed_nothing_has_nothing_to_take_back(self) -> None:
        self.post(value="3.0")
        self.assertNotIn('name="undo"', self.post(value="3.0"))

    def test_somebody_elses_word_is_worth_nothing(self) -> None:
        rate_movie(user=self.bob, movie=self.movie, value=4.5)
        word = token(self.bob, self.movie, Before.of(self.bob, self.movie))
        self.assertIn("can no longer be taken back", self.post(undo=word))
        self.assertIsNone(read(self.bob, Movie.objects.get(pk=70), word))
        self.assertFalse(Rating.objects.filter(user=self.alice).exists())

    def test_a_forged_or_an_old_word_is_worth_nothing(self) -> None:
        word = token(self.alice, self.movie, Before(4.5, timezone.now()))
        for bad in ("", "x", word[:-1], word + "x", "a" * 400):
            self.assertIsNone(read(self.alice, self.movie, bad), bad[:10])
        self.assertIsNotNone(read(self.alice, self.movie, word))
        with mock.patch("django.core.signing.time.time", return_value=timezone.now().timestamp() + SECONDS + 5):
            self.assertIsNone(read(self.alice, self.movie, word))

    def test_nothing_off_the_scale_is_restored(self) -> None:
        with self.assertRaises(InvalidRating):
            restore_rating(user=self.alice, movie=self.movie, value=7.0, rated_at=timezone.now())
