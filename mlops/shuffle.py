"""The shuffle test on the live version: did its lists know what people went on to like?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from django.utils import timezone

from cinema.models import Rating
from mlops.models import HealthPolicy, ShuffleTestResult
from recommender.algorithms.film_model import ages
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.shuffle_test import Case, percentile, shuffle_test
from recommender.models import ModelVersion
from recommender.serving import LiveModel, live_model

logger = logging.getLogger(__name__)

# Below these nothing is said.
MIN_RATINGS = 20
MIN_PEOPLE = 5
KEPT_RESULTS = 500


def assess_live_lists() -> ShuffleTestResult | None:
    """Tests the live version on the latest liked ratings that it was not trained on, unless nothing has come since the
    last test. Its result; one without figures where there are too few."""
    live = live_model()
    if live is None:
        return None
    version = ModelVersion.objects.filter(label=live.label).first()
    if version is None:
        return None
    n = HealthPolicy.current().shuffle_ratings
    liked = list(
        Rating.objects.filter(rated_at__gt=live.data_until, value__gte=RELEVANT).order_by("-rated_at", "-pk")[:n]
    )
    newest = liked[0].rated_at if liked else None
    last = ShuffleTestResult.objects.filter(version=version).first()
    if last is not None and last.ratings_until == newest:
        return last
    cases = _cases(live, liked)
    people = len({case.person for case in cases})
    result = None
    if len(cases) >= MIN_RATINGS and people >= MIN_PEOPLE:
        found = shuffle_test(cases)
        result = {
            **asdict(found),
            "beats_chance": found.beats_chance,
            "beats_popularity": found.beats_popularity,
            "passport": {
                "protocol": "each newly liked film among all films the person had not rated before",
                "n": found.n,
                "people": found.people,
                "interval": "95 %, percentile bootstrap over people",
                "version": live.label,
            },
        }
    row = ShuffleTestResult.objects.create(
        version=version, at=timezone.now(), ratings_until=newest, n=len(cases), people=people, result=result
    )
    old = ShuffleTestResult.objects.values_list("pk", flat=True)[KEPT_RESULTS:]
    ShuffleTestResult.objects.filter(pk__in=list(old)).delete()
    return row


def _cases(live: LiveModel, liked: Sequence[Rating]) -> list[Case]:
    """Each of ``liked`` with the person as they were before it. Left out: films that the version does not know, and a
    person's first rating, before which nothing was known of them."""
    model = live.model
    of_people: dict[int, list[tuple[int, float, int, bool]]] = {}
    rows = Rating.objects.filter(user__in={rating.user_id for rating in liked}).order_by("rated_at", "movie_id")
    for user_id, movie_id, value, rated_at, changed_at in rows.values_list(
        "user_id", "movie_id", "value", "rated_at", "changed_at"
    ):
        of_people.setdefault(user_id, []).append(
            (movie_id, value, int(rated_at.timestamp() * 1000), changed_at <= live.data_until)
        )
    popularity = model.popularity_scores
    cases = []
    for rating in liked:
        film = int(model.rows(np.array([rating.movie_id]))[0])
        moment = int(rating.rated_at.timestamp() * 1000)
        earlier = [one for one in of_people[rating.user_id] if one[2] < moment]
        if film < 0 or not earlier:
            continue
        movie_ids, values, times, trained = (np.array(column) for column in zip(*earlier, strict=True))
        history = model.history(movie_ids, values, trained, ages(times, movie_ids))
        if not len(history):
            continue
        places = []
        for scores in (model.order_scores(history), popularity.copy()):
            scores[history.item] = -np.inf
            places.append(percentile(scores, film))
        cases.append(Case(rating.user_id, *places))
    return cases
