"""What if one had rated otherwise: ratings to play with, and the list that follows. Nothing is written until one says
so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import replace_url

from cinema import throttling
from cinema.guards import MemberRequest, sign_in_required, too_many, wants_fragment
from cinema.list_moves import moves
from cinema.models import RATING_VALUES, Movie, Rating, User
from cinema.rating_changes import MAX_CHANGES, UNRATED, RatingChanges, as_query, as_text
from cinema.receipts import change_with_receipt
from recommender.hypothetical import with_ratings
from recommender.new_films import new_films
from recommender.recommend import recommend_to
from recommender.viewers import Viewer

PAGE_LENGTH = 20
# Films not yet rated that a search offers.
MAX_FOUND = 8
_MAX_SEARCH = 200
_RECEIPT = "what_if_receipt"


@dataclass(frozen=True, slots=True)
class FilmChoice:
    """A film with its present rating and the one that is tried on it."""

    movie: Movie
    present: float | None
    chosen: str  # as the form sends it; "" leaves it as it is

    @property
    def options(self) -> list[tuple[str, str]]:
        """Values and what they are called."""
        as_it_is = _("%(stars).1f, as it is") % {"stars": self.present} if self.present else _("not rated")
        stars = [(as_text(value), as_text(value)) for value in RATING_VALUES if value != self.present]
        return [("", as_it_is), *stars, *([(UNRATED, _("take it back"))] if self.present else [])]


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def what_if(request: MemberRequest) -> HttpResponse:
    """GET shows the list with other ratings and writes nothing; POST writes them."""
    if request.method == "POST":
        return _apply(request)
    asked = RatingChanges.of(request.GET)
    search = request.GET.get("search", "")[:_MAX_SEARCH].replace("\x00", "")
    page = request.GET.get("page", "")
    fragment = wants_fragment(request)
    address = f"{reverse('cinema:what-if')}?{as_query(asked.stars, search=search, page=page)}".rstrip("?")
    if asked.unclean and not fragment:
        return redirect(address)  # a form sends every film; an address holds those that are changed
    viewer = Viewer.of(request.user)
    if viewer is None:
        return render(request, "cinema/what_if.html", {"no_model": True})
    present = dict(zip(viewer.rated.movie_ids.tolist(), viewer.rated.values.tolist(), strict=True))
    changes = asked.against(present)
    context: dict[str, Any] = {"asked": asked, "changes": changes, "max_changes": MAX_CHANGES, "search": search}
    if not fragment or request.htmx.target != "what-if-films":
        context |= _moved(viewer, changes)
    if not fragment or request.htmx.target != "what-if-moves":
        context |= _films(request.user, changes, present, search, page)
    if not fragment:
        context["receipt"] = request.session.pop(_RECEIPT, None)
        return render(request, "cinema/what_if.html", context)
    part = "films" if request.htmx.target == "what-if-films" else "moves"
    response = render(request, f"cinema/what_if.html#{part}", context | {"is_reply": True})
    return replace_url(response, address)


def _moved(viewer: Viewer, changes: dict[int, float | None]) -> dict[str, Any]:
    new = new_films(viewer.live)
    before = recommend_to(viewer, new=new)
    supposed = with_ratings(viewer, changes) if changes else viewer
    after = recommend_to(supposed, new=new) if changes else before
    moved = moves(viewer, supposed, before.items, after.items)
    n_new, n_moved = (sum(move.kind in kinds for move in moved) for kinds in (("new",), ("up", "down")))
    return {
        "moves": [move for move in moved if move.after is not None],
        "gone": [move for move in moved if move.after is None],
        "summary": _summary(len(changes), n_new, n_moved),
    }


def _summary(n_changes: int, n_new: int, n_moved: int) -> str:
    if not n_changes:
        return _("This is your list as it is.")
    if not n_new and not n_moved:
        return _("The list keeps its films and their places.")
    new = ngettext("%(n)d film is new", "%(n)d films are new", n_new) % {"n": n_new}
    moved = ngettext("%(n)d moves", "%(n)d move", n_moved) % {"n": n_moved}
    return _("%(new)s, %(moved)s.") % {"new": new, "moved": moved}


def _films(
    user: User, changes: dict[int, float | None], present: dict[int, float], search: str, number: str
) -> dict[str, Any]:
    """The films to change: those that are changed, then a page of the rated ones, then unrated ones that were found."""
    changed = Movie.objects.in_bulk(list(changes))
    rated = Movie.objects.matching(search=search).filter(ratings__user=user).exclude(pk__in=list(changes))
    page = Paginator(rated.order_by("-ratings__rated_at", "-ratings__pk"), PAGE_LENGTH).get_page(number)
    found: list[Movie] = []
    if search.strip():
        others = Movie.objects.matching(search=search).exclude(ratings__user=user).exclude(pk__in=list(changes))
        found = list(others.most_rated_first()[:MAX_FOUND])
    return {
        "changed": [FilmChoice(film, present.get(pk), as_text(changes[pk])) for pk, film in sorted(changed.items())],
        "rated": [FilmChoice(film, present.get(film.pk), "") for film in page.object_list],
        "found": [FilmChoice(film, None, "") for film in found],
        "page": page,
    }


def _apply(request: MemberRequest) -> HttpResponse:
    """Writes the changes, and keeps what is needed to take them back."""
    asked = RatingChanges.of(request.POST)
    address = reverse("cinema:what-if")
    if asked.malformed or asked.too_many:
        return redirect(f"{address}?{as_query(asked.stars)}")
    ratings = Rating.objects.of(request.user).filter(movie__in=list(asked.stars))
    present = dict(ratings.values_list("movie", "value"))
    films = Movie.objects.in_bulk(list(asked.stars))
    changes = {pk: value for pk, value in asked.against(present).items() if pk in films}
    if not changes:
        return redirect(address)
    if not (verdict := throttling.allow("rating", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=_("That were many ratings in one minute."))
    receipt = change_with_receipt(user=request.user, changes={films[pk]: value for pk, value in changes.items()})
    request.session[_RECEIPT] = {
        **receipt.as_dict(),
        "n": len(changes),
        "undo": {str(pk): as_text(present.get(pk)) for pk in changes},
    }
    return redirect(address)
