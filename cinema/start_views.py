"""A new viewer's first minutes: groups of films to pick, films to rate one after the other, the first list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from cinema import onboarding, throttling
from cinema.cards import Card, card
from cinema.guards import MemberRequest, sign_in_required, too_many, wants_fragment
from cinema.models import Movie
from cinema.ratings import rate_movie, unrate_movie
from cinema.start_forms import AnswerForm, PicksForm
from recommender.onboarding import ANSWERS, Interview, groups
from recommender.remembered import list_for
from recommender.served import START, note_list

LIST_LENGTH = 10


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def start(request: MemberRequest) -> HttpResponse:
    """The groups. Whoever has begun goes on where they were, unless they ask for the groups again."""
    if request.method == "POST":
        offered = groups()
        form = PicksForm(request.POST, offered)
        if not form.is_valid():
            return _groups_page(request, offered, error=str(form.errors["groups"][0]), status=422)
        onboarding.pick_films(user=request.user, movie_ids=form.movie_ids)
        return redirect("cinema:start-rate")
    interview = Interview.of(request.user)
    if interview.has_begun and "groups" not in request.GET:
        return redirect("cinema:start-rate")
    if not (offered := interview.groups()):  # no version yet, or one of too few films
        return redirect("cinema:start-rate")
    return _groups_page(request, offered)


def _groups_page(request: MemberRequest, offered: list[Any], *, error: str = "", status: int = 200) -> HttpResponse:
    shown = [(group, [card(movie) for movie in group.examples]) for group in offered]
    return render(request, "cinema/start.html", {"groups": shown, "error": error}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def start_rate(request: MemberRequest) -> HttpResponse:
    """One film to rate. htmx gets the next one back; a plain form is sent on to it."""
    if request.method == "POST":
        return _answer(request)
    after = request.GET.get("after", "")
    last = Movie.objects.filter(pk=after).first() if after.isdecimal() and len(after) < 19 else None
    return _question(request, last=last)


def _answer(request: MemberRequest) -> HttpResponse:
    if not (verdict := throttling.allow("rating", str(request.user.pk))).allowed:
        if not wants_fragment(request):
            return too_many(request, verdict, detail=_("That were many ratings in one minute."))
        error = _("That were many ratings in one minute. Try again in %(n)s seconds.") % {"n": verdict.retry_after}
        response = _question(request, error=error, status=429)
        response["Retry-After"] = str(verdict.retry_after)
        return response
    form = AnswerForm(request.POST)
    if not form.is_valid():
        return _question(request, error=str(next(iter(form.errors.values()))[0]), status=422)
    user, said = request.user, form.cleaned_data
    movie = get_object_or_404(Movie, pk=said["movie"])
    if said["undo"]:
        unrate_movie(user=user, movie=movie)
        onboarding.take_back_unseen(user=user, movie=movie)
        return _next(request, movie)
    if said["unseen"]:
        onboarding.say_unseen(user=user, movie=movie)
        return _next(request, movie)
    created = rate_movie(user=user, movie=movie, value=said["value"]).created
    return _next(request, movie, is_new_rating=created)


def _next(request: MemberRequest, movie: Movie, *, is_new_rating: bool = False) -> HttpResponse:
    """After an answer about ``movie``: the first list if this made it, else the next question."""
    interview = Interview.of(request.user)
    if is_new_rating and interview.was_said_unseen(movie):  # they have seen it after all
        onboarding.take_back_unseen(user=request.user, movie=movie)
    if is_new_rating and interview.n_answers == ANSWERS:
        onboarding.finish(user=request.user)
        address = reverse("cinema:start-list")
        return HttpResponseClientRedirect(address) if wants_fragment(request) else redirect(address)
    if wants_fragment(request):
        return _question(request, interview, last=movie, is_reply=True)
    query = urlencode({"after": movie.pk})
    return redirect(f"{reverse('cinema:start-rate')}?{query}")


def _question(
    request: MemberRequest,
    interview: Interview | None = None,
    *,
    last: Movie | None = None,
    error: str = "",
    is_reply: bool = False,
    status: int = 200,
) -> HttpResponse:
    """``last``: the film of which something was said just now. One whose answer was taken back is asked about again."""
    interview = interview or Interview.of(request.user)
    answered = last is not None and interview.has_answered(last)
    movie = last if last and interview.may_ask(last) else interview.question()
    context = {
        "interview": interview,
        "movie": movie,
        "card": card(movie) if movie else None,
        "done": _done(interview, last) if last else "",
        "last": last if answered else None,
        "error": error,
        "is_reply": is_reply or bool(error),
        **_progress(interview),
    }
    template = "cinema/start_rate.html#question" if wants_fragment(request) else "cinema/start_rate.html"
    return render(request, template, context, status=status)


def _done(interview: Interview, movie: Movie) -> str:
    """What the person's last answer was, in words."""
    value = interview.value_of(movie)
    names = {"title": movie.title, "value": "" if value is None else f"{value:g}"}
    if value is not None:
        return ngettext("%(title)s: %(value)s star.", "%(title)s: %(value)s stars.", 1 if value == 1 else 2) % names
    return (_("%(title)s: not seen.") if interview.has_answered(movie) else _("%(title)s: taken back.")) % names


def _progress(interview: Interview) -> dict[str, Any]:
    known = interview.known
    return {
        "known": known,
        "known_in_words": None if known is None else _known_in_words(known),
        "steps": [number < interview.n_answers for number in range(ANSWERS)],
        "n_answers": interview.n_answers,
        "n_wanted": ANSWERS,
    }


def _known_in_words(known: float) -> str:
    for below, words in (
        (0.05, _("We have only just met.")),
        (0.3, _("A first idea of you.")),
        (0.45, _("Your taste begins to show.")),
        (0.65, _("Enough for a list of your own.")),
        (0.85, _("We know you well.")),
    ):
        if known < below:
            return words
    return _("We know you very well.")


@require_POST
@sign_in_required
def start_skip(request: MemberRequest) -> HttpResponse:
    onboarding.skip(user=request.user)
    messages.info(request, _("Skipped. You can go on whenever you like, from here."))
    return redirect("cinema:home")


@require_safe
@sign_in_required
def start_list(request: MemberRequest) -> HttpResponse:
    """The first list, the same that home shows."""
    interview = Interview.of(request.user)
    if not interview.has_list:
        return redirect("cinema:start-rate")
    recommendations = list_for(request.user, n=LIST_LENGTH)
    note_list(recommendations, START, request.user)
    cards = [
        Card(item.movie_id, item.title, item.year, item.genres, item.predicted_rating, item.slot)
        for item in recommendations.items
    ]
    context = {"cards": cards, "recommendations": recommendations, **_progress(interview)}
    return render(request, "cinema/start_list.html", context)
