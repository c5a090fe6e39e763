"""Home: one's own list, the rails beneath it, and each rail alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cinema.cards import Card, card
from cinema.forms import DiscoveryForm, RailForm
from cinema.guards import MemberRequest, PageRequest, sign_in_required, wants_fragment
from cinema.models import Movie, Rating, User
from mlops.models import TrainingRun
from recommender.explain import placed_by
from recommender.own_list import own_list, viewer_of
from recommender.rails import Rail, home_rails, opened_rail
from recommender.recommend import MAX_N, Recommendation, recommend_for
from recommender.remembered import list_for
from recommender.served import HOME, note_films, note_list
from recommender.serving import live_model
from recommender.viewers import Viewer

RAIL_LENGTH = 20
QUICK_RATES = 12
WALL = 24
OPENED_PAGE_LENGTH = 40
# From this many ratings on, the list is taken for personal and stands above the films to rate.
SETTLED = 5


def _popular() -> QuerySet[Movie]:
    return Movie.objects.most_rated_first().prefetch_related("genres")


@require_safe
def home(request: PageRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        wall = [card(movie) for movie in _popular()[:WALL]]
        counts = {"movies": Movie.objects.count(), "ratings": Rating.objects.count()}
        return render(request, "cinema/welcome.html", {"wall": wall, "counts": counts})
    context = _lists(request.user)
    if wants_fragment(request):
        return render(request, "cinema/home.html#rails", context)
    context["discovery_form"] = DiscoveryForm.of(request.user)
    return render(request, "cinema/home.html", context)


def _to_rate(user: User) -> list[Movie]:
    """Well-known films for somebody who has hardly begun."""
    return list(_popular().exclude(ratings__user=user).exclude(pk__in=_hidden(user))[:QUICK_RATES])


def _hidden(user: User) -> QuerySet[Any]:
    return user.hidden_movies.order_by().values("movie_id")


@dataclass(frozen=True, slots=True)
class ShownRail:
    """A rail as the page has it."""

    key: str
    title: str
    hint: str
    cards: list[Card]

    @property
    def url(self) -> str:
        return reverse("cinema:rail", args=[self.key])

    @property
    def dom_id(self) -> str:
        return f"films-{self.key}".replace(" ", "-")


def _lists(user: User) -> dict[str, Any]:
    """What the lists for ``user`` show: the first film large, with its reason, the others as cards, then the rails."""
    viewer = Viewer.of(user)
    n_ratings = Rating.objects.of(user).count() if viewer is None else len(viewer.rated.movie_ids)
    to_rate = _to_rate(user) if n_ratings < SETTLED else []
    asked = [movie.pk for movie in to_rate]
    recommendations = (
        own_list(viewer, n=RAIL_LENGTH, exclude=asked) if viewer else recommend_for(user, n=RAIL_LENGTH, exclude=asked)
    )
    note_list(recommendations, HOME, user)
    cards = [_card(item) for item in recommendations.items]
    personal = not recommendations.fallback and n_ratings > 0
    # No film twice on one page.
    taken = [*asked, *(item.movie_id for item in recommendations.items)]
    rails = home_rails(viewer, taken=taken, today=timezone.localdate()) if viewer else []
    for rail in rails:
        note_films(user, rail.key, recommendations.model_version or "", [item.movie_id for item in rail.items])
    return {
        "recommendations": recommendations,
        "n_ratings": n_ratings,
        "to_rate": [(movie, card(movie)) for movie in to_rate],
        "personal": personal,
        "settled": n_ratings >= SETTLED,
        "first": cards[0] if personal and cards else None,
        "first_movie": Movie(pk=cards[0].movie_id, title=cards[0].title) if personal and cards else None,
        # The rated films that put it there.
        "first_because": placed_by(viewer_of(viewer, recommendations.items[0]), cards[0].movie_id)
        if viewer and personal and cards
        else [],
        "cards": cards[1:] if personal else cards,
        "rails": [_shown(rail) for rail in rails],
        "active_run": None if recommendations.model_version else TrainingRun.objects.active().first(),
    }


def _card(item: Recommendation) -> Card:
    return Card(item.movie_id, item.title, item.year, item.genres, item.predicted_rating, item.slot, hideable=True)


def _shown(rail: Rail) -> ShownRail:
    title, hint = _words(rail)
    cards = [
        Card(item.movie_id, item.title, item.year, item.genres, item.predicted_rating, hideable=True)
        for item in rail.items
    ]
    return ShownRail(rail.key, title, hint, cards)


def _words(rail: Rail) -> tuple[str, str]:
    """A rail's title, and what kind of films it holds."""
    match rail.kind:
        case "because":
            return (
                gettext("Because you rated %(title)s") % {"title": rail.subject},
                gettext("The most alike first, none that you should like less than an average film."),
            )
        case "discovery":
            return gettext("Discoveries"), gettext("Films that hardly anybody is shown, and that suit you best of all.")
        case "popular":
            return gettext("Popular now"), gettext("What most people rated lately, without what you know already.")
        case "gems":
            return gettext("Hidden gems"), gettext("Few have rated these, and you will like them almost for sure.")
        case "genre":
            return (
                gettext("%(genre)s for you") % {"genre": rail.subject},
                gettext("A genre that you rate higher than others."),
            )


@require_safe
@sign_in_required
def rail(request: MemberRequest, key: str) -> HttpResponse:
    """One rail alone: all of it, by genre and decade."""
    form = RailForm(request.GET)
    filters = form.filters()
    if key == "for-you":
        items = list_for(request.user, n=MAX_N, filters=filters).items
        shown = ShownRail(
            key, gettext("For you"), gettext("Your list, as far as it goes."), [_card(item) for item in items]
        )
    else:
        viewer = Viewer.of(request.user)
        found = opened_rail(viewer, key, filters) if viewer else None
        if found is None:
            raise Http404
        shown = _shown(found)
    page = Paginator(shown.cards, OPENED_PAGE_LENGTH).get_page(request.GET.get("page"))
    live = live_model()
    note_films(request.user, key, live.label if live else "", [one.movie_id for one in page.object_list])
    query = request.GET.copy()
    query.pop("page", None)
    context = {"rail": shown, "form": form, "page": page, "cards": page.object_list, "query": query.urlencode()}
    template = "cinema/rail.html#results" if wants_fragment(request) else "cinema/rail.html"
    return render(request, template, context)
