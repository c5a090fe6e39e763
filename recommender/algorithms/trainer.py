"""The face that every trainer of a rating model has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import FilmModel
from recommender.algorithms.interactions import Interactions


@dataclass(frozen=True)
class Epoch:
    number: int  # from 1
    train_rmse: float  # over the pass
    held_out_rmse: float | None = None  # of the vectors learned for people, on ratings that were kept from the trainer


class Trainer(Protocol):
    """Learns film by film, pass by pass. After the last pass ``films`` are there to solve people against."""

    def epochs(self, held_out: Interactions | None = None) -> Iterator[Epoch]:
        """The passes still to run, each as it is done. ``held_out``: ratings of people that the trainer has seen."""
        ...

    def films(self) -> FilmModel: ...

    def film_variance(self) -> NDArray[np.float64]:
        """What is not known of each film, as variance of a rating in stars², (n_items,)."""
        ...
