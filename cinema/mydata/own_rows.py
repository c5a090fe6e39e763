"""Which tables hold what belongs to one person, and what of each goes into their export.

A new table with a foreign key to the user gets one line in OWN_TABLES, or one in NOT_EXPORTED that says why not; a
test walks all models and fails for one that is in neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from cinema.models import User

_FILM = {"movie_id": "movie_id", "title": "movie__title", "year": "movie__year"}


@dataclass(frozen=True, slots=True)
class OwnTable:
    """One table of the export: ``fields`` maps a name in the export to the path of a query."""

    name: str
    model: str  # app.Model
    fields: Mapping[str, str]
    owner: str = "user"  # the foreign key to the person

    def rows_of(self, user: User) -> list[dict[str, Any]]:
        """Their rows, oldest first, as values of the database."""
        manager = apps.get_model(self.model)._default_manager
        rows = manager.filter(**{self.owner: user}).order_by("pk").values_list(*self.fields.values())
        return [dict(zip(self.fields, row, strict=True)) for row in rows]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


OWN_TABLES = (
    OwnTable("ratings", "cinema.Rating", {**_FILM, **_same("value", "rated_at", "changed_at")}),
    OwnTable("hidden", "cinema.HiddenMovie", {**_FILM, **_same("reason", "hidden_at")}),
    OwnTable("shelves", "cinema.ShelfEntry", {**_FILM, **_same("shelf", "added_at")}),
    OwnTable(
        "reviews",
        "cinema.Review",
        {**_FILM, **_same("text", "has_spoilers", "written_at", "changed_at", "removed_at", "removal_reason")},
    ),
    OwnTable(
        "reports", "cinema.ReviewReport", {**_same("review_id"), "movie_id": "review__movie_id", **_same("reported_at")}
    ),
    OwnTable("list_controls", "cinema.ListControls", _same("popularity", "novelty", "recency", "diversity", "since")),
    OwnTable("movie_nights", "cinema.Night", _same("allow_seen", "opened_at", "expires_at"), owner="host"),
    OwnTable("movie_nights_joined", "cinema.NightParticipant", _same("name", "joined_at")),
    OwnTable("unseen", "cinema.UnseenMovie", {**_FILM, **_same("said_at")}),
    OwnTable("acts", "cinema.AuditEntry", _same("at", "action", "done"), owner="actor"),
    OwnTable(
        "lists_shown",
        "mlops.ServedList",
        _same("at", "surface", "version", "personal", "device", "where", "movie_ids", "slots"),
    ),
    OwnTable(
        "engagements",
        "mlops.Engagement",
        {**_FILM, **_same("kind", "value", "at"), "list_shown_at": "served_list__at", "place": "place"},
    ),
    OwnTable("first_minutes", "cinema.FirstMinutes", _same("liked_films", "started_at", "skipped_at", "finished_at")),
)

# app.Model.field → why it is not in the export.
NOT_EXPORTED = {
    "cinema.User_groups.user": "Rights, which staff gives; the account says whether somebody is staff.",
    "cinema.User_user_permissions.user": "Rights, which staff gives; the account says whether somebody is staff.",
    "cinema.PendingImport.user": "A file of their own, kept for a day; what was taken from it is a rating.",
    "cinema.Review.removed_by": "What staff did; the name goes, the removal stays.",
    "knox.AuthToken.user": "Only digests of API tokens are kept: nothing that could be used elsewhere.",
    "admin.LogEntry.user": "The log of what staff did to the site's tables.",
    "recommender.HeldOut.user": "From which of their ratings on a version was tested: it goes with the account.",
    "recommender.Activation.actor": "The site's log of its versions; the name goes, the entry stays.",
    "recommender.Experiment.created_by": "The site's log of its experiments; the name goes, the entry stays.",
    "recommender.Experiment.ended_by": "The site's log of its experiments; the name goes, the entry stays.",
    "mlops.Comparison.requested_by": "The site's log of its comparisons; the name goes, the entry stays.",
    "mlops.TrainingRun.requested_by": "The site's log of its trainings; the name goes, the entry stays.",
    "mlops.Search.requested_by": "The site's log of its trainings; the name goes, the entry stays.",
}

ACCOUNT_FIELDS = (
    "username",
    "email",
    "first_name",
    "last_name",
    "date_joined",
    "last_login",
    "is_staff",
    "discovery",
    "uses_context",
    "place",
)


def account_of(user: User) -> dict[str, Any]:
    """What the account itself says; never the password, not even its hash."""
    return {name: getattr(user, name) for name in ACCOUNT_FIELDS}
