from __future__ import annotations

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.pipeline import Pipeline
from recommender.algorithms.splits import last_per_user
from recommender.algorithms.tuning import validation_split
from recommender.algorithms.validation_fit import ValidationFit, place_of
from recommender.tests.ratings_for_tests import QUICK, two_genres, two_tastes


class ValidationFitTestCase(SimpleTestCase):
    def test_it_judges_as_a_training_of_the_same_config_does(self) -> None:
        data = two_tastes()
        pipeline = Pipeline(QUICK, data, movie_ids=np.arange(60), genres=two_genres(60), refit=False)
        curve = [step.validation_rmse for step in pipeline if step.phase == "validating"]
        assert pipeline.outcome is not None
        split = validation_split(last_per_user(data), seed=QUICK.seed)
        fit = ValidationFit(QUICK, split, SideInformation(two_genres(60).membership, np.zeros(60, np.int64)))
        self.assertEqual([epoch.held_out_rmse for epoch in fit], curve)
        tuned, tuning = fit.tuned(), pipeline.outcome.tuning
        self.assertEqual(
            (tuned.validation_rmse, tuned.validation_ndcg), (tuning.validation_rmse, tuning.validation_ndcg)
        )


class PlacesTestCase(SimpleTestCase):
    def test_every_curve_is_read_at_the_tenths_of_its_own_epochs(self) -> None:
        for n_epochs in (10, 15, 40, 75, 160, 240):
            places = [place_of(epoch, n_epochs) for epoch in range(1, n_epochs + 1)]
            self.assertEqual([place for place in places if place is not None], list(range(1, 11)))
            self.assertEqual(places[-1], 10)

    def test_a_short_curve_has_fewer_places(self) -> None:
        self.assertEqual([place_of(epoch, 4) for epoch in range(1, 5)], [2, 5, 7, 10])
