"""A person's upload from reading to applying and back. The only writer of PendingImport."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cinema import audit
from cinema.importing.matching import MISSING, Found, Match, TitleIndex
from cinema.importing.people import UnreadableFile, Upload, UploadedRating
from cinema.models import Movie, PendingImport, Rating, User
from cinema.ratings import NewRating, RatingBefore, RatingsWritten, rate_movies, restore_ratings

LIFETIME = timedelta(days=1)
# Of a title that fits many films, so many are offered.
MAX_CHOICES = 12


class Kind(StrEnum):
    """What the person has to do with a row; in the order of the review, what needs them first."""

    AMBIGUOUS = "ambiguous"  # choose one of several films
    DIFFERS = "differs"  # keep one's own stars or take those of the file
    PROBABLE = "probable"  # look whether it is the film
    MATCHED = "matched"
    SAME = "same"  # rated alike already
    REPEATED = "repeated"  # another row of the file is about the same film
    MISSING = "missing"


CHOOSABLE = (Kind.AMBIGUOUS, Kind.DIFFERS, Kind.PROBABLE, Kind.MATCHED)


@dataclass(slots=True)
class ReviewRow:
    line: int
    title: str
    year: int | None
    value: float
    rated_at: str | None  # ISO 8601
    kind: str
    movie_ids: list[int]
    mine: dict[str, float]  # own stars by id of the film, when the file was read
    choice: int | None  # the film to rate; None leaves all as it is


def waiting_import(user: User) -> PendingImport | None:
    """Theirs, unless it is too old. Whatever is too old, of anybody, goes."""
    PendingImport.objects.filter(created_at__lt=timezone.now() - LIFETIME).delete()
    return PendingImport.objects.filter(user=user).first()


def rows_of(pending: PendingImport) -> list[ReviewRow]:
    return [ReviewRow(**row) for row in pending.rows]


def begin_import(*, user: User, upload: Upload) -> PendingImport:
    """Finds the films of ``upload`` and keeps what was found in place of any earlier upload.

    Raises UnreadableFile where a MovieLens file cannot be matched.
    """
    matches = _matches(upload)
    mine = dict(Rating.objects.of(user).order_by().values_list("movie_id", "value"))
    rows = [_row(rating, match, mine) for rating, match in zip(upload.ratings, matches, strict=True)]
    _mark_repeated(rows)
    rows.sort(key=lambda row: (list(Kind).index(Kind(row.kind)), row.line))
    with transaction.atomic():
        User.objects.select_for_update().filter(pk=user.pk).first()  # of two files at once, the later stays
        PendingImport.objects.filter(user=user).delete()
        return PendingImport.objects.create(
            user=user, format=upload.format, rows=[asdict(row) for row in rows], created_at=timezone.now()
        )


def _matches(upload: Upload) -> list[Match]:
    if upload.format == "movielens":
        return _by_number(upload.ratings)
    index = TitleIndex(Movie.objects.order_by().values_list("pk", "title", "year").iterator())
    matches = []
    for rating in upload.ratings:
        match = index.find(rating.titles, rating.year)
        if match.found is Found.AMBIGUOUS and rating.movie_id in match.movie_ids:
            match = Match(Found.MATCHED, (rating.movie_id,))
        matches.append(match)
    return matches


def _by_number(ratings: Sequence[UploadedRating]) -> list[Match]:
    sources = Movie.objects.exclude(source="").order_by().values_list("source", flat=True).distinct()
    if len(sources) != 1:
        raise UnreadableFile(
            _("MovieLens’ sets number films differently, and the films here come from %(n)d of them.")
            % {"n": len(sources)}
        )
    numbers = dict(Movie.objects.filter(source=sources[0]).order_by().values_list("source_id", "pk"))
    found = (numbers.get(rating.source_id) for rating in ratings)
    return [MISSING if movie_id is None else Match(Found.MATCHED, (movie_id,)) for movie_id in found]


def _row(rating: UploadedRating, match: Match, mine: Mapping[int, float]) -> ReviewRow:
    movie_ids = list(match.movie_ids[:MAX_CHOICES])
    kind, choice = Kind(match.found), None
    if kind in {Kind.MATCHED, Kind.PROBABLE}:
        before = mine.get(movie_ids[0])
        if before is None:
            choice = movie_ids[0]
        else:
            kind = Kind.SAME if before == rating.value else Kind.DIFFERS
    return ReviewRow(
        line=rating.line,
        title=rating.titles[0] if rating.titles else f"movieId {rating.source_id}",
        year=rating.year,
        value=rating.value,
        rated_at=rating.rated_at.isoformat() if rating.rated_at else None,
        kind=kind,
        movie_ids=movie_ids,
        mine={str(movie_id): mine[movie_id] for movie_id in movie_ids if movie_id in mine},
        choice=choice,
    )


def _later(row: ReviewRow) -> tuple[str, int]:
    return row.rated_at or "", row.line


def _mark_repeated(rows: Iterable[ReviewRow]) -> None:
    """Of several rows about one film the latest counts: by date, else by its place in the file."""
    latest: dict[int, ReviewRow] = {}
    for row in sorted(rows, key=_later):
        if row.kind in {Kind.AMBIGUOUS, Kind.MISSING}:
            continue
        if (earlier := latest.get(row.movie_ids[0])) is not None:
            earlier.kind, earlier.choice = Kind.REPEATED, None
        latest[row.movie_ids[0]] = row


def choose(*, user: User, import_id: int, choices: Mapping[int, str]) -> PendingImport | None:
    """Keeps the choices of some rows, by their place in the review: the id of a film of the row; anything else leaves
    the film alone. None if that import does not wait (any more)."""
    with transaction.atomic():
        pending = PendingImport.objects.select_for_update().filter(user=user, pk=import_id, applied_at=None).first()
        if pending is None:
            return None
        for place, text in choices.items():
            row = ReviewRow(**pending.rows[place])
            if row.kind in CHOOSABLE:
                chosen = (movie_id for movie_id in row.movie_ids if str(movie_id) == text)
                pending.rows[place]["choice"] = next(chosen, None)
        pending.save(update_fields=["rows"])
    return pending


@dataclass(frozen=True, slots=True)
class Applied:
    n_written: int
    n_changed_meanwhile: int  # rated otherwise since the review, and so left alone


@transaction.atomic
def apply_import(*, user: User, import_id: int) -> Applied | None:
    """Rates the chosen films. None if that import does not wait (any more): applying twice is applying once."""
    pending = PendingImport.objects.select_for_update().filter(user=user, pk=import_id, applied_at=None).first()
    if pending is None:
        return None
    now_mine = dict(Rating.objects.of(user).order_by().values_list("movie_id", "value"))
    wanted: dict[int, NewRating] = {}
    meanwhile: set[int] = set()
    for row in sorted(rows_of(pending), key=_later):
        if row.choice is None:
            continue
        before = now_mine.get(row.choice)
        if before != row.mine.get(str(row.choice)):
            meanwhile.add(row.choice)
            continue
        rated_at = datetime.fromisoformat(row.rated_at) if row.rated_at else None
        wanted[row.choice] = NewRating(row.choice, row.value, rated_at)
    changes = [new for movie_id, new in wanted.items() if now_mine.get(movie_id) != new.value]
    written = rate_movies(user=user, ratings=changes)
    pending.rows = []
    pending.applied_at = written.at
    pending.overwritten = [_stored(before) for before in written.before]
    pending.save(update_fields=["rows", "applied_at", "overwritten"])
    audit.record(audit.Action.IMPORT, actor=user, subject=f"{len(written.before)} ratings")
    return Applied(len(written.before), len(meanwhile))


@dataclass(frozen=True, slots=True)
class Undone:
    n_restored: int
    n_left: int  # rated again or removed since, and so left alone


@transaction.atomic
def undo_import(*, user: User, import_id: int) -> Undone | None:
    """Everything is as it was before the import. None if there is nothing to undo (any more)."""
    pending = PendingImport.objects.select_for_update().filter(user=user, pk=import_id).first()
    if pending is None or pending.applied_at is None:
        return None
    written = RatingsWritten(at=pending.applied_at, before=[_restored(*row) for row in pending.overwritten])
    n_restored = restore_ratings(user=user, written=written)
    pending.delete()
    return Undone(n_restored, len(written.before) - n_restored)


def discard_import(*, user: User, import_id: int) -> bool:
    """Forgets an import that waits; False if it does not (any more)."""
    deleted, _by_model = PendingImport.objects.filter(user=user, pk=import_id, applied_at=None).delete()
    return deleted > 0


def counts_of(rows: Iterable[ReviewRow]) -> dict[Kind, int]:
    """How many rows there are of each kind that there is, in the order of the review."""
    counted = Counter(Kind(row.kind) for row in rows)
    return {kind: counted[kind] for kind in Kind if counted[kind]}


Stored = tuple[int, float | None, str | None, str | None]


def _stored(before: RatingBefore) -> Stored:
    rated_at, changed_at = before.rated_at, before.changed_at
    return (
        before.movie_id,
        before.value,
        rated_at.isoformat() if rated_at else None,
        changed_at.isoformat() if changed_at else None,
    )


def _restored(movie_id: int, value: float | None, rated_at: str | None, changed_at: str | None) -> RatingBefore:
    return RatingBefore(
        movie_id,
        value,
        datetime.fromisoformat(rated_at) if rated_at else None,
        datetime.fromisoformat(changed_at) if changed_at else None,
    )
