from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import TestCase

from cinema.models import User
from mlops import engagement
from mlops.models import Engagement, EngagementDay, EngagementPolicy, ServedList
from recommender.tests.stored_versions import make_catalogue

NOON = datetime(2026, 5, 3, 12, 0, 30, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


class EngagementTestCase(TestCase):
    alice: User
    bob: User

    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        cls.alice, cls.bob = User.objects.create_user("alice"), User.objects.create_user("bob")

    def show(self, *movie_ids: int, minutes: float = 0, user: User | None = None, version: str = "v1") -> ServedList:
        return ServedList.objects.create(
            user=user or self.alice,
            at=NOON + timedelta(minutes=minutes),
            surface="home",
            version=version,
            movie_ids=list(movie_ids),
            slots="r" * len(movie_ids),
        )

    def act(self, movie_id: int, *, minutes: float = 1, kind: str = "opened", **fields: Any) -> Engagement:
        at = NOON + timedelta(minutes=minutes)
        return Engagement.objects.create(user=self.alice, movie_id=movie_id, kind=kind, at=at, **fields)

    def settled(self, act: Engagement, now: datetime = LATER) -> tuple[ServedList | None, int | None]:
        engagement.settle(now)
        act.refresh_from_db()
        return act.served_list, act.place


class SettleTestCase(EngagementTestCase):
    def test_an_act_goes_to_the_last_list_that_showed_the_film(self) -> None:
        self.show(10, 20)
        last = self.show(30, 20, minutes=0.5)
        self.show(40, minutes=0.7)
        self.show(20, minutes=2)
        self.assertEqual(self.settled(self.act(20)), (last, 2))

    def test_only_to_a_list_of_ones_own(self) -> None:
        self.show(20, user=self.bob)
        self.assertEqual(self.settled(self.act(20)), (None, None))

    def test_a_list_of_more_than_a_week_ago_led_to_nothing(self) -> None:
        self.show(20, minutes=-7 * 24 * 60)
        self.assertEqual(self.settled(self.act(20)), (None, None))

    def test_it_waits_until_all_processes_have_written_their_lists(self) -> None:
        act = self.act(20)
        self.assertEqual(engagement.settle(act.at + timedelta(seconds=20)), 0)
        shown = self.show(20)
        self.assertEqual(engagement.settle(act.at + timedelta(seconds=40)), 1)
        self.assertEqual(engagement.settle(LATER), 0, "once is enough")
        act.refresh_from_db()
        self.assertEqual(act.served_list, shown)

    def test_a_list_that_goes_leaves_the_act(self) -> None:
        shown = self.show(20)
        act = self.act(20)
        self.settled(act)
        shown.delete()
        act.refresh_from_db()
        self.assertIsNone(act.served_list)


class AddUpTestCase(EngagementTestCase):
    def add_up(self, now: datetime = LATER) -> EngagementDay:
        engagement.settle(now)
        engagement.add_up(now)
        return EngagementDay.objects.get(version="v1", day=NOON.date())

    def test_a_day_knows_what_came_of_its_lists(self) -> None:
        self.show(10, 20)
        self.show(30, 20, user=self.bob)
        self.act(10)
        self.act(10, minutes=2)
        self.act(10, minutes=3, kind="rated", value=4.0)
        self.act(20, minutes=4, kind="rated", value=2.0)
        self.act(20, minutes=5, kind="listed")
        self.act(20, minutes=6, kind="hidden")
        self.act(60, minutes=6)  # nobody had shown it
        row = self.add_up()
        self.assertEqual((row.lists, row.places, row.films, row.catalogue), (2, 4, 3, 60))
        self.assertEqual((row.opened_lists, row.opened, row.rated, row.liked), (1, 1, 2, 1))
        self.assertEqual((row.watchlisted, row.hidden, row.rated_after_opening), (1, 1, 1))

    def test_adding_up_again_changes_nothing(self) -> None:
        self.show(10, 20)
        self.act(10)
        first = self.add_up()
        again = self.add_up()
        self.assertEqual(first.pk, again.pk)
        self.assertEqual((again.lists, again.opened), (1, 1))

    def test_a_rating_of_days_later_still_counts_for_its_day(self) -> None:
        self.show(10)
        self.add_up()
        self.act(10, minutes=3 * 24 * 60, kind="rated", value=5.0)
        row = self.add_up(NOON + timedelta(days=3, hours=1))
        self.assertEqual((row.lists, row.rated, row.liked), (1, 1, 1))

    def test_days_tell_shares(self) -> None:
        self.show(10, 20)
        self.show(10, 30, version="v2")
        self.act(30)
        self.add_up()
        (day,) = engagement.by_day(LATER, 30)
        self.assertEqual((day.coverage, day.click_through, day.rated_after_view), (2 / 60, 1 / 2, 0.0))


class RetentionTestCase(EngagementTestCase):
    def test_what_is_older_than_the_policy_keeps_is_forgotten(self) -> None:
        EngagementPolicy.objects.create(keep_days=10)
        self.show(10)
        self.act(10)
        kept = self.show(10, minutes=60)
        self.assertEqual(engagement.forget_old(NOON + timedelta(days=10, minutes=30)), 2)
        self.assertEqual(list(ServedList.objects.all()), [kept])

    def test_days_stay_for_they_say_nothing_of_anybody(self) -> None:
        self.show(10)
        engagement.add_up(LATER)
        self.assertEqual(engagement.forget_all(), 1)
        self.assertEqual(EngagementDay.objects.count(), 1)
