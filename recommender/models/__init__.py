"""Trained versions, the log of which of them was live when, and experiments with several of them at once."""

from __future__ import annotations

from recommender.models.experiments import Arm, Experiment
from recommender.models.versions import (
    MAX_EXPLORATION,
    MAX_NOTE,
    Activation,
    AppendOnly,
    HeldOut,
    LivePointer,
    ModelVersion,
    ModelVersionQuerySet,
)

__all__ = [
    "MAX_EXPLORATION",
    "MAX_NOTE",
    "Activation",
    "AppendOnly",
    "Arm",
    "Experiment",
    "HeldOut",
    "LivePointer",
    "ModelVersion",
    "ModelVersionQuerySet",
]
