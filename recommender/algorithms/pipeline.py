"""From ratings to a measured model, in steps that the caller can watch and stop.

    validation fit → tuning → training fit → evaluation on the test part → fit on everything

The model that is served has seen all ratings; its figures come from its twin that has seen the training part only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig
from recommender.algorithms.bayesian_factorization import BayesianFactorizationTrainer
from recommender.algorithms.context_fit import ContextChoice, ContextJudges, Engaged, choose_context, learned_context
from recommender.algorithms.context_learning import Choices, choices_of
from recommender.algorithms.discovery import MAX_PEOPLE, Discovery, learn_discovery
from recommender.algorithms.ensemble import TrainedModel
from recommender.algorithms.evaluation import RECOMMENDABLE_RATINGS, Evaluation, Metric, evaluate
from recommender.algorithms.film_features import SideInformation
from recommender.algorithms.film_model import Array, history_of
from recommender.algorithms.genre_affinity import GenreTable
from recommender.algorithms.interactions import RELEVANT, Interactions
from recommender.algorithms.matrix_factorization import MatrixFactorizationTrainer
from recommender.algorithms.network import Network
from recommender.algorithms.network_learning import NetworkChoice, NetworkJudge, learn, learn_and_choose
from recommender.algorithms.neural_training import NeuralConfig, NeuralEpoch, NeuralNotInstalled, missing
from recommender.algorithms.new_films import learn_film_prior
from recommender.algorithms.ordering import Ordering
from recommender.algorithms.posterior import BayesianFactorizationConfig
from recommender.algorithms.presets import Config
from recommender.algorithms.shortlist import WIDE
from recommender.algorithms.splits import Split, last_per_user
from recommender.algorithms.taste_groups import learn_groups
from recommender.algorithms.trainer import Trainer
from recommender.algorithms.tuning import Tuning, ValidationSplit, tune, validation_split

T = TypeVar("T")

MIN_RATINGS = 50  # below this there is nothing to validate by


class TooManyFilms(ValueError):
    """A network was asked for with more films than it can be asked of."""


class TooFewRatings(ValueError):
    """There is not enough to learn from; the message says how much is needed."""


@dataclass(frozen=True)
class Step:
    """What has just been done. ``progress`` goes from 0 to 1 over the whole pipeline."""

    phase: str
    progress: float
    epoch: int = 0
    train_rmse: float | None = None
    validation_rmse: float | None = None
    n_ratings: int = 0  # that the epoch went over


@dataclass(frozen=True, eq=False)
class Outcome:
    model: TrainedModel  # to be served: has seen everything
    measured: TrainedModel  # its twin that the metrics are of: has seen the training part only
    metrics: dict[str, Metric]
    split_name: str
    tuning: Tuning
    evaluation: Evaluation  # the metrics again, with their groups and how reliable the claims are


# Share of the whole that each phase takes, roughly; the bar only has to move honestly.
_SHARES = {"validating": 0.3, "tuning": 0.2, "training": 0.15, "measuring": 0.15, "refitting": 0.2}


def _start(phase: str) -> float:
    names = list(_SHARES)
    return sum(_SHARES[name] for name in names[: names.index(phase)])


Trainers = Callable[[Config, Interactions, SideInformation], Trainer]


def make_trainer(config: Config, data: Interactions, side: SideInformation) -> Trainer:
    """The trainer that ``config`` is for, where none but ourselves is needed to train."""
    if isinstance(config, AlternatingLeastSquaresConfig):
        raise ValueError(f"{config.engine} has to be handed in: it is none of the algorithms'")
    if isinstance(config, BayesianFactorizationConfig):
        return BayesianFactorizationTrainer(config, data, side)
    return MatrixFactorizationTrainer(config, data)


class Pipeline:
    """Iterate it to run it; then ``outcome`` is there. An exception thrown between steps leaves nothing behind."""

    def __init__(
        self,
        config: Config,
        data: Interactions,
        *,
        movie_ids: NDArray[np.int64],
        genres: GenreTable,
        years: NDArray[np.int64] | None = None,
        split: Split | None = None,
        refit: bool = True,
        trainers: Trainers = make_trainer,
        utc_offset: int = 0,
        engaged: Engaged | None = None,
    ) -> None:
        """``movie_ids``, ``years`` (0 where unknown): (n_items,). ``trainers``: who trains. ``utc_offset``: seconds
        that people's clocks are ahead of UTC. ``engaged``: what they engaged with in lists, of the same people and
        films."""
        self.with_network = isinstance(config, BayesianFactorizationConfig) and config.use_network
        if self.with_network and (why := missing()):
            raise NeuralNotInstalled(why)
        if self.with_network and data.n_items >= WIDE:
            raise TooManyFilms(f"A network cannot be asked of {data.n_items:,} films for each list.")
        if len(data) < MIN_RATINGS:
            raise TooFewRatings(f"{len(data)} ratings are too few to train on: at least {MIN_RATINGS} are needed.")
        self.config = config
        self.data = data
        self.movie_ids = movie_ids
        self.genres = genres
        self.side = SideInformation(genres.membership, years if years is not None else np.zeros(data.n_items, np.int64))
        self.split = split or last_per_user(data)
        self.refit = refit  # without, nothing is made to be served: the outcome's model is the measured one
        self.trainers = trainers
        self.utc_offset = utc_offset
        self.engaged = engaged
        self.outcome: Outcome | None = None

    def __iter__(self) -> Iterator[Step]:
        seed = self.config.seed
        validation = validation_split(self.split, seed=seed)
        fitted = yield from self._fit("validating", validation.fit, validation.held_out_of_known_people)
        yield Step("tuning", _start("tuning"))
        variance = fitted.film_variance()
        tuning = tune(fitted.films(), validation, variance, seed=seed)
        films = replace(fitted.films(), scales=tuning.scales)
        ordering = Ordering(films, tuning.ranker, tuning.taste_weight)
        network = None
        if self.with_network:
            ordering, network = yield from self._choose_network(ordering, validation)
        context = self._choose_context(ordering, validation)
        # The weight of the films' variance, chosen on the validation fit, goes over to the later fits.
        scale = _scale(tuning.uncertainty.film_variance, variance)

        measured = yield from self._fit("training", self.split.train)
        of_twin = yield from self._network(self.split.train, network, "training")
        yield Step("measuring", _start("measuring"))
        twin = self._model(measured, self.split.train, tuning, context, of_twin, scale, None)
        evaluation = evaluate(twin, self.split, seed=seed)

        if not self.refit:
            self.outcome = Outcome(twin, twin, evaluation.metrics, self.split.name, tuning, evaluation)
            return
        served = yield from self._fit("refitting", self.data)
        of_served = yield from self._network(self.data, network, "refitting")
        # As many slots as the measured twin has: its figures tell what they cost.
        model = self._model(served, self.data, tuning, context, of_served, scale, twin.discovery.slots)
        self.outcome = Outcome(model, twin, evaluation.metrics, self.split.name, tuning, evaluation)
        yield Step("refitting", 1.0, epoch=self.config.n_epochs)

    def _fit(
        self, phase: str, data: Interactions, held_out: Interactions | None = None
    ) -> Generator[Step, None, Trainer]:
        trainer = self.trainers(self.config, data, self.side)
        start, share = _start(phase), _SHARES[phase]
        for epoch in trainer.epochs(held_out):
            done = epoch.number / self.config.n_epochs
            yield Step(phase, start + share * done, epoch.number, epoch.train_rmse, epoch.held_out_rmse, len(data))
        return trainer

    def _choose_network(
        self, ordering: Ordering, validation: ValidationSplit
    ) -> Generator[Step, None, tuple[Ordering, NetworkChoice]]:
        """How much a network is worth beside ``ordering``; and the order with it."""
        liked = validation.held_out.take(validation.held_out.value >= RELEVANT)
        films = ordering.ranked_films
        column_of = np.full(liked.n_items, -1, np.intp)
        column_of[films] = np.arange(len(films))
        judges = []
        for user in np.flatnonzero(liked.user_counts * validation.known.user_counts)[:MAX_PEOPLE]:
            history = history_of(validation.known, user, trained=not validation.newcomer[user])
            scores = ordering.order(ordering.films.solve(history)).scores.copy()
            scores[history.item] = -np.inf
            columns = column_of[liked.item[liked.rows_of(user)]]
            judges.append(NetworkJudge(history, scores[films], columns[columns >= 0], len(columns)))
        learned = learn_and_choose(self._neural_config(), validation.fit, judges, films)
        ranker, choice = yield from _steps_of(learned, "learning a network", _start("tuning"))
        if not choice.weight:
            return ordering, choice
        return replace(ordering, network=Network(ranker, choice.weight)), choice

    def _neural_config(self) -> NeuralConfig:
        return NeuralConfig(seed=self.config.seed)

    def _network(
        self, data: Interactions, choice: NetworkChoice | None, phase: str
    ) -> Generator[Step, None, Network | None]:
        if choice is None or not choice.weight:
            return None
        learned = learn(self._neural_config(), data, choice)
        return (yield from _steps_of(learned, "learning a network", _start(phase) + _SHARES[phase]))

    def _choose_context(self, ordering: Ordering, validation: ValidationSplit) -> ContextChoice:
        """Whether the moment says anything of what people choose, by their validation ratings."""
        films = ordering.films
        liked = validation.held_out.take(validation.held_out.value >= RELEVANT)

        def scores(user: int) -> Array:
            history = history_of(validation.known, user, trained=not validation.newcomer[user])
            found = ordering.order(films.solve(history)).scores.copy()
            found[history.item] = -np.inf
            return found

        asked, known = choices_of(liked, self.utc_offset), choices_of(validation.known, self.utc_offset)
        if self.engaged is not None:
            earlier, later = self.engaged.divided(validation.held_out)
            asked, known = asked.together_with(later), known.together_with(earlier)
        judges = ContextJudges(asked, scores, ordering.ranked_films, seed=self.config.seed)
        return choose_context(known, judges, self.genres)

    def _choices(self, data: Interactions) -> Choices:
        """What effects of the moment are learned from in the end."""
        choices = choices_of(data, self.utc_offset)
        return choices if self.engaged is None else choices.together_with(self.engaged.choices)

    def _model(
        self,
        trainer: Trainer,
        data: Interactions,
        tuning: Tuning,
        context: ContextChoice,
        network: Network | None,
        scale: float,
        slots: int | None,
    ) -> TrainedModel:
        films = replace(trainer.films(), scales=tuning.scales)
        ranker = tuning.fit_ranker(data)
        ordering = Ordering(films, ranker, tuning.taste_weight, network)
        tastes = np.zeros((data.n_users, films.n_samples * films.features.shape[2]))
        for user in np.flatnonzero(data.user_counts):
            tastes[user] = films.solve(history_of(data, user)).taste
        return TrainedModel(
            movie_ids=self.movie_ids,
            films=films,
            ranker=ranker,
            taste_weight=tuning.taste_weight,
            discovery=price_discoveries(ordering, data, slots, seed=self.config.seed),
            uncertainty=replace(tuning.uncertainty, film_variance=scale * trainer.film_variance()),
            groups=learn_groups(tastes, data, seed=self.config.seed),
            genres=self.genres,
            film_prior=learn_film_prior(films, self.side),
            n_users=int(np.count_nonzero(data.user_counts)),
            context=learned_context(context, self._choices(data), self.genres),
            network=network,
        )


def _steps_of(learning: Generator[NeuralEpoch, None, T], phase: str, progress: float) -> Generator[Step, None, T]:
    """A network's epochs as steps, each a sign of life."""
    while True:
        try:
            next(learning)
        except StopIteration as end:
            learned: T = end.value
            return learned
        yield Step(phase, progress)


def price_discoveries(ordering: Ordering, data: Interactions, slots: int | None, *, seed: int) -> Discovery:
    """Prices learned on the lists of the people of ``data``, or of as many of them as it takes."""
    people = np.flatnonzero(data.user_counts)
    if len(people) > MAX_PEOPLE:
        people = np.sort(np.random.default_rng(seed).choice(people, MAX_PEOPLE, replace=False))
    # All other films have the same score for everybody: no slot could tell whom they suit.
    films = ordering.ranked_films
    scores = np.empty((len(people), len(films)))
    for row, user in enumerate(people):
        history = history_of(data, user)
        of_all = ordering.order(ordering.films.solve(history)).scores
        of_all[history.item] = -np.inf
        scores[row] = of_all[films]
    recommendable = data.item_counts[films] >= RECOMMENDABLE_RATINGS
    return learn_discovery(scores, recommendable, slots).spread(films, data.n_items)


def _scale(scaled: NDArray[np.float64], original: NDArray[np.float64]) -> float:
    total = float(original.sum())
    return float(scaled.sum()) / total if total > 0 else 0.0
