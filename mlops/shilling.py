"""An attack on the recommender: a group of accounts that rates one film high and hides among usual ratings.

An "average attack" (Lam & Riedl 2004, "Shilling recommender systems for fun and profit"): each account gives the target
five stars and some much rated films their own mean.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db.models import Avg, Count
from django.test import override_settings
from django.utils import timezone

from cinema.models import Movie, Rating, User
from mlops import runs
from mlops.models import GatePolicy
from mlops.training import train
from recommender import new_films, serving
from recommender.recommend import recommend_for

N_ACCOUNTS, N_FILLERS = 50, 20
N_INNOCENTS, MIN_RATINGS = 100, 20
LIST_LENGTH = 10
# An account of a patient attacker is past the first day, one of a very patient one past the first month.
AGES = {"fresh": timedelta(0), "two days old": timedelta(days=2), "forty days old": timedelta(days=40)}


@dataclass(frozen=True, slots=True)
class Attack:
    """How many of ``n`` people's top ten gained the film."""

    target: str
    age: str
    guarded: bool
    gained: int
    n: int


def innocents(seed: int) -> list[User]:
    people = list(User.objects.annotate(n=Count("ratings")).filter(n__gte=MIN_RATINGS).order_by("pk"))
    return random.Random(seed).sample(people, min(N_INNOCENTS, len(people)))


def targets(n: int, seed: int) -> list[Movie]:
    """Films that few rated, and not well: nobody would be shown them for their own sake."""
    films = Movie.objects.annotate(n=Count("ratings"), mean=Avg("ratings__value"))
    return random.Random(seed).sample(list(films.filter(n__gte=5, n__lte=15, mean__lte=3.5).order_by("pk")), n)


def train_now(preset: str) -> None:
    """A new live version, whatever the gate would say."""
    GatePolicy.objects.update_or_create(pk=1, defaults={"enabled": False})
    run, owner = runs.start_in_foreground(preset=preset)
    with runs.heartbeat(run.pk, owner):
        train(run.pk, owner)
    serving.forget()


def shown_to(people: list[User], film: Movie) -> set[int]:
    """Those whose list holds it, by id."""
    new_films.forget()
    return {
        user.pk for user in people if any(item.movie_id == film.pk for item in recommend_for(user, n=LIST_LENGTH).items)
    }


def attack(film: Movie, *, age: str, seed: int) -> list[int]:
    """Makes the accounts and their ratings; the accounts' ids."""
    draw = random.Random(seed)
    joined = timezone.now() - AGES[age]
    popular = Movie.objects.annotate(n=Count("ratings"), mean=Avg("ratings__value")).order_by("-n", "pk")[:200]
    usual = [(one, round(2 * one.mean) / 2) for one in popular if one.pk != film.pk]
    accounts = User.objects.bulk_create(
        User(username=f"shill-{n}", date_joined=joined, password=make_password(None)) for n in range(N_ACCOUNTS)
    )
    now = timezone.now()
    for account in accounts:
        given = [(film, 5.0), *draw.sample(usual, N_FILLERS)]
        Rating.objects.bulk_create(
            Rating(user=account, movie=movie, value=value, rated_at=now, changed_at=now) for movie, value in given
        )
    return [account.pk for account in accounts]


def withdraw(accounts: list[int]) -> None:
    User.objects.filter(pk__in=accounts).delete()


def on_trained_film(film: Movie, people: list[User], *, age: str, guarded: bool, preset: str, seed: int) -> Attack:
    """A film that the site knows: the attack works at the next training."""
    before = shown_to(people, film)
    accounts = attack(film, age=age, seed=seed)
    with override_settings(INFLUX_GUARD=guarded):
        train_now(preset)
        gained = shown_to(people, film) - before
    withdraw(accounts)
    return Attack("rated by few", age, guarded, len(gained), len(people))


def on_new_film(people: list[User], *, age: str, guarded: bool, seed: int) -> Attack:
    """A film that has just come: the attack works at once, without a training."""
    like = Movie.objects.annotate(n=Count("ratings")).order_by("-n", "pk").prefetch_related("genres")[0]
    film = Movie.objects.create(title="A film that has just come", year=like.year)
    film.genres.set(like.genres.all())
    accounts = attack(film, age=age, seed=seed)
    with override_settings(INFLUX_GUARD=guarded):
        gained = shown_to(people, film)
    withdraw(accounts)
    film.delete()
    return Attack("new", age, guarded, len(gained), len(people))
