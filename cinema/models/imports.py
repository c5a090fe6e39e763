"""A file of ratings that somebody handed in, while they look at what was found."""

from __future__ import annotations

from django.db import models

from cinema.models.people import User


class PendingImport(models.Model):
    """One upload of ``user``: before it is applied, what was read and chosen; afterwards, what it overwrote.

    Rows older than a day are deleted by whoever comes next.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="pending_import")
    format = models.CharField(max_length=20)
    rows = models.JSONField(default=list)  # cinema.importing.review.ReviewRow, in the order of the review
    created_at = models.DateTimeField(db_index=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    overwritten = models.JSONField(default=list, blank=True)  # cinema.ratings.RatingBefore, one per rating written

    def __str__(self) -> str:
        return f"user {self.user_id}, {self.format}"
