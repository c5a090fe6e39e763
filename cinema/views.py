"""Films, one film, ratings, posters."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from cinema import throttling, undo
from cinema.breakdown import Breakdown, confidence_in_words
from cinema.cards import Card, card, ratings_of
from cinema.distribution import distribution
from cinema.forms import DiscoveryForm, RatingForm, RatingsForm, SearchForm
from cinema.guards import MemberRequest, PageRequest, local_next, sign_in_required, too_many, wants_fragment
from cinema.models import HiddenMovie, Movie, MovieArt, Rating, User
from cinema.moment_words import added_by_cell
from cinema.posters import poster_digest, poster_svg
from cinema.receipts import Receipt, rate_with_receipt, restore_with_receipt, unrate_with_receipt
from cinema.tmdb import art_path, content_type
from cinema.what_if import what_if
from recommender.explain import NoExplanation, explain_for
from recommender.served import note_act
from recommender.similar import similar_movies

RAIL_LENGTH = 20
PAGE_LENGTH = 36
RATINGS_PAGE_LENGTH = 25


@require_safe
def movies(request: PageRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    found = Movie.objects.none()
    if form.is_valid():
        wanted = form.cleaned_data
        found = Movie.objects.matching(
            search=wanted["search"],
            genre=wanted["genre"],
            year_min=wanted["year_min"],
            year_max=wanted["year_max"],
        ).with_kept_rating_counts()
        if wanted["unseen"] and isinstance(request.user, User):
            found = found.exclude(ratings__user=request.user)
            found = found.exclude(pk__in=request.user.hidden_movies.order_by().values("movie_id"))
        found = found.order_by(*SearchForm.ORDERS[wanted["sort"] or "popular"]).prefetch_related("genres")
    page = Paginator(found, PAGE_LENGTH).get_page(request.GET.get("page"))
    shown: list[Any] = list(page.object_list)
    yours = ratings_of(request.user, shown) if isinstance(request.user, User) else {}
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": page,
        "cards": [card(movie, n_ratings=movie.n_ratings, your_rating=yours.get(movie.pk)) for movie in shown],
        "query": query.urlencode(),
    }
    template = "cinema/movies.html#results" if wants_fragment(request) else "cinema/movies.html"
    return render(request, template, context)


@require_safe
def movie(request: PageRequest, movie_id: int) -> HttpResponse:
    movies = Movie.objects.prefetch_related("genres")
    if isinstance(request.user, User):
        movies = movies.with_rating_by(request.user).with_shelves_of(request.user)
    if settings.TMDB_API_KEY:
        movies = movies.select_related("art")
    movie = get_object_or_404(movies, pk=movie_id)
    art: MovieArt | None = getattr(movie, "art", None) if settings.TMDB_API_KEY else None
    summary = movie.rating_summary()
    yours = movie.your_rating if isinstance(request.user, User) else None
    context: dict[str, Any] = {
        "movie": movie,
        "card": card(movie),
        "overview": art.overview if art else "",
        "summary": summary,
        "distribution": distribution(summary["distribution"], yours) if summary["distribution"] else [],
        "similar": [
            Card(
                film.movie_id,
                film.title,
                film.year,
                film.genres,
                because=[reason["description"] for reason in film.reasons],
            )
            for film in similar_movies(movie, n=RAIL_LENGTH).items
        ],
    }
    if isinstance(request.user, User):
        if request.method == "GET":
            note_act(request.user, movie, "opened")
        reasons = HiddenMovie.Reason.choices
        context |= {"value": movie.your_rating, "next": request.get_full_path(), "reasons": reasons}
        try:
            explanation = explain_for(request.user, movie, all_contributions=True)
        except NoExplanation:
            pass
        else:
            context |= {
                "explanation": explanation,
                "what_if": what_if(explanation),
                "breakdown": Breakdown.of(explanation),
                "confidence": confidence_in_words(explanation["confidence"]),
                "moments": added_by_cell(explanation["order"]["moment"]),
            }
    return render(request, "cinema/movie.html", context)


def _value(user: User, movie: Movie) -> float | None:
    return Rating.objects.of(user).filter(movie=movie).values_list("value", flat=True).first()


@require_POST
@sign_in_required
def rate(request: MemberRequest, movie_id: int) -> HttpResponse:
    """Keeps or removes a rating. htmx gets the stars back with the receipt; a plain form is sent back where it was."""
    movie = get_object_or_404(Movie, pk=movie_id)
    back = local_next(request, movie.get_absolute_url())
    if not (verdict := throttling.allow("rating", str(request.user.pk))).allowed:
        if not wants_fragment(request):
            return too_many(request, verdict, detail=gettext("That were many ratings in one minute."))
        error = gettext("That were many ratings in one minute. Try again in %(n)s seconds.")
        error %= {"n": verdict.retry_after}
        response = _stars(request, movie, back, _value(request.user, movie), error=error, status=429)
        response["Retry-After"] = str(verdict.retry_after)
        return response

    form = RatingForm(request.POST)
    if not form.is_valid():
        error = gettext("Choose half a star to five stars.")
        if wants_fragment(request):
            return _stars(request, movie, back, _value(request.user, movie), error=error, status=422)
        messages.error(request, error)
        return redirect(back)

    before = undo.Before.of(request.user, movie)
    if word := form.cleaned_data["undo"]:
        earlier = undo.read(request.user, movie, word)
        if earlier is None:
            error = gettext("That can no longer be taken back.")
            if wants_fragment(request):
                return _stars(request, movie, back, before.value, error=error, status=422)
            messages.error(request, error)
            return redirect(back)
        receipt = restore_with_receipt(user=request.user, movie=movie, before=earlier)
        done = gettext("Your rating of %(title)s is as it was.") % {"title": movie.title}
    elif form.cleaned_data["unrate"]:
        receipt = unrate_with_receipt(user=request.user, movie=movie)
        done = gettext("Your rating of %(title)s is removed.") % {"title": movie.title}
    else:
        receipt = rate_with_receipt(user=request.user, movie=movie, value=form.cleaned_data["value"])
        done = gettext("You gave %(title)s %(stars).1f stars.") % {
            "title": movie.title,
            "stars": form.cleaned_data["value"],
        }
    value = receipt.rating.value if receipt.rating else None
    word = "" if form.cleaned_data["undo"] or before.value == value else undo.token(request.user, movie, before)
    if wants_fragment(request):
        response = _stars(request, movie, back, value, receipt=receipt, done=done, undo_word=word)
        return trigger_client_event(response, "rating-saved")
    learned = gettext("Learned in %(time)s.") % {"time": f"{receipt.learned_in_ms:.0f} ms"}
    text = f"{done} {learned}"
    if word:
        address = f"{reverse('cinema:undo-rating', args=[movie.pk])}?{urlencode({'word': word, 'next': back})}"
        text = format_html('{} <a href="{}">{}</a>', text, address, gettext("Undo"))
    messages.success(request, text)
    return redirect(back)


@require_safe
@sign_in_required
def undo_rating(request: MemberRequest, movie_id: int) -> HttpResponse:
    """Without JavaScript: asks once, for a link may not change anything."""
    movie = get_object_or_404(Movie, pk=movie_id)
    word = request.GET.get("word", "")
    if undo.read(request.user, movie, word) is None:
        messages.error(request, gettext("That can no longer be taken back."))
        return redirect(movie)
    context = {"movie": movie, "word": word, "next": local_next(request, movie.get_absolute_url())}
    return render(request, "cinema/undo_rating.html", context)


def _stars(
    request: HttpRequest,
    movie: Movie,
    back: str,
    value: float | None,
    *,
    receipt: Receipt | None = None,
    done: str = "",
    error: str = "",
    undo_word: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "movie": movie,
        "undo_word": undo_word,
        "next": back,
        "value": value,
        "receipt": receipt,
        # That the rated film itself leaves the list goes without saying.
        "left": [film for film in receipt.left if film["movie_id"] != movie.pk] if receipt else [],
        "done": done,
        "rating_error": error,
        "is_reply": True,
    }
    return render(request, "cinema/_rating.html", context, status=status)


@require_safe
@sign_in_required
def my_ratings(request: MemberRequest) -> HttpResponse:
    orders = {
        "time": ("-rated_at", "-pk"),
        "value": ("-value", "-rated_at", "-pk"),
        "title": ("movie__title", "pk"),
    }
    sort = request.GET.get("sort", "time")
    if sort not in orders:
        raise Http404
    form = RatingsForm(request.GET)
    ratings = form.narrow(Rating.objects.of(request.user)).order_by(*orders[sort])
    query = request.GET.copy()
    query.pop("page", None)
    chosen = query.copy()
    chosen.pop("sort", None)
    ratings = ratings.select_related("movie").prefetch_related("movie__genres")
    page = Paginator(ratings, RATINGS_PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(rating, card(rating.movie)) for rating in page.object_list],
        "sort": sort,
        "sorts": {
            "time": gettext("Latest first"),
            "value": gettext("Best first"),
            "title": gettext("By title"),
        },
        "query": query.urlencode(),
        "form": form,
        "chosen": chosen.urlencode(),  # the filters alone, for the links that sort
        "filtered": any(chosen.values()),
        "discovery_form": DiscoveryForm.of(request.user),
        "next": request.get_full_path(),
    }
    return render(request, "cinema/my_ratings.html", context)


@require_safe
def poster(request: HttpRequest, movie_id: int, digest: str) -> HttpResponse:
    movie = get_object_or_404(Movie.objects.prefetch_related("genres"), pk=movie_id)
    genres = [genre.name for genre in movie.genres.all()]
    current = poster_digest(movie.title, movie.year, genres)
    if digest != current:
        # An address from before the title was edited. Not cached, unlike what it leads to.
        return redirect(reverse("cinema:poster", args=[movie.pk, current]))
    etag = f'"{current}"'
    response: HttpResponse
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(poster_svg(movie.title, movie.year, genres), content_type="image/svg+xml")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@require_safe
def art(request: HttpRequest, digest: str) -> HttpResponse:
    """A real poster that the background job has kept."""
    try:
        picture = art_path(digest).read_bytes()
    except FileNotFoundError as error:
        raise Http404 from error
    response = HttpResponse(picture, content_type=content_type(picture))
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for it on pages that do not name one."""
    return redirect(static("img/favicon.svg"))
