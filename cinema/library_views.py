"""A film on somebody's shelves, the shelves themselves, and what they do not want to be shown."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from cinema.cards import card, ratings_of
from cinema.guards import MemberRequest, local_next, sign_in_required, wants_fragment
from cinema.library import hide_movie, put_on_shelf, take_off_shelf, unhide_movie
from cinema.models import HiddenMovie, Movie, ShelfEntry
from recommender.recommend import MAX_N, predict_for
from recommender.remembered import list_for
from recommender.served import note_act

PAGE_LENGTH = 36
Shelf = ShelfEntry.Shelf
_WORDS = {
    Shelf.WATCHLIST: (
        gettext_lazy("%(title)s is on your watchlist."),
        gettext_lazy("%(title)s is off your watchlist."),
    ),
    Shelf.FAVOURITES: (
        gettext_lazy("%(title)s is one of your favourites."),
        gettext_lazy("%(title)s is none of your favourites any more."),
    ),
}
_EMPTY = {
    Shelf.WATCHLIST: gettext_lazy("Put films here from their pages, for an evening to come."),
    Shelf.FAVOURITES: gettext_lazy("Mark the films that you would show to anybody, from their pages."),
}


@require_POST
@sign_in_required
def shelve(request: MemberRequest, movie_id: int, shelf: str) -> HttpResponse:
    """Puts a film on a shelf, or takes it off (``off`` in the form)."""
    movie, where = get_object_or_404(Movie, pk=movie_id), Shelf(shelf)
    off = bool(request.POST.get("off"))
    (take_off_shelf if off else put_on_shelf)(user=request.user, movie=movie, shelf=where)
    if where is Shelf.WATCHLIST and not off:
        note_act(request.user, movie, "listed")
    return _answer(request, movie, _WORDS[where][off] % {"title": movie.title})


@require_POST
@sign_in_required
def hide(request: MemberRequest, movie_id: int) -> HttpResponse:
    """No list holds the film any more. A list's own button gets a notice with an Undo, the film's page its buttons."""
    movie = get_object_or_404(Movie, pk=movie_id)
    reason = request.POST.get("reason", "")
    if reason not in HiddenMovie.Reason.values:
        reason = HiddenMovie.Reason.FILM
    hide_movie(user=request.user, movie=movie, reason=reason)
    note_act(request.user, movie, "hidden")
    done = gettext("%(title)s is not shown to you any more.") % {"title": movie.title}
    return trigger_client_event(_answer(request, movie, done, undo="hide"), "hidden-changed", after="settle")


@require_POST
@sign_in_required
def unhide(request: MemberRequest, movie_id: int) -> HttpResponse:
    movie = get_object_or_404(Movie, pk=movie_id)
    unhide_movie(user=request.user, movie=movie)
    done = gettext("%(title)s may be shown to you again.") % {"title": movie.title}
    return trigger_client_event(_answer(request, movie, done), "hidden-changed", after="settle")


def _answer(request: MemberRequest, movie: Movie, done: str, *, undo: str = "") -> HttpResponse:
    back = local_next(request, movie.get_absolute_url())
    if not wants_fragment(request):
        messages.success(request, done)
        return redirect(back)
    if request.htmx.target == "undo":
        return render(request, "cinema/_undo.html", {"movie": movie, "done": done, "undo": undo, "next": back})
    shown = Movie.objects.with_shelves_of(request.user).get(pk=movie.pk)
    context = {"movie": shown, "next": back, "done": done, "reasons": HiddenMovie.Reason.choices}
    return render(request, "cinema/_shelves.html", context)


@require_safe
@sign_in_required
def shelf(request: MemberRequest, shelf: str) -> HttpResponse:
    """A shelf, the latest first or what we think best first."""
    where = Shelf(shelf)
    entries = ShelfEntry.objects.filter(user=request.user, shelf=where).order_by("-added_at", "-pk")
    movies = [entry.movie for entry in entries.select_related("movie").prefetch_related("movie__genres")]
    predicted = predict_for(request.user, movies) if movies else {}
    sort = "best" if request.GET.get("sort") == "best" else "added"
    if sort == "best":
        movies.sort(key=lambda movie: -predicted.get(movie.pk, 0.0))
    page = Paginator(movies, PAGE_LENGTH).get_page(request.GET.get("page"))
    yours = ratings_of(request.user, page.object_list)
    cards = [
        card(movie, predicted_rating=predicted.get(movie.pk), your_rating=yours.get(movie.pk))
        for movie in page.object_list
    ]
    context: dict[str, Any] = {
        "shelf": where,
        "title": where.label,
        "empty": _EMPTY[where],
        "page": page,
        "cards": cards,
        "sort": sort,
        "query": f"sort={sort}",
    }
    return render(request, "cinema/shelf.html", context)


@require_safe
@sign_in_required
def hidden(request: MemberRequest) -> HttpResponse:
    """What somebody does not want to be shown, to take it back."""
    rows = HiddenMovie.objects.of(request.user).select_related("movie").prefetch_related("movie__genres")
    page = Paginator(rows, PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [(row, card(row.movie)) for row in page.object_list]}
    return render(request, "cinema/hidden.html", context)


@require_safe
@sign_in_required
def surprise(request: MemberRequest) -> HttpResponse:
    """Some film of the best hundred, the better the likelier."""
    items = list_for(request.user, n=MAX_N).items
    if not items:
        messages.info(request, gettext("There is nothing left to surprise you with."))
        return redirect("cinema:home")
    weights = [1.0 / (item.rank + 5) for item in items]
    chosen = secrets.SystemRandom().choices(items, weights)[0]
    return redirect("cinema:movie", chosen.movie_id)
