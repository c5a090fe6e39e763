"""Named hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recommender.algorithms.alternating_least_squares import ALTERNATING_SEARCH_SPACE, AlternatingLeastSquaresConfig
from recommender.algorithms.factorization import (
    FACTORIZATION_SEARCH_SPACE,
    InvalidHyperparameters,
    MatrixFactorizationConfig,
)
from recommender.algorithms.posterior import BAYESIAN_SEARCH_SPACE, BayesianFactorizationConfig
from recommender.algorithms.search_space import SearchSpace

Config = MatrixFactorizationConfig | BayesianFactorizationConfig | AlternatingLeastSquaresConfig

BUILT_IN, SPARK = "builtin", "spark"
ENGINES = (BUILT_IN, SPARK)


@dataclass(frozen=True)
class Preset:
    name: str
    title: str
    description: str
    config: type[Config]
    hyperparameters: dict[str, Any]

    @property
    def engine(self) -> str:
        """Who trains it, one of ENGINES."""
        return SPARK if self.config is AlternatingLeastSquaresConfig else BUILT_IN


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="balanced",
            title="Balanced",
            description="Bayesian, with genres, years and who rated what; a person is solved against twelve samples.",
            config=BayesianFactorizationConfig,
            hyperparameters={"n_factors": 16, "n_epochs": 160, "burn_in": 0.25, "n_samples": 12, "rank": 0, "seed": 0},
        ),
        Preset(
            name="best",
            title="Best",
            description="The same with forty samples: the best predictions, at three times the cost of a solve.",
            config=BayesianFactorizationConfig,
            hyperparameters={"n_factors": 16, "n_epochs": 240, "burn_in": 0.2, "n_samples": 40, "rank": 0, "seed": 0},
        ),
        Preset(
            name="fast",
            title="Fast",
            description="The same distilled to one solve of rank 32: nearly as good, and the smallest to serve.",
            config=BayesianFactorizationConfig,
            hyperparameters={"n_factors": 16, "n_epochs": 160, "burn_in": 0.25, "n_samples": 25, "rank": 32, "seed": 0},
        ),
        Preset(
            name="neural",
            title="Neural beside",
            description=(
                "Balanced, with a neural network's word in the order of lists, as much as it is worth. Takes minutes, "
                "and needs requirements-neural.txt."
            ),
            config=BayesianFactorizationConfig,
            hyperparameters={
                "n_factors": 16,
                "n_epochs": 160,
                "burn_in": 0.25,
                "n_samples": 12,
                "rank": 0,
                "use_network": True,
                "seed": 0,
            },
        ),
        Preset(
            name="tuned",
            title="Tuned descent",
            description="The classic with stronger regularization, a calm start and more epochs: a little better.",
            config=MatrixFactorizationConfig,
            hyperparameters={
                "n_factors": 50,
                "n_epochs": 40,
                "learning_rate": 0.01,
                "regularization": 0.06,
                "init_std": 0.01,
                "seed": 0,
            },
        ),
        Preset(
            name="classic",
            title="Classic",
            description="The textbook settings: 50 factors, 20 epochs, learning rate 0.01, regularization 0.02.",
            config=MatrixFactorizationConfig,
            hyperparameters={
                "n_factors": 50,
                "n_epochs": 20,
                "learning_rate": 0.01,
                "regularization": 0.02,
                "init_std": 0.1,
                "seed": 0,
            },
        ),
        Preset(
            name="spark",
            title="Spark",
            description=(
                "Alternating least squares on a Spark cluster, for more ratings than one machine has time for. Needs "
                "requirements-spark.txt and Java."
            ),
            config=AlternatingLeastSquaresConfig,
            hyperparameters={"n_factors": 50, "n_epochs": 10, "regularization": 0.15, "seed": 0},
        ),
    )
}
DEFAULT_PRESET = "balanced"


def preset_of(preset: str | None, engine: str | None) -> str:
    """The preset that is meant by a name, an engine, both or neither. Raises InvalidHyperparameters where they do not
    agree."""
    if engine is not None and engine not in ENGINES:
        raise InvalidHyperparameters({"engine": f"must be one of {', '.join(ENGINES)}"})
    if preset is None:
        return SPARK if engine == SPARK else DEFAULT_PRESET
    if preset in PRESETS and engine is not None and PRESETS[preset].engine != engine:
        raise InvalidHyperparameters({"engine": f"the preset {preset} is trained by {PRESETS[preset].engine}"})
    return preset


def configuration(preset: str | None, hyperparameters: dict[str, Any] | None) -> Config:
    """The preset's hyper-parameters with some of them replaced. Raises InvalidHyperparameters."""
    name = preset or DEFAULT_PRESET
    if name not in PRESETS:
        raise InvalidHyperparameters({"preset": f"must be one of {', '.join(PRESETS)}"})
    return PRESETS[name].config.from_dict({**PRESETS[name].hyperparameters, **(hyperparameters or {})})


def algorithm(config: Config) -> str:
    """What ``config`` trains, for people to read."""
    if isinstance(config, BayesianFactorizationConfig) and config.use_network:
        return "Bayesian matrix factorization (Gibbs) with NeuMF beside, solved people"
    if isinstance(config, BayesianFactorizationConfig):
        return "Bayesian matrix factorization (Gibbs), solved people"
    if isinstance(config, AlternatingLeastSquaresConfig):
        return "matrix factorization (ALS on Spark), solved people"
    return "matrix factorization (SGD), solved people"


def search_space(config: Config) -> SearchSpace:
    """What a search that starts from ``config`` may try."""
    if isinstance(config, AlternatingLeastSquaresConfig):
        return ALTERNATING_SEARCH_SPACE
    return BAYESIAN_SEARCH_SPACE if isinstance(config, BayesianFactorizationConfig) else FACTORIZATION_SEARCH_SPACE
