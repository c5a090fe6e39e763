"""Movie nights. Only participants see a room; for everybody else there is none, whatever they ask for.

An account is known by its session. A guest is known by a signed cookie of their own for each room.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from cinema import nights as writes
from cinema import throttling
from cinema.cards import Card
from cinema.guards import MemberRequest, PageRequest, sign_in_required, too_many, wants_fragment
from cinema.models import (
    MAX_NAME_LENGTH,
    MAX_PARTICIPANTS,
    NIGHT_LIFETIME,
    VETOES_EACH,
    Movie,
    Night,
    NightParticipant,
    NightRating,
    User,
)
from cinema.night_forms import (
    MAX_ID,
    GuestRatingsForm,
    NightCodeForm,
    NightMovieForm,
    NightNameForm,
    NightParticipantForm,
    NightSeenForm,
)
from recommender.catalogue import CatalogueFilm
from recommender.nights import films_to_ask, room_of, stamp_of

FILMS_TO_ASK = 10
MAX_PAGES_TO_ASK = 5
# From this many ratings on, a guest's list is taken for personal.
ENOUGH_RATINGS = 5

Inside = Callable[..., HttpResponse]


def _cookie(night_id: int) -> str:
    return f"night-{night_id}"


def _salt(night_id: int) -> str:
    return f"cinema.night.{night_id}"


def _participant(request: PageRequest, night_id: int) -> NightParticipant | None:
    """Who asks, if they are in that room and it is open; an account goes before a guest's cookie."""
    key = request.get_signed_cookie(
        _cookie(night_id), default="", salt=_salt(night_id), max_age=int(NIGHT_LIFETIME.total_seconds())
    )
    who = Q(pk=None)
    if key:
        who |= Q(guest_key=key, user=None)
    if isinstance(request.user, User):
        who |= Q(user=request.user)
    if len(who) == 1 or night_id > MAX_ID:
        return None
    inside = NightParticipant.objects.filter(who, night_id=night_id, night__expires_at__gt=timezone.now())
    return inside.select_related("night").order_by("guest_key").first()


def participants_only(view: Inside) -> Inside:
    """Passes the participant on as ``me``. Everybody else gets 404: the same for a room that is closed, one that they
    are not in and one that never was. A page that htmx keeps current is sent away, or it would ask for ever."""

    @wraps(view)
    def guarded(request: PageRequest, night_id: int, **kwargs: Any) -> HttpResponse:
        me = _participant(request, night_id)
        if me is None:
            writes.delete_expired_nights()
            return _no_room(request)
        if request.method == "POST":
            verdict = throttling.allow("night", str(me.pk))
            if not verdict.allowed:
                detail = _("Those were many changes in one minute.")
                if not wants_fragment(request):
                    return too_many(request, verdict, detail=detail)
                slower = _room(request, me, error=detail, status=429)
                slower["Retry-After"] = str(verdict.retry_after)
                return slower
        try:
            return view(request, me, **kwargs)
        except (Night.DoesNotExist, NightParticipant.DoesNotExist):  # closed or removed in this very moment
            return _no_room(request)

    return guarded


def _no_room(request: PageRequest) -> HttpResponse:
    if not request.htmx:
        raise Http404
    messages.info(request, _("That room is closed, or you are not in it."))
    response = HttpResponseClientRedirect(reverse("cinema:nights"))
    response.status_code = 404
    return response


def host_only(view: Inside) -> Inside:
    @wraps(view)
    def guarded(request: PageRequest, me: NightParticipant, **kwargs: Any) -> HttpResponse:
        if not _is_host(me):
            raise Http404
        return view(request, me, **kwargs)

    return participants_only(guarded)


def _is_host(me: NightParticipant) -> bool:
    return me.user_id is not None and me.user_id == me.night.host_id


# Doors


@require_safe
def nights(request: PageRequest) -> HttpResponse:
    writes.delete_expired_nights()
    return _doors(request)


def _doors(
    request: PageRequest,
    *,
    opening: NightNameForm | None = None,
    coming: NightCodeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "opening": opening or _name_form(request),
        "coming": coming or NightCodeForm(),
        "max_participants": MAX_PARTICIPANTS,
    }
    if isinstance(request.user, User):
        mine = Night.objects.open().filter(participants__user=request.user)
        context["rooms"] = mine.select_related("host").prefetch_related("participants")
    return render(request, "cinema/nights.html", context, status=status)


def _name_form(request: PageRequest) -> NightNameForm:
    return NightNameForm(initial={"name": request.user.get_username()[:MAX_NAME_LENGTH]})


@require_POST
@sign_in_required
def open_room(request: MemberRequest) -> HttpResponse:
    if not (verdict := throttling.allow("night-door", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=_("You opened many rooms in one minute."))
    form = NightNameForm(request.POST)
    if form.is_valid():
        try:
            night = writes.open_night(host=request.user, name=form.cleaned_data["name"])
        except writes.TooManyNights:
            form.add_error(None, _("You have as many rooms open as one account may have. Close one first."))
        else:
            return redirect("cinema:night", night.pk)
    return _doors(request, opening=form, status=422)


@require_POST
def code(request: PageRequest) -> HttpResponse:
    """Leads from a room's short code to its link. A wrong code and that of a closed room answer the same."""
    if not (verdict := throttling.allow("night-code", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail=_("Those were many codes in one minute."))
    writes.delete_expired_nights()
    form = NightCodeForm(request.POST)
    if form.is_valid():
        token = Night.objects.open().filter(code=form.cleaned_data["code"]).values_list("token", flat=True).first()
        if token is not None:
            return redirect("cinema:night-join", token)
        form.add_error("code", _("No open room has this code. Ask the host, and mind letters that look alike."))
    return _doors(request, coming=form, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: PageRequest, token: str) -> HttpResponse:
    """The only page of a room that others see: who invites, and what the room will know of them."""
    night = Night.objects.open().filter(token=token).select_related("host").first()
    if night is None:
        writes.delete_expired_nights()
        raise Http404
    if _participant(request, night.pk) is not None:
        return redirect("cinema:night", night.pk)
    user = request.user if isinstance(request.user, User) else None
    if request.method != "POST":
        return _join_page(request, night, _name_form(request))
    if not (verdict := throttling.allow("night-door", throttling.client_address(request.META))).allowed:
        return too_many(request, verdict, detail=_("Too many came through this door in one minute."))
    form = NightNameForm(request.POST)
    if not form.is_valid():
        return _join_page(request, night, form, status=422)
    try:
        me = writes.join_night(night=night, name=form.cleaned_data["name"], user=user)
    except Night.DoesNotExist:
        raise Http404 from None
    except writes.NameTaken:
        form.add_error("name", _("Somebody in the room has this name. Choose another one."))
    except writes.NightFull:
        form.add_error(None, _("The room is full. Ask the host."))
    else:
        if not me.is_guest:
            return redirect("cinema:night", night.pk)
        response = redirect("cinema:night-ratings", night.pk)
        _remember(response, me)
        return response
    return _join_page(request, night, form, status=422)


def _join_page(request: PageRequest, night: Night, form: NightNameForm, *, status: int = 200) -> HttpResponse:
    context = {"night": night, "form": form, "host_name": _host_name(night)}
    return render(request, "cinema/night_join.html", context, status=status)


def _host_name(night: Night) -> str:
    name = NightParticipant.objects.filter(night=night, user_id=night.host_id).values_list("name", flat=True).first()
    return name or ""


def _remember(response: HttpResponse, guest: NightParticipant) -> None:
    response.set_signed_cookie(
        _cookie(guest.night_id),
        guest.guest_key,
        salt=_salt(guest.night_id),
        expires=guest.night.expires_at,
        path=reverse("cinema:nights"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


# Inside


@require_safe
@participants_only
def room(request: PageRequest, me: NightParticipant) -> HttpResponse:
    if not wants_fragment(request):
        return _room(request, me)
    if request.GET.get("stamp") == stamp_of(me.night):
        return HttpResponse(status=204)  # the page is current
    return _room(request, me, done=_("The room has changed."))


def _room(
    request: PageRequest,
    me: NightParticipant,
    *,
    done: str = "",
    undo: dict[str, Any] | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    night = me.night
    stamp = stamp_of(night)  # before the list: a change in between is seen at the next look
    shown = room_of(night)
    mine = [veto for veto in shown.vetoes if veto.participant_id == me.pk]
    context = {
        "night": night,
        "me": me,
        "is_host": _is_host(me),
        "room": shown,
        # Of the others' ratings the page tells no more than whether there are any.
        "participants": [(one, shown.n_rated[one.pk] > 0, one.user_id == night.host_id) for one in shown.participants],
        "films": [(_card(item.film), item) for item in shown.choice.items],
        "my_vetoes": mine,
        "vetoes_left": VETOES_EACH - len(mine),
        "needs_ratings": shown.n_rated.get(me.pk, 0) < ENOUGH_RATINGS,
        "stamp": stamp,
        "done": done,
        "undo": undo,
        "error": error,
    }
    if context["is_host"]:
        link = reverse("cinema:night-join", args=[night.token])
        context["invitation"] = request.build_absolute_uri(link)
    template = "cinema/night.html#room" if wants_fragment(request) else "cinema/night.html"
    return render(request, template, context, status=status)


def _card(film: CatalogueFilm) -> Card:
    return Card(film.pk, film.title, film.year, film.genre_names)


def _answer(
    request: PageRequest, me: NightParticipant, done: str, *, undo: dict[str, Any] | None = None
) -> HttpResponse:
    """htmx gets the room as it is now; a plain form goes back to it."""
    if wants_fragment(request):
        return _room(request, me, done=done, undo=undo)
    messages.success(request, done)
    return redirect("cinema:night", me.night_id)


def _refusal(request: PageRequest, me: NightParticipant, error: str) -> HttpResponse:
    if wants_fragment(request):
        return _room(request, me, error=error, status=422)
    messages.error(request, error)
    return redirect("cinema:night", me.night_id)


def _movie(request: PageRequest) -> tuple[Movie, bool]:
    """The film that was sent, and whether something about it is to be taken back."""
    form = NightMovieForm(request.POST)
    movie = Movie.objects.filter(pk=form.cleaned_data["movie"]).first() if form.is_valid() else None
    if movie is None:
        raise Http404
    return movie, form.cleaned_data["undo"]


@require_POST
@participants_only
def veto(request: PageRequest, me: NightParticipant) -> HttpResponse:
    movie, undo = _movie(request)
    if undo:
        writes.take_veto_back(participant=me, movie=movie)
        return _answer(request, me, _("You took your veto of %(film)s back.") % {"film": movie.title})
    try:
        left = writes.veto_movie(participant=me, movie=movie)
    except writes.NoVetoLeft:
        return _refusal(request, me, _("You have no veto left. Take one back first."))
    done = ngettext(
        "You vetoed %(film)s. You have %(left)d veto left.", "You vetoed %(film)s. You have %(left)d vetoes left.", left
    ) % {"film": movie.title, "left": left}
    return _answer(request, me, done, undo={"url": reverse("cinema:night-veto", args=[me.night_id]), "movie": movie.pk})


@require_POST
@participants_only
def watched(request: PageRequest, me: NightParticipant) -> HttpResponse:
    movie, undo = _movie(request)
    if undo:
        writes.take_pick_back(night=me.night, movie=movie)
        return _answer(request, me, _("%(film)s counts as not watched again.") % {"film": movie.title})
    try:
        writes.pick_movie(night=me.night, movie=movie)
    except writes.TooManyPicks:
        return _refusal(request, me, _("The room has watched as many films as it can remember."))
    done = _("You watched %(film)s together. The next list makes up for those whom it suited least.")
    undo_form = {"url": reverse("cinema:night-watched", args=[me.night_id]), "movie": movie.pk}
    return _answer(request, me, done % {"film": movie.title}, undo=undo_form)


@require_http_methods(["GET", "HEAD", "POST"])
@participants_only
def guest_ratings(request: PageRequest, me: NightParticipant) -> HttpResponse:
    """A guest's stars for well-known films, ten at a time. Accounts rate where they always do."""
    if not me.is_guest:
        return redirect(f"{reverse('cinema:home')}#rate")
    sent = request.GET.get("page", "")
    page = min(max(int(sent), 1), MAX_PAGES_TO_ASK) if sent.isdecimal() and len(sent) < 4 else 1
    films = films_to_ask(n=FILMS_TO_ASK, page=page)
    if request.method == "POST":
        form = GuestRatingsForm(films, request.POST)
        if form.is_valid():
            n_rated = writes.rate_as_guest(participant=me, stars=form.stars)
            messages.success(
                request,
                ngettext("The room knows %(n)d rating of yours.", "The room knows %(n)d ratings of yours.", n_rated)
                % {"n": n_rated},
            )
            if request.POST.get("then") == "more" and page < MAX_PAGES_TO_ASK:
                return redirect(f"{reverse('cinema:night-ratings', args=[me.night_id])}?page={page + 1}")
            return redirect("cinema:night", me.night_id)
    else:
        form = GuestRatingsForm(films)
    given = dict(NightRating.objects.filter(participant=me).values_list("movie_id", "value"))
    context = {
        "night": me.night,
        "form": form,
        "films": [(_card(film), form.field_of(film), given.get(film.pk)) for film in films],
        "n_rated": len(given),
        "page": page,
        "has_more": len(films) == FILMS_TO_ASK and page < MAX_PAGES_TO_ASK,
    }
    return render(request, "cinema/night_ratings.html", context, status=422 if form.errors else 200)


@require_POST
@participants_only
def leave(request: PageRequest, me: NightParticipant) -> HttpResponse:
    """The host goes by closing the room."""
    if _is_host(me):
        return _refusal(request, me, _("The host cannot leave. Close the room instead."))
    was_guest, night_id = me.is_guest, me.night_id
    writes.leave_night(participant=me)
    messages.success(request, _("You left the room, and your vetoes with you."))
    response = redirect("cinema:nights")
    if was_guest:
        response.delete_cookie(_cookie(night_id), path=reverse("cinema:nights"), samesite="Lax")
    return response


# The host's


@require_POST
@host_only
def seen(request: PageRequest, me: NightParticipant) -> HttpResponse:
    form = NightSeenForm(request.POST)
    allow = form.is_valid() and form.cleaned_data["allow"]
    writes.allow_seen_movies(night=me.night, allow=allow)
    if allow:
        return _answer(request, me, _("The list may hold films that some of you have seen."))
    return _answer(request, me, _("The list holds only films that none of you has rated."))


@require_POST
@host_only
def remove(request: PageRequest, me: NightParticipant) -> HttpResponse:
    form = NightParticipantForm(request.POST)
    inside = NightParticipant.objects.filter(night=me.night).exclude(pk=me.pk).select_related("night")
    other = inside.filter(pk=form.cleaned_data["participant"]).first() if form.is_valid() else None
    if other is None:
        raise Http404
    name = other.name
    writes.remove_participant(participant=other)
    me.night.refresh_from_db()
    return _answer(request, me, _("%(name)s is removed. The link and the code are new.") % {"name": name})


@require_POST
@host_only
def close(request: PageRequest, me: NightParticipant) -> HttpResponse:
    writes.close_night(night=me.night)
    messages.success(request, _("The room is closed, and everything in it is deleted."))
    return redirect("cinema:nights")
