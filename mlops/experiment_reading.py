"""What an experiment has found so far, from the log of lists.

A list was engaged with if its person opened a film of it, put one on the watchlist, or gave one four stars or more.
Intervals hold at whatever moment one looks (recommender.algorithms.confidence_sequences), and their variance is that
over people, for one person's lists are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Q
from numpy.typing import NDArray

from cinema.models import User
from mlops.models import Engagement, ServedList
from recommender.algorithms.confidence_sequences import ALPHA, excludes_zero, interval, lists_needed, mixing_for_effect
from recommender.algorithms.engagement_effects import (
    ArmsCompared,
    Effect,
    Preference,
    ab_effect,
    interleaving_effect,
)
from recommender.algorithms.interactions import RELEVANT
from recommender.algorithms.novelty import Novelty, novelty
from recommender.algorithms.sample_ratio import SampleRatio, sample_ratio
from recommender.models import Experiment

Kind = Engagement.Kind
ENGAGED = Q(kind__in=[Kind.OPENED, Kind.WATCHLISTED]) | Q(kind=Kind.RATED, value__gte=RELEVANT)
LOOKS = 40  # points of the chart
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Log:
    """Every list of an experiment, the earliest first. Arrays of length n_lists."""

    person: NDArray[np.int64]  # a number from 0
    user_ids: NDArray[np.int64]  # of these numbers
    at: NDArray[np.float64]  # seconds since 1970
    arm: NDArray[np.int64]  # its number; 0 where places have their own
    engaged: NDArray[np.float64]  # 1 where a film of it was engaged with
    preference: Floats  # points of B less those of A, where places have their own
    hidden: Floats  # films of it that were hidden

    def __len__(self) -> int:
        return len(self.person)


def read(experiment: Experiment) -> Log:
    """Three queries, whatever its length."""
    names = [arm.name for arm in experiment.arms.all()]
    rows = list(
        ServedList.objects.filter(experiment=experiment).order_by("at", "pk").values_list("pk", "user_id", "at", "arms")
    )
    place_of = {row[0]: number for number, row in enumerate(rows)}
    user_ids, person = np.unique(np.array([row[1] for row in rows], np.int64), return_inverse=True)
    n = len(rows)
    engaged, preference, hidden = np.zeros(n), np.zeros(n), np.zeros(n)
    mixes = experiment.kind == Experiment.Kind.INTERLEAVED
    acts = Engagement.objects.filter(served_list__experiment=experiment)
    seen: set[tuple[int, int]] = set()
    for list_id, place in acts.filter(ENGAGED).values_list("served_list_id", "place").order_by("pk"):
        number = place_of.get(list_id)
        if number is None or place is None or (list_id, place) in seen:
            continue  # each film counts once
        seen.add((list_id, place))
        engaged[number] = 1.0
        if mixes:
            letter = rows[number][3][place - 1 : place]
            preference[number] += {names[0]: -1.0, names[1]: 1.0}.get(letter, 0.0)
    for list_id, count in (
        acts.filter(kind=Kind.HIDDEN)
        .order_by()
        .values_list("served_list_id")
        .annotate(n=Count("movie_id", distinct=True))
    ):
        if (number := place_of.get(list_id)) is not None:
            hidden[number] = count
    return Log(
        person=person.astype(np.int64),
        user_ids=user_ids,
        at=np.array([row[2].timestamp() for row in rows], np.float64),
        arm=np.array([0 if mixes else names.index(row[3]) for row in rows], np.int64),
        engaged=engaged,
        preference=preference,
        hidden=hidden,
    )


@dataclass(frozen=True, slots=True)
class ArmReading:
    name: str
    told: str
    people: int
    lists: int
    engaged: int
    hidden: int

    @property
    def rate(self) -> float | None:
        return self.engaged / self.lists if self.lists else None


@dataclass(frozen=True, slots=True)
class Point:
    """The estimate after so many lists."""

    lists: int
    at: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Contrast:
    """One arm against A: how many more of its lists are engaged with, of one; in mixed lists, points more a list."""

    name: str
    effect: Effect
    interval: tuple[float, float] | None  # None while nothing is known of the variance
    relative: float | None
    decision: str  # "better", "worse" or "open"
    more_lists: int | None  # until the interval leaves zero out, if it stays like that
    novelty: Novelty | None
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Group:
    """How one kind of people did, against A."""

    title: str
    contrast: str
    people: int
    lists: int
    estimate: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Reading:
    arms: list[ArmReading]
    contrasts: list[Contrast]
    ratio: SampleRatio | None  # None where all see the same arms
    groups: list[Group]
    harm: str  # what a guard rail has found; empty if nothing
    n_people: int
    n_lists: int

    @property
    def winner(self) -> str | None:
        """The arm that is surely better than A, the most so where several are; A if all are surely worse."""
        better = [one for one in self.contrasts if one.decision == "better"]
        if better:
            return max(better, key=lambda one: one.effect.estimate).name
        if self.contrasts and all(one.decision == "worse" for one in self.contrasts):
            return "A"
        return None

    def as_dict(self) -> dict[str, Any]:
        return {
            "people": self.n_people,
            "lists": self.n_lists,
            "winner": self.winner,
            "arms": [
                {"name": arm.name, "what": arm.told, "people": arm.people, "lists": arm.lists, "engaged": arm.engaged}
                for arm in self.arms
            ],
            "contrasts": [
                {
                    "arm": one.name,
                    "estimate": one.effect.estimate,
                    "interval": one.interval,
                    "decision": one.decision,
                    "more_lists": one.more_lists,
                }
                for one in self.contrasts
            ],
            "sample_ratio_warns": bool(self.ratio and self.ratio.warns),
            "harm": self.harm,
        }


def reading(experiment: Experiment) -> Reading:
    log = read(experiment)
    arms = list(experiment.arms.select_related("version"))
    mixes = experiment.kind == Experiment.Kind.INTERLEAVED
    told = [_arm(log, number, arm.name, arm.told, mixes) for number, arm in enumerate(arms)]
    others = range(1, len(arms))
    alpha = ALPHA / max(1, len(others))  # Bonferroni: several are held against A
    mixing = mixing_for_effect(experiment.interest, alpha)
    contrasts = [_contrast(log, number, arms[number].name, mixes, mixing, alpha) for number in others]
    ratio = None if mixes else sample_ratio([one.people for one in told])
    return Reading(
        arms=told,
        contrasts=contrasts,
        ratio=ratio,
        groups=_groups(log, [arm.name for arm in arms], mixes, mixing, alpha),
        harm=_harm(experiment, log, contrasts, arms[0].name, mixes, alpha),
        n_people=len(log.user_ids),
        n_lists=len(log),
    )


def _arm(log: Log, number: int, name: str, told: str, mixes: bool) -> ArmReading:
    if mixes:
        # Every list has films of both; an engagement goes to the arm of its film.
        won = log.preference > 0 if number else log.preference < 0
        return ArmReading(name, told, len(log.user_ids), len(log), int(won.sum()), 0)
    here = log.arm == number
    people = len(np.unique(log.person[here]))
    return ArmReading(name, told, people, int(here.sum()), int(log.engaged[here].sum()), int(log.hidden[here].sum()))


def _sums(log: Log, some: NDArray[np.bool_], values: Floats) -> tuple[Floats, Floats]:
    """By person: of ``some`` lists how many, and the sum of ``values``, each (n_people,)."""
    n = len(log.user_ids)
    person = log.person[some]
    total: Floats = np.bincount(person, values[some], minlength=n).astype(np.float64)
    return np.bincount(person, minlength=n).astype(np.float64), total


def _compare(
    log: Log, some: NDArray[np.bool_], number: int, mixes: bool, values: Floats | None = None
) -> ArmsCompared | Preference:
    """Arm ``number`` against A on ``some`` of the lists, by engagement or by other ``values``."""
    if mixes:
        lists, points = _sums(log, some, log.preference)
        return interleaving_effect(points, lists)
    some = some & ((log.arm == 0) | (log.arm == number))
    lists, engaged = _sums(log, some, log.engaged if values is None else values)
    arm = np.zeros(len(log.user_ids), np.int64)
    arm[log.person[some & (log.arm == number)]] = 1
    return ab_effect(lists, engaged, arm)


def _effect(found: ArmsCompared | Preference) -> Effect:
    return found.difference if isinstance(found, ArmsCompared) else found.effect


def _interval(effect: Effect, mixing: float, alpha: float) -> tuple[float, float] | None:
    return interval(effect.estimate, effect.variance, mixing, alpha) if np.isfinite(effect.variance) else None


def _contrast(log: Log, number: int, name: str, mixes: bool, mixing: float, alpha: float) -> Contrast:
    everything = np.ones(len(log), np.bool_)
    found = _compare(log, everything, number, mixes)
    effect = _effect(found)
    decision = "open"
    if effect.has_enough_people and excludes_zero(effect.estimate, effect.variance, mixing, alpha):
        decision = "better" if effect.estimate > 0 else "worse"
    change = None
    if effect.has_enough_people:
        middle = np.arange(len(log)) < len(log) // 2
        change = novelty(_compare(log, middle, number, mixes), _compare(log, ~middle, number, mixes))
    relative = None
    if isinstance(found, ArmsCompared) and np.isfinite(found.relative.variance):
        relative = found.relative.estimate
    return Contrast(
        name=name,
        effect=effect,
        interval=_interval(effect, mixing, alpha),
        relative=relative,
        decision=decision,
        more_lists=lists_needed(effect.estimate, effect.variance, effect.n_lists, mixing, alpha),
        novelty=change,
        points=_points(log, number, mixes, mixing, alpha),
    )


def _points(log: Log, number: int, mixes: bool, mixing: float, alpha: float) -> list[Point]:
    points = []
    order = np.arange(len(log))
    for until in sorted({round(len(log) * share) for share in np.linspace(0, 1, LOOKS + 1)[1:]}):
        effect = _effect(_compare(log, order < until, number, mixes))
        within = _interval(effect, mixing, alpha)
        if within is not None and effect.has_enough_people:
            points.append(Point(int(until), float(log.at[until - 1]), effect.estimate, *within))
    return points


NEWCOMERS, REGULARS = 20, 200  # ratings that somebody had given


def _groups(log: Log, names: list[str], mixes: bool, mixing: float, alpha: float) -> list[Group]:
    """Whether it is alike for those who have just come and for those who have rated much."""
    counts = dict(User.objects.filter(pk__in=log.user_ids.tolist()).annotate(n=Count("ratings")).values_list("pk", "n"))
    n_ratings = np.array([counts.get(pk, 0) for pk in log.user_ids.tolist()])
    parts = {
        f"fewer than {NEWCOMERS} ratings": n_ratings < NEWCOMERS,
        f"{NEWCOMERS} to {REGULARS} ratings": (n_ratings >= NEWCOMERS) & (n_ratings < REGULARS),
        f"{REGULARS} ratings or more": n_ratings >= REGULARS,
    }
    found = []
    for number in range(1, len(names)):
        for title, people in parts.items():
            effect = _effect(_compare(log, people[log.person], number, mixes))
            within = _interval(effect, mixing, alpha / len(parts)) if effect.has_enough_people else None
            found.append(Group(title, names[number], effect.n_people, effect.n_lists, effect.estimate, within))
    return found


def _harm(experiment: Experiment, log: Log, contrasts: list[Contrast], first: str, mixes: bool, alpha: float) -> str:
    """What a guard rail has found: an arm that is surely worse than A by more than is allowed."""
    for number, one in enumerate(contrasts, start=1):
        enough = one.effect.has_enough_people and one.interval is not None
        if enough and one.interval is not None and one.interval[1] < -experiment.harm:
            return f"Arm {one.name} is surely worse than {first} by more than {experiment.harm:g}."
        if mixes:
            continue
        effect = _effect(_compare(log, np.ones(len(log), np.bool_), number, mixes, log.hidden))
        within = _interval(effect, mixing_for_effect(max(experiment.harm, experiment.interest), alpha), alpha)
        if effect.has_enough_people and within is not None and within[0] > experiment.harm:
            return f"In arm {one.name} more films are hidden than in {first}, surely by {experiment.harm:g} a list."
    return ""
