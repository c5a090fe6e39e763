from __future__ import annotations

from unittest import mock

from django.db import IntegrityError, OperationalError
from django.test import TestCase

from cinema.models import Movie, User
from cinema.mydata.accounts import delete_account
from mlops import engagement_log
from mlops.engagement_log import EngagementLog, log
from mlops.models import Engagement, EngagementPolicy, ServedList
from recommender.recommend import recommend_for
from recommender.served import Acted, Served, Shown
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_catalogue, rate


def shown_to(user: User, *movie_ids: int) -> Served:
    return Served(shown=[Shown(user.pk, "home", "v1", True, list(movie_ids), "r" * len(movie_ids))])


def opened_by(user: User, movie_id: int) -> Served:
    return Served(acts=[Acted(user.pk, movie_id, "opened", None)])


class EngagementLogTestCase(TestCase):
    alice: User
    bob: User

    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        cls.alice, cls.bob = User.objects.create_user("alice"), User.objects.create_user("bob")

    def setUp(self) -> None:
        super().setUp()
        self.log = EngagementLog()

    def test_a_list_is_written_as_it_was_shown(self) -> None:
        self.log.record(shown_to(self.alice, 30, 10), device="phone")
        self.assertFalse(ServedList.objects.exists())
        self.assertEqual(self.log.flush(), 1)
        row = ServedList.objects.get()
        self.assertEqual((row.user, row.surface, row.version, row.device), (self.alice, "home", "v1", "phone"))
        self.assertEqual((row.movie_ids, row.slots), ([30, 10], "rr"))
        self.assertEqual(self.log.flush(), 0)

    def test_nothing_is_noted_of_who_is_gone(self) -> None:
        self.log.record(shown_to(self.alice, 10), device="phone")
        self.log.record(opened_by(self.alice, 10), device="phone")
        self.log.record(shown_to(self.bob, 20), device="phone")
        delete_account(user=self.alice)
        self.log.flush()
        self.assertEqual([row.user for row in ServedList.objects.all()], [self.bob])
        self.assertFalse(Engagement.objects.exists())

    def test_who_goes_takes_everything_along(self) -> None:
        for person in (self.alice, self.bob):
            self.log.record(shown_to(person, 10), device="phone")
            self.log.record(opened_by(person, 10), device="phone")
        self.log.flush()
        delete_account(user=self.alice)
        self.assertEqual({row.user for row in ServedList.objects.all()}, {self.bob})
        self.assertEqual({row.user for row in Engagement.objects.all()}, {self.bob})

    def test_an_act_about_a_film_that_is_gone_is_left_out(self) -> None:
        self.log.record(opened_by(self.alice, 10), device="phone")
        Movie.objects.filter(pk=10).delete()
        self.assertEqual(self.log.flush(), 0)

    def test_what_cannot_be_written_is_written_later(self) -> None:
        self.log.record(shown_to(self.alice, 10), device="phone")
        failing = mock.patch.object(engagement_log, "_write", side_effect=OperationalError("disk full"))
        with failing, self.assertLogs("mlops.engagement_log", "WARNING"):
            self.assertEqual(self.log.flush(), 0)
        self.log.record(shown_to(self.alice, 20), device="phone")
        self.assertEqual(self.log.flush(), 2)
        self.assertEqual([row.movie_ids for row in ServedList.objects.all()], [[10], [20]])

    def test_who_goes_while_it_is_written_is_asked_for_again(self) -> None:
        self.log.record(shown_to(self.alice, 10), device="phone")
        answers = [IntegrityError("gone meanwhile"), 1]
        with mock.patch.object(engagement_log, "_write", side_effect=answers):
            self.assertEqual(self.log.flush(), 1)

    def test_what_fits_nothing_is_not_tried_for_ever(self) -> None:
        self.log.record(shown_to(self.alice, 10), device="phone")
        failing = mock.patch.object(engagement_log, "_write", side_effect=IntegrityError("no such experiment"))
        with failing, self.assertLogs("mlops.engagement_log", "ERROR"):
            self.assertEqual(self.log.flush(), 0)
        self.assertEqual(self.log.flush(), 0)
        self.assertFalse(ServedList.objects.exists())

    def test_what_is_kept_is_bounded_and_says_what_is_lost(self) -> None:
        for film in range(10, 60, 10):
            self.log.record(shown_to(self.alice, film), device="phone")
        failing = mock.patch.object(engagement_log, "_write", side_effect=OperationalError("disk full"))
        bound = mock.patch.object(engagement_log, "MAX_KEPT", 2)
        with bound, failing, self.assertLogs("mlops.engagement_log", "ERROR") as logs:
            self.log.flush()
        self.assertIn("The 3 earliest", "".join(logs.output))
        self.log.flush()
        self.assertEqual([row.movie_ids for row in ServedList.objects.all()], [[40], [50]])

    def test_one_switch_turns_it_off(self) -> None:
        EngagementPolicy.objects.create(record=False)
        self.log.record(shown_to(self.alice, 10), device="phone")
        self.assertEqual(self.log.flush(), 0)
        self.log.record(shown_to(self.alice, 10), device="phone")
        self.assertEqual(len(self.log._notes), 0, "not even kept")
        EngagementPolicy.objects.update(record=True)
        self.log.flush()
        self.log.record(shown_to(self.alice, 10), device="phone")
        self.assertEqual(self.log.flush(), 1)


class RequestsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        log.forget()
        self.addCleanup(log.forget)
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def lists(self) -> list[ServedList]:
        log.flush()
        return list(ServedList.objects.all())

    def acts(self) -> list[tuple[str, int, float | None]]:
        log.flush()
        return [(act.kind, act.movie_id, act.value) for act in Engagement.objects.filter(user=self.alice)]

    def test_home_notes_ones_own_list_and_each_rail(self) -> None:
        listed = recommend_for(self.alice, n=20)
        self.client.get("/", headers={"User-Agent": "Mozilla/5.0 (iPhone) Mobile"})
        first, *rails = self.lists()
        self.assertEqual((first.surface, first.version, first.device), ("home", self.version.label, "phone"))
        self.assertEqual(first.movie_ids, [item.movie_id for item in listed.items])
        self.assertEqual(first.slots, "".join(item.slot[0] for item in listed.items))
        self.assertIn("gems", {rail.surface for rail in rails})
        shown = [film for rail in rails for film in rail.movie_ids]
        self.assertEqual(len(shown), len(set(shown)))

    def test_the_api_notes_a_list_for_its_person_and_none_for_staff(self) -> None:
        self.client.get(f"/api/ml/recommendations/{self.alice.pk}?n=5")
        self.assertEqual([(row.surface, len(row.movie_ids)) for row in self.lists()], [("api", 5)])
        self.client.force_login(self.staff)
        self.client.get(f"/api/ml/recommendations/{self.alice.pk}?n=5")
        self.assertEqual(len(self.lists()), 1)

    def test_looking_writes_nothing(self) -> None:
        self.client.get("/")
        self.assertFalse(ServedList.objects.exists())

    def test_what_somebody_does_about_a_film_is_noted(self) -> None:
        self.client.get("/movies/100")
        self.client.head("/movies/110")
        self.client.post("/movies/100/watchlist")
        self.client.post("/movies/100/watchlist", {"off": "1"})
        self.client.post("/movies/100/favourites")
        self.client.post("/movies/100/rating", {"value": "4.5"})
        self.client.put("/api/ratings/110", {"value": 2.0}, content_type="application/json")
        self.client.post("/movies/120/hide")
        self.assertEqual(
            self.acts(),
            [
                ("opened", 100, None),
                ("listed", 100, None),
                ("rated", 100, 4.5),
                ("rated", 110, 2.0),
                ("hidden", 120, None),
            ],
        )

    def test_nothing_is_noted_of_visitors(self) -> None:
        self.client.logout()
        self.client.get("/movies/100")
        self.client.get("/")
        self.assertEqual((self.lists(), self.acts()), ([], []))
