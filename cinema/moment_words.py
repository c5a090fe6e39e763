"""What the moment does to somebody's lists, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recommender.algorithms.context import CELLS, Context, ContextEffects
from recommender.viewers import Viewer

_WHEN: dict[str, Any] = {
    "weekday night": _("on weekday nights"),
    "weekday morning": _("on weekday mornings"),
    "weekday afternoon": _("on weekday afternoons"),
    "weekday evening": _("on weekday evenings"),
    "weekend night": _("on weekend nights"),
    "weekend morning": _("on weekend mornings"),
    "weekend afternoon": _("on weekend afternoons"),
    "weekend evening": _("on weekend evenings"),
    "device: phone": _("on a phone"),
    "device: tablet": _("on a tablet"),
    "device: computer": _("on a computer"),
    "device: other": _("on another device"),
    "place: home": _("at home"),
    "place: away": _("away from home"),
    "place: on the way": _("on the way"),
}
NAMED = 3  # genres


@dataclass(frozen=True, slots=True)
class Added:
    """What one cell adds to a film's place: "+0.08 on weekend evenings"."""

    when: str
    amount: float


def added_by_cell(parts: Sequence[dict[str, Any]]) -> list[Added]:
    """``parts``: as ``order.moment`` of an explanation has them."""
    sums: dict[str, float] = defaultdict(float)
    for part in parts:
        sums[part["when"]] += part["amount"]
    return [Added(str(_WHEN[when]), amount) for when, amount in sums.items()]


def moment_in_words(viewer: Viewer) -> str:
    """What the version makes of the present moment for this person; empty where it was never looked for."""
    effects = viewer.live.model.context
    if effects is None:
        return ""
    if not effects.is_on:
        return gettext(
            "The model has looked whether the moment says anything of what people choose. It would not make lists "
            "better, so nothing is done with it."
        )
    if viewer.context is None:
        return gettext("The model has found that the moment says something of what people choose. You have it off.")
    more, less = _genres(effects, viewer.context)
    when = gettext(" and ").join(str(_WHEN[CELLS[cell]]) for cell in viewer.context.cells)
    return gettext("At present, %(when)s, there is more of %(more)s in your lists, and less of %(less)s.") % {
        "when": when,
        "more": ", ".join(more) or "–",
        "less": ", ".join(less) or "–",
    }


def _genres(effects: ContextEffects, context: Context) -> tuple[list[str], list[str]]:
    """Those that gain most, and those that lose most."""
    amounts = effects.genre_effects[list(context.cells)].sum(axis=0)
    order = np.argsort(-amounts, kind="stable")
    names = effects.genres.names
    more = [names[genre] for genre in order[:NAMED] if amounts[genre] > 0]
    less = [names[genre] for genre in order[::-1][:NAMED] if amounts[genre] < 0]
    return more, less
