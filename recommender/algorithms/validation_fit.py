"""One config fitted and judged on validation ratings alone: what a search compares. The test part is never looked at.

The same first steps as a training takes (``pipeline``): the films are fitted on the training part without the
validation ratings, and what is chosen for them is chosen by ``tune``. So its figures are those that a training of the
same config would choose by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.pipeline import Trainers, make_trainer
from recommender.algorithms.presets import Config
from recommender.algorithms.trainer import Epoch
from recommender.algorithms.tuning import Tuning, ValidationSplit, tune

# A curve is read at so many places, whatever the number of epochs.
PLACES = 10


class ValidationFit:
    """Iterate it to fit; then ``tuned()`` judges. An exception thrown between epochs leaves nothing behind."""

    def __init__(
        self, config: Config, split: ValidationSplit, side: SideInformation, *, trainers: Trainers = make_trainer
    ) -> None:
        self.config = config
        self._split = split
        self._trainer = trainers(config, split.fit, side)

    def __iter__(self) -> Iterator[Epoch]:
        yield from self._trainer.epochs(self._split.held_out_of_known_people)

    def tuned(self) -> Tuning:
        """What was chosen, with RMSE and NDCG@10 on the validation ratings, people solved as in serving."""
        return tune(self._trainer.films(), self._split, self._trainer.film_variance(), seed=self.config.seed)


def place_of(epoch: int, n_epochs: int) -> int | None:
    """Which tenth of its own epochs, from 1, is done with ``epoch``; None between the tenths."""
    place = epoch * PLACES // n_epochs
    return place if place >= 1 and epoch == math.ceil(place * n_epochs / PLACES) else None
