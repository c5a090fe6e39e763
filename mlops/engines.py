"""Who trains: this process, or an engine outside of it that has to be started and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlops.spark.cluster import SparkCluster
from recommender.algorithms.alternating_least_squares import (
    AlternatingLeastSquaresConfig,
    AlternatingLeastSquaresTrainer,
)
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.pipeline import Trainers, make_trainer
from recommender.algorithms.presets import Config
from recommender.algorithms.trainer import Trainer


def _nothing(doing: str) -> None:
    """For whoever does not watch."""


@contextmanager
def trainers_for(config: Config, say: Callable[[str], None] = _nothing) -> Iterator[Trainers]:
    """What makes the trainers of configs like ``config`` while the body runs. ``say`` hears what an engine outside is
    doing, in up to 60 characters; what it raises ends the training.

    An engine is started at the first fit, and is gone when the body is left, however that happens.
    """
    if not isinstance(config, AlternatingLeastSquaresConfig):
        yield make_trainer
        return
    with SparkCluster(say) as cluster:

        def make(config: Config, data: Interactions, side: SideInformation) -> Trainer:
            if isinstance(config, AlternatingLeastSquaresConfig):
                return AlternatingLeastSquaresTrainer(config, data, cluster.fit)
            return make_trainer(config, data, side)

        yield make
