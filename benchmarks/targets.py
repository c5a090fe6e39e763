"""What speed must show, beside what was measured: each target with how it is read from the figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]  # of all benchmarks, by name
# Ratings from which on a set is large: what the targets for growth speak of.
LARGE = 10_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """``of`` finds the figure, or None where it was not measured. ``low``: it may not be more than
    ``goal``, else not less."""

    title: str
    goal: float
    unit: str
    of: Callable[[Figures], float | None]
    low: bool = False
    digits: int = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    measured: float | None

    @property
    def word(self) -> str:
        if self.measured is None:
            return "not measured"
        met = self.measured <= self.target.goal if self.target.low else self.measured >= self.target.goal
        return "met" if met else "not met"


def verdicts(figures: Figures) -> list[Verdict]:
    return [Verdict(target, target.of(figures)) for target in TARGETS]


def path(*keys: str) -> Callable[[Figures], float | None]:
    """What lies under these keys."""

    def of(figures: Figures) -> float | None:
        found: Any = figures
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        return None if found is None else float(found)

    return of


def larger_made_set(benchmark: str, *keys: str) -> Callable[[Figures], float | None]:
    """At a million ratings; in a quick run at 100 thousand."""
    return lambda figures: first(path(benchmark, "ml-1m", *keys)(figures), path(benchmark, "ml-100k", *keys)(figures))


def first(*found: float | None) -> float | None:
    return next((one for one in found if one is not None), None)


def _growth(kind: str, *keys: str, at_least: int = 0) -> Callable[[Figures], float | None]:
    """Of the largest size that was measured."""

    def of(figures: Figures) -> float | None:
        sizes = figures.get("growth", {}).get(kind, {})
        largest = max((int(size) for size in sizes), default=0)
        return path(str(largest), *keys)(sizes) if largest and largest >= at_least else None

    return of


def _million(figures: Figures) -> float | None:
    """A quick run has fewer films."""
    one = figures.get("million", {}).get("every film ranked", {})
    return path("ms", "shortlist")(one) if one.get("films", 0) >= 1_000_000 else None


TARGETS = (
    Target(
        "SGD update, one core: Surprise's time ÷ ours",
        10,
        "×",
        path("training", "ml-100k", "times_ours", "Surprise SVD"),
    ),
    Target("SGD update, one core: LIBMF's time ÷ ours", 1, "×", path("training", "ml-100k", "times_ours", "LIBMF")),
    Target("SGD with two threads, a million ratings", 1.4, "×", path("training", "ml-1m", "faster_with_two")),
    Target(
        "shuffling and gathering ÷ kernel, over the preset's epochs",
        0.2,
        "",
        larger_made_set("training", "order_of_kernel"),
        low=True,
        digits=3,
    ),
    Target("Bayesian sampler with two threads", 1.7, "×", larger_made_set("sampler", "faster_with_two")),
    Target("recommendations, warm ÷ bare view", 0.6, "", path("serving", "recommendations, warm", "of_bare")),
    Target(
        "recommendations after a rating ÷ bare view",
        0.35,
        "",
        path("serving", "recommendations after a rating", "of_bare"),
    ),
    Target(
        "recommendations, warm: p99 at eight clients",
        50,
        "ms",
        path("serving", "recommendations, warm", "p99_ms"),
        low=True,
    ),
    Target(
        "recommendations after a rating: p99 at eight clients",
        50,
        "ms",
        path("serving", "recommendations after a rating", "p99_ms"),
        low=True,
    ),
    Target("PUT of a rating: p95 at eight clients", 60, "ms", path("serving", "PUT of a rating", "p95_ms"), low=True),
    Target(
        "a list from a million films, median",
        20,
        "ms",
        _million,
        low=True,
        digits=1,
    ),
    *(
        target
        for kind in ("SQLite", "PostgreSQL")
        for target in (
            Target(
                f"import into an empty database, {kind}, large set",
                150_000,
                "rows/s",
                _growth(kind, "import", "rows_per_second", at_least=LARGE),
                digits=0,
            ),
            Target(
                f"import into one that serves, {kind}, large set",
                50_000,
                "rows/s",
                _growth(kind, "import_into_serving", "rows_per_second", at_least=LARGE),
                digits=0,
            ),
            Target(
                f"longest wait of a writer meanwhile, {kind}, large set",
                1_000,
                "ms",
                _growth(kind, "import_into_serving", "longest_wait_ms", at_least=LARGE),
                low=True,
                digits=0,
            ),
            Target(
                f"training, bytes a rating above the factors, {kind}, large set",
                36,
                "bytes",
                _growth(kind, "train", "bytes_per_rating", at_least=LARGE),
                low=True,
                digits=1,
            ),
        )
    ),
)
