"""The API of versions: their metrics, which of them is live, and which was when."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import Pages, Query, StrictBooleanField, StrictTextField, WholeNumberField, signed_in
from cinema.problems import Problem
from recommender import registry, timeline
from recommender.models import MAX_NOTE, Activation, ModelVersion


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    is_live = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "label",
            "status",
            "is_live",
            "algorithm",
            "preset",
            "hyperparameters",
            "metrics",
            "dataset_fingerprint",
            "data_until",
            "n_ratings",
            "n_users",
            "n_movies",
            "artifact_sha256",
            "artifact_bytes",
            "training_seconds",
            "created_at",
            "verdict",
            "pinned",
            "note",
        ]
        read_only_fields = fields

    def get_is_live(self, version: ModelVersion) -> bool:
        return bool(version.pk == self.context.get("live_id"))


class VersionDetailSerializer(VersionSerializer):
    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "diagnostics"]
        read_only_fields = fields


class VersionContextMixin(generics.GenericAPIView[ModelVersion]):
    permission_classes = [IsAdminUser]
    serializer_class = VersionSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[ModelVersion]:
        return ModelVersion.objects.all()

    def get_serializer_context(self) -> dict[str, Any]:
        version = registry.live().version
        return {**super().get_serializer_context(), "live_id": version.pk if version else None}


class VersionListView(VersionContextMixin, generics.ListAPIView[ModelVersion]):
    """All versions, newest first."""


class KeepingInput(serializers.Serializer[Any]):
    """What staff may say of a version."""

    note = StrictTextField(required=False, allow_blank=True, max_length=MAX_NOTE)
    pinned = StrictBooleanField(required=False)


class VersionDetailView(VersionContextMixin, generics.RetrieveAPIView[ModelVersion]):
    """One version with its metrics, their passports, and how reliable its confidence is."""

    serializer_class = VersionDetailSerializer
    lookup_field = "label"

    @extend_schema(request=KeepingInput, responses=VersionDetailSerializer)
    def patch(self, request: Request, label: str) -> Response:
        """Set its note, or pin it, so that it is never deleted by itself."""
        version = get_object_or_404(ModelVersion, label=label)
        data = KeepingInput(data=request.data)
        data.is_valid(raise_exception=True)
        registry.annotate(version, **data.validated_data)
        return Response(self.get_serializer(version).data)


class ChangeInput(serializers.Serializer[Any]):
    generation = WholeNumberField(required=False, allow_null=True, default=None, min_value=0, max_value=2**31 - 1)
    reason = StrictTextField(required=False, allow_blank=True, default="", max_length=2000)


class LiveSerializer(serializers.Serializer[Any]):
    live_version = serializers.CharField(allow_null=True)
    generation = serializers.IntegerField()
    hold = serializers.BooleanField(help_text="Automatic activation is held back since a rollback.")


def _changed(activation: Activation) -> Response:
    state = registry.live()
    return Response({"live_version": activation.version.label, "generation": activation.generation, "hold": state.hold})


def _conflict(error: registry.RegistryError) -> Problem:
    return Problem(status=409, code=error.code, detail=str(error))


class ActivateView(APIView):
    """Make a version live."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=ChangeInput, responses=LiveSerializer)
    def post(self, request: Request, label: str) -> Response:
        version = get_object_or_404(ModelVersion, label=label)
        data = ChangeInput(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            return _changed(registry.activate(version, actor=signed_in(request), **data.validated_data))
        except registry.RegistryError as error:
            raise _conflict(error) from error


class RollbackView(APIView):
    """Make the version live that was live before."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=ChangeInput, responses=LiveSerializer)
    def post(self, request: Request) -> Response:
        data = ChangeInput(data=request.data)
        data.is_valid(raise_exception=True)
        try:
            return _changed(registry.roll_back(actor=signed_in(request), **data.validated_data))
        except registry.RegistryError as error:
            raise _conflict(error) from error


class MetricsSerializer(serializers.Serializer[Any]):
    version = serializers.CharField()
    created_at = serializers.DateTimeField()
    live = serializers.BooleanField()
    metrics = serializers.JSONField()


def _metrics(version: ModelVersion, live: ModelVersion | None) -> dict[str, Any]:
    return {
        "version": version.label,
        "created_at": version.created_at,
        "live": live is not None and version.pk == live.pk,
        "metrics": version.metrics,
    }


class MetricsView(APIView):
    """The live version's metrics."""

    permission_classes = [IsAdminUser]

    @extend_schema(responses=MetricsSerializer)
    def get(self, request: Request) -> Response:
        live = registry.live().version
        if live is None:
            raise Problem(status=404, code="no_live_version", detail="No version is live yet.")
        return Response(_metrics(live, live))


class MetricsHistoryView(generics.GenericAPIView[ModelVersion]):
    """The metrics of all versions, oldest first."""

    permission_classes = [IsAdminUser]
    pagination_class = Pages
    serializer_class = MetricsSerializer
    queryset = ModelVersion.objects.order_by("pk")

    @extend_schema(responses=MetricsSerializer(many=True))
    def get(self, request: Request) -> Response:
        live = registry.live().version
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([_metrics(version, live) for version in page or []])


class ActivationSerializer(serializers.ModelSerializer[Activation]):
    version = serializers.SlugRelatedField(slug_field="label", read_only=True)  # type: ignore[var-annotated]
    actor = serializers.SlugRelatedField(slug_field="username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = Activation
        fields = ["generation", "version", "kind", "at", "actor", "reason"]
        read_only_fields = fields


class ActivationListView(generics.ListAPIView[Activation]):
    """Every change of the live version, newest first."""

    permission_classes = [IsAdminUser]
    serializer_class = ActivationSerializer
    pagination_class = Pages
    queryset = Activation.objects.select_related("version", "actor")


class MomentQuery(Query):
    at = serializers.DateTimeField(required=False, help_text="ISO 8601, UTC if it names no zone; now without it.")


class LiveAtSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    activation = ActivationSerializer(allow_null=True)


class LiveAtView(APIView):
    """Which version was live at a moment, and since which change; null before the first."""

    permission_classes = [IsAdminUser]

    @extend_schema(parameters=[MomentQuery], responses=LiveAtSerializer)
    def get(self, request: Request) -> Response:
        query = MomentQuery.read(request)
        moment = query.get("at") or timezone.now()
        return Response(LiveAtSerializer({"at": moment, "activation": timeline.live_at(moment)}).data)
