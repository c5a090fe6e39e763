"""Named hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recommender.algorithms.factorization import InvalidHyperparameters, MatrixFactorizationConfig


@dataclass(frozen=True)
class Preset:
    name: str
    title: str
    description: str
    hyperparameters: dict[str, Any]


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="tuned",
            title="Tuned",
            description="Stronger regularization, a calm start and more epochs: better predictions in twice the time.",
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
            hyperparameters={
                "n_factors": 50,
                "n_epochs": 20,
                "learning_rate": 0.01,
                "regularization": 0.02,
                "init_std": 0.1,
                "seed": 0,
            },
        ),
    )
}
DEFAULT_PRESET = "tuned"


def configuration(preset: str | None, hyperparameters: dict[str, Any] | None) -> MatrixFactorizationConfig:
    """The preset's hyper-parameters with some of them replaced. Raises InvalidHyperparameters."""
    name = preset or DEFAULT_PRESET
    if name not in PRESETS:
        raise InvalidHyperparameters({"preset": f"must be one of {', '.join(PRESETS)}"})
    return MatrixFactorizationConfig.from_dict({**PRESETS[name].hyperparameters, **(hyperparameters or {})})
