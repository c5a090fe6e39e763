from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from cinema.read_only_admin import ReadOnlyAdmin
from recommender import registry
from recommender.forms import RollBackForm
from recommender.models import Activation, Arm, Experiment, HeldOut, LivePointer, ModelVersion
from recommender.scoreboard import MEASURES, shown


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "label", "live", "status", "pinned", "preset", "rmse", "precision", "recall", "coverage", "created_at", "note",
    )  # fmt: skip
    list_filter = ("status", "preset", "pinned")
    search_fields = ("label",)
    actions = ("activate", "roll_back")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        live = LivePointer.objects.filter(activation__version=OuterRef("pk"))
        return super().get_queryset(request).annotate(is_live=Exists(live))

    @admin.display(boolean=True)
    def live(self, version: ModelVersion) -> bool:
        return bool(version.is_live)  # type: ignore[attr-defined]  # from get_queryset

    @admin.display(description="RMSE")
    def rmse(self, version: ModelVersion) -> str:
        return shown(version.metric("rmse"), MEASURES["rmse"].unit)

    @admin.display(description="P@10, rated")
    def precision(self, version: ModelVersion) -> str:
        return shown(version.metric("precision_at_10_rated"), "share")

    @admin.display(description="R@10, rated")
    def recall(self, version: ModelVersion) -> str:
        return shown(version.metric("recall_at_10_rated"), "share")

    @admin.display(description="coverage")
    def coverage(self, version: ModelVersion) -> str:
        return shown(version.metric("coverage_at_10"), "share")

    def has_exchange_permission(self, request: HttpRequest) -> bool:
        """As on the site's own pages: staff may change what is live."""
        return bool(request.user.is_active and request.user.is_staff)

    @admin.action(description="Activate", permissions=["exchange"])
    def activate(self, request: HttpRequest, chosen: QuerySet[ModelVersion]) -> None:
        if len(chosen) != 1:
            self.message_user(request, "Choose exactly one version to activate.", messages.ERROR)
            return
        if chosen[0].is_refused:
            self.message_user(
                request, f"The gate refused {chosen[0].label}. Its own page activates it with a reason.", messages.ERROR
            )
            return
        try:
            registry.activate(chosen[0], actor=request.user, reason="From the admin")  # type: ignore[arg-type]
        except registry.RegistryError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Live is now {chosen[0].label}.", messages.SUCCESS)

    @admin.action(description="Roll back to the previous version", permissions=["exchange"])
    def roll_back(self, request: HttpRequest, chosen: QuerySet[ModelVersion]) -> HttpResponse | None:
        """Rolls back from the chosen version, which must be the live one, after asking why."""
        live = registry.live()
        if len(chosen) != 1 or chosen[0] != live.version:
            self.message_user(request, "Choose the live version, and only that, to roll back from it.", messages.ERROR)
            return None
        confirmed = "confirm" in request.POST
        form = RollBackForm(request.POST) if confirmed else RollBackForm(initial={"generation": live.generation})
        if not confirmed or not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": "Roll back to the previous version",
                "opts": self.opts,
                "version": live.version,
                "form": form,
                "checkbox": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/recommender/modelversion/roll_back.html", context)
        try:
            activation = registry.roll_back(
                actor=request.user,  # type: ignore[arg-type]
                reason=form.cleaned_data["reason"],
                generation=form.cleaned_data["generation"],
            )
        except registry.RegistryError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"Rolled back. Live is now {activation.version.label}.", messages.SUCCESS)
        return None


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    """The log is append-only, and only the registry appends."""

    list_display = ("generation", "version", "kind", "actor", "reason", "at")
    list_filter = ("kind",)
    list_select_related = ("version", "actor")


@admin.register(HeldOut)
class HeldOutAdmin(ReadOnlyAdmin):
    list_display = ("version", "user", "from_time", "from_movie")
    list_select_related = ("version", "user")


@admin.register(LivePointer)
class LivePointerAdmin(ReadOnlyAdmin):
    list_display = ("generation", "activation", "hold")
    list_select_related = ("activation",)


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "status", "share", "created_by", "started_at", "ended_at", "end_reason")
    list_filter = ("status", "kind")
    list_select_related = ("created_by",)


@admin.register(Arm)
class ArmAdmin(ReadOnlyAdmin):
    list_display = ("experiment", "name", "version", "settings")
    list_select_related = ("experiment", "version")
