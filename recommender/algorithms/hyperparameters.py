"""What all trainers' hyper-parameters have in common."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


class InvalidHyperparameters(ValueError):
    """``errors`` maps the name of a hyper-parameter to what is wrong with it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Hyperparameters:
    """A frozen dataclass with a default for each; it raises InvalidHyperparameters for what cannot be trained with."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Raises InvalidHyperparameters for unknown names, too."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise InvalidHyperparameters(dict.fromkeys(sorted(unknown), "unknown hyper-parameter"))
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def out_of_bounds(self, bounds: dict[str, tuple[float, float]], *, whole: Collection[str]) -> dict[str, str]:
        """What is wrong with the numbers, by name: of another kind, or out of their ``bounds``."""
        errors = {}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int if name in whole else (int, float)):
                errors[name] = "must be a whole number" if name in whole else "must be a number"
            elif not low <= value <= high:  # also refuses NaN
                errors[name] = f"must be from {low:g} to {high:g}"
        return errors
