from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.elicitation import Elicitation
from recommender.algorithms.film_groups import MIN_FILMS, film_groups
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.spherical_k_means import spherical_k_means, spread_start
from recommender.tests.ratings_for_tests import small_model, two_genres
from recommender.tests.test_film_model import N_ITEMS, films


class SphericalKMeansTestCase(SimpleTestCase):
    def test_it_finds_bundles_of_directions(self) -> None:
        rng = np.random.default_rng(0)
        of_bundle = np.repeat(np.arange(3), 20)
        rows = 5 * np.eye(3)[of_bundle] + rng.normal(0, 0.3, (60, 3))
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        found, centroids = spherical_k_means(unit, spread_start(unit, 3, np.random.default_rng(1)), 30)
        for bundle in range(3):
            self.assertEqual(len(set(found[of_bundle == bundle].tolist())), 1)
        self.assertEqual(len(set(found.tolist())), 3)
        np.testing.assert_allclose(np.linalg.norm(centroids, axis=1), 1.0)

    def test_it_starts_with_no_more_rows_than_there_are_directions(self) -> None:
        unit = np.repeat(np.eye(2), 5, axis=0)
        self.assertEqual(len(spread_start(unit, 4, np.random.default_rng(0))), 2)


class FilmGroupsTestCase(SimpleTestCase):
    def test_it_puts_every_film_into_one_group(self) -> None:
        rows = np.arange(N_ITEMS)
        groups = film_groups(films(), two_genres(N_ITEMS), rows)
        self.assertEqual(sorted(np.concatenate([group.films for group in groups]).tolist()), rows.tolist())
        self.assertLessEqual(len(groups), N_ITEMS // MIN_FILMS)

    def test_it_parts_what_people_rate_apart_and_names_it_by_genre(self) -> None:
        model = small_model()
        groups = film_groups(model.films, model.genres, np.arange(60), n_groups=2)
        self.assertEqual({group.genres for group in groups}, {("Drama",), ("Comedy",)})
        for group in groups:
            first_half = group.genres == ("Drama",)
            self.assertTrue(((group.films < 30) == first_half).all())

    def test_it_shows_the_most_rated_group_first(self) -> None:
        groups = film_groups(films(), two_genres(N_ITEMS), np.arange(N_ITEMS))
        sums = [int(films().item_counts[group.films].sum()) for group in groups]
        self.assertEqual(sums, sorted(sums, reverse=True))

    def test_it_is_the_same_every_time(self) -> None:
        one, other = (film_groups(films(), two_genres(N_ITEMS), np.arange(N_ITEMS)) for _ in range(2))
        self.assertEqual([g.films.tolist() for g in one], [g.films.tolist() for g in other])

    def test_it_offers_no_choice_among_too_few_films(self) -> None:
        self.assertEqual(film_groups(films(), two_genres(N_ITEMS), np.arange(2 * MIN_FILMS - 1)), [])

    def test_it_adds_what_tells_groups_of_the_same_genres_apart(self) -> None:
        of_bundle = np.repeat(np.arange(3), 8)
        features = np.zeros((24, 1, 4), np.float32)
        features[np.arange(24), 0, of_bundle] = 1.0
        features[:, 0, 3] = np.linspace(0, 0.1, 24)
        model = replace(
            films(n_samples=1),
            offsets=np.full((24, 1), 3.5, np.float32),
            features=features,
            item_counts=np.full(24, 50),
        )
        membership = np.zeros((24, 4), np.uint8)
        membership[:16, :2] = 1  # two bundles of romantic dramas
        membership[:2, 2] = 1  # some of the first are of war
        membership[16:, 3] = 1
        genres = GenreTable(("Drama", "Romance", "War", "Comedy"), membership)
        named = {int(of_bundle[g.films[0]]): g.genres for g in film_groups(model, genres, np.arange(24), n_groups=3)}
        self.assertEqual(named, {0: ("Drama", "Romance", "War"), 1: ("Drama", "Romance"), 2: ("Comedy",)})

    def test_it_names_nothing_without_genres(self) -> None:
        nothing = GenreTable((), np.zeros((N_ITEMS, 0), np.uint8))
        self.assertEqual({group.genres for group in film_groups(films(), nothing, np.arange(N_ITEMS))}, {()})

    def test_a_version_has_groups_of_its_well_known_films(self) -> None:
        model = small_model()
        asked = Elicitation(model.films, model.ranker.weights, model.genres, model.n_users)
        grouped = np.concatenate([group.films for group in asked.groups])
        self.assertEqual(sorted(grouped.tolist()), sorted(asked.well_known.tolist()))
