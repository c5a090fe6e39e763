"""An explanation as a picture: each term of the sum as a bar to the right or to the left of one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from django.utils.translation import gettext, ngettext

from cinema.plots import side_bars

# So many of the ratings behind a prediction get a bar of their own, if it would be seen; the others share one.
MAX_RATING_BARS = 10
VISIBLE = 0.005


@dataclass(frozen=True, slots=True)
class Bar:
    """One term. ``x`` and ``width`` are percentages of the picture's width."""

    kind: str  # base, film, you, rating, others, clipped
    label: str
    value: float
    x: float
    width: float
    movie_id: int | None = None
    your_rating: float | None = None

    @property
    def is_negative(self) -> bool:
        return self.value < 0


@dataclass(frozen=True, slots=True)
class Breakdown:
    base: float
    total: float
    axis: float  # where zero lies, in percent
    bars: list[Bar]
    all_ratings: list[dict[str, Any]]  # every rated film's contribution, largest first

    @classmethod
    def of(cls, explanation: dict[str, Any]) -> Self:
        """From the JSON form of an explanation with all contributions.

        The base is the same for every film and dwarfs the rest, so it is told as a number; the bars show what moves
        the prediction away from it. What the bars show and the base add up to the total.
        """
        parts = explanation["breakdown"]
        ratings = sorted(explanation.get("contributions", []), key=lambda item: -abs(item["contribution"]))
        terms: list[tuple[str, str, float, dict[str, Any]]] = [
            ("film", gettext("The film: how others rate it"), parts["film"], {}),
            ("you", gettext("You: how you rate films in general"), parts["you"], {}),
        ]
        own = [item for item in ratings[:MAX_RATING_BARS] if abs(item["contribution"]) >= VISIBLE]
        terms += [
            ("rating", item["title"] or gettext("A film that is gone"), item["contribution"], item) for item in own
        ]
        if others := ratings[len(own) :]:
            label = ngettext("One other rating of yours", "Your %(n)d other ratings", len(others)) % {"n": len(others)}
            terms.append(("others", label, sum(item["contribution"] for item in others), {}))
        if abs(parts["clipped"]) >= VISIBLE:
            terms.append(("clipped", gettext("Kept within the scale"), parts["clipped"], {}))

        axis, placed = side_bars([value for _, _, value, _ in terms])
        bars = [
            Bar(
                kind=kind,
                label=label,
                value=value,
                x=place.x,
                width=place.width,
                movie_id=item["movie_id"] if item.get("title") else None,
                your_rating=item.get("your_rating"),
            )
            for (kind, label, value, item), place in zip(terms, placed, strict=True)
        ]
        return cls(base=parts["base"], total=parts["total"], axis=axis, bars=bars, all_ratings=ratings)


def confidence_in_words(confidence: float) -> str:
    """``confidence`` is the calibrated probability to be at most one star off."""
    if confidence >= 0.85:
        return gettext("quite sure")
    if confidence >= 0.7:
        return gettext("fairly sure")
    if confidence >= 0.55:
        return gettext("not very sure")
    return gettext("guessing")
