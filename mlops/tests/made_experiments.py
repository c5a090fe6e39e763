"""Experiments in which people have engaged with lists, by known chances."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.utils import timezone

from cinema.models import User, new_edition
from mlops.models import Engagement, ServedList
from recommender.models import Experiment

FILMS = list(range(10, 110, 10))


def make_people(n: int) -> list[User]:
    names = [f"visitor:{number}" for number in range(n)]
    User.objects.bulk_create(User(username=name, is_active=False, edition=new_edition()) for name in names)
    return list(User.objects.filter(username__startswith="visitor:").order_by("pk"))


def live_through(
    experiment: Experiment, people: list[User], chances: dict[str, float], *, lists_each: int = 4, seed: int = 1
) -> None:
    """Lists for everybody; by arm the chance that one is engaged with, or of mixed lists that the arm gets a point."""
    rng = np.random.default_rng(seed)
    names = sorted(chances)
    mixes = experiment.kind == Experiment.Kind.INTERLEAVED
    began = timezone.now() - timedelta(days=2)
    lists, wins = [], []
    for visit in range(lists_each):
        for number, user in enumerate(people):
            arm = names[number % len(names)]
            teams = "".join(names[(place + int(rng.integers(2))) % 2] for place in range(10)) if mixes else arm
            at = began + timedelta(minutes=visit * len(people) + number)
            lists.append(
                ServedList(
                    user=user, at=at, surface="home", version="v1", movie_ids=FILMS, slots="r" * 10,
                    experiment=experiment, arms=teams,
                )
            )  # fmt: skip
            won = [name for name in (names if mixes else [arm]) if rng.random() < chances[name]]
            wins.append([teams.index(name) if mixes else 0 for name in won if name in teams])
    ServedList.objects.bulk_create(lists)
    rows = list(ServedList.objects.filter(experiment=experiment).order_by("pk"))
    Engagement.objects.bulk_create(
        Engagement(
            user_id=row.user_id, movie_id=FILMS[place], kind="opened", at=row.at + timedelta(minutes=1),
            served_list=row, place=place + 1, settled=True,
        )
        for row, places in zip(rows, wins, strict=True)
        for place in places
    )  # fmt: skip
