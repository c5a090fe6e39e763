from __future__ import annotations

from typing import Any

import knox.admin
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from knox.models import AuthToken

from cinema.models import (
    Genre,
    HiddenMovie,
    Movie,
    Night,
    NightParticipant,
    NightPick,
    NightRating,
    NightVeto,
    Rating,
    ThrottleCount,
    User,
)
from cinema.read_only_admin import ReadOnlyAdmin

admin.site.site_title = admin.site.site_header = "CINÉMA"
admin.site.index_title = "Administration"

# Its own page shows the token's digest and makes tokens; importing it first makes sure that it is not registered later.
admin.site.unregister(knox.admin.models.AuthToken)

GOES_WITH_ITS_PERSON = (Rating, HiddenMovie, Night, NightParticipant, NightPick, NightRating, NightVeto)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Accounts. People who came with an import can be looked at, not changed: the next import would not know them."""

    list_display = ("username", "is_staff", "is_active", "source", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active", "source")
    ordering = ("source", "username")  # those who can sign in first
    search_fields = ("username",)
    readonly_fields = ("source", "source_id", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Lists", {"fields": ("discovery",)}),
        ("About", {"fields": ("email", "last_login", "date_joined", "source", "source_id")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return not (obj and obj.is_imported) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return not (obj and obj.is_imported) and super().has_delete_permission(request, obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # These cannot be deleted one by one here; with their person they go.
        lacking -= {str(model._meta.verbose_name) for model in GOES_WITH_ITS_PERSON}
        return to_delete, counts, lacking, protected


@admin.register(Genre)
class GenreAdmin(admin.ModelAdmin):
    search_fields = ("name",)


@admin.register(Movie)
class MovieAdmin(admin.ModelAdmin):
    """A film somebody rated cannot be deleted here: its ratings belong to people."""

    list_display = ("title", "year", "genre_names")
    list_filter = ("genres",)
    search_fields = ("title",)
    filter_horizontal = ("genres",)
    formfield_overrides = {models.TextField: {"widget": AdminTextInputWidget}}
    readonly_fields = ("source", "source_id")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movie]:
        return super().get_queryset(request).prefetch_related("genres")

    @admin.display(description="genres")
    def genre_names(self, movie: Movie) -> str:
        return ", ".join(genre.name for genre in movie.genres.all())


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    """``cinema.ratings`` is the only writer."""

    list_display = ("user", "movie", "value", "rated_at", "changed_at")
    list_filter = ("value",)
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(HiddenMovie)
class HiddenMovieAdmin(ReadOnlyAdmin):
    """``cinema.library`` is the only writer."""

    list_display = ("user", "movie", "reason", "hidden_at")
    list_filter = ("reason",)
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(Night)
class NightAdmin(ReadOnlyAdmin):
    """``cinema.nights`` is the only writer. The link and the code are the participants' secret."""

    list_display = ("pk", "host", "opened_at", "expires_at")
    list_select_related = ("host",)
    exclude = ("token", "code")


@admin.register(NightParticipant)
class NightParticipantAdmin(ReadOnlyAdmin):
    list_display = ("name", "night", "user", "joined_at")
    list_select_related = ("night", "user")
    exclude = ("guest_key",)


@admin.register(NightRating)
class NightRatingAdmin(ReadOnlyAdmin):
    list_display = ("participant", "movie", "value")
    list_select_related = ("participant", "movie")


@admin.register(NightVeto)
class NightVetoAdmin(ReadOnlyAdmin):
    list_display = ("participant", "movie")
    list_select_related = ("participant", "movie")


@admin.register(NightPick)
class NightPickAdmin(ReadOnlyAdmin):
    list_display = ("night", "movie", "picked_at")
    list_select_related = ("night", "movie")


@admin.register(ThrottleCount)
class ThrottleCountAdmin(ReadOnlyAdmin):
    list_display = ("scope", "key", "window", "count")
    list_filter = ("scope",)


@admin.register(AuthToken)
class AuthTokenAdmin(ReadOnlyAdmin):
    """API tokens can be revoked, by deleting them, and never read: only a digest is stored."""

    list_display = ("beginning", "user", "created", "expiry")
    list_display_links = None
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "created", "expiry")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("knox.delete_authtoken"))

    @admin.display(description="token")
    def beginning(self, token: AuthToken) -> str:
        return f"{token.token_key[:6]}…"
