"""Fills an empty site for the serving benchmark, or has everybody there rate one film more. Run by benchmarks.site, in
a process of its own, since Django is set up once in a process.

    python -m benchmarks.fill_site ACCOUNTS PRESET    the demo ratings, a version, so many accounts; tells their tokens
    python -m benchmarks.fill_site rate               one rating more of each account
    python -m benchmarks.fill_site note-nothing       no list is noted any more
    python -m benchmarks.fill_site noted              how many lists have been
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import django
import numpy as np

ACCOUNT = "bench-"


def fill(n_accounts: int, preset: str) -> None:
    from django.core.management import call_command
    from knox.models import AuthToken

    from cinema.importing.demo import load_demo
    from cinema.models import Movie, Rating, User

    call_command("migrate", verbosity=0, interactive=False)
    load_demo()
    call_command("train", preset=preset, stdout=sys.stderr, stderr=sys.stderr)
    rng = np.random.default_rng(0)
    imported = User.objects.exclude(source="").order_by("pk").values_list("pk", flat=True)
    chosen = rng.choice(np.array(imported), n_accounts, replace=False).tolist()
    told = []
    for number, like in enumerate(chosen):
        user = User.objects.create(username=f"{ACCOUNT}{number}")
        Rating.objects.bulk_create(
            Rating(user=user, movie_id=movie_id, value=value, rated_at=rated_at, changed_at=rated_at)
            for movie_id, value, rated_at in Rating.objects.filter(user=like).values_list(
                "movie_id", "value", "rated_at"
            )
        )
        unrated = Movie.objects.exclude(ratings__user=user).order_by("pk").values_list("pk", flat=True)
        token = AuthToken.objects.create(user, expiry=timedelta(days=1))[1]
        told.append({"user": user.pk, "token": token, "unrated": list(unrated[:300])})
    print(json.dumps(told))


def rate() -> None:
    from cinema.models import Movie, User
    from cinema.ratings import rate_movie

    # From the other end of the catalogue than the films that are rated over HTTP.
    for user in User.objects.filter(username__startswith=ACCOUNT).order_by("pk"):
        movie = Movie.objects.exclude(ratings__user=user).order_by("-pk")[0]
        rate_movie(user=user, movie=movie, value=4.0)


def note_nothing() -> None:
    from mlops.models import EngagementPolicy

    EngagementPolicy.objects.update_or_create(pk=1, defaults={"record": False})


def noted() -> None:
    from mlops.models import ServedList

    print(ServedList.objects.count())


if __name__ == "__main__":
    django.setup()
    others = {"rate": rate, "note-nothing": note_nothing, "noted": noted}
    others[sys.argv[1]]() if sys.argv[1] in others else fill(int(sys.argv[1]), sys.argv[2])
