"""Learning the numbers of ``neural`` with PyTorch, which is imported only where it is used.

As in X. He et al.: Neural Collaborative Filtering, WWW 2017, a rated film is a 1 and films drawn at random are 0,
judged by binary cross-entropy; how much a rating says for its film weighs the 1. No person has a row: whoever is asked
about a film is encoded from the films that they rated *before* it, as old as they were then. So the film is never among
what it is predicted from, and training asks what serving will ask.

How many epochs are enough is found on validation ratings by NDCG@10 over the full catalogue; then everything is learned
once more with as many. On the CPU the same seed, data and number of threads give the same bytes.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.ease import grades
from recommender.algorithms.film_model import Array, ages, history_of
from recommender.algorithms.hyperparameters import Hyperparameters, InvalidHyperparameters
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.metrics import K, ndcg_at_k, top_k
from recommender.algorithms.neural import DAMPING, N_STEPS, RECENCY_FLOOR, STEP, NeuralRanker, steps
from recommender.algorithms.splits import Split

# More threads wait for each other in every small step: on busy cores two took eight times as long as one.
N_THREADS = 1
# Enough people to stop by; more would only take longer.
MAX_PEOPLE = 2000
# What is served is a running mean of what was learned over so many steps, about half an epoch of the demo: single steps
# make lists jump. B. Polyak & A. Juditsky: Acceleration of Stochastic Approximation by Averaging, SIAM 30(4), 1992.
_AVERAGED_STEPS = 50
_FILM_TABLES = ("encoder", "gmf", "inputs")

Tensor = Any  # torch is not there to be asked


class NeuralNotInstalled(RuntimeError):
    """PyTorch is not installed; the message says what to do."""


def missing() -> str:
    """What this machine lacks to train, and what to do; nothing if nothing."""
    if importlib.util.find_spec("torch") is None:
        return "Neural training needs PyTorch: pip install -r requirements-neural.txt"
    return ""


def _torch() -> Any:
    if why_not := missing():
        raise NeuralNotInstalled(why_not)
    import torch

    return torch


@dataclass(frozen=True)
class NeuralConfig(Hyperparameters):
    """The defaults are the best found on the demo's validation ratings."""

    n_factors: int = 128  # of GMF
    n_hidden: int = 32  # width of the tower's first layer; its inputs are half as many for a person and for a film
    n_layers: int = 2  # each half as wide as the one before
    n_epochs: int = 30  # at most
    patience: int = 5  # epochs without a better validation figure until it stops
    n_negatives: int = 8  # drawn for each rated film
    learning_rate: float = 0.003
    weight_decay: float = 0.3  # of the films' vectors, decoupled: I. Loshchilov & F. Hutter, ICLR 2019
    half_life: float = 4.0  # in ratings; 0: no recency
    n_targets: int = 128  # films that a person is asked about in an epoch, so that the busiest do not drown the others
    n_people: int = 8  # asked in one step
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {
            "n_factors": (1, 1024),
            "n_hidden": (2, 1024),
            "n_layers": (1, 6),
            "n_epochs": (1, 1000),
            "patience": (1, 1000),
            "n_negatives": (1, 1000),
            "learning_rate": (1e-6, 1.0),
            "weight_decay": (0.0, 100.0),
            "half_life": (0.0, 1e6),
            "n_targets": (1, 100_000),
            "n_people": (1, 10_000),
            "seed": (0, 2**31 - 1),
        }
        errors = self.out_of_bounds(bounds, whole=bounds.keys() - {"learning_rate", "weight_decay", "half_life"})
        if not errors and self.n_hidden < 2**self.n_layers:
            errors["n_hidden"] = f"must be at least {2**self.n_layers} for so many layers"
        if errors:
            raise InvalidHyperparameters(errors)

    @property
    def widths(self) -> list[int]:
        """Of the tower's layers."""
        return [self.n_hidden >> number for number in range(self.n_layers)]

    @property
    def n_inputs(self) -> int:
        return self.n_hidden // 2


@dataclass(frozen=True)
class NeuralEpoch:
    phase: str  # ``validating`` or ``training``
    number: int  # from 1
    n_epochs: int  # that there will be at most
    loss: float  # mean binary cross-entropy of a rated film and its negatives, over the pass
    validation_ndcg: float | None = None  # NDCG@10 over the full catalogue


def train_neural(
    config: NeuralConfig, data: Interactions, validation: Split, *, n_threads: int = N_THREADS
) -> Generator[NeuralEpoch, None, NeuralRanker]:
    """Yields each epoch as it is done, and returns the ranker of ``data``. ``validation`` divides ``data``: how many
    epochs are enough is found on it. Raises NeuralNotInstalled without PyTorch."""
    judge = ValidationJudge(validation, seed=config.seed)
    trainer = NeuralTrainer(config, validation.train, n_threads=n_threads)
    best, n_enough = -1.0, config.n_epochs
    for number in range(1, config.n_epochs + 1):
        loss = trainer.epoch()
        ndcg = judge.ndcg(trainer.ranker())
        yield NeuralEpoch("validating", number, config.n_epochs, loss, ndcg if math.isfinite(ndcg) else None)
        if ndcg > best:
            best, n_enough = ndcg, number
        if best >= 0 and number - n_enough >= config.patience:
            break
    trainer = NeuralTrainer(config, data, n_threads=n_threads)
    for number in range(1, n_enough + 1):
        yield NeuralEpoch("training", number, n_enough, trainer.epoch())
    return trainer.ranker()


class ValidationJudge:
    """NDCG@10 over the full catalogue, as ``evaluation`` takes it: films rated in training left out, relevant is what
    the person went on to rate 4 stars or more."""

    def __init__(self, split: Split, *, seed: int) -> None:
        people = np.flatnonzero(split.train.user_counts * split.test.user_counts)
        if len(people) > MAX_PEOPLE:
            people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
        self._cases = []
        for user in people:
            rows = split.test.rows_of(user)
            liked = split.test.item[rows][split.test.value[rows] >= RELEVANT]
            if len(liked):
                self._cases.append((history_of(split.train, user), liked))

    def ndcg(self, ranker: NeuralRanker) -> float:
        """The mean over people; NaN where there is nobody to judge by."""
        found = []
        for history, liked in self._cases:
            scores = ranker.scores(history)
            scores[history.item] = -np.inf
            found.append(ndcg_at_k(np.isin(top_k(scores, K), liked), len(liked)))
        return float(np.mean(np.array(found, np.float64))) if found else math.nan


@dataclass(frozen=True, eq=False)
class _Ratings:
    """One person's ratings, the oldest first, as tensors (n,)."""

    item: Tensor
    step: Tensor  # of the scale
    grade: Tensor  # what each says for its film


class NeuralTrainer:
    """Learns pass by pass; after any of them ``ranker`` is there."""

    def __init__(self, config: NeuralConfig, data: Interactions, *, n_threads: int = N_THREADS) -> None:
        """Raises NeuralNotInstalled without PyTorch."""
        self._torch = torch = _torch()
        self.config, self._n_threads = config, n_threads
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._rng = np.random.default_rng(config.seed)
        self._counts = data.item_counts
        self._known = np.flatnonzero(self._counts)
        self._people = [self._ratings(data, user) for user in np.flatnonzero(data.user_counts)]
        self._weights = self._start(data)
        self._averages = {name: weights.detach().clone() for name, weights in self._weights.items()}
        self._n_steps = 0
        tables = [self._weights[name] for name in _FILM_TABLES]
        others = [weights for name, weights in self._weights.items() if name not in _FILM_TABLES]
        self._optimizer = torch.optim.AdamW(
            [{"params": tables, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=config.learning_rate,
            fused=True,
        )

    def _ratings(self, data: Interactions, user: np.integer[Any]) -> _Ratings:
        rows = data.rows_of(user)
        item = data.item[rows].astype(np.int64)
        order = np.argsort(-ages(data.time[rows], item))
        value = data.value[rows][order]
        tensor = self._tensor
        return _Ratings(tensor(item[order]), tensor(steps(value)), tensor(grades(value).astype(np.float32)))

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return self._torch.from_numpy(array).to(self._device)

    def _start(self, data: Interactions) -> dict[str, Tensor]:
        """The numbers to begin with, drawn by numpy: the same on every device."""
        config, rng, n_items = self.config, self._rng, data.n_items
        n_inputs, widths = config.n_inputs, config.widths

        def drawn(*shape: int, std: float) -> Array:
            return std * rng.standard_normal(shape)

        first = math.sqrt(2 / config.n_hidden)  # K. He et al., ICCV 2015, of both halves together
        weights = {
            "encoder": drawn(n_items, config.n_factors + n_inputs, std=0.05),
            "gmf": drawn(n_items, config.n_factors, std=0.05),
            "inputs": drawn(n_items, n_inputs, std=0.05),
            "person_bias": np.zeros(config.n_factors + n_inputs),
            "voices": grades(STEP * np.arange(1, N_STEPS + 1)),
            "gmf_output": np.ones(config.n_factors),
            "person_layer": drawn(n_inputs, widths[0], std=first),
            "input_layer": drawn(n_inputs, widths[0], std=first),
            "first_bias": np.zeros(widths[0]),
            "output": drawn(widths[-1], std=0.1),
            # What popularity alone says; learning goes on from there.
            "item_bias": np.log((self._counts + 0.5) / max(1, data.n_users)),
        }
        for name in _FILM_TABLES:
            weights[name][self._counts == 0] = 0.0
        for number, (n_in, n_out) in enumerate(pairwise(widths)):
            weights[f"hidden_{number}"] = drawn(n_in, n_out, std=math.sqrt(2 / n_in))
            weights[f"hidden_bias_{number}"] = np.zeros(n_out)
        return {name: self._tensor(array.astype(np.float32)).requires_grad_() for name, array in weights.items()}

    def epoch(self) -> float:
        """One pass over the people; the mean loss of a rated film with its negatives."""
        threads = self._torch.get_num_threads()
        self._torch.set_num_threads(self._n_threads)
        try:
            total, n = 0.0, 0
            for people in self._batches():
                loss, n_targets = self._loss(people)
                self._optimizer.zero_grad()
                loss.backward()
                self._optimizer.step()
                self._average()
                total += loss.item() * n_targets
                n += n_targets
            return total / max(1, n)
        finally:
            self._torch.set_num_threads(threads)

    def _average(self) -> None:
        self._n_steps += 1
        # At first over fewer: the random start is forgotten.
        share = max(1 / _AVERAGED_STEPS, 9 / (self._n_steps + 9))
        with self._torch.no_grad():
            for name, average in self._averages.items():
                average.lerp_(self._weights[name], share)

    def _batches(self) -> Iterator[list[_Ratings]]:
        order = self._rng.permutation(len(self._people))
        for first in range(0, len(order), self.config.n_people):
            yield [self._people[row] for row in order[first : first + self.config.n_people]]

    def _loss(self, people: list[_Ratings]) -> tuple[Tensor, int]:
        """Binary cross-entropy with drawn negatives, the mean over rated films; and of how many."""
        torch, config = self._torch, self.config
        encoded, targets, grade = [], [], []
        for ratings in people:
            n = len(ratings.item)
            places = self._rng.permutation(n)[: config.n_targets]
            at = self._tensor(np.sort(places))
            encoded.append(self.encode(ratings.item, ratings.step, at))
            targets.append(ratings.item[at])
            grade.append(ratings.grade[at])
        person, target, says = torch.cat(encoded), torch.cat(targets), torch.cat(grade)
        drawn = self._known[self._rng.integers(len(self._known), size=(len(target), config.n_negatives))]
        logits = self.pair_scores(person, torch.cat([target[:, None], self._tensor(drawn)], dim=1))
        softplus = torch.nn.functional.softplus
        # −log σ(s) = softplus(−s) of a film that was rated, −log(1 − σ(s)) = softplus(s) of one that was drawn.
        loss = (says * softplus(-logits[:, 0]) + softplus(logits[:, 1:]).sum(dim=1)).mean()
        return loss, len(target)

    def encode(self, item: Tensor, step: Tensor, at: Tensor, *, averaged: bool = False) -> Tensor:
        """p of one person at each of some moments, (n_at, n_factors + n_inputs): by the ratings before place ``at``
        (n_at,) of their own, the oldest first. ``item``, ``step``: (n,). ``averaged``: by the weights of ``ranker``."""
        torch, weights = self._torch, self._averages if averaged else self._weights
        age = at[:, None] - torch.arange(len(item), device=self._device)[None, :] - 1
        voice = weights["voices"][step] * (age >= 0)
        if self.config.half_life:
            left = RECENCY_FLOOR + (1 - RECENCY_FLOOR) * 0.5 ** (age.clamp(min=0) / self.config.half_life)
            voice = voice * left
        size = voice.abs().sum(dim=1, keepdim=True)
        return (voice @ weights["encoder"][item]) / torch.sqrt(size + DAMPING) + weights["person_bias"]

    def pair_scores(self, person: Tensor, item: Tensor, *, averaged: bool = False) -> Tensor:
        """Scores of some films for each of some people, (n, m). ``person``: (n, n_factors + n_inputs), ``item``: (n, m)
        rows of films."""
        torch, n_factors = self._torch, self.config.n_factors
        weights = self._averages if averaged else self._weights
        direction = person[:, :n_factors] * weights["gmf_output"]
        scores = torch.einsum("nk,nmk->nm", direction, weights["gmf"][item]) + weights["item_bias"][item]
        of_person = person[:, n_factors:] @ weights["person_layer"] + weights["first_bias"]
        layer = torch.relu(weights["inputs"][item] @ weights["input_layer"] + of_person[:, None, :])
        for number in range(self.config.n_layers - 1):
            layer = torch.relu(layer @ weights[f"hidden_{number}"] + weights[f"hidden_bias_{number}"])
        return scores + layer @ weights["output"]

    def ranker(self) -> NeuralRanker:
        """What has been learned so far, averaged over the latest steps."""
        arrays = {name: weights.cpu().numpy().copy() for name, weights in self._averages.items()}
        bias = arrays["item_bias"]
        if len(self._known):
            # A film that nobody rated is below all others, whatever the tower makes of nothing.
            bias[self._counts == 0] = bias.min() - 10.0
        hidden = tuple(
            (arrays[f"hidden_{number}"], arrays[f"hidden_bias_{number}"]) for number in range(self.config.n_layers - 1)
        )
        return NeuralRanker(
            encoder=arrays["encoder"],
            person_bias=arrays["person_bias"],
            voices=arrays["voices"],
            gmf=arrays["gmf"] * arrays["gmf_output"],
            item_bias=bias,
            person_layer=arrays["person_layer"],
            item_layer=arrays["inputs"] @ arrays["input_layer"] + arrays["first_bias"],
            hidden=hidden,
            output=arrays["output"],
            half_life=self.config.half_life,
        )
