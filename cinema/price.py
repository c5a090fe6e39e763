"""What a setting of the controls costs and gains, as sentences and pairs of bars."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from recommender.list_price import ListPrice

# Differences that round to nothing at two digits are called none.
_NOTHING = 0.005
_BAR = 100.0


@dataclass(frozen=True, slots=True)
class PairOfBars:
    """A figure of the unchanged list above that of the chosen one; widths from 0 to 100."""

    label: str
    unchanged: str
    chosen: str
    unchanged_width: str
    chosen_width: str


@dataclass(frozen=True, slots=True)
class PriceTag:
    cost: str
    exchanged: str
    variety: str
    bars: list[PairOfBars]

    @classmethod
    def of(cls, price: ListPrice) -> PriceTag:
        return cls(cost_in_words(price.cost), exchanged_in_words(price), _variety_in_words(price), _bars(price))


def cost_in_words(cost: float | None) -> str:
    """``cost``: stars a film, negative for a gain."""
    if cost is None:
        return _("Nothing is predicted of these films yet.")
    if abs(cost) < _NOTHING:
        return _("Costs no stars on average.")
    if cost > 0:
        return _("Costs %(stars).2f stars on average.") % {"stars": cost}
    return _("Gains %(stars).2f stars on average.") % {"stars": -cost}


def exchanged_in_words(price: ListPrice) -> str:
    if not price.n_new:
        return _("The same films as in the unchanged list.")
    return ngettext(
        "%(new)d of the %(all)d films is new against the unchanged list.",
        "%(new)d of the %(all)d films are new against the unchanged list.",
        price.n_new,
    ) % {"new": price.n_new, "all": price.n}


def price_in_short(price: ListPrice) -> str:
    """One line beside a slider."""
    return _("By itself: %(cost)s %(exchanged)s %(variety)s") % {
        "cost": cost_in_words(price.cost),
        "exchanged": ngettext("%(new)d new film.", "%(new)d new films.", price.n_new) % {"new": price.n_new},
        "variety": _variety_in_words(price),
    }


def _variety_in_words(price: ListPrice) -> str:
    before, after = price.unchanged_variety.distance, price.variety.distance
    if before is None or after is None:
        return _("Too few films to say how much they differ.")
    if abs(after - before) < _NOTHING or before < _NOTHING:
        return _("As varied as before.")
    change = round(100 * abs(after / before - 1))
    if after > before:
        return _("%(percent)d %% more varied.") % {"percent": max(1, change)}
    return _("%(percent)d %% less varied.") % {"percent": max(1, change)}


def _bars(price: ListPrice) -> list[PairOfBars]:
    before, after = price.unchanged_variety, price.variety
    return [
        _pair(_("Stars, predicted"), price.unchanged_stars, price.stars, "%.2f", scale=5.0),
        _pair(_("How different the films are"), before.distance, after.distance, "%.2f"),
        _pair(_("Genres"), before.genres, after.genres, "%d"),
        _pair(_("Decades"), before.decades, after.decades, "%d"),
        _pair(_("Less-known films"), _percent(before.less_known), _percent(after.less_known), "%d %%", scale=100.0),
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share)


def _pair(
    label: str, unchanged: float | None, chosen: float | None, form: str, *, scale: float | None = None
) -> PairOfBars:
    """``scale``: the figure of a full bar; without it, the larger of the two."""
    full = scale or max(unchanged or 0.0, chosen or 0.0) or 1.0

    def width(figure: float | None) -> str:
        return f"{_BAR * min(1.0, max(0.0, figure or 0.0) / full):.1f}"

    def text(figure: float | None) -> str:
        return "–" if figure is None else form % figure

    return PairOfBars(label, text(unchanged), text(chosen), width(unchanged), width(chosen))
