from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from django.test import override_settings

from cinema.models import Movie
from recommender import registry
from recommender.algorithms.context import CELLS, NOT_JUDGED, ContextEffects
from recommender.algorithms.ensemble import MalformedModel, TrainedModel
from recommender.device_class import Device
from recommender.explain import explain_for
from recommender.moments import Moment, at_moment, utc_offset
from recommender.recommend import recommend_for
from recommender.remembered import list_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained

FRIDAY_EVENING = datetime(2026, 5, 1, 20, 30, tzinfo=UTC)
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone) Mobile"}
TUESDAY_MORNING = datetime(2026, 5, 5, 9, 0, tzinfo=UTC)


def with_comedies_on_weekend_evenings(amount: float = 3.0, weight: float = 1.0) -> TrainedModel:
    """More of them then, and less on weekday mornings."""
    model = trained()
    by_genre = np.zeros((len(CELLS), len(model.genres.names)), np.float32)
    comedy = model.genres.names.index("Comedy")
    by_genre[CELLS.index("weekend evening"), comedy] = amount
    by_genre[CELLS.index("weekday morning"), comedy] = -amount
    by_genre[CELLS.index("device: phone"), comedy] = amount / 10
    rows = np.empty(0, np.int64)
    none = np.zeros((len(CELLS), 0), np.float32)
    return replace(model, context=ContextEffects(model.genres, by_genre, rows, none, 0.2, weight, NOT_JUDGED))


class MomentCase(CatalogueTestCase):
    weight = 1.0

    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.alice.refresh_from_db()
        registry.activate(store_version(with_comedies_on_weekend_evenings(weight=self.weight)))

    def comedies(self, at: datetime | None, device: Device = "computer") -> int:
        """Of her ten films."""
        if at is None:
            items = recommend_for(self.alice, n=10).items
        else:
            with at_moment(Moment(at, device)):
                items = recommend_for(self.alice, n=10).items
        return sum("Comedy" in item.genres for item in items)


class ListsTestCase(MomentCase):
    def test_lists_follow_the_moment(self) -> None:
        self.assertGreater(self.comedies(FRIDAY_EVENING), self.comedies(None))
        self.assertLessEqual(self.comedies(TUESDAY_MORNING), self.comedies(None))

    def test_who_wants_none_of_it_gets_none(self) -> None:
        self.alice.choose_context(uses_context=False, place="")
        self.assertEqual(self.comedies(FRIDAY_EVENING), self.comedies(None))

    def test_a_remembered_list_is_of_its_moment(self) -> None:
        def films(at: datetime) -> list[int]:
            with at_moment(Moment(at, "computer")):
                return [item.movie_id for item in list_for(self.alice).items]

        evening, morning = films(FRIDAY_EVENING), films(TUESDAY_MORNING)
        self.assertNotEqual(evening, morning)
        self.assertEqual(films(FRIDAY_EVENING), evening)

    @override_settings(LOCAL_TIME_ZONE="America/New_York")
    def test_the_hour_is_that_of_peoples_clocks(self) -> None:
        self.assertEqual(utc_offset(FRIDAY_EVENING), -4 * 3600)
        at_night_in_greenwich = datetime(2026, 5, 2, 1, 0, tzinfo=UTC)  # Friday, nine in the evening
        self.assertGreater(self.comedies(at_night_in_greenwich), self.comedies(None))
        self.assertEqual(self.comedies(FRIDAY_EVENING), self.comedies(None), "there it is half past four")

    def test_an_explanation_says_what_the_moment_adds_and_the_sum_holds(self) -> None:
        with at_moment(Moment(FRIDAY_EVENING, "phone")):
            listed = recommend_for(self.alice, n=10, discovery=0)
            shown = next(item for item in listed.items if "Comedy" in item.genres)
            order = explain_for(self.alice, Movie.objects.get(pk=shown.movie_id))["order"]
        self.assertEqual({part["when"] for part in order["moment"]}, {"weekend evening", "device: phone"})
        self.assertTrue(all(part["genre"] == "Comedy" for part in order["moment"]))
        self.assertAlmostEqual(order["score"] + sum(part["amount"] for part in order["moment"]), shown.score, places=9)

    def test_the_request_says_which_moment_it_is(self) -> None:
        self.client.force_login(self.alice)
        answer = self.client.get(f"/api/ml/explain/{self.alice.pk}/500", headers=PHONE).json()
        self.assertIn("device: phone", {part["when"] for part in answer["order"]["moment"]})


class OffTestCase(MomentCase):
    weight = 0.0

    def test_nothing_is_added_where_it_does_not_help(self) -> None:
        self.assertEqual(self.comedies(FRIDAY_EVENING), self.comedies(TUESDAY_MORNING))
        with at_moment(Moment(FRIDAY_EVENING, "phone")):
            self.assertEqual(explain_for(self.alice, Movie.objects.get(pk=500))["order"]["moment"], [])


class StorageTestCase(MomentCase):
    def test_effects_are_read_back_as_they_were_written(self) -> None:
        model = with_comedies_on_weekend_evenings()
        read = TrainedModel.from_arrays(model.arrays(), model.settings()).context
        assert read is not None and model.context is not None
        np.testing.assert_array_equal(read.genre_effects, model.context.genre_effects)
        self.assertEqual((read.weight, read.verdict), (1.0, NOT_JUDGED))

    def test_a_version_of_before_has_none(self) -> None:
        model = replace(trained(), context=None)
        self.assertIsNone(TrainedModel.from_arrays(model.arrays(), model.settings()).context)

    def test_effects_of_another_shape_are_refused(self) -> None:
        model = with_comedies_on_weekend_evenings()
        arrays = model.arrays() | {"context_genre_effects": np.zeros((3, 2), np.float32)}
        with self.assertRaises(MalformedModel):
            TrainedModel.from_arrays(arrays, model.settings())


class ControlsPageTestCase(MomentCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)

    def test_it_says_what_the_moment_does_and_turns_it_off(self) -> None:
        page = self.client.get("/my/controls", headers=PHONE)
        self.assertContains(page, "and on a phone, there is more of")
        self.client.post("/my/controls/moment", {"place": "home"})
        self.alice.refresh_from_db()
        self.assertEqual((self.alice.uses_context, self.alice.place), (False, "home"))
        self.assertContains(self.client.get("/my/controls"), "You have it off.")

    def test_it_says_so_where_it_does_not_help(self) -> None:
        registry.activate(store_version(with_comedies_on_weekend_evenings(weight=0.0)))
        self.assertContains(self.client.get("/my/controls"), "would not make lists better")

    def test_it_says_nothing_of_what_was_never_looked_for(self) -> None:
        registry.activate(store_version(replace(trained(), context=None)))
        page = self.client.get("/my/controls")
        self.assertContains(page, "The moment")
        self.assertNotContains(page, "would not make lists better")

    def test_no_other_place_is_taken(self) -> None:
        self.client.post("/my/controls/moment", {"uses_context": "on", "place": "Vienna"})
        self.alice.refresh_from_db()
        self.assertEqual(self.alice.place, "")

    def test_a_films_page_says_what_it_adds(self) -> None:
        self.assertContains(self.client.get("/movies/500", headers=PHONE), "Its place in your list:")
