"""Trainings that differ in nothing but their seed: how often a comparison calls two of them different.

The variance between seeds that hits everybody at once is kept for the preset (``SeedSpread``); comparisons and the gate
widen their intervals by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from django.utils import timezone

from mlops.engines import trainers_for
from mlops.models import SeedSpread
from mlops.training import pipeline_for
from recommender.algorithms.comparison import Pair, paired_differences, shared_seed_variance
from recommender.algorithms.evaluation import MODEL, observe
from recommender.algorithms.person_figures import PersonFigures
from recommender.algorithms.presets import configuration
from recommender.contest import MEASURES, SMALLER_IS_BETTER
from recommender.dataset import Dataset


@dataclass(frozen=True)
class Spread:
    """One measure over the trainings."""

    measure: str
    values: list[float]
    shared_variance: float
    pairs: int
    different: int  # of the pairs, by the paired interval
    different_without: int  # the same without the variance between seeds


def trainings(dataset: Dataset, preset: str, n: int, *, say: Callable[[str], None]) -> Iterator[PersonFigures]:
    """The figures of ``n`` trainings with seeds 0 to n − 1, person by person, on the same split."""
    for seed in range(n):
        config = configuration(preset, {"seed": seed})
        with trainers_for(config) as trainers:
            pipeline = pipeline_for(config, dataset, refit=False, trainers=trainers)
            for _ in pipeline:
                pass
        if pipeline.outcome is None:
            raise RuntimeError("The pipeline ended without an outcome.")
        people = pipeline.split.test.user_counts.nonzero()[0]
        twin, train = pipeline.outcome.measured, pipeline.split.train
        found = observe(twin, pipeline.split, people, trained=train.user >= 0)
        say(f"seed {seed}: RMSE {pipeline.outcome.metrics['rmse'].value:.4f}, "
            f"NDCG@10 {pipeline.outcome.metrics['ndcg_at_10'].value:.4f}")  # fmt: skip
        yield found.figures


def spreads(found: Sequence[PersonFigures], *, seed: int = 0) -> list[Spread]:
    """For every measure: its values, what seeds do to everybody at once, and how many pairs are called different.

    The pairs of n trainings are n(n − 1)/2, but they are not independent: each training is in n − 1 of them.
    """
    result = []
    for measure in MEASURES:
        variance = shared_seed_variance(found, measure, MODEL)
        called = {
            added: sum(
                difference is not None and difference.verdict != "open"
                for difference in paired_differences(
                    [
                        Pair.of(
                            one,
                            other,
                            measure,
                            MODEL,
                            smaller_is_better=measure in SMALLER_IS_BETTER,
                            seed_variance=added,
                        )
                        for one, other in combinations(found, 2)
                    ],
                    seed=seed,
                )
            )
            for added in {0.0, 2 * variance}
        }
        values = [figures.value(measure, MODEL) or 0.0 for figures in found]
        pairs = len(found) * (len(found) - 1) // 2
        result.append(Spread(measure, values, variance, pairs, called[2 * variance], called[0.0]))
    return result


def keep(found: Sequence[Spread], *, preset: str, dataset: Dataset) -> None:
    """For the comparisons and the gate to come."""
    for spread in found:
        SeedSpread.objects.update_or_create(
            preset=preset,
            measure=spread.measure,
            defaults={
                "variance": spread.shared_variance,
                "n_trainings": len(spread.values),
                "dataset_fingerprint": dataset.fingerprint,
                "at": timezone.now(),
            },
        )
