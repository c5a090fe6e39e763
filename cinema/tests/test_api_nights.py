from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import Movie, Night
from cinema.nights import join_night, open_night, pick_movie, veto_movie
from cinema.tests.api_clients import ApiTestCase
from recommender.tests.stored_versions import DRAMA_FAN, rate


class NightTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.night = open_night(host=self.alice, name="Ana")
        self.ben = join_night(night=self.night, name="Ben", user=self.bob)
        self.path = f"/api/nights/{self.night.pk}"

    def test_it_works_for_everybody_in_the_room(self) -> None:
        veto_movie(participant=self.ben, movie=Movie.objects.get(pk=300))
        pick_movie(night=self.night, movie=Movie.objects.get(pk=290))
        for user in (self.alice, self.bob):
            answer = self.api("GET", self.path, by=user).json()
            self.assertEqual(answer["participants"], ["Ana", "Ben"])
            self.assertEqual((answer["model_version"], answer["personal"]), (self.version.label, True))
            self.assertEqual([item["rank"] for item in answer["items"]], list(range(1, 11)))
            ana, ben = answer["items"][0]["participants"]
            self.assertGreaterEqual(ana["predicted_rating"], answer["threshold"])
            self.assertEqual(ben, {"name": "Ben", "predicted_rating": None, "reason": "unknown", "about": ""})
            self.assertEqual(answer["vetoes"], [{"movie_id": 300, "title": "Film 29", "by": "Ben"}])
            self.assertEqual(answer["watched"], [{"movie_id": 290, "title": "Film 28"}])

    def test_it_tells_no_secret(self) -> None:
        text = self.api("GET", self.path, by=self.bob).content.decode()
        self.assertNotIn(self.night.code, text)
        self.assertNotIn(self.night.token, text)

    def test_for_others_and_after_its_time_there_is_no_room(self) -> None:
        for user in (self.charlie, self.staff):
            self.assert_problem(self.api("GET", self.path, by=user), 404)
        Night.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assert_problem(self.api("GET", self.path, by=self.alice), 404)
