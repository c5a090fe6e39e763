"""What is popular now: how many people rated a film lately, every rating counting half as much after HALF_LIFE.

"Now" is the newest rating, so that a set of old ratings has its last weeks too.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.core.cache import cache
from django.db import connection
from numpy.typing import NDArray

from cinema.influx import counting, new_accounts
from cinema.models import Rating

HALF_LIFE = timedelta(days=90)
# The latest ratings are enough: with more the old ones would weigh nothing anyway.
MAX_RATINGS = 20_000
MAX_FILMS = 2_000
SECONDS_UNTIL_STALE = 120


def popular_now() -> NDArray[np.int64]:
    """Film ids, the most popular first, ties by id; as of two minutes ago at most."""
    key = f"popular-now:{connection.settings_dict['NAME']}"
    kept: list[int] | None = cache.get(key)
    if kept is None:
        kept = _popular_now().tolist()
        cache.set(key, kept, SECONDS_UNTIL_STALE)
    return np.array(kept, np.int64)


def _popular_now() -> NDArray[np.int64]:
    columns = Rating.objects.order_by("-rated_at", "-pk").values_list("movie_id", "rated_at", "user_id")
    latest = list(columns[:MAX_RATINGS])
    if not latest:
        return np.empty(0, np.int64)
    newest = latest[0][1]
    age = np.array([(newest - rated_at).total_seconds() for _, rated_at, _ in latest])
    films, place = np.unique(np.array([movie_id for movie_id, _, _ in latest], np.int64), return_inverse=True)
    new = np.fromiter(new_accounts(newest).order_by().values_list("pk", flat=True), np.int64)
    is_new = np.isin([user_id for _, _, user_id in latest], new)
    counts = counting(place, is_new, -age.astype(np.int64), len(films))
    weight = np.bincount(place, counts * 0.5 ** (age / HALF_LIFE.total_seconds()))
    return films[np.lexsort((films, -weight))][:MAX_FILMS]
