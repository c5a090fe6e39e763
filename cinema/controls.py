"""Keeping how somebody has set the controls of their lists, and resetting them: the only way it is written."""

from __future__ import annotations

from typing import Any

from cinema.models import CONTROL_RANGES, SINCE_RANGE, ListControls, User
from cinema.person_lock import person_lock

# A whole setting: every name of CONTROL_RANGES with its number, and "since" with a year or None.
Settings = dict[str, Any]


class InvalidControls(ValueError):
    """A control is unknown or out of its range."""


def neutral() -> Settings:
    """The setting of somebody who has changed nothing."""
    return {**dict.fromkeys(CONTROL_RANGES, 0.0), "since": None}


def controls_of(user: User) -> Settings:
    return _read(user) or neutral()


def save_controls(*, user: User, **changes: Any) -> Settings:
    """Sets the controls named in ``changes`` and leaves the others as they are. Answers with the setting before.

    Raises InvalidControls. Where nothing is left to say, nothing is kept.
    """
    with person_lock(user):
        before = controls_of(user)
        after = before | {name: _checked(name, value) for name, value in changes.items()}
        if after == neutral():
            ListControls.objects.filter(user=user).delete()
        elif after != before:
            ListControls.objects.update_or_create(user=user, defaults=after)
    return before


def reset_controls(*, user: User) -> Settings:
    """Leaves ``user``'s lists as they are by themselves. Answers with the setting before."""
    return save_controls(user=user, **neutral())


def _read(user: User) -> Settings | None:
    return ListControls.objects.filter(user=user).values(*CONTROL_RANGES, "since").first()


def _checked(name: str, value: Any) -> float | int | None:
    """``value`` as it is kept. NaN is within no range."""
    if name == "since":
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and SINCE_RANGE[0] <= value <= SINCE_RANGE[1]):
            raise InvalidControls(f"since is {value!r} and must be a year from {SINCE_RANGE[0]} to {SINCE_RANGE[1]}")
        return value if value is None else int(value)
    if name not in CONTROL_RANGES:
        raise InvalidControls(f"there is no control {name!r}")
    low, high = CONTROL_RANGES[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidControls(f"{name} is {value!r} and must be from {low} to {high}")
    return float(value) + 0.0  # −0 is 0
