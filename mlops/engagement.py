"""What came of the lists that people were shown: each act is given to the list that led to it, and days are added up.

An act counts for the last list before it, of the seven days before, that showed its person the film. By then all
processes have written their lists, so an act waits for a little while.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from cinema.models import Movie
from mlops.models import Engagement, EngagementDay, EngagementPolicy, ServedList
from recommender.algorithms.interactions import RELEVANT

LEADS_FOR = timedelta(days=7)
# Longer than any process keeps what it has not written.
SETTLES_AFTER = timedelta(seconds=30)
_AT_ONCE = 500
# Lists of two days that are added up in a fraction of a second.
QUICK = 20_000
Kind = Engagement.Kind


def settle(now: datetime | None = None) -> int:
    """Finds the list that led to each act that has not been looked at yet; how many acts."""
    now = now or timezone.now()
    n = 0
    while True:
        waiting = Engagement.objects.filter(settled=False, at__lte=now - SETTLES_AFTER).order_by("at")
        acts = list(waiting[:_AT_ONCE])
        if not acts:
            return n
        _settle(acts)
        n += len(acts)


def _settle(acts: Sequence[Engagement]) -> None:
    lists: dict[int, list[ServedList]] = defaultdict(list)
    people = {act.user_id for act in acts}
    shown = ServedList.objects.filter(user_id__in=people, at__gte=acts[0].at - LEADS_FOR, at__lte=acts[-1].at)
    for one in shown.only("user_id", "at", "movie_ids").order_by("-at", "-pk").iterator():
        lists[one.user_id].append(one)
    for act in acts:
        act.settled = True
        for one in lists[act.user_id]:
            if act.at - LEADS_FOR <= one.at <= act.at and act.movie_id in one.movie_ids:
                act.served_list = one
                act.place = 1 + one.movie_ids.index(act.movie_id)
                break
    with transaction.atomic():
        # Retention may have taken a list away meanwhile.
        kept = ServedList.objects.filter(pk__in={act.served_list_id for act in acts if act.served_list_id})
        there = set(kept.select_for_update().values_list("pk", flat=True))
        for act in acts:
            if act.served_list_id and act.served_list_id not in there:
                act.served_list, act.place = None, None
        Engagement.objects.bulk_update(acts, ["settled", "served_list", "place"], batch_size=100)


def forget_old(now: datetime | None = None) -> int:
    """Deletes what is older than the policy keeps; how many rows."""
    before = (now or timezone.now()) - timedelta(days=EngagementPolicy.current().keep_days)
    return _delete(Engagement.objects.filter(at__lt=before)) + _delete(ServedList.objects.filter(at__lt=before))


def forget_all() -> int:
    """Deletes every list and every act that was noted, of everybody; how many rows."""
    return _delete(Engagement.objects.all()) + _delete(ServedList.objects.all())


def _delete(rows: QuerySet[Engagement] | QuerySet[ServedList]) -> int:
    """In steps, so that nobody who writes waits for long."""
    n = 0
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:5000]):
        rows.model._default_manager.filter(pk__in=ids).delete()
        n += len(ids)
    return n


def is_quick() -> bool:
    """Whether so few lists were made lately that they can be added up every minute."""
    return not ServedList.objects.filter(at__gte=timezone.now() - timedelta(days=2))[QUICK : QUICK + 1].exists()


def add_up(now: datetime | None = None) -> int:
    """Counts the days to which an act may still have come, today's among them; how many rows were written."""
    today = (now or timezone.now()).astimezone(UTC).date()
    n = sum(_add_up_lists(today - timedelta(days=back)) for back in (1, 0))
    rows = list(EngagementDay.objects.filter(day__gte=today - LEADS_FOR))
    for row in rows:
        for name, count in _outcomes(_beginning(row.day), row.version).items():
            setattr(row, name, count)
    EngagementDay.objects.bulk_update(rows, _OUTCOMES, batch_size=100)
    return n


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _add_up_lists(day: date) -> int:
    """What was shown, whatever came of it."""
    began = _beginning(day)
    rows: dict[str, EngagementDay] = {}
    films: dict[str, set[int]] = defaultdict(set)
    lists = ServedList.objects.filter(at__gte=began, at__lt=began + timedelta(days=1)).order_by()
    for version, movie_ids in lists.values_list("version", "movie_ids").iterator():
        row = rows.setdefault(version, EngagementDay(day=day, version=version))
        row.lists += 1
        row.places += len(movie_ids)
        films[version].update(movie_ids)
    catalogue = Movie.objects.count()
    for version, row in rows.items():
        row.films, row.catalogue = len(films[version]), catalogue
    EngagementDay.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["day", "version"],
        update_fields=["catalogue", *EngagementDay.SHOWN],
    )
    return len(rows)


_OUTCOMES = [name for name in EngagementDay.COUNTS if name not in EngagementDay.SHOWN]


def _outcomes(began: datetime, version: str) -> dict[str, int]:
    """What came of a version's lists of one day."""
    acts = Engagement.objects.filter(
        served_list__version=version,
        served_list__at__gte=began,
        served_list__at__lt=began + timedelta(days=1),
    )
    opened = {(act.served_list_id, act.movie_id) for act in acts.filter(kind=Kind.OPENED)}
    rated = {(act.served_list_id, act.movie_id): act for act in acts.filter(kind=Kind.RATED).order_by("at")}
    counts = acts.order_by().aggregate(
        watchlisted=Count("pk", filter=Q(kind=Kind.WATCHLISTED)), hidden=Count("pk", filter=Q(kind=Kind.HIDDEN))
    )
    return {
        "opened_lists": len({one for one, _ in opened}),
        "opened": len(opened),
        "rated": len(rated),
        "liked": sum((act.value or 0) >= RELEVANT for act in rated.values()),
        "rated_after_opening": len(opened & rated.keys()),
        **counts,
    }


@dataclass(frozen=True, slots=True)
class Day:
    """One day, of all versions together; shares are None where there is nothing to divide."""

    day: date
    lists: int
    places: int
    films: int  # of the version that showed most
    catalogue: int
    opened_lists: int
    opened: int
    watchlisted: int
    rated: int
    liked: int
    hidden: int
    rated_after_opening: int

    @property
    def coverage(self) -> float | None:
        return self.films / self.catalogue if self.catalogue else None

    @property
    def click_through(self) -> float | None:
        return self.opened_lists / self.lists if self.lists else None

    @property
    def rated_after_view(self) -> float | None:
        return self.rated_after_opening / self.opened if self.opened else None


def by_day(now: datetime, n_days: int) -> list[Day]:
    """The last days, oldest first; those without a list are left out."""
    first = now.astimezone(UTC).date() - timedelta(days=n_days - 1)
    days: dict[date, list[EngagementDay]] = defaultdict(list)
    for row in EngagementDay.objects.filter(day__gte=first):
        days[row.day].append(row)
    summed = [name for name in EngagementDay.COUNTS if name != "films"]
    return [
        Day(
            day=day,
            films=max(row.films for row in rows),
            catalogue=max(row.catalogue for row in rows),
            **{name: sum(getattr(row, name) for row in rows) for name in summed},
        )
        for day, rows in sorted(days.items())
    ]
