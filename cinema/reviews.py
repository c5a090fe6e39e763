"""Writing, reporting and removing reviews: the only way it is done."""

from __future__ import annotations

from django.utils import timezone

from cinema.models import Movie, Review, ReviewReport, User
from cinema.person_lock import person_lock


class RemovedReview(Exception):
    """Staff has removed the review; its author cannot write over that."""


def write_review(*, user: User, movie: Movie, text: str, has_spoilers: bool) -> Review:
    """Stores ``user``'s review of ``movie``, over the one that there may be. Raises RemovedReview."""
    now = timezone.now()
    with person_lock(user):
        review, created = Review.objects.select_for_update().get_or_create(
            user=user,
            movie=movie,
            defaults={"text": text, "has_spoilers": has_spoilers, "written_at": now, "changed_at": now},
        )
        if review.removed_at is not None:
            raise RemovedReview
        if not created:
            review.text, review.has_spoilers, review.changed_at = text, has_spoilers, now
            review.save(update_fields=["text", "has_spoilers", "changed_at"])
    return review


def delete_review(*, user: User, movie: Movie) -> Review | None:
    """Deletes it for good, unless staff removed it: then it stays, so that it is not written anew. The deleted one."""
    with person_lock(user):
        review = Review.objects.shown().filter(user=user, movie=movie).first()
        if review is not None:
            Review.objects.filter(pk=review.pk).delete()
    return review


def report_review(*, user: User, review: Review) -> bool:
    """Asks staff to look at it; False if ``user`` has done so before."""
    _, created = ReviewReport.objects.get_or_create(review=review, user=user, defaults={"reported_at": timezone.now()})
    return created


def remove_review(*, staff: User, review: Review, reason: str) -> None:
    """Takes it off the pages. Its author sees that it was removed, and why."""
    Review.objects.filter(pk=review.pk).update(
        removed_at=timezone.now(), removed_by=staff, removal_reason=reason.strip()[:200]
    )


def restore_review(review: Review) -> None:
    """Takes a removal back."""
    Review.objects.filter(pk=review.pk).update(removed_at=None, removed_by=None, removal_reason="")


def dismiss_reports(review: Review) -> None:
    """Staff has looked and lets it stand."""
    ReviewReport.objects.filter(review=review).update(dismissed=True)
