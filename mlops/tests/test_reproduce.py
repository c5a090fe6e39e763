"""``manage.py reproduce``: what was measured once is measured again."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from unittest import mock

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import SimpleTestCase, TestCase

from cinema.models import Genre, Movie, Rating
from cinema.ratings import rate_movie
from mlops import runs
from mlops.management.commands import reproduce as command
from mlops.models import TrainingRun
from mlops.reproduction import compare
from mlops.training import train
from recommender import artifacts
from recommender.models import ModelVersion
from recommender.tests.stored_versions import FIRST_OF_CROWD, StoredVersionsMixin, make_catalogue, make_crowd


class ReproduceTestCase(StoredVersionsMixin, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()
        make_crowd()

    def setUp(self) -> None:
        super().setUp()
        run, owner = runs.start_in_foreground(hyperparameters={"n_factors": 8, "n_epochs": 4, "seed": 3})
        self.version = train(run.pk, owner)

    def reproduce(self, *arguments: str) -> str:
        output = io.StringIO()
        call_command("reproduce", self.version.label, *arguments, stdout=output, stderr=io.StringIO())
        return output.getvalue()

    def refused(self, *arguments: str) -> str:
        with self.assertRaises(CommandError) as caught:
            self.reproduce(*arguments)
        return str(caught.exception)

    def store(self, name: str, **figures: Any) -> None:
        """As if the version had been stored with other figures."""
        self.version.metrics[name].update(figures)
        self.version.save(update_fields=["metrics"])

    def test_it_finds_the_same_digits(self) -> None:
        told = self.reproduce()
        self.assertIn("All identical.", told)
        for name in (*self.version.metrics, "reliability"):
            self.assertRegex(told, rf"(?m)^  {name} .* identical$")
        self.assertNotIn("Note:", told)

    def test_it_changes_nothing(self) -> None:
        before = ModelVersion.objects.values().get()
        self.reproduce()
        self.assertEqual(ModelVersion.objects.values().get(), before)
        self.assertEqual(TrainingRun.objects.count(), 1)
        self.assertEqual(artifacts.leftovers({self.version.label}), [])

    def test_it_trains_only_what_the_measurement_needs(self) -> None:
        with mock.patch.object(command.Command, "_show") as shown:
            self.reproduce()
        phases = {call.args[0].phase for call in shown.call_args_list}
        self.assertEqual(phases, {"validating", "tuning", "training", "measuring"})

    def test_it_compares_one_metric_alone(self) -> None:
        self.store("mae", value=0.0)
        told = self.reproduce("--metric", "rmse")
        self.assertIn("rmse", told)
        self.assertNotIn("mae", told)

    def test_it_fails_where_a_figure_differs(self) -> None:
        self.store("rmse", value=self.version.metrics["rmse"]["value"] + 0.002)
        with self.assertRaises(SystemExit) as ended:
            self.reproduce()
        self.assertEqual(ended.exception.code, 1)

    def test_it_takes_a_hair_for_the_same(self) -> None:
        self.store("rmse", value=self.version.metrics["rmse"]["value"] + 0.0005)
        told = self.reproduce()
        self.assertRegex(told, r"rmse .* -5\.0e-04  within 0\.001, by 5\.0e-04 at most \(value\)")
        self.assertIn("All within 0.001.", told)

    def test_it_leaves_out_what_was_rated_since(self) -> None:
        later = self.version.data_until + timedelta(minutes=1)
        rated = set(Rating.objects.filter(user_id=FIRST_OF_CROWD).values_list("movie_id", flat=True))
        movie = Movie.objects.exclude(pk__in=rated).first()
        assert movie is not None
        Rating.objects.create(user_id=FIRST_OF_CROWD, movie=movie, value=1.0, rated_at=later, changed_at=later)
        told = self.reproduce()
        self.assertIn("Note: Left out are ratings given since then: 1.", told)
        self.assertIn("All identical.", told)

    def test_it_refuses_other_ratings_and_says_how_many_there_are(self) -> None:
        rating = Rating.objects.filter(user_id=FIRST_OF_CROWD).first()
        assert rating is not None
        rate_movie(user=rating.user, movie=rating.movie, value=0.5 if rating.value != 0.5 else 1.0)
        told = self.refused()
        n = self.version.n_ratings
        self.assertIn(f"{n - 1:,} ratings now, {n:,} then", told)
        self.assertIn("changed: ratings.", told)
        self.assertIn("Restore the database", told)

    def test_it_refuses_films_of_other_genres_or_years(self) -> None:
        Movie.objects.filter(pk=10).update(year=1900)
        self.assertIn("changed: years", self.refused())
        Movie.objects.get(pk=20).genres.set([Genre.objects.get(name="Comedy")])
        self.assertIn("changed: genres, years", self.refused())

    def test_it_says_when_an_old_version_does_not_tell_what_differs(self) -> None:
        ModelVersion.objects.update(diagnostics={}, dataset_fingerprint="0" * 64)
        self.assertIn("does not say in which part", self.refused())

    def test_it_warns_of_other_code_and_libraries(self) -> None:
        self.version.metrics["rmse"]["passport"] |= {"code_version": "0.0.9+old", "libraries": "abacus 1.0"}
        self.version.save(update_fields=["metrics"])
        told = self.reproduce()
        self.assertRegex(told, r"Note: Other code: .* now, 0\.0\.9\+old then\.")
        self.assertRegex(told, r"Note: Other libraries or processor: .* now, abacus 1\.0 then\.")

    def test_it_refuses_another_split(self) -> None:
        self.version.metrics["rmse"]["passport"]["split"] = "random 20%"
        self.version.save(update_fields=["metrics"])
        self.assertIn("was measured with the split 'random 20%'", self.refused())

    def test_it_refuses_settings_that_are_no_longer_known(self) -> None:
        ModelVersion.objects.update(hyperparameters={"colour": 3})
        self.assertIn("cannot train", self.refused())

    def test_it_refuses_what_is_not_there(self) -> None:
        self.assertIn("has no metric colour", self.refused("--metric", "colour"))
        ModelVersion.objects.update(metrics={}, diagnostics={})
        self.assertIn("no metrics with a passport", self.refused())
        with self.assertRaisesMessage(CommandError, "There is no version v0."):
            call_command("reproduce", "v0")

    def test_it_can_be_stopped(self) -> None:
        with mock.patch.object(command.Command, "_show", mock.Mock(side_effect=KeyboardInterrupt)):
            self.assertIn("Nothing was changed.", self.refused())


class CompareTestCase(SimpleTestCase):
    STORED: dict[str, Any] = {
        "value": 0.5,
        "interval": [0.4, 0.6],
        "n": 10,
        "breakdown": {"casual": {"value": 0.7, "interval": None}},
        "passport": {"n": 10},
    }

    def test_the_same_is_identical(self) -> None:
        one = compare("ndcg_at_10", self.STORED, {**self.STORED, "passport": {"n": 11}, "new": 3.0})
        self.assertEqual((one.identical, one.within_tolerance, one.largest_difference), (True, True, 0.0))

    def test_it_looks_at_what_stands_beside_the_value(self) -> None:
        one = compare("ndcg_at_10", self.STORED, {**self.STORED, "interval": [0.4, 0.63]})
        self.assertFalse(one.within_tolerance)
        self.assertAlmostEqual(one.largest_difference, 0.03)
        self.assertEqual((one.stored, one.recomputed, one.differs_most), (0.5, 0.5, "interval 2"))

    def test_what_is_missing_differs(self) -> None:
        one = compare("ndcg_at_10", self.STORED, {**self.STORED, "breakdown": {}})
        self.assertFalse(one.within_tolerance)
        self.assertEqual(one.differs_most, "breakdown casual value")
        self.assertFalse(compare("ndcg_at_10", self.STORED, {}).within_tolerance)
