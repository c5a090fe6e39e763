"""How numbers and the live version appear on pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.utils.translation import pgettext

from cinema.models import RATING_VALUES
from recommender import registry
from recommender.models import ModelVersion

register = template.Library()


@register.simple_tag
def live_version() -> ModelVersion | None:
    return registry.live().version


@register.simple_tag
def real_posters() -> bool:
    """Whether posters are asked for elsewhere."""
    return bool(settings.TMDB_API_KEY)


def with_separator(number: str) -> str:
    """A number with the decimal separator of the page's language."""
    # Translators: the decimal separator.
    return number.replace(".", pgettext("decimal separator", "."))


@register.filter
def stars(value: float | None) -> str:
    """4.37 as 4.4; a rating somebody gave is exact at one digit."""
    return "–" if value is None else with_separator(f"{value:.1f}")


@register.filter
def signed(value: float | None) -> str:
    """With its sign, a real minus, two digits."""
    if value is None:
        return "–"
    text = f"{abs(value):.2f}"
    if text == "0.00":
        return text
    text = with_separator(text)
    return f"+{text}" if value > 0 else f"−{text}"


@register.filter
def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


@register.filter
def share(value: float | None) -> str:
    """A share to a tenth of a percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


@register.filter
def hundredfold(value: float) -> str:
    """A difference of shares, in hundredths: +1.2."""
    return f"{100 * value:+.1f}".replace("-", "−")


@register.filter
def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign and a real minus."""
    text = f"{100 * abs(value):.1f}"
    if text == "0.0":
        return text
    return f"+{text}" if value > 0 else f"−{text}"


@register.filter
def grouped(value: int) -> str:
    """100004 as 100,004."""
    return f"{value:,}"


@register.filter
def compact(value: float) -> str:
    """1234567 as 1.2 M, 34567 as 35 k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f} {letter}" if value < 10 * size else f"{value / size:.0f} {letter}"
    return f"{value:.0f}"


@register.filter
def milliseconds(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


@register.filter
def duration(seconds: float) -> str:
    """75 as 1 min 15 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@register.filter
def star_width(value: float | None) -> str:
    """How much of the five stars is lit, in the units of the star drawing (0 to 100)."""
    return f"{max(0.0, min(5.0, value or 0.0)) * 20:.1f}"


@register.filter
def half_stars(given: float | None) -> list[dict[str, Any]]:
    """The ten values a rating can have, and which of them was given."""
    return [{"value": f"{value:.1f}", "is_given": value == given} for value in RATING_VALUES]
