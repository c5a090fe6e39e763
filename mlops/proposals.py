"""What to try next, by Optuna: a tree-structured Parzen estimator (Bergstra et al. 2011) and median pruning.

Optuna is asked, never in charge: it keeps nothing. For every trial a study is made anew from the finished ones, in
memory, with a sampler seeded by how many there are. So what comes next depends on the search's seed and its finished
trials alone, and a search that was killed proposes what it would have proposed anyway. Only processes that search may
import this module.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from recommender.algorithms.search_space import Choice, Parameter, Real, SearchSpace
from recommender.algorithms.validation_fit import PLACES

# The first proposals are drawn at random: a model of fewer trials would model chance.
RANDOM_TRIALS = 6
# Nothing is pruned before so many trials have run to their end.
TRIALS_BEFORE_PRUNING = 4
# Below so many judged trials importances are chance alone and are not computed at all.
MIN_FOR_IMPORTANCES = 6
# Which share of the trials counts as good where importances are concerned: of twenty, a tenth would be two.
GOOD_SHARE = 0.2
# So often another proposal is asked for when one was tried before.
PATIENCE = 50

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"
_STATES = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}


@dataclass(frozen=True)
class Tried:
    """A finished trial. ``value``: of complete ones. ``curve``: validation RMSE by tenth of its epochs."""

    parameters: Mapping[str, Any]
    state: str
    value: float | None = None
    curve: Mapping[int, float] = field(default_factory=dict)


class Proposal:
    """Parameters to try. While they are tried, ``hopeless`` says whether to stop early."""

    def __init__(self, parameters: dict[str, Any], trial: optuna.Trial, *, prunes: bool) -> None:
        self.parameters = parameters
        self._trial = trial
        self._prunes = prunes

    def hopeless(self, place: int, rmse: float) -> bool:
        """Takes note of the curve at the tenth ``place``: is it worse there than half of the complete trials were?"""
        if not self._prunes:
            return False
        self._trial.report(rmse, place)
        return self._trial.should_prune()


class Adviser:
    """Proposes for one search. ``prunes``: only where the curve is of the measure that is searched for."""

    def __init__(self, space: SearchSpace, *, smaller_is_better: bool, seed: int, prunes: bool) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        logging.getLogger("optuna").propagate = False
        self.space = space
        self.seed = seed
        self.prunes = prunes
        self._direction = StudyDirection.MINIMIZE if smaller_is_better else StudyDirection.MAXIMIZE
        self._distributions = {name: _distribution(one) for name, one in space.parameters.items()}

    def propose(self, tried: Sequence[Tried]) -> Proposal | None:
        """Parameters that were not tried yet; None where none were found."""
        seen = [dict(one.parameters) for one in tried]
        for attempt in range(PATIENCE):
            study = self._study(tried, attempt)
            trial = study.ask(self._distributions)
            parameters = self.space.rounded(trial.params)
            if parameters not in seen:
                return Proposal(parameters, trial, prunes=self.prunes)
        return None

    def take_up(self, parameters: Mapping[str, Any], tried: Sequence[Tried]) -> Proposal:
        """A proposal of just these parameters: the preset's, or those of a trial that was interrupted."""
        study = self._study(tried, 0)
        study.enqueue_trial(dict(parameters))
        return Proposal(dict(parameters), study.ask(self._distributions), prunes=self.prunes)

    def importances(self, tried: Sequence[Tried]) -> dict[str, float]:
        """How much of what tells the better fifth from the rest each parameter explains, summing to 1, largest first.

        PED-ANOVA (Watanabe et al. 2023), over complete trials. Empty while there are too few.
        """
        complete = [one for one in tried if one.state == COMPLETE]
        if len(complete) < MIN_FOR_IMPORTANCES:
            return {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # Where all trials are as good as each other, nothing matters more than the rest.
            warnings.simplefilter("ignore", UserWarning)
            evaluator = PedAnovaImportanceEvaluator(target_quantile=GOOD_SHARE)
            found = get_param_importances(self._study(complete, 0), evaluator=evaluator)
        return {name: float(share) for name, share in found.items() if np.isfinite(share)}

    def _study(self, tried: Sequence[Tried], attempt: int) -> optuna.Study:
        seed = int(np.random.SeedSequence((self.seed, len(tried), attempt)).generate_state(1)[0])
        study = optuna.create_study(
            storage=InMemoryStorage(),
            sampler=TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS),
            # At a place before that share of the epochs curves cannot be compared.
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=TRIALS_BEFORE_PRUNING,
                n_warmup_steps=round(self.space.comparable_from * PLACES),
            ),
            direction=self._direction,
        )
        study.add_trials([self._frozen(one) for one in tried])
        return study

    def _frozen(self, one: Tried) -> FrozenTrial:
        return create_trial(
            state=_STATES[one.state],
            value=one.value if one.state == COMPLETE else None,
            params=dict(one.parameters),
            distributions=self._distributions,
            intermediate_values=dict(one.curve) if self.prunes else {},
        )


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Real):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.options)
    return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
