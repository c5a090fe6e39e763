"""The controls of lists as a form, and what each setting is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django import forms
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cinema.controls import Settings
from cinema.models import CONTROL_RANGES, SINCE_RANGE

STEP = 0.1

# What a control is called, its two ends, and its settings: neutral, a little, much, all of it; downwards likewise.
_NAMES: dict[str, Any] = {
    "popularity": _("Popularity"),
    "novelty": _("New ground"),
    "recency": _("Age"),
    "diversity": _("Variety"),
    "since": _("My taste since"),
}
_ENDS: dict[str, tuple[Any, Any]] = {
    "popularity": (_("obscure"), _("well known")),
    "novelty": (_("near what I rated"), _("far from it")),
    "recency": (_("older"), _("newer")),
    "diversity": (_("all alike is fine"), _("all different")),
}
_UPWARDS: dict[str, tuple[Any, Any, Any]] = {
    "popularity": (_("a little better known"), _("much better known"), _("as well known as can be")),
    "novelty": (_("some new ground"), _("much new ground"), _("as far from what you rated as can be")),
    "recency": (_("a little newer"), _("much newer"), _("as new as can be")),
    "diversity": (_("a little more mixed"), _("much more mixed"), _("as mixed as can be")),
}
_DOWNWARDS: dict[str, tuple[Any, Any, Any]] = {
    "popularity": (_("a little more obscure"), _("much more obscure"), _("as obscure as can be")),
    "recency": (_("a little older"), _("much older"), _("as old as can be")),
}


def in_words(name: str, value: float | None) -> str:
    """What a setting is called."""
    if name == "since":
        return gettext("all your ratings") if value is None else gettext("since %(year)d") % {"year": value}
    size = abs(value or 0.0)
    if size < STEP / 2:
        return gettext("as it is")
    words = _UPWARDS[name] if (value or 0.0) > 0 else _DOWNWARDS[name]
    return str(words[0 if size < 0.4 else 1 if size < 0.8 else 2])


@dataclass(frozen=True, slots=True)
class Slider:
    """One control as the page draws it."""

    name: str
    field: forms.BoundField
    low_end: str | Promise
    high_end: str | Promise
    words: str  # of the present setting


class RangeInput(forms.NumberInput):
    input_type = "range"


def _control(name: str) -> forms.FloatField:
    low, high = CONTROL_RANGES[name]
    widget = RangeInput({"step": f"{STEP:g}", "autocomplete": "off"})
    return forms.FloatField(label=_NAMES[name], required=False, min_value=low, max_value=high, widget=widget)


class ControlsForm(forms.Form):
    """All five. ``first`` and ``last`` are the years between which the person's ratings may begin to count."""

    popularity = _control("popularity")
    novelty = _control("novelty")
    recency = _control("recency")
    diversity = _control("diversity")
    since = forms.IntegerField(
        label=_NAMES["since"],
        required=False,
        min_value=SINCE_RANGE[0],
        max_value=SINCE_RANGE[1],
        widget=RangeInput({"step": "1", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, first: int, last: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first, self.last = first, last
        self.fields["since"].widget.attrs |= {"min": str(first), "max": str(last)}

    @classmethod
    def of(cls, saved: Settings, first: int | None, data: Mapping[str, Any] | None = None) -> Self:
        """``data`` if there is any, what it leaves out being neutral; else what was ``saved``. ``first``: the year of
        the person's first rating."""
        last = timezone.now().year
        first = max(SINCE_RANGE[0], min(first or last, last))
        initial = {**saved, "since": min(max(saved["since"] or first, first), last)}
        if data is not None:
            neutral: dict[str, Any] = {**dict.fromkeys(CONTROL_RANGES, "0"), "since": str(first)}
            data = {name: data.get(name) or value for name, value in neutral.items()}
        return cls(data, initial=initial, first=first, last=last)

    def setting(self) -> Settings:
        """What the form asks for. The first year of all means all ratings."""
        values = self.cleaned_data if self.is_bound and self.is_valid() else self.initial
        since = values.get("since")
        return {
            **{name: float(values.get(name) or 0.0) + 0.0 for name in CONTROL_RANGES},
            "since": None if since is None or since <= self.first else int(since),
        }

    @property
    def sliders(self) -> list[Slider]:
        setting = self.setting()
        sliders = [self._slider(name, setting, _steps(name), *_ENDS[name]) for name in CONTROL_RANGES]
        if self.first < self.last:  # else there is nothing to choose
            years = [None, *range(self.first + 1, self.last + 1)]
            all_of_them = gettext("%(year)d: all") % {"year": self.first}
            sliders.append(self._slider("since", setting, years, all_of_them, str(self.last)))
        return sliders

    def _slider(
        self, name: str, setting: Settings, steps: Sequence[float | None], low_end: Any, high_end: Any
    ) -> Slider:
        words = in_words(name, setting[name])
        field = self[name]
        # All words go along, so that a moving slider says at once where it stands.
        spoken = "|".join(in_words(name, step) for step in steps)
        field.field.widget.attrs |= {
            "data-words": spoken,
            "aria-valuetext": words,
            "aria-describedby": f"{name}-ends",
        }
        return Slider(name, field, low_end, high_end, words)


def _steps(name: str) -> list[float]:
    low, high = CONTROL_RANGES[name]
    return [round(low + STEP * step, 1) for step in range(round((high - low) / STEP) + 1)]
