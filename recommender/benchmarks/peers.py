"""Other people's models, and the plain ones that everybody has to beat, each behind the face of ``judging``.

The packages of requirements-bench.txt are imported where they are used, so that a missing one leaves the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.baselines import fit_biases, item_means, popularity
from recommender.algorithms.ease import grades
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, RELEVANT, Interactions
from recommender.algorithms.metrics import K, top_k
from recommender.benchmarks.judging import Floats
from recommender.benchmarks.tuned import grid

SEED = 0

# What the settings of each tuned peer are chosen from.
SURPRISE_SVD = grid(n_factors=(50, 100, 200), reg_all=(0.05, 0.1), lr_all=(0.005, 0.01), n_epochs=(40, 80))
SURPRISE_SVDPP = grid(n_factors=(20,), reg_all=(0.02, 0.05, 0.1), lr_all=(0.007,), n_epochs=(20, 40))
MYFM = grid(rank=(8, 16), n_iter=(300,))
ITEM_KNN = grid(neighbours=(20, 50, 100, 200), shrinkage=(0.0, 10.0, 100.0))
IMPLICIT_ALS = grid(
    factors=(32, 64, 128), regularization=(3.0, 10.0, 30.0, 100.0), alpha=(1.0, 5.0, 20.0), feedback=("liked", "graded")
)
IMPLICIT_BPR = grid(
    factors=(16, 64, 128),
    learning_rate=(0.003, 0.01),
    regularization=(0.001, 0.01),
    iterations=(50, 100, 300),
    feedback=("liked", "all"),
)


class ItemMean:
    """Each film's damped mean, for everybody the same."""

    def fit(self, train: Interactions) -> None:
        self._means = item_means(train)

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        return self._means[item]


class Biases:
    """Damped biases of people and films."""

    def fit(self, train: Interactions) -> None:
        self._model = fit_biases(train)

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        return self._model.predict(user, item)


class Surprise:
    """SVD or SVD++ of scikit-surprise with the given settings, its defaults for the rest."""

    def __init__(self, algorithm: str, settings: Mapping[str, Any]) -> None:
        import surprise

        self._algorithm = getattr(surprise, algorithm)(random_state=SEED, **settings)

    def fit(self, train: Interactions) -> None:
        import pandas
        from surprise import Dataset, Reader

        table = pandas.DataFrame({"user": train.user, "item": train.item, "value": train.value})
        reader = Reader(rating_scale=(MIN_RATING, MAX_RATING))
        self._algorithm.fit(Dataset.load_from_df(table, reader).build_full_trainset())

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        pairs = zip(user.tolist(), item.tolist(), strict=True)
        return np.array([self._algorithm.predict(one, film).est for one, film in pairs])


class MyFM:
    """A Bayesian factorization machine by Gibbs sampling, with the side information that our models have.

    A person is who they are and which films they rated; a film is which one it is, who rated it, its genres and its
    time. "Who rated what" is scaled by n^-½, as in SVD++.
    """

    def __init__(self, side: SideInformation, settings: Mapping[str, Any]) -> None:
        import myfm

        self._side, self._n_iter = side, settings["n_iter"]
        self._machine = myfm.MyFMRegressor(rank=settings["rank"], random_seed=SEED)

    def fit(self, train: Interactions) -> None:
        films = self._side.columns(train.n_items)
        people, people_groups = _one_side(train.user, train.item, train.n_users, train.n_items)
        self._people = people
        self._films, film_groups = _one_side(train.item, train.user, train.n_items, train.n_users, films)
        self._machine.fit(
            None,
            train.value.astype(np.float64),
            X_rel=self._relations(train.user, train.item),
            n_iter=self._n_iter,
            n_kept_samples=self._n_iter * 3 // 4,
            group_shapes=people_groups + film_groups,
        )

    def predict(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        predicted: Floats = self._machine.predict(None, self._relations(user, item))
        return predicted

    def _relations(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> list[Any]:
        from myfm import RelationBlock

        return [
            RelationBlock(user.astype(np.int64), self._people),
            RelationBlock(item.astype(np.int64), self._films),
        ]


def _one_side(
    row: NDArray[np.int32], column: NDArray[np.int32], n_rows: int, n_columns: int, features: Floats | None = None
) -> tuple[Any, list[int]]:
    """Sparse features of people or films, and how many columns each group of them has."""
    from scipy import sparse

    counts = np.maximum(np.bincount(row, minlength=n_rows), 1)
    rated = sparse.csr_matrix((counts[row] ** -0.5, (row, column)), shape=(n_rows, n_columns))
    parts = [sparse.identity(n_rows, format="csr"), rated]
    if features is not None and features.shape[1]:
        parts.append(sparse.csr_matrix(features))
    return sparse.hstack(parts, format="csr"), [part.shape[1] for part in parts]


class _TopTen:
    def list_of(self, scores: Floats) -> NDArray[np.intp]:
        return top_k(scores, K)


class Popularity(_TopTen):
    """How many people rated a film."""

    def fit(self, train: Interactions) -> None:
        self._scores = popularity(train)

    def scores(self, user: int) -> Floats:
        return self._scores


class ItemMeanOrder(_TopTen):
    """Films by their damped mean."""

    def fit(self, train: Interactions) -> None:
        self._scores = item_means(train)

    def scores(self, user: int) -> Floats:
        return self._scores


class ItemKnn(_TopTen):
    """Cosine between films over who liked them, shrunk, the nearest neighbours kept of each film."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._neighbours, self._shrinkage = settings["neighbours"], settings["shrinkage"]

    def fit(self, train: Interactions) -> None:
        liked = train.take(train.value >= RELEVANT)
        likes = np.zeros((train.n_users, train.n_items), np.float32)
        likes[liked.user, liked.item] = 1.0
        likeness = likes.T @ likes
        length = np.sqrt(np.diagonal(likeness))
        for first in range(0, len(likeness), 512):  # in blocks: no second matrix of that size
            block = likeness[first : first + 512]
            block /= length[first : first + 512, None] * length[None, :] + np.float32(self._shrinkage + 1e-9)
            block[np.arange(len(block)), first + np.arange(len(block))] = 0.0
            if self._neighbours < block.shape[1]:
                edge = np.partition(block, block.shape[1] - self._neighbours, axis=1)[:, -self._neighbours]
                block[block < edge[:, None]] = 0.0
        # Film j's neighbours stand in its row.
        self._scores = likes @ likeness.T

    def scores(self, user: int) -> Floats:
        return self._scores[user].astype(np.float64)


class _Implicit(_TopTen):
    _model: Any
    _feedback: str

    def fit(self, train: Interactions) -> None:
        self._model.fit(_feedback(train, self._feedback), show_progress=False)
        self._people, self._films = self._model.user_factors, self._model.item_factors

    def scores(self, user: int) -> Floats:
        scores: Floats = (self._films @ self._people[user]).astype(np.float64)
        return scores


class ImplicitAls(_Implicit):
    """Alternating least squares of implicit."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        from implicit.als import AlternatingLeastSquares

        rest = dict(settings)
        self._feedback = rest.pop("feedback")
        self._model = AlternatingLeastSquares(**rest, random_state=SEED, num_threads=1, use_gpu=False)


class ImplicitBpr(_Implicit):
    """Bayesian personalized ranking of implicit; one thread, so that it is the same each time."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        from implicit.bpr import BayesianPersonalizedRanking

        rest = dict(settings)
        self._feedback = rest.pop("feedback")
        self._model = BayesianPersonalizedRanking(**rest, random_state=SEED, num_threads=1, use_gpu=False)


def _feedback(train: Interactions, kind: str) -> Any:
    """People × films: films rated 4 stars or more, all rated films, or all, weighted by their stars as in EASE."""
    from scipy import sparse

    rows = train.take(train.value >= RELEVANT) if kind == "liked" else train
    weights = grades(rows.value) if kind == "graded" else np.ones(len(rows))
    return sparse.csr_matrix((weights.astype(np.float32), (rows.user, rows.item)), shape=(train.n_users, train.n_items))
