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
    FirstMinutes,
    Genre,
    HiddenMovie,
    Movie,
    MovieArt,
    PendingImport,
    Rating,
    ThrottleCount,
    UnseenMovie,
    User,
)
from cinema.read_only_admin import ReadOnlyAdmin

admin.site.site_title = admin.site.site_header = "CINÉMA"
admin.site.index_title = "Administration"

# Its own page shows the token's digest and makes tokens; importing it first makes sure that it is not registered later.
admin.site.unregister(knox.admin.models.AuthToken)


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
        # What belongs to a person cannot be deleted row by row here; with the person it goes.
        theirs = (relation for relation in User._meta.related_objects if relation.on_delete is models.CASCADE)
        lacking.difference_update(str(relation.related_model._meta.verbose_name) for relation in theirs)
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


@admin.register(MovieArt)
class MovieArtAdmin(ReadOnlyAdmin):
    """``cinema.tmdb`` is the only writer. Deleting a row makes it ask again."""

    list_display = ("movie", "tmdb_id", "digest", "asked_at")
    list_select_related = ("movie",)
    search_fields = ("movie__title",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("cinema.delete_movieart"))


@admin.register(HiddenMovie)
class HiddenMovieAdmin(ReadOnlyAdmin):
    """``cinema.library`` is the only writer."""

    list_display = ("user", "movie", "reason", "hidden_at")
    list_filter = ("reason",)
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(FirstMinutes)
class FirstMinutesAdmin(ReadOnlyAdmin):
    """``cinema.onboarding`` is the only writer."""

    list_display = ("user", "started_at", "skipped_at", "finished_at")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    show_full_result_count = False


@admin.register(UnseenMovie)
class UnseenMovieAdmin(ReadOnlyAdmin):
    """``cinema.onboarding`` is the only writer."""

    list_display = ("user", "movie", "said_at")
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(PendingImport)
class PendingImportAdmin(ReadOnlyAdmin):
    """``cinema.importing.review`` is the only writer. What the file said is its owner's alone."""

    list_display = ("user", "format", "created_at", "applied_at")
    list_select_related = ("user",)
    fields = ("user", "format", "created_at", "applied_at")


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
