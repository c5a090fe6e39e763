"""What people write about films, and what others report of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef

from cinema.models.people import User

MAX_REVIEW = 2000


class ReviewQuerySet(models.QuerySet["Review"]):
    def shown(self) -> ReviewQuerySet:
        return self.filter(removed_at__isnull=True)

    def with_report_by(self, user: User) -> ReviewQuerySet:
        """Adds ``is_reported``: whether ``user`` has reported it."""
        return self.annotate(is_reported=Exists(ReviewReport.objects.filter(review=OuterRef("pk"), user=user)))


class Review(models.Model):
    """What ``user`` writes about ``movie``: plain text. A removed one stays for its author and for staff."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="reviews", db_index=False)
    movie = models.ForeignKey("cinema.Movie", on_delete=models.CASCADE, related_name="reviews")
    text = models.TextField(max_length=MAX_REVIEW)
    has_spoilers = models.BooleanField(default=False)
    written_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    removal_reason = models.CharField(max_length=200, blank=True, default="")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-written_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "movie"], name="unique_review")]

    def __str__(self) -> str:
        return f"user {self.user_id}, film {self.movie_id}"


class ReviewReport(models.Model):
    """Somebody says that a review should not stand here."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="reports", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reported_at = models.DateTimeField()
    dismissed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["review", "user"], name="unique_review_report")]

    def __str__(self) -> str:
        return f"user {self.user_id} of review {self.review_id}"
