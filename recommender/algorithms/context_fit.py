"""Whether the context of a moment is worth anything, and how much it counts: chosen on held-out choices.

Protocol: a held-out choice is looked for in the context of the moment at which it was made. For each person and each
context of theirs the full catalogue is ordered with what that context adds, and NDCG@10 taken with the films that they
liked *in that moment* as the relevant ones; what they liked in other moments counts as not relevant there. A person's
figure is the mean over their contexts, weighted by how many films they liked in each. Without effects all their
contexts get the same list. The figures are lower than those that ask for all held-out films at once.

The prior's standard deviation and the weight are those of the highest mean. Whether they help is told by people who had
no say: settings chosen on four fifths of the people are judged on the last fifth, each fifth in turn, and the paired
difference has to be above 0 with its whole 95 % interval (bootstrap over people). Otherwise the weight is 0.

What a time stamp is of matters more than the method. MovieLens' are of when people rated, many films in one sitting and
long after they saw them; they say little of when one would want to watch a film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.context import NOT_JUDGED, ContextEffects, Verdict
from recommender.algorithms.context_learning import Choices, learn_effects
from recommender.algorithms.film_model import Array
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import Interactions
from recommender.algorithms.metrics import mean_with_interval, ndcg_at_k, top_k

PRIOR_SDS = (0.05, 0.1, 0.2, 0.4)  # of genres' log ratios
WEIGHTS = (0.25, 0.5, 1.0, 2.0)  # of a log ratio, in units of the order score; or none at all
FOLDS = 5
# Fewer people to judge by are taken for no evidence, whatever they say.
MIN_PEOPLE = 20
# More would only take longer.
MAX_PEOPLE = 2000

OrderScores = Callable[[int], Array]


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """``weight`` 0: off."""

    prior_sd: float
    weight: float


OFF = ContextSettings(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class ContextChoice:
    """``best``: the settings of the highest mean, whether they help or not; ``ndcg`` of everything that was tried."""

    best: ContextSettings
    verdict: Verdict
    ndcg: dict[ContextSettings, float]


@dataclass(frozen=True, eq=False)
class Engaged:
    """Films of lists that people engaged with. ``time``: int64 (n,), seconds since 1970, of each choice."""

    choices: Choices
    time: NDArray[np.int64]

    def divided(self, held_out: Interactions) -> tuple[Choices, Choices]:
        """What may be learned from, and what may be asked for: before and from each person's first held-out rating on,
        so that nothing is learned from the moment that is asked for. Of whom nothing is held out, the last fifth is
        asked for."""
        first = np.full(self.choices.n_users, np.iinfo(np.int64).max)
        np.minimum.at(first, held_out.user, held_out.time)
        user = self.choices.user
        asked = self.time >= first[user]
        order = np.lexsort((self.time, user))
        counts = np.bincount(user, minlength=self.choices.n_users)
        place = np.arange(len(user)) - np.repeat(np.cumsum(counts) - counts, counts)
        is_late = np.empty(len(user), np.bool_)
        is_late[order] = place >= 0.8 * np.repeat(counts, counts)
        nothing_held_out = (held_out.user_counts == 0)[user]
        asked = np.where(nothing_held_out, is_late, asked)
        return self.choices.take(~asked), self.choices.take(asked)


@dataclass(frozen=True, eq=False)
class _Occasion:
    """What one person liked in one context."""

    cells: tuple[int, ...]
    liked: NDArray[np.intp]  # columns among the ranked films
    n_liked: int  # films that the version does not rank included


class ContextJudges:
    """People by whose held-out choices effects are judged."""

    def __init__(
        self, asked: Choices, scores: OrderScores, ranked: NDArray[np.intp], *, seed: int, max_people: int = MAX_PEOPLE
    ) -> None:
        """``asked``: held-out choices that were liked. ``scores``: a person's order scores without effects, (n_items,),
        −inf for films that cannot be listed. ``ranked``: (n_ranked,) ascending, rows of the films that are ordered."""
        people = np.unique(asked.user)
        if len(people) > max_people:
            people = np.sort(np.random.default_rng(seed).choice(people, max_people, replace=False))
        self.seed = seed
        self._ranked = ranked
        column_of = np.full(asked.n_items, -1, np.intp)
        column_of[ranked] = np.arange(len(ranked))
        by_user = np.argsort(asked.user, kind="stable")
        starts, ends = (np.searchsorted(asked.user[by_user], people, side=side) for side in ("left", "right"))
        self._scores, self._occasions = [], []
        for user, start, end in zip(people.tolist(), starts, ends, strict=True):
            self._scores.append(scores(user)[ranked])
            self._occasions.append(_occasions(asked.take(by_user[start:end]), column_of))

    def __len__(self) -> int:
        return len(self._occasions)

    def ndcg(self, effects: ContextEffects | None) -> Array:
        """Each person's NDCG@10 in their contexts, (n_people,). None: without effects."""
        added: dict[tuple[int, ...], Array] = {}
        figures = np.empty(len(self))
        for number, (scores, occasions) in enumerate(zip(self._scores, self._occasions, strict=True)):
            total = 0.0
            for occasion in occasions:
                moved = scores
                if effects is not None and effects.is_on:
                    if occasion.cells not in added:
                        added[occasion.cells] = effects.added_in(occasion.cells)[self._ranked]
                    moved = scores + added[occasion.cells]
                found = np.isin(top_k(moved), occasion.liked)
                total += occasion.n_liked * (ndcg_at_k(found, occasion.n_liked) or 0.0)
            figures[number] = total / sum(occasion.n_liked for occasion in occasions)
        return figures

    def verdict(self, without: Array, with_effects: Array) -> Verdict:
        """Of each person's two figures, (n_people,)."""
        if not len(self):
            return NOT_JUDGED
        estimate = mean_with_interval(with_effects - without, seed=self.seed)
        interval = estimate.interval or (0.0, 0.0)
        return Verdict(
            ndcg_without=float(without.mean()),
            ndcg_with=float(with_effects.mean()),
            interval=interval,
            n_people=len(self),
            helps=len(self) >= MIN_PEOPLE and interval[0] > 0,
        )


def _occasions(asked: Choices, column_of: NDArray[np.intp]) -> list[_Occasion]:
    contexts, context = np.unique(asked.cells, axis=0, return_inverse=True)
    occasions = []
    for number, cells in enumerate(contexts.tolist()):
        columns = column_of[asked.item[context.ravel() == number]]
        known = tuple(cell for cell in cells if cell >= 0)
        occasions.append(_Occasion(known, columns[columns >= 0], len(columns)))
    return occasions


def choose_context(choices: Choices, judges: ContextJudges, genres: GenreTable) -> ContextChoice:
    """The settings for effects learned from ``choices``, none of which may be among what ``judges`` are asked."""
    if not len(judges):
        return ContextChoice(OFF, NOT_JUDGED, {})
    tried = {OFF: judges.ndcg(None)}
    for prior_sd in PRIOR_SDS:
        effects = learn_effects(choices, genres, prior_sd=prior_sd, weight=1.0)
        for weight in WEIGHTS:
            tried[ContextSettings(prior_sd, weight)] = judges.ndcg(replace(effects, weight=weight))
    settings, figures = list(tried), np.stack(list(tried.values()))
    fold = np.random.default_rng(judges.seed).permutation(len(judges)) % FOLDS
    judged = figures[0].copy()
    for number in range(FOLDS):
        others = fold != number
        if others.any():
            # The first of equals: without effects.
            chosen = int(figures[:, others].mean(axis=1).argmax())
            judged[~others] = figures[chosen, ~others]
    means = figures.mean(axis=1)
    verdict = judges.verdict(figures[0], judged)
    return ContextChoice(settings[int(means.argmax())], verdict, dict(zip(settings, means.tolist(), strict=True)))


def learned_context(choice: ContextChoice, choices: Choices, genres: GenreTable) -> ContextEffects:
    """Effects with the settings of ``choice``, learned from ``choices``; off where they do not help."""
    best = choice.best
    if not (choice.verdict.helps and best.weight):
        return ContextEffects.off(genres, choice.verdict)
    return learn_effects(choices, genres, prior_sd=best.prior_sd, weight=best.weight, verdict=choice.verdict)
