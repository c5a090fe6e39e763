"""What a search may try: for each hyper-parameter, which values, and how they are spread.

An algorithm declares its space beside its config. Nothing here knows who searches, or how.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Of a real number's digits, so many are tried: more make no other model, and nobody wants to read them.
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Real:
    """Real numbers from ``low`` to ``high``, both included; evenly over their logarithms if ``log``."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high

    def rounded(self, value: float) -> float:
        """``value`` to SIGNIFICANT_DIGITS, still within the bounds."""
        if value == 0 or not math.isfinite(value):
            return value
        digits = SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value)))
        return min(self.high, max(self.low, round(value, digits)))

    @property
    def described(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (", by logarithm" if self.log else "")


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers from ``low`` to ``high``, both included, every ``step``-th; ``log`` wants a step of 1."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def contains(self, value: Any) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0

    def rounded(self, value: int) -> int:
        return value

    @property
    def described(self) -> str:
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        return f"{self.low} to {self.high}{steps}" + (", by logarithm" if self.log else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``options``, in no order."""

    options: tuple[bool | int | str, ...]

    def contains(self, value: Any) -> bool:
        return any(value == option and type(value) is type(option) for option in self.options)

    def rounded(self, value: Any) -> Any:
        return value

    @property
    def described(self) -> str:
        return " or ".join(str(option).lower() for option in self.options)


Parameter = Real | Whole | Choice


@dataclass(frozen=True)
class SearchSpace:
    """``parameters`` by the name of the config's field. What is not named stays as it is.

    ``comparable_from``: the share of its epochs from which on the validation RMSE of one config may be held against
    another's at the same share.
    """

    parameters: Mapping[str, Parameter]
    comparable_from: float

    def of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``values`` that are searched, in the space's order."""
        return {name: values[name] for name in self.parameters}

    def contains(self, values: Mapping[str, Any]) -> bool:
        return set(values) == set(self.parameters) and all(
            parameter.contains(values[name]) for name, parameter in self.parameters.items()
        )

    def rounded(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: parameter.rounded(values[name]) for name, parameter in self.parameters.items()}
