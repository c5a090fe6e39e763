"""Neural collaborative filtering that holds films and no people: what is needed to serve it, in plain numpy.

X. He et al.: Neural Collaborative Filtering, WWW 2017. There a person is a row of a table, learned with the films. Here
a person is read off the films that they rated, so that somebody new needs no training and somebody gone leaves
nothing behind:

    p = Σ_i w_i e_i / (Σ_i |w_i| + ε)^½ + c,   w_i = voice(r_i) · recency(age_i)

with e_i the film's vector as something rated, voice a learned number for each step of the scale and recency =
floor + (1 − floor)·½^(age / half-life), age counted in ratings given since. p has two parts, as in the paper: the first
meets a film's vector factor by factor (generalized matrix factorization, GMF), the second goes with the film through a
tower of layers, each half as wide as the one before (multi-layer perceptron, MLP). Their outputs are added (NeuMF):

    score_j = g_j·p_gmf + v·tower(V p_mlp + t_j) + b_j

g_j is the paper's GMF vector times its output weights, t_j the film's half of the first layer, worked out beforehand,
b_j the film's own bias, which the paper does not have. A score is no sum over the rated films: what one of them does is
told by scoring again without it. The numbers are learned in ``neural_training``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import Array, Floats, History

# Steps of the scale, in stars.
STEP = 0.5
N_STEPS = 10
# What is left of a rating's voice when it is old.
RECENCY_FLOOR = 0.1
# ε: keeps the length of somebody finite whose ratings say next to nothing.
DAMPING = 1e-3
_HIDDEN = "neural_hidden_weights_"


class MalformedNeuralRanker(ValueError):
    """Arrays or settings that no training writes: a wrong name, shape, dtype or value."""


def steps(stars: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Numbers of the steps of the scale that ratings stand on, from 0, shape of ``stars``."""
    return np.clip(np.rint(stars / STEP).astype(np.int64) - 1, 0, N_STEPS - 1)


@dataclass(frozen=True, eq=False)
class NeuralRanker:
    """What was learned of films. A film that nobody rated in the training is zero in ``encoder`` and ``gmf``: it says
    nothing of a person. Arrays are never changed after construction."""

    encoder: Floats  # e, (n_items, n_factors + n_inputs)
    person_bias: Floats  # c, (n_factors + n_inputs,)
    voices: Floats  # (N_STEPS,)
    gmf: Floats  # g, (n_items, n_factors)
    item_bias: Floats  # b, (n_items,)
    person_layer: Floats  # V, (n_inputs, n_hidden)
    item_layer: Floats  # t, (n_items, n_hidden)
    hidden: tuple[tuple[Floats, Floats], ...]  # weights (n_in, n_out) and biases (n_out,) of the layers above the first
    output: Floats  # v, (width of the last layer,)
    half_life: float  # in ratings; 0: all ratings speak alike, however old

    @property
    def n_items(self) -> int:
        return len(self.encoder)

    @property
    def n_factors(self) -> int:
        return self.gmf.shape[1]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Films that were rated in the training, (n_items,)."""
        known: NDArray[np.bool_] = np.any(self.encoder, axis=1)
        return known

    def recency(self, age: NDArray[np.integer[Any]]) -> Array:
        """What is left of each rating's voice, shape of ``age``."""
        if not self.half_life:
            return np.ones(age.shape)
        left: Array = RECENCY_FLOOR + (1 - RECENCY_FLOOR) * 0.5 ** (age / self.half_life)
        return left

    def encode(self, history: History) -> Array:
        """p, (n_factors + n_inputs,). Nothing rated: c, what is learned of a person without ratings."""
        weights = self._voices(history) * self.recency(history.age)
        rated = self.encoder[history.item].astype(np.float64)
        return self._person(weights @ rated, np.abs(weights).sum())

    def scores(self, history: History) -> Array:
        """The score of every film, (n_items,): the log-odds that the person rates it, by the negatives' measure."""
        person = self.encode(history).astype(np.float32)
        layer = self.item_layer + person[self.n_factors :] @ self.person_layer
        scores = self.gmf @ person[: self.n_factors] + self._tower(layer) + self.item_bias
        return scores.astype(np.float64)

    def rescored_without(self, history: History, item: int) -> Array:
        """The score that ``item`` would have without each rating of the history, (n,), in its order: the same as
        ``scores(history.without(i))[item]`` of each film i. It is scored again; the differences to the whole score do
        not add up to it."""
        order = np.argsort(history.age, kind="stable")
        age = history.age[order]
        voices = self._voices(history)[order]
        vectors = self.encoder[history.item[order]].astype(np.float64)
        # What came before a rating is one younger without it; what came after stays as old as it is.
        younger, older = voices * self.recency(age), voices * self.recency(np.maximum(age - 1, 0))
        total = _sums_before(younger[:, None] * vectors) + _sums_behind(older[:, None] * vectors)
        size = _sums_before(np.abs(younger)[:, None]) + _sums_behind(np.abs(older)[:, None])
        people = self._person(total, size).astype(np.float32)
        layer = self.item_layer[item] + people[:, self.n_factors :] @ self.person_layer
        rescored = people[:, : self.n_factors] @ self.gmf[item] + self._tower(layer) + self.item_bias[item]
        found = np.empty(len(history))
        found[order] = rescored
        return found

    def _voices(self, history: History) -> Array:
        """voice(r_i), 0 of films that the training never saw, (n,)."""
        return np.where(self.known[history.item], self.voices[steps(history.value)].astype(np.float64), 0.0)

    def _person(self, total: Array, size: Any) -> Array:
        """p of Σ w_i e_i and Σ |w_i|: of one person or, row by row, of several."""
        person: Array = total / np.sqrt(size + DAMPING) + self.person_bias
        return person

    def _tower(self, layer: Floats) -> Floats:
        """v·tower of the first layer before its bend, (n, n_hidden); changes ``layer``. (n,)"""
        np.maximum(layer, 0.0, out=layer)
        for weights, biases in self.hidden:
            layer = layer @ weights
            layer += biases
            np.maximum(layer, 0.0, out=layer)
        return layer @ self.output

    # Storage: arrays go to safetensors, settings (plain numbers) to the manifest.

    def arrays(self) -> dict[str, Floats]:
        """All float32, in C order, under names of their own."""
        arrays = {
            "neural_encoder": self.encoder,
            "neural_person_bias": self.person_bias,
            "neural_voices": self.voices,
            "neural_gmf": self.gmf,
            "neural_item_bias": self.item_bias,
            "neural_person_layer": self.person_layer,
            "neural_item_layer": self.item_layer,
            "neural_output": self.output,
        }
        for number, (weights, biases) in enumerate(self.hidden):
            # One array a layer, the biases below the weights.
            arrays[f"{_HIDDEN}{number}"] = np.vstack([weights, biases])
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def settings(self) -> dict[str, float]:
        return {"neural_half_life": self.half_life}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], settings: dict[str, Any]) -> NeuralRanker:
        """The ranker that ``arrays()`` and ``settings()`` describe. Raises MalformedNeuralRanker for anything else."""
        n_hidden = sum(name.startswith(_HIDDEN) for name in arrays)
        half_life = settings.get("neural_half_life")
        if isinstance(half_life, bool) or not isinstance(half_life, (int, float)) or not 0 <= half_life < np.inf:
            raise MalformedNeuralRanker(f"setting neural_half_life is {half_life!r}")
        try:
            layers = [arrays[f"{_HIDDEN}{number}"] for number in range(n_hidden)]
            ranker = cls(
                encoder=arrays["neural_encoder"],
                person_bias=arrays["neural_person_bias"],
                voices=arrays["neural_voices"],
                gmf=arrays["neural_gmf"],
                item_bias=arrays["neural_item_bias"],
                person_layer=arrays["neural_person_layer"],
                item_layer=arrays["neural_item_layer"],
                hidden=tuple((layer[:-1], layer[-1]) for layer in layers),
                output=arrays["neural_output"],
                half_life=float(half_life),
            )
        except (KeyError, IndexError) as error:
            raise MalformedNeuralRanker(f"an array is missing or without axes: {error}") from error
        ranker._check(arrays)
        return ranker

    def _check(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            if array.dtype != np.float32 or not np.isfinite(array).all():
                raise MalformedNeuralRanker(f"{name} is not of finite float32")
        if self.gmf.ndim != 2 or self.person_layer.ndim != 2:
            raise MalformedNeuralRanker("an array has another number of axes")
        n, width, (n_inputs, n_hidden) = self.n_items, self.n_factors + len(self.person_layer), self.person_layer.shape
        wanted: dict[str, tuple[int, ...]] = {
            "neural_encoder": (n, width),
            "neural_person_bias": (width,),
            "neural_voices": (N_STEPS,),
            "neural_gmf": (n, self.n_factors),
            "neural_item_bias": (n,),
            "neural_person_layer": (n_inputs, n_hidden),
            "neural_item_layer": (n, n_hidden),
        }
        for number in range(len(self.hidden)):
            name = f"{_HIDDEN}{number}"
            n_next = arrays[name].shape[-1]
            wanted[name] = (n_hidden + 1, n_next)
            n_hidden = n_next
        wanted["neural_output"] = (n_hidden,)
        found = {name: array.shape for name, array in arrays.items()}
        if found != wanted:
            raise MalformedNeuralRanker(f"the arrays are of shapes {found} and should be {wanted}")


def _sums_before(rows: Array) -> Array:
    """Of each row, the sum of those above it, shape of ``rows``."""
    sums: Array = np.cumsum(rows, axis=0) - rows
    return sums


def _sums_behind(rows: Array) -> Array:
    """And of those below it."""
    return _sums_before(rows[::-1])[::-1]
