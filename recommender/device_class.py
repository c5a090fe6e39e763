"""What kind of device a request comes from: one of four, and nothing finer is ever kept."""

from __future__ import annotations

from typing import Literal

Device = Literal["phone", "tablet", "computer", "other"]


def device_class(user_agent: str) -> Device:
    """``user_agent``: the header, which anybody may send as they like. "other" is whatever is not a browser.

    Browsers of phones say Mobile, Android's of tablets leave just that out (MDN, "Browser detection using the user
    agent").
    """
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if "Mobi" in user_agent:
        return "phone"
    if "Android" in user_agent:
        return "tablet"
    if "Mozilla/" in user_agent:
        return "computer"
    return "other"
