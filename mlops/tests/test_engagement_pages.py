from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import AuditEntry
from mlops import engagement
from mlops.models import Engagement, EngagementDay, EngagementPolicy, ServedList
from recommender import registry
from recommender.tests.stored_versions import CatalogueTestCase


class EngagementPagesTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.staff)
        at = timezone.now() - timedelta(minutes=5)
        ServedList.objects.create(
            user=self.alice, at=at, surface="home", version=self.version.label, movie_ids=[10, 20, 30], slots="rrr"
        )
        Engagement.objects.create(user=self.alice, movie_id=20, kind="opened", at=at + timedelta(minutes=1))

    def test_the_health_page_tells_what_the_lists_led_to(self) -> None:
        engagement.settle()
        engagement.add_up()
        EngagementDay.objects.create(day=timezone.now().date() - timedelta(days=3), lists=4, films=6, catalogue=60)
        page = self.client.get("/training/health")
        self.assertContains(page, "Latest: coverage 5.0 %, click-through 100.0 %, rated after a view 0.0 %.")
        rows = self.client.get("/training/health?table=engagement&as=json").json()
        row = rows["rows"][0]
        self.assertEqual((row["lists"], row["films"], row["opened"], row["click_through"]), (1, 3, 1, 1.0))

    def test_it_stands_without_a_list(self) -> None:
        self.assertContains(self.client.get("/training/health"), "No list was noted yet.")

    def test_staff_turns_the_log_off_and_says_how_long_it_is_kept(self) -> None:
        self.client.post("/training/health/lists", {"keep_days": "30", "exploration": "5"})
        policy = EngagementPolicy.current()
        self.assertEqual((policy.record, policy.keep_days, registry.exploration()), (False, 30, 5))
        for wrong in ({"keep_days": "3", "exploration": "5"}, {"keep_days": "30", "exploration": "51"}):
            self.assertEqual(self.client.post("/training/health/lists", wrong).status_code, 422)

    def test_it_is_forgotten_only_when_one_is_sure(self) -> None:
        self.assertContains(self.client.get("/training/health/lists"), "1 list and 1 act")
        self.client.post("/training/health/lists/forget")
        self.assertEqual(ServedList.objects.count(), 1)
        self.client.post("/training/health/lists/forget", {"sure": "1"})
        self.assertEqual((ServedList.objects.count(), Engagement.objects.count()), (0, 0))
        self.assertEqual(AuditEntry.objects.get(action="forget-lists").actor, self.staff)
        self.assertContains(self.client.get("/training/health/lists"), "Nothing is held")

    def test_it_is_nobody_elses_business(self) -> None:
        self.client.force_login(self.charlie)
        for path in ("/training/health/lists", "/training/health/lists/forget"):
            self.assertEqual(self.client.post(path, {"sure": "1"}).status_code, 403)
        self.assertEqual(ServedList.objects.count(), 1)

    def test_people_see_that_lists_are_noted_and_take_them_along(self) -> None:
        self.client.force_login(self.alice)
        self.assertContains(self.client.get("/my/data"), "One list that you were shown is noted")
        document = self.client.get("/my/data/export.json").json()
        self.assertEqual(document["lists_shown"][0]["movie_ids"], [10, 20, 30])
        self.assertEqual(document["engagements"][0]["movie_id"], 20)
