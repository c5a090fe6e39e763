"""Every figure against numbers worked out with pencil and paper, and against numbers pinned once."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
from django.test import SimpleTestCase

from recommender.algorithms.evaluation import Evaluation, evaluate
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.splits import Split, last_per_user
from recommender.tests.hand_built_models import hand_built_model, slots_for
from recommender.tests.ratings_for_tests import two_tastes

N_FILMS = 16
ANN, BEN, CAT = 0, 1, 2


def interactions(ratings: dict[int, dict[int, float]]) -> Interactions:
    """From person → film → stars."""
    rows = [(user, film, stars) for user, given in ratings.items() for film, stars in given.items()]
    user, film, stars = (np.array(column) for column in zip(*rows, strict=True))
    time = np.arange(len(rows), dtype=np.int64)
    return Interactions(user.astype(np.int32), film.astype(np.int32), stars.astype(np.float32), time, 3, N_FILMS)


def log2(x: float) -> float:
    return math.log2(x)


class ThreePeopleTestCase(SimpleTestCase):
    """Sixteen films. The model predicts the same for everybody:

        film 1: 6 stars, clipped to 5 · films 4 and 13: 2 stars · all others: 3.5

    It orders by what film 0, which all three have rated 4 (grade 1), says for the others: the lower the number, the
    better. Film 15, which Ben has rated 3 (grade 0.5), says still more for film 14. One slot of ten may show film 12 or
    13; film 12 has the higher score.

        Ann's list   2 3 4 5 6 7 8 9 10 + 12      without the slot   2 … 11
        Ben's list  14 1 2 3 4 5 6 7  8 + 12                        14 1 … 9
        Cat's list   1 2 3 4 5 6 7 8  9 + 12                         1 … 10
    """

    evaluation: Evaluation

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        train = interactions({ANN: {0: 4.0, 1: 5.0}, BEN: {0: 4.0, 15: 3.0}, CAT: {0: 4.0}})
        test = interactions(
            {
                # Five of twelve are relevant, that is, rated 4 or more: 2, 5, 9, 12, 13.
                ANN: {film: 4.0 if film in (2, 5, 9, 12, 13) else 3.0 for film in range(2, 14)},
                BEN: {1: 5.0, 3: 2.5},
                CAT: {14: 4.0},
            }
        )
        stars = np.full(N_FILMS, 3.5)
        stars[1], stars[[4, 13]] = 6.0, 2.0
        weights = np.zeros((N_FILMS, N_FILMS))
        weights[0, 1:] = (16 - np.arange(1, 16)) / 100
        weights[15, 14] = 1.0
        even = np.arange(N_FILMS) % 2 == 0
        model = hand_built_model(
            stars=stars,
            factors=np.column_stack([even, ~even]).astype(np.float64),
            counts=train.item_counts,
            weights=weights,
            discovery=slots_for([12, 13], N_FILMS, slots=1),
            knots=([0.5], [0.8]),  # it always claims 0.8
        )
        # With three people no film has five ratings: here one is enough to be recommendable.
        with mock.patch("recommender.algorithms.evaluation.RECOMMENDABLE_RATINGS", 1):
            cls.evaluation = evaluate(model, Split(train, test, "by hand"), seed=0)

    def check(self, name: str, value: float, **beside: float) -> None:
        metric = self.evaluation.metrics[name]
        self.assertAlmostEqual(metric.value, value, delta=1e-9)
        for key, expected in beside.items():
            found = metric.baseline if key == "baseline" else metric.extra[key]
            assert found is not None
            self.assertAlmostEqual(found, expected, delta=1e-9, msg=key)

    def test_rmse_and_mae(self) -> None:
        # Ann: four relevant films and six others are half a star off, film 13 two stars, film 4 one.
        #   squares 10·0.25 + 4 + 1 = 7.5     distances 10·0.5 + 2 + 1 = 8
        # Ben: film 1 is clipped to 5 and right, film 3 one star off: 1 and 1. Cat: half a star: 0.25 and 0.5.
        # Fifteen test ratings.
        #
        # Film means, all ratings 4 on average, damped by 5: film 1 4 + 1/6, film 15 4 − 1/6, all others 4.
        #   Ann: seven films are 1 off. Ben: 5/6 and 1.5. Cat: 0. Squares 7 + 25/36 + 81/36, distances 7 + 5/6 + 3/2.
        #
        # Biases: the films as above; Ann (0 + 5/6) / (2 + 5) = 5/42, Ben −5/42, Cat 0.
        #   Ann: 5/42 off five times and 47/42 seven times. Ben: film 1 4 + 7/42 − 5/42, 40/42 off; film 3 58/42 off.
        self.check(
            "rmse",
            math.sqrt(8.75 / 15),
            item_mean=math.sqrt((7 + 106 / 36) / 15),
            baseline=math.sqrt((5 * 5**2 + 7 * 47**2 + 40**2 + 58**2) / 42**2 / 15),
            test_ratings=15,
        )
        self.check(
            "mae",
            9.5 / 15,
            item_mean=(7 + 5 / 6 + 3 / 2) / 15,
            baseline=(5 * 5 + 7 * 47 + 40 + 58) / 42 / 15,
        )

    def test_rated_items_with_random_and_perfect_order(self) -> None:
        # Ann: films 4 and 13 come last of her twelve, so four of her five relevant ones are among the first ten:
        #   precision 4/10, recall 4/5. Ben: one of two, 1/2 and 1. Cat: her only film, 1 and 1.
        # Popularity and film means tell her twelve films not apart: by number, 2 … 11 come first, three of them
        #   relevant: 3/10 and 3/5. Ben's film 1 comes first in both: 1/2 and 1.
        # Random order: Ann 5/12 and 10/12, Ben 1/2 and 1, Cat 1 and 1. Perfect: Ann 5/10 and 1, Ben 1/2 and 1.
        self.check(
            "precision_at_10_rated",
            (4 / 10 + 1 / 2 + 1) / 3,
            baseline=(3 / 10 + 1 / 2 + 1) / 3,
            item_mean=(3 / 10 + 1 / 2 + 1) / 3,
            random_order=(5 / 12 + 1 / 2 + 1) / 3,
            perfect_order=(5 / 10 + 1 / 2 + 1) / 3,
        )
        self.check(
            "recall_at_10_rated",
            (4 / 5 + 1 + 1) / 3,
            baseline=(3 / 5 + 1 + 1) / 3,
            item_mean=(3 / 5 + 1 + 1) / 3,
            random_order=(10 / 12 + 1 + 1) / 3,
            perfect_order=1.0,
        )

    def test_full_catalogue_precision_recall_and_hit_rate(self) -> None:
        # Ann's list holds 2, 5, 9 and, in the slot, 12: 4/10 and 4/5; without the slot 3/10 and 3/5.
        # Ben's holds film 1: 1/10 and 1. Cat's does not hold film 14.
        # Popularity, ties by number: Ann 15 2 … 10, Ben 1 … 10, Cat 1 15 2 … 9. Film means: Ann 2 … 11, both others
        #   1 … 10. Each finds Ann's three and Ben's one.
        others = {"without_discovery": 0.4 / 3, "baseline": 0.4 / 3, "item_mean": 0.4 / 3}
        self.check("precision_at_10", (4 / 10 + 1 / 10 + 0) / 3, **others)
        others = dict.fromkeys(others, (3 / 5 + 1 + 0) / 3)
        self.check("recall_at_10", (4 / 5 + 1 + 0) / 3, **others)
        self.check("hit_rate_at_10", 2 / 3, **dict.fromkeys(others, 2 / 3))

    def test_full_catalogue_ndcg(self) -> None:
        # A hit at place p is worth 1/log2(p + 1). Ann's five would be worth at best:
        best = 1 + 1 / log2(3) + 1 / log2(4) + 1 / log2(5) + 1 / log2(6)
        # Her hits are at places 1, 4, 8 and 10, Ben's at 2, where one hit is worth at best 1.
        three = 1 + 1 / log2(5) + 1 / log2(9)
        self.check(
            "ndcg_at_10",
            ((three + 1 / log2(11)) / best + 1 / log2(3) + 0) / 3,
            without_discovery=(three / best + 1 / log2(3) + 0) / 3,
            # Popularity: film 15 pushes Ann's to places 2, 5 and 9; Ben's is first.
            baseline=((1 / log2(3) + 1 / log2(6) + 1 / log2(10)) / best + 1 + 0) / 3,
            item_mean=(three / best + 1 + 0) / 3,
        )

    def test_coverage_and_its_ceiling(self) -> None:
        # Shown are 1 … 10, 12 and 14; without slots 1 … 11 and 14. Popularity shows 1 … 10 and 15, film means 1 … 11.
        # The ranked places show 1 … 10 and 14; three slots could add three films.
        self.check(
            "coverage_at_10_all",
            12 / 16,
            without_discovery=12 / 16,
            baseline=11 / 16,
            item_mean=11 / 16,
            ceiling=14 / 16,
            films=16,
        )
        # Films with a rating: 0, 1 and 15. All but film 1 are shown to nobody; popularity shows film 15 too. Three
        # slots could show the two others and have one left.
        self.check(
            "coverage_at_10",
            1 / 3,
            without_discovery=1 / 3,
            baseline=2 / 3,
            item_mean=1 / 3,
            ceiling=1.0,
            films=3,
        )

    def test_novelty(self) -> None:
        # Shares, one more on both sides: film 0 4/4, films 1 and 15 2/4 (1 bit), all others 1/4 (2 bits).
        # Ann's list holds none of the two, Ben's and Cat's film 1. Popularity: one, one and two of them.
        self.check("novelty", (2.0 + 1.9 + 1.9) / 3, baseline=(1.9 + 1.9 + 1.8) / 3, item_mean=(2.0 + 1.9 + 1.9) / 3)

    def test_diversity(self) -> None:
        # Even films have one vector and odd films another; the mean film lies between them, so seen from there the two
        # kinds are opposite: cosine −1, 1 − cosine 2. Of 45 pairs those of a kind have cosine 1. Ann 6 even and 4 odd:
        # 15 + 6 pairs of a kind. Ben the same. Cat 5 and 5: 10 + 10.
        # Film means: Ann 2 … 11, both others 1 … 10, five of each.
        self.check("diversity", 2 * (24 / 45 + 24 / 45 + 25 / 45) / 3, item_mean=2 * 25 / 45)

    def test_the_gap_between_claims_and_what_came_true(self) -> None:
        # It always claims 0.8, so there is one decile. Only film 13 is more than a star off: 14 of 15 came true.
        reliability = self.evaluation.reliability
        assert reliability is not None
        (decile,) = reliability.deciles
        self.assertEqual((decile.n, decile.people), (15, 3))
        self.assertAlmostEqual(decile.claimed, 0.8, delta=1e-9)
        self.assertAlmostEqual(decile.observed, 14 / 15, delta=1e-9)
        self.assertAlmostEqual(reliability.gap, 14 / 15 - 0.8, delta=1e-9)

    def test_the_groups(self) -> None:
        # All three are newcomers. Film 0 alone holds three of five training ratings: the one popular film, and not
        # among the test ratings. So every part is the whole, or is missing.
        for name in ("rmse", "ndcg_at_10", "precision_at_10_rated"):
            metric = self.evaluation.metrics[name]
            self.assertLessEqual(set(metric.breakdown), {"newcomers", "long_tail"})
            for part in metric.breakdown.values():
                self.assertEqual((part.value, part.baseline, part.n), (metric.value, metric.baseline, metric.n))
        coverage = self.evaluation.metrics["coverage_at_10_all"].breakdown
        self.assertEqual((coverage["popular"].value, coverage["long_tail"].value), (0.0, 12 / 15))


# Pinned when they were first computed: whoever changes one changes what was published. value, baseline, item_mean
PINNED: dict[str, tuple[float, float, float]] = {
    "rmse": (0.5270165151083661, 1.3824794473178632, 1.368822734289078),
    "mae": (0.43003384648928894, 1.3028441976982157, 1.2911032339198651),
    "precision_at_10_rated": (0.6804166666666667, 0.5329166666666667, 0.47541666666666665),
    "recall_at_10_rated": (0.9954545454545455, 0.801780303030303, 0.7269660894660894),
    "precision_at_10": (0.265, 0.15250000000000002, 0.095),
    "recall_at_10": (0.3824278499278499, 0.22780303030303034, 0.1362130230880231),
    "ndcg_at_10": (0.34803943203221116, 0.19040024530286295, 0.10351100703143964),
    "hit_rate_at_10": (0.8, 0.675, 0.65),
    "coverage_at_10": (0.84, 0.44, 0.32),
    "coverage_at_10_all": (0.84, 0.44, 0.32),
    "novelty": (1.1672672298865614, 0.8662083878859015, 1.2096333365409255),
    "diversity": (0.5274170980303055, 0.999090104898482, 1.0003094333660367),
}
PINNED_NDCG = {
    "newcomers": 0.07737056144690832,
    "casual": 0.4382623888939788,
    "popular": 0.2741270268026116,
    "long_tail": 0.2873824205652294,
}
PINNED_RMSE_INTERVAL = (0.4964307340047667, 0.5568807229405865)
PINNED_GAP = 0.19555442195946868


class PinnedFiguresTestCase(SimpleTestCase):
    """Forty people with two tastes, ten of them newcomers, and a model of seeded noise that knows a little of them."""

    def measured(self) -> Evaluation:
        everything = two_tastes(n_users=40, n_items=100, density=0.7, seed=5)
        rng = np.random.default_rng(7)
        # Every fourth person has rated little.
        split = last_per_user(everything.take((everything.user % 4 > 0) | (rng.random(len(everything)) < 0.2)))
        n_items = split.train.n_items
        side = np.where(np.arange(n_items) < n_items // 2, 1.0, -1.0)
        model = hand_built_model(
            stars=3.2 + 0.3 * rng.normal(size=n_items),
            factors=np.column_stack([side, rng.normal(size=n_items)]),
            counts=split.train.item_counts,
            weights=np.where(side[:, None] == side, 0.1, 0.0) + 0.05 * rng.normal(size=(n_items, n_items)),
            discovery=slots_for([3, 40, 50, 60], n_items, slots=2),
            knots=([0.0, 1.0], [0.05, 0.95]),
            person_regularization=4.0,
        )
        return evaluate(model, split, seed=3)

    def test_it_measures_what_it_measured_before(self) -> None:
        evaluation = self.measured()
        self.assertEqual(set(evaluation.metrics), set(PINNED))
        for name, expected in PINNED.items():
            metric = evaluation.metrics[name]
            assert metric.baseline is not None
            found = (metric.value, metric.baseline, metric.extra["item_mean"])
            for one, pinned in zip(found, expected, strict=True):
                self.assertAlmostEqual(one, pinned, delta=1e-9, msg=name)
        parts = evaluation.metrics["ndcg_at_10"].breakdown
        self.assertEqual(set(parts), set(PINNED_NDCG))
        for group, value in PINNED_NDCG.items():
            self.assertAlmostEqual(parts[group].value, value, delta=1e-9, msg=group)
        rmse, reliability = evaluation.metrics["rmse"], evaluation.reliability
        assert rmse.interval is not None and reliability is not None
        np.testing.assert_allclose(rmse.interval, PINNED_RMSE_INTERVAL, rtol=0, atol=1e-9)
        self.assertAlmostEqual(reliability.gap, PINNED_GAP, delta=1e-9)
