from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from django.utils import timezone

from mlops.engaged import engaged_with
from mlops.models import Engagement, ServedList
from recommender.algorithms.context import CELLS
from recommender.algorithms.context_fit import Engaged
from recommender.algorithms.context_learning import Choices
from recommender.algorithms.interactions import Interactions
from recommender.dataset import snapshot
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate

FRIDAY_EVENING = datetime(2026, 5, 1, 20, 30, tzinfo=UTC)


class EngagedTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.shown = ServedList.objects.create(
            user=self.alice, at=FRIDAY_EVENING, surface="home", movie_ids=[100, 200], slots="rr", device="phone",
            where="on the way",
        )  # fmt: skip

    def act(self, movie_id: int, kind: str = "opened", at: datetime = FRIDAY_EVENING, *, of_list: bool = True) -> None:
        Engagement.objects.create(
            user=self.alice, movie_id=movie_id, kind=kind, at=at, served_list=self.shown if of_list else None
        )

    def test_nothing_is_none(self) -> None:
        self.assertIsNone(engaged_with(snapshot(), 0))

    def test_it_knows_moment_device_and_place(self) -> None:
        self.act(100)
        found = engaged_with(snapshot(), 0)
        assert found is not None
        told = [CELLS[cell] for cell in found.choices.cells[0]]
        self.assertEqual(told, ["weekend evening", "device: phone", "place: on the way"])
        self.assertEqual((found.choices.user.tolist(), found.choices.item.tolist()), ([0], [9]))

    def test_only_what_was_chosen_of_a_list_counts(self) -> None:
        self.act(100, "hidden")
        self.act(100, "rated")
        self.act(200, of_list=False)
        self.act(200, at=timezone.now() + timedelta(days=1))
        self.assertIsNone(engaged_with(snapshot(), 0))


class DividedTestCase(CatalogueTestCase):
    def test_nothing_is_learned_from_what_is_asked_for(self) -> None:
        user = np.array([0, 0, 0, 1, 1, 1, 1, 1], np.int32)
        time = np.array([10, 20, 30, 5, 4, 3, 2, 1])
        choices = Choices(user, np.arange(8, dtype=np.int32), np.zeros((8, 3), np.int8), 2, 8)
        held_out = Interactions(
            np.array([0, 0], np.int32), np.array([0, 1], np.int32), np.full(2, 4, np.float32), np.array([25, 20]), 2, 8
        )
        learned, asked = Engaged(choices, time).divided(held_out)
        self.assertEqual(sorted(learned.item.tolist()), [0, 4, 5, 6, 7])
        self.assertEqual(sorted(asked.item.tolist()), [1, 2, 3])
