from __future__ import annotations

from collections import Counter

from cinema.models import User, new_edition
from recommender import registry
from recommender.algorithms.off_policy import plackett_probabilities
from recommender.own_list import own_list
from recommender.recommend import RecommendationList, recommend_to
from recommender.remembered import list_for
from recommender.tests.running_experiments import start
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate
from recommender.viewers import Viewer


class ExplorationTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.alice.refresh_from_db()

    def viewer(self, user: User | None = None) -> Viewer:
        viewer = Viewer.of(user or self.alice)
        assert viewer is not None
        return viewer

    def at_another_time(self) -> RecommendationList:
        """The list after something of hers has changed."""
        self.alice.edition = new_edition()
        return own_list(self.viewer(), n=10)

    def test_nothing_is_given_away_unless_staff_asks(self) -> None:
        self.assertTrue(all(self.at_another_time().lot is None for _ in range(50)))

    def test_as_many_lists_explore_as_were_asked_for(self) -> None:
        registry.explore(30)
        n = sum(self.at_another_time().lot is not None for _ in range(400))
        self.assertTrue(85 <= n <= 155, n)

    def test_one_ranked_place_goes_to_one_of_the_next_best(self) -> None:
        registry.explore(50)
        listed = next(one for one in iter(self.at_another_time, None) if one.lot is not None)
        usual = recommend_to(self.viewer(), n=10)
        assert listed.lot is not None
        place = listed.lot.place
        won = listed.items[place - 1]
        self.assertEqual((won.slot, won.rank), ("explored", place))
        self.assertEqual(
            [i.movie_id for i in listed.items[: place - 1]], [i.movie_id for i in usual.items[: place - 1]]
        )
        self.assertEqual(len({item.movie_id for item in listed.items}), 10)
        pool = listed.lot.pool
        self.assertEqual(pool[0], usual.items[place - 1].movie_id, "what would have stood there is the likeliest")
        chance = plackett_probabilities(len(pool))[pool.index(won.movie_id)]
        self.assertAlmostEqual(listed.lot.propensity, float(chance))
        self.assertFalse(set(pool) & {item.movie_id for item in listed.items if item is not won})

    def test_films_win_as_often_as_the_kept_chance_says(self) -> None:
        registry.explore(50)
        lots = [one.lot for one in (self.at_another_time() for _ in range(900)) if one.lot is not None]
        won: Counter[int] = Counter()
        for listed in (self.at_another_time() for _ in range(900)):
            if listed.lot is not None:
                won[listed.lot.pool.index(listed.items[listed.lot.place - 1].movie_id)] += 1
        first = plackett_probabilities(len(lots[0].pool))[0]
        self.assertAlmostEqual(won[0] / sum(won.values()), float(first), delta=0.06)

    def test_a_page_that_is_looked_at_again_is_the_same(self) -> None:
        registry.explore(50)
        self.assertEqual(own_list(self.viewer(), n=10), own_list(self.viewer(), n=10))
        self.assertEqual(list_for(self.alice), own_list(self.viewer(), n=10))

    def test_what_was_remembered_before_it_was_turned_on_is_made_anew(self) -> None:
        for _ in range(20):
            self.alice.edition = new_edition()
            registry.explore(0)
            self.assertIsNone(list_for(self.alice).lot)
            registry.explore(50)
            if list_for(self.alice).lot is not None:
                return
        self.fail("half of the lists should explore")

    def test_an_experiment_is_left_alone(self) -> None:
        registry.explore(50)
        start("ab", None, None)
        self.assertTrue(all(self.at_another_time().lot is None for _ in range(30)))

    def test_who_is_unknown_is_left_alone(self) -> None:
        registry.explore(50)
        for _ in range(30):
            self.charlie.edition = new_edition()
            self.assertIsNone(own_list(self.viewer(self.charlie), n=10).lot)

    def test_a_share_has_bounds(self) -> None:
        for share in (-1, 51):
            with self.assertRaises(ValueError):
                registry.explore(share)
