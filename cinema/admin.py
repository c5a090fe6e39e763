from __future__ import annotations

from typing import Any, cast

import knox.admin
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from knox.models import AuthToken

from cinema.models import (
    RATING_VALUES,
    AuditEntry,
    CatalogueEdition,
    FirstMinutes,
    Genre,
    HiddenMovie,
    ListControls,
    Movie,
    MovieArt,
    Night,
    NightParticipant,
    NightPick,
    NightRating,
    NightVeto,
    PendingImport,
    Rating,
    RatingCount,
    ResetRequest,
    Review,
    ReviewReport,
    ShelfEntry,
    ThrottleCount,
    UnseenMovie,
    User,
)
from cinema.mydata.accounts import LastSuperuser, delete_account, is_last_superuser
from cinema.passwords import NoSuchAccount, account_named, reset_path
from cinema.read_only_admin import ReadOnlyAdmin
from cinema.reviews import dismiss_reports, remove_review, restore_review

admin.site.site_title = admin.site.site_header = "CINÉMA"
admin.site.index_title = "Administration"

# Its own page shows the token's digest and makes tokens; importing it first makes sure that it is not registered later.
admin.site.unregister(knox.admin.models.AuthToken)


def hand_out_link(page: admin.ModelAdmin[Any], request: HttpRequest, account: User) -> None:
    """Shows staff a link with which ``account`` chooses a new password. Only a superuser may do so for staff: it would
    be a way to more rights."""
    may = request.user.has_perm("cinema.change_user") and (request.user.is_superuser or not account.is_staff)
    if not may or account.is_imported or not account.is_active:
        page.message_user(request, f"You may not hand out a link for {account}.", messages.ERROR)
        return
    link = request.build_absolute_uri(reset_path(account, operator=cast(User, request.user)))
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    page.message_user(request, f"For {account}, once, within {hours} hours: {link}", messages.SUCCESS)


def _going_with(model: Any) -> set[Any]:
    """The models whose rows are deleted with a row of ``model``, and with theirs."""
    found: set[Any] = set()
    waiting = [model]
    while waiting:
        relations = waiting.pop()._meta.related_objects
        new = {relation.related_model for relation in relations if relation.on_delete is models.CASCADE} - found
        found |= new
        waiting += new
    return found


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Accounts. People who came with an import can be looked at, not changed: the next import would not know them."""

    list_display = ("username", "is_staff", "is_active", "source", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active", "source")
    ordering = ("source", "username")  # those who can sign in first
    search_fields = ("username",)
    readonly_fields = ("source", "source_id", "last_login", "date_joined")
    actions = ("hand_out_links",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Lists", {"fields": ("discovery",)}),
        ("About", {"fields": ("email", "last_login", "date_joined", "source", "source_id")}),
    )

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return not (obj and obj.is_imported) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        kept = obj is not None and (obj.is_imported or is_last_superuser(obj))
        return not kept and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        by = cast(User, request.user)
        delete_account(user=obj, by=None if by.pk == obj.pk else by)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for account in queryset:
            try:
                self.delete_model(request, account)
            except LastSuperuser as error:
                self.message_user(request, f"{account} stays. {error.message}", messages.WARNING)

    @admin.action(description="Make a link to a new password", permissions=["change"])
    def hand_out_links(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for account in queryset:
            hand_out_link(self, request, account)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # What belongs to a person cannot be deleted row by row here; with the person it goes.
        lacking.difference_update(str(model._meta.verbose_name) for model in _going_with(User))
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


class StarsFilter(admin.SimpleListFilter):
    """The scale as it is: Django's own filter reads all ratings to find out which values there are."""

    title, parameter_name = "value", "value"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(value)) for value in RATING_VALUES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Rating]) -> QuerySet[Rating]:
        chosen = [value for value in RATING_VALUES if str(value) == self.value()]
        return queryset.filter(value__in=chosen) if chosen else queryset


@admin.register(Rating)
class RatingAdmin(ReadOnlyAdmin):
    """``cinema.ratings`` is the only writer."""

    list_display = ("user", "movie", "value", "rated_at", "changed_at")
    list_filter = (StarsFilter,)
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(RatingCount)
class RatingCountAdmin(ReadOnlyAdmin):
    """``cinema.rating_counts`` is the only writer, where there are very many ratings."""

    list_display = ("movie", "n")
    list_select_related = ("movie",)
    search_fields = ("movie__title",)
    ordering = ("-n", "movie")


@admin.register(MovieArt)
class MovieArtAdmin(ReadOnlyAdmin):
    """``cinema.tmdb`` is the only writer. Deleting a row makes it ask again."""

    list_display = ("movie", "tmdb_id", "digest", "asked_at")
    list_select_related = ("movie",)
    search_fields = ("movie__title",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("cinema.delete_movieart"))


@admin.register(ShelfEntry)
class ShelfEntryAdmin(ReadOnlyAdmin):
    """``cinema.library`` is the only writer."""

    list_display = ("user", "movie", "shelf", "added_at")
    list_filter = ("shelf",)
    list_select_related = ("user", "movie")
    show_full_result_count = False


class ReportedFilter(admin.SimpleListFilter):
    title = parameter_name = "reported"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "reported, not looked at"), ("removed", "removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Review]) -> QuerySet[Review]:
        if self.value() == "open":
            return queryset.filter(removed_at__isnull=True, reports__dismissed=False).distinct()
        return queryset.filter(removed_at__isnull=False) if self.value() == "removed" else queryset


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """What people write. Staff removes it, takes that back, or lets it stand; nobody edits another's words."""

    list_display = ("movie", "user", "text", "n_reports", "removed_at", "removal_reason")
    list_filter = (ReportedFilter,)
    list_select_related = ("user", "movie")
    search_fields = ("text", "user__username", "movie__title")
    actions = ("remove", "restore", "dismiss")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        reports = models.Count("reports", filter=models.Q(reports__dismissed=False))
        return super().get_queryset(request).annotate(open_reports=reports)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("cinema.change_review"))

    @admin.display(description="open reports", ordering="open_reports")
    def n_reports(self, review: Any) -> int:
        return int(review.open_reports)

    @admin.action(description="Remove from the pages", permissions=["moderate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        for review in queryset:
            remove_review(staff=cast(User, request.user), review=review, reason="")

    @admin.action(description="Put back on the pages", permissions=["moderate"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        for review in queryset:
            restore_review(review)

    @admin.action(description="Let it stand: dismiss the reports", permissions=["moderate"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        for review in queryset:
            dismiss_reports(review)


@admin.register(ReviewReport)
class ReviewReportAdmin(ReadOnlyAdmin):
    list_display = ("review", "user", "reported_at", "dismissed")
    list_filter = ("dismissed",)
    list_select_related = ("review", "user")


@admin.register(HiddenMovie)
class HiddenMovieAdmin(ReadOnlyAdmin):
    """``cinema.library`` is the only writer."""

    list_display = ("user", "movie", "reason", "hidden_at")
    list_filter = ("reason",)
    list_select_related = ("user", "movie")
    search_fields = ("user__username", "movie__title")
    show_full_result_count = False


@admin.register(ListControls)
class ListControlsAdmin(ReadOnlyAdmin):
    """``cinema.controls`` is the only writer."""

    list_display = ("user", "popularity", "novelty", "recency", "diversity", "since")
    list_select_related = ("user",)
    search_fields = ("user__username",)
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


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Append-only: the person goes with their account, the entry stays."""

    list_display = ("at", "action", "role", "actor", "subject", "before", "after", "done")
    list_display_links = None
    list_filter = ("action", "role", "done")
    list_select_related = ("actor",)
    date_hierarchy = "at"


@admin.register(ResetRequest)
class ResetRequestAdmin(ReadOnlyAdmin):
    """Who cannot get in. There may be no such account: then there is nothing to hand out."""

    list_display = ("name", "asked_at", "account")
    list_display_links = None
    actions = ("hand_out_links", "dismiss")

    @admin.display(description="account")
    def account(self, asked: ResetRequest) -> str:
        try:
            return account_named(asked.name).get_username()
        except NoSuchAccount:
            return "none of this name"

    @admin.action(description="Make a link to a new password")
    def hand_out_links(self, request: HttpRequest, queryset: QuerySet[ResetRequest]) -> None:
        for asked in queryset:
            try:
                hand_out_link(self, request, account_named(asked.name))
            except NoSuchAccount:
                self.message_user(request, f"There is no account {asked.name}.", messages.WARNING)

    @admin.action(description="Dismiss")
    def dismiss(self, request: HttpRequest, queryset: QuerySet[ResetRequest]) -> None:
        queryset.delete()


@admin.register(CatalogueEdition)
class CatalogueEditionAdmin(ReadOnlyAdmin):
    """Another number with every change of films or genres."""


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
