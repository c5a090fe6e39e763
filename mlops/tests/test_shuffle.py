from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import Rating, User
from mlops.models import HealthPolicy, ShuffleTestResult
from mlops.shuffle import assess_live_lists
from recommender import serving
from recommender.tests.stored_versions import CatalogueTestCase


class AssessLiveListsTestCase(CatalogueTestCase):
    def people_like(self, n: int, *, same_side: bool = True) -> None:
        """People who love the first half of the films, and go on to like two more of it, or of the other half."""
        now = timezone.now()
        for number in range(n):
            user = User.objects.create_user(f"fan{User.objects.count()}-{number}")
            stars = dict.fromkeys(range(6), 5.0) | dict.fromkeys(range(30, 34), 1.5)
            new = range(10, 12) if same_side else range(40, 42)
            rows = [(row, value, 30) for row, value in stars.items()] + [(row, 5.0, 1) for row in new]
            Rating.objects.bulk_create(
                Rating(user=user, movie_id=10 * (row + 1), value=value, rated_at=now - timedelta(minutes=ago + number),
                       changed_at=now)
                for row, value, ago in rows
            )  # fmt: skip

    def test_lists_that_know_their_people_are_found_better(self) -> None:
        self.people_like(30)
        HealthPolicy.objects.create(shuffle_ratings=60)
        found = assess_live_lists()
        assert found is not None and found.result is not None
        self.assertEqual((found.n, found.people), (60, 30))
        self.assertTrue(found.result["beats_chance"])
        self.assertGreater(found.result["model"], found.result["popularity"])

    def test_likes_that_the_lists_did_not_know_of_show(self) -> None:
        self.people_like(30, same_side=False)
        HealthPolicy.objects.create(shuffle_ratings=60)
        found = assess_live_lists()
        assert found is not None and found.result is not None
        self.assertIs(found.result["beats_chance"], False)

    def test_too_few_are_said_to_be(self) -> None:
        self.people_like(3)
        found = assess_live_lists()
        assert found is not None
        self.assertIsNone(found.result)

    def test_it_is_not_done_again_for_the_same_ratings(self) -> None:
        self.people_like(5)
        first = assess_live_lists()
        self.assertEqual(assess_live_lists(), first)
        self.people_like(5)
        self.assertNotEqual(assess_live_lists(), first)
        self.assertEqual(ShuffleTestResult.objects.count(), 2)

    def test_without_a_version_there_is_nothing_to_test(self) -> None:
        from recommender.models import LivePointer

        LivePointer.objects.all().delete()
        serving.forget()
        self.assertIsNone(assess_live_lists())
