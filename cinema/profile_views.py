"""Looking back: one's taste, one's year, and what everybody has rated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cinema import taste, year_in_review
from cinema.cards import Card, card
from cinema.guards import MemberRequest, PageRequest, sign_in_required
from cinema.models import Movie
from cinema.own_ratings import OwnRating, look_back
from cinema.profile_charts import (
    MapFilm,
    MapPlot,
    distribution_chart,
    map_plot,
    months_chart,
    own_beside_crowd,
    sided,
    year_chart,
)
from cinema.statistics import (
    HALF_LIFE_DAYS,
    MIN_RATERS,
    PRIOR_RATINGS,
    Decade,
    GenreTrend,
    RankedFilm,
    site_statistics,
)
from recommender.algorithms.interactions import RELEVANT
from recommender.taste_map import GroupInWords, TasteMap, group_in_words, taste_map
from recommender.viewers import Viewer

N_AGAINST = 12
# Films on the map: the best known ones, and those that one loved.
N_KNOWN = 60
N_LOVED = 15


@require_safe
def statistics(request: PageRequest) -> HttpResponse:
    figures = site_statistics()
    ranked = [film.movie_id for film in (*figures.most_rated, *figures.best_rated)]
    movies = Movie.objects.prefetch_related("genres").in_bulk(ranked)
    context = {
        "figures": figures,
        "distribution": distribution_chart(figures.distribution),
        "months": months_chart(figures.months),
        "most_rated": _film_cards(figures.most_rated, movies),
        "best_rated": _film_cards(figures.best_rated, movies, averages=True),
        "trends_shown": bool(figures.trends and figures.trends.genres),
        "trends": figures.trends and sided(figures.trends.genres, _change, least=0.005),
        "decades": sided(figures.decades, _n_ratings, least=0.0),
        "half_life": HALF_LIFE_DAYS,
        "min_raters": MIN_RATERS,
        "prior_ratings": PRIOR_RATINGS,
    }
    return render(request, "cinema/statistics.html", context)


def _change(genre: GenreTrend) -> float:
    return genre.change


def _n_ratings(decade: Decade) -> float:
    return decade.n_ratings


def _film_cards(films: Iterable[RankedFilm], movies: dict[int, Movie], *, averages: bool = False) -> list[Card]:
    """Those that are still in the catalogue."""
    cards = []
    for film in films:
        if film.movie_id in movies:
            shown = card(movies[film.movie_id], n_ratings=film.n)
            because = [_("Average %(mean).2f") % {"mean": film.mean}] if averages else []
            cards.append(replace(shown, because=because))
    return cards


@require_safe
@sign_in_required
def my_taste(request: MemberRequest) -> HttpResponse:
    back = look_back(request.user)
    ratings, crowd = back.ratings, back.crowd
    if not ratings:
        return render(request, "cinema/taste.html", {"ratings": ratings})
    against = taste.against_the_crowd(ratings, N_AGAINST)
    viewer = Viewer.of(request.user)
    context = {
        "ratings": ratings,
        "years": year_in_review.years_with_ratings(ratings, timezone.get_current_timezone()),
        "mean": sum(rating.value for rating in ratings) / len(ratings),
        "values": own_beside_crowd(taste.counts_by_value(ratings), crowd.distribution() if crowd.is_shown else []),
        "level": taste.level(ratings),
        "genres": sided(taste.genre_tastes(ratings), _shrunken),
        "decades": sided(taste.decade_tastes(ratings), _shrunken),
        "shrinkage": taste.SHRINKAGE,
        "against": sided(against, _difference),
        "as_of": crowd.as_of,
        "map": viewer and _map(viewer, ratings),
        "group": viewer and _group(viewer),
        "version": viewer and viewer.live.label,
    }
    return render(request, "cinema/taste.html", context)


def _shrunken(group: taste.GroupTaste) -> float | None:
    return group.shrunken


def _difference(rating: OwnRating) -> float | None:
    return rating.difference


@dataclass(frozen=True, slots=True)
class _Map:
    plot: MapPlot
    drawn: TasteMap
    films: list[MapFilm]  # those that one loved first, then by how many people rated them
    toward: list[float] | None


def _map(viewer: Viewer, ratings: Sequence[OwnRating]) -> _Map | None:
    """The best known films and those that the person loved most, on the live version's map."""
    model = viewer.live.model
    drawn = taste_map(model)
    if drawn is None:
        return None
    mine = {rating.movie_id: rating for rating in ratings}
    loved = sorted(
        (rating for rating in ratings if rating.value >= RELEVANT), key=lambda one: (-one.value, -one.n_others)
    )
    rows = model.rows(np.array([rating.movie_id for rating in loved], dtype=np.int64))
    loved_rows = rows[rows >= 0][:N_LOVED]
    known = drawn.rows[~np.isin(drawn.rows, np.concatenate([loved_rows, viewer.rows(viewer.hidden)]))][:N_KNOWN]
    shown = np.concatenate([loved_rows, known])
    movie_ids = model.movie_ids[shown].tolist()
    titles = dict(Movie.objects.filter(pk__in=movie_ids).values_list("pk", "title"))
    films = [
        MapFilm(
            movie_id=movie_id,
            title=titles[movie_id],
            at=(float(at[0]), float(at[1])),
            rating=mine[movie_id].value if i < len(loved_rows) else None,
        )
        for i, (movie_id, at) in enumerate(zip(movie_ids, drawn.place(model, shown), strict=True))
        if movie_id in titles
    ]
    pointing = drawn.points_to(viewer.person) if viewer.is_known else None
    toward = None if pointing is None else [float(part) for part in pointing]
    return _Map(map_plot(films, toward), drawn, films, toward)


@dataclass(frozen=True, slots=True)
class _Group:
    words: GroupInWords
    films: list[Movie]


def _group(viewer: Viewer) -> _Group | None:
    words = group_in_words(viewer)
    if words is None or not (words.likes or words.dislikes or words.movie_ids):
        return None
    movies = Movie.objects.in_bulk(words.movie_ids)
    return _Group(words, [movies[pk] for pk in words.movie_ids if pk in movies])


@require_safe
@sign_in_required
def my_year(request: MemberRequest, year: int | None = None) -> HttpResponse:
    """The year given, else the latest in which something was rated, else this one."""
    zone = timezone.get_current_timezone()
    if year is not None and not 1 <= year <= 9999:
        raise Http404
    back = look_back(request.user)
    years = year_in_review.years_with_ratings(back.ratings, zone)
    this_year = timezone.localdate().year
    if year is None:
        year = years[0][0] if years else this_year
    reviewed = year_in_review.review(back.ratings, year, zone)
    context: dict[str, Any] = {"year": year, "years": years, "this_year": this_year, "review": reviewed}
    if reviewed is not None:
        context |= {
            "months": year_chart(year, reviewed.by_month),
            "best": [_own_card(rating) for rating in reviewed.best],
            "against": sided(reviewed.against, _difference),
        }
    return render(request, "cinema/year.html", context)


def _own_card(rating: OwnRating) -> Card:
    return Card(rating.movie_id, rating.title, rating.year, list(rating.genres), your_rating=rating.value)
