"""What a movie night's room shows: one list for everybody in it, with a reason per person.

Everybody is solved from their ratings as always; a guest from those given in the room. Films that somebody hid, vetoed
or watched here are never listed, and films that somebody has rated only where the room allows those that some, but not
all, have seen. Nobody's ratings leave this module but as predictions and as the film named in a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import blake2b
from typing import Any, Literal

import numpy as np
from django.db.models import Aggregate, Count, Max, OuterRef, QuerySet, Subquery, Value
from numpy.typing import NDArray

from cinema.models import HiddenMovie, Movie, Night, NightParticipant, NightPick, NightRating, NightVeto, Rating
from recommender.algorithms.ensemble import MIN_RATERS
from recommender.algorithms.film_model import Array, Person
from recommender.algorithms.group import MISERY_THRESHOLD, balances, group_list, reach
from recommender.algorithms.interactions import MAX_RATING, MIN_RATING, RELEVANT
from recommender.algorithms.telling_films import telling_films
from recommender.catalogue import CatalogueFilm, catalogue_film, movies_by_id
from recommender.histories import RatedFilms, rated_films_of
from recommender.serving import LiveModel, live_model

LIST_LENGTH = 10
# A contribution or an affinity below this, in stars, is no reason.
MIN_REASON = 0.03
# Whoever is so much worse off than the others, in stars, is said to be next in turn.
MIN_ARREARS = 0.25

# because of a film, for a genre, as most people would, has seen it, has rated nothing yet
ReasonKind = Literal["film", "genre", "crowd", "seen", "unknown"]


@dataclass(frozen=True, slots=True)
class Line:
    """What a film of the list is to one participant."""

    participant_id: int
    name: str
    stars: float | None  # expected; None for whoever has seen it or has rated nothing
    reason: ReasonKind
    about: str  # the title or the genre of a reason, else empty


@dataclass(frozen=True, slots=True)
class NightItem:
    film: CatalogueFilm
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class NightList:
    model_version: str | None
    personal: bool  # False: popular films, because there is no version or nobody has rated anything
    threshold: float  # nobody is expected to give a film less
    is_relaxed: bool  # the threshold had to be lowered to find enough films
    next_in_turn: str  # the name of whoever the past picks served least, empty if they served all alike
    items: list[NightItem]


@dataclass(frozen=True, slots=True)
class Veto:
    film: CatalogueFilm
    participant_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Room:
    """All that a room's page shows."""

    participants: list[NightParticipant]
    n_rated: dict[int, int]  # by participant id
    choice: NightList
    vetoes: list[Veto]
    picks: list[CatalogueFilm]


@dataclass(frozen=True, eq=False)
class _Member:
    participant: NightParticipant
    rated: RatedFilms
    person: Person | None  # None where nothing is known of them

    @property
    def id(self) -> int:
        return self.participant.pk


def room_of(night: Night, *, n: int = LIST_LENGTH) -> Room:
    """The room as it is at this moment, in ten queries however many are in it. Raises Night.DoesNotExist if it was
    closed meanwhile: an open room is never empty."""
    live = live_model()
    participants = list(night.participants.all())
    if not participants:
        raise Night.DoesNotExist
    members = _members(night, participants, live)
    hidden = HiddenMovie.objects.filter(user_id__in=_user_ids(participants)).order_by().values_list("movie_id")
    vetoes = list(NightVeto.objects.filter(participant__night=night).values_list("movie_id", "participant_id"))
    picks = list(NightPick.objects.filter(night=night))
    aside = [movie_id for movie_id, _ in vetoes] + [pick.movie_id for pick in picks]
    unwanted = np.union1d(_seen(night, members), np.array([*(pk for (pk,) in hidden), *aside], dtype=np.int64))

    known = [member for member in members if member.person is not None]
    if live is not None and known:
        answer, films = _for_the_group(live, members, known, picks, unwanted, aside, n)
    else:
        answer, films = _for_everybody(live, members, unwanted, aside, n)
    names = {participant.pk: participant.name for participant in participants}
    return Room(
        participants=participants,
        n_rated={member.id: len(member.rated.movie_ids) for member in members},
        choice=answer,
        vetoes=[Veto(films[film], owner, names[owner]) for film, owner in vetoes if film in films and owner in names],
        picks=[films[pick.movie_id] for pick in picks if pick.movie_id in films],
    )


def _user_ids(participants: Sequence[NightParticipant]) -> list[int]:
    return [participant.user_id for participant in participants if participant.user_id is not None]


def _members(night: Night, participants: Sequence[NightParticipant], live: LiveModel | None) -> list[_Member]:
    of_accounts = rated_films_of(_user_ids(participants), live)
    of_guests = _guests_ratings(night)
    members = []
    for participant in participants:
        if participant.user_id is None:
            rated = of_guests.get(participant.pk, _NOTHING)
        else:
            rated = of_accounts.get(participant.user_id, _NOTHING)
        history = rated.history(live) if live is not None else None
        solved = live.model.solve(history) if live is not None and history is not None and len(history) else None
        members.append(_Member(participant, rated, solved))
    return members


def _rated(given: Sequence[tuple[int, float]]) -> RatedFilms:
    """From (film, stars), the latest first; no version was trained on them."""
    return RatedFilms(
        movie_ids=np.array([film for film, _ in given], dtype=np.int64),
        values=np.array([value for _, value in given], dtype=np.float64),
        trained=np.zeros(len(given), np.bool_),
        age=np.arange(len(given)),
        year=np.full(len(given), 9999, np.int64),  # all of this evening
    )


_NOTHING = _rated([])


def _guests_ratings(night: Night) -> dict[int, RatedFilms]:
    given: dict[int, list[tuple[int, float]]] = defaultdict(list)
    ratings = NightRating.objects.filter(participant__night=night).order_by("-pk")
    for participant_id, movie_id, value in ratings.values_list("participant_id", "movie_id", "value"):
        given[participant_id].append((movie_id, value))
    return {participant_id: _rated(ratings) for participant_id, ratings in given.items()}


def _seen(night: Night, members: Sequence[_Member]) -> NDArray[np.int64]:
    """Ids of the films that are left out because they were seen: by anybody, or by all where the room allows more."""
    seen = [member.rated.movie_ids for member in members]
    return reduce(np.intersect1d if night.allow_seen else np.union1d, seen)


def _for_everybody(
    live: LiveModel | None, members: Sequence[_Member], unwanted: NDArray[np.int64], aside: Sequence[int], n: int
) -> tuple[NightList, dict[int, CatalogueFilm]]:
    """The most rated films that all of them may be shown, where no taste is known."""
    popular = _popular(unwanted, n)
    items = [NightItem(film, [_unknown(member, film.pk) for member in members]) for film in popular]
    version = live.label if live is not None else None
    answer = NightList(version, False, MISERY_THRESHOLD, False, next_in_turn="", items=items)
    return answer, movies_by_id(aside)


def _popular(taken: NDArray[np.int64], n: int) -> list[CatalogueFilm]:
    films = Movie.objects.exclude(pk__in=taken.tolist()).most_rated_first().prefetch_related("genres")
    return [catalogue_film(movie) for movie in films[:n]]


def _for_the_group(
    live: LiveModel,
    members: Sequence[_Member],
    known: Sequence[_Member],
    picks: Sequence[NightPick],
    unwanted: NDArray[np.int64],
    aside: Sequence[int],
    n: int,
) -> tuple[NightList, dict[int, CatalogueFilm]]:
    """The list for those of whom something is ``known``, and the films that it and the page name."""
    model = live.model
    stars = _expected_stars(live, known)
    allowed = np.ones(model.n_items, np.bool_)
    allowed[_rows(live, unwanted)] = False
    balance = _balances(live, known, stars, picks, allowed, n)
    # What hardly anybody has rated is guesswork for a whole group; it is listed where nothing else is left.
    familiar = allowed & (model.films.item_counts >= MIN_RATERS)
    while True:
        enough = np.count_nonzero(familiar & allowed) >= n
        found = group_list(stars, familiar & allowed if enough else allowed, n, balance=balance)
        reasons = {(int(row), one.id): _reason(live, one, int(row)) for row in found.rows for one in known}
        named = [film for kind, film, _ in reasons.values() if kind == "film"]
        films = movies_by_id([*model.movie_ids[found.rows].tolist(), *named, *aside], live)
        # A film may have been deleted since the training: then the next best takes its place.
        gone = [row for row in found.rows if int(model.movie_ids[row]) not in films]
        if not gone:
            break
        allowed[gone] = False
    places = {member.id: place for place, member in enumerate(known)}
    items = []
    for row in found.rows.tolist():
        film = films[int(model.movie_ids[row])]
        lines = []
        for member in members:
            if member.id in places:
                lines.append(_line(member, film, stars[places[member.id], row], reasons[row, member.id], films))
            else:
                lines.append(_unknown(member, film.pk))
        items.append(NightItem(film, lines))
    if len(items) < n:
        taken = np.union1d(unwanted, np.array([item.film.pk for item in items], dtype=np.int64))
        popular = _popular(taken, n - len(items))
        items += [NightItem(film, [_unknown(member, film.pk) for member in members]) for film in popular]
    answer = NightList(
        model_version=live.label,
        personal=True,
        threshold=found.threshold,
        is_relaxed=found.is_relaxed,
        next_in_turn=_next_in_turn(known, balance),
        items=items,
    )
    return answer, films


def _rows(live: LiveModel, movie_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = live.model.rows(movie_ids)
    return rows[rows >= 0]


def _expected_stars(live: LiveModel, known: Sequence[_Member]) -> Array:
    """(n_people, n_items), unclipped; what somebody has rated counts as they rated it."""
    stars = np.empty((len(known), live.model.n_items))
    for place, member in enumerate(known):
        assert member.person is not None
        stars[place] = member.person.raw_scores()
        stars[place, member.person.history.item] = member.person.history.value
    return stars


def _balances(
    live: LiveModel,
    known: Sequence[_Member],
    stars: Array,
    picks: Sequence[NightPick],
    allowed: NDArray[np.bool_],
    n: int,
) -> Array:
    rows = live.model.rows(np.array([pick.movie_id for pick in picks], dtype=np.int64))
    watched = [(pick, row) for pick, row in zip(picks, rows.tolist(), strict=True) if row >= 0]
    present = np.array(
        [[member.participant.joined_at <= pick.picked_at for pick, _ in watched] for member in known], dtype=np.bool_
    ).reshape(len(known), len(watched))
    return balances(stars[:, [row for _, row in watched]], present, reach(stars, allowed, n))


def _next_in_turn(known: Sequence[_Member], balance: Array) -> str:
    lowest = int(np.argmin(balance))
    others = np.delete(balance, lowest)
    if len(others) and others.min() - balance[lowest] >= MIN_ARREARS:
        return known[lowest].participant.name
    return ""


def _reason(live: LiveModel, member: _Member, row: int) -> tuple[ReasonKind, int, str]:
    """Kind, film id and genre of what speaks for the film in this member's solve."""
    person = member.person
    assert person is not None
    history = person.history
    if (history.item == row).any():
        return "seen", 0, ""
    parts = person.contributions(row).ratings
    liked = (history.value >= RELEVANT) | (history.value > history.value.mean())
    speaking = np.where(liked, parts, -np.inf)
    strongest = int(np.argmax(speaking))
    if speaking[strongest] >= MIN_REASON:
        return "film", int(live.model.movie_ids[history.item[strongest]]), ""
    affinity = np.where(live.model.genres.membership[row] > 0, live.model.genres.affinity(history), -np.inf)
    if len(affinity) and affinity.max() >= MIN_REASON:
        return "genre", 0, live.model.genres.names[int(np.argmax(affinity))]
    return "crowd", 0, ""


def _line(
    member: _Member,
    film: CatalogueFilm,
    stars: float,
    reason: tuple[ReasonKind, int, str],
    films: dict[int, CatalogueFilm],
) -> Line:
    kind, because, genre = reason
    if kind == "seen":
        return Line(member.id, member.participant.name, None, "seen", "")
    shown = min(max(float(stars), MIN_RATING), MAX_RATING)
    if kind == "film" and because not in films:  # deleted since it was rated
        kind = "crowd"
    about = films[because].title if kind == "film" else genre
    return Line(member.id, member.participant.name, shown, kind, about)


def _unknown(member: _Member, movie_id: int) -> Line:
    """Of somebody who has rated nothing that a version knows, or of a film that it does not know."""
    kind: ReasonKind = "unknown" if not len(member.rated.movie_ids) else "crowd"
    if np.isin(movie_id, member.rated.movie_ids):
        kind = "seen"
    return Line(member.id, member.participant.name, None, kind, "")


def films_to_ask(*, n: int, page: int = 1) -> list[CatalogueFilm]:
    """The ``page``-th ``n`` well-known films that tell a guest's taste: the version's choice, or the most rated."""
    live = live_model()
    if live is None:
        return _popular(_NOTHING.movie_ids, n * page)[n * (page - 1) :]
    # Some to spare, for films that are gone from the catalogue.
    rows = telling_films(live.model.films, np.ones(live.model.n_items, np.bool_), n * page + 5)
    ids = live.model.movie_ids[rows].tolist()
    films = movies_by_id(ids)
    return [films[pk] for pk in ids if pk in films][n * (page - 1) : n * page]


def stamp_of(night: Night) -> str:
    """Another one whenever the room's page may have changed: something happened in the room, an account in it rated or
    hid a film, another version is live. One query, besides the live version's."""
    ratings = Rating.objects.filter(user__night_participations__night=OuterRef("pk")).order_by()
    hidden = HiddenMovie.objects.filter(user__night_participations__night=OuterRef("pk")).order_by()
    row = (
        Night.objects.filter(pk=night.pk)
        .values_list(
            "revision",
            _aggregated(ratings, Count("pk")),
            _aggregated(ratings, Max("changed_at")),
            _aggregated(hidden, Count("pk")),
            _aggregated(hidden, Max("hidden_at")),
        )
        .first()
    )
    live = live_model()
    return blake2b(repr((row, live.generation if live else 0)).encode(), digest_size=8).hexdigest()


def _aggregated(rows: QuerySet[Any], aggregate: Aggregate) -> Subquery:
    """Over all ``rows``: grouped by a constant, since a subquery may not aggregate at once."""
    return Subquery(rows.annotate(one=Value(1)).values("one").annotate(result=aggregate).values("result"))
