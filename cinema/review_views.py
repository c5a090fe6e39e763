"""What people write about a film: to read, to write, to report, and for staff to remove."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from cinema import throttling
from cinema.cards import card
from cinema.forms import ReviewForm
from cinema.guards import MemberRequest, PageRequest, sign_in_required, staff_required, too_many, wants_fragment
from cinema.models import Movie, Review, User
from cinema.reviews import RemovedReview, delete_review, remove_review, report_review, write_review

PAGE_LENGTH = 10


@require_safe
def reviews(request: PageRequest, movie_id: int) -> HttpResponse:
    """A film's reviews, one's own first; the film's page loads the list alone."""
    movie = get_object_or_404(Movie, pk=movie_id)
    return _page(request, movie)


def _page(
    request: PageRequest, movie: Movie, *, form: ReviewForm | None = None, done: str = "", status: int = 200
) -> HttpResponse:
    others = Review.objects.shown().filter(movie=movie).select_related("user")
    own = None
    if isinstance(request.user, User):
        own = Review.objects.filter(movie=movie, user=request.user).first()
        others = others.exclude(user=request.user).with_report_by(request.user)
    page = Paginator(others, PAGE_LENGTH).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "movie": movie,
        "own": own,
        "page": page,
        "query": "",
        "form": form or ReviewForm(initial={"text": own.text, "has_spoilers": own.has_spoilers} if own else None),
        "done": done,
    }
    template = "cinema/reviews.html#reviews" if wants_fragment(request) else "cinema/reviews.html"
    return render(request, template, context, status=status)


def _answer(request: MemberRequest, movie: Movie, done: str) -> HttpResponse:
    if wants_fragment(request):
        return _page(request, movie, done=done)
    messages.success(request, done)
    return redirect("cinema:reviews", movie.pk)


@require_POST
@sign_in_required
def write(request: MemberRequest, movie_id: int) -> HttpResponse:
    """Keeps one's own review, or deletes it (``delete`` in the form)."""
    movie = get_object_or_404(Movie, pk=movie_id)
    if not (verdict := throttling.allow("review", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=gettext("Those were many reviews in one minute."))
    if request.POST.get("delete"):
        delete_review(user=request.user, movie=movie)
        return _answer(request, movie, gettext("Your review is deleted."))
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, movie, form=form, status=422)
    try:
        write_review(user=request.user, movie=movie, **form.cleaned_data)
    except RemovedReview:
        form.add_error(None, gettext("Your review was removed. You cannot write another one of this film."))
        return _page(request, movie, form=form, status=422)
    return _answer(request, movie, gettext("Your review is there for everybody to read."))


@require_POST
@sign_in_required
def report(request: MemberRequest, review_id: int) -> HttpResponse:
    review = get_object_or_404(Review.objects.shown().exclude(user=request.user).select_related("movie"), pk=review_id)
    if not (verdict := throttling.allow("review", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=gettext("Those were many reports in one minute."))
    report_review(user=request.user, review=review)
    return _answer(request, review.movie, gettext("Thank you. Somebody will look at it."))


@require_POST
@staff_required
def remove(request: MemberRequest, review_id: int) -> HttpResponse:
    review = get_object_or_404(Review.objects.shown().select_related("movie"), pk=review_id)
    remove_review(staff=request.user, review=review, reason=request.POST.get("reason", ""))
    return _answer(request, review.movie, gettext("The review is removed. The admin can take that back."))


@require_safe
@sign_in_required
def my_reviews(request: MemberRequest) -> HttpResponse:
    own = Review.objects.filter(user=request.user).select_related("movie").prefetch_related("movie__genres")
    page = Paginator(own, PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [(review, card(review.movie)) for review in page.object_list]}
    return render(request, "cinema/my_reviews.html", context)
