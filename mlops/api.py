"""The API of training runs and of the system's status."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import Pages, StrictBooleanField, signed_in, throttle
from cinema.models import Movie, Rating, User
from cinema.problems import Problem
from mlops import runs
from mlops.api_problems import in_progress
from mlops.models import TrainingRun
from recommender import registry
from recommender.algorithms.hyperparameters import InvalidHyperparameters
from recommender.algorithms.presets import DEFAULT_PRESET, ENGINES, PRESETS, configuration, preset_of
from recommender.models import ModelVersion


class TrainInput(serializers.Serializer[Any]):
    preset = serializers.ChoiceField(
        list(PRESETS), required=False, help_text=f"{DEFAULT_PRESET}, or spark where that is the engine."
    )
    engine = serializers.ChoiceField(
        list(ENGINES), required=False, help_text="Who trains. It follows from the preset, and may not contradict it."
    )
    hyperparameters = serializers.DictField(
        required=False, default=dict, help_text="Values that replace those of the preset."
    )
    activate = StrictBooleanField(required=False, default=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            attrs["preset"] = preset_of(attrs.get("preset"), attrs.pop("engine", None))
        except InvalidHyperparameters as error:
            raise ValidationError(error.errors) from error
        try:
            configuration(attrs["preset"], attrs["hyperparameters"])
        except InvalidHyperparameters as error:
            raise ValidationError({"hyperparameters": error.errors}) from error
        return attrs


class StartedSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField()
    status = serializers.ChoiceField(TrainingRun.Status.choices)
    status_url = serializers.URLField()


class TrainView(APIView):
    """Start a training."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=TrainInput, responses={202: StartedSerializer})
    def post(self, request: Request) -> Response:
        user = signed_in(request)
        data = TrainInput(data=request.data)
        data.is_valid(raise_exception=True)
        runs.sweep()
        active = TrainingRun.objects.active().first()
        if active is not None:
            # Before the throttle: asking again while one runs is no new work.
            raise in_progress(active.pk)
        throttle("training", "all")
        try:
            run = runs.request_training(requested_by=user, **data.validated_data)
        except runs.TrainingInProgress as error:
            raise in_progress(error.run_id) from error
        url = request.build_absolute_uri(reverse("api:run", args=[run.pk]))
        return Response(
            {"run_id": run.pk, "status": run.status, "status_url": url},
            status=status.HTTP_202_ACCEPTED,
            headers={"Location": url},
        )


class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    run_id = serializers.IntegerField(source="pk", read_only=True)
    search_id = serializers.IntegerField(read_only=True, allow_null=True)
    version = serializers.SlugRelatedField(slug_field="label", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    requested_by = serializers.SlugRelatedField(slug_field="username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    elapsed_seconds = serializers.FloatField(read_only=True)

    class Meta:
        model = TrainingRun
        fields = [
            "run_id",
            "kind",
            "search_id",
            "status",
            "preset",
            "hyperparameters",
            "activate",
            "requested_by",
            "trigger",
            "created_at",
            "started_at",
            "finished_at",
            "elapsed_seconds",
            "phase",
            "epoch",
            "n_epochs",
            "progress",
            "n_ratings",
            "ratings_per_second",
            "memory_bytes",
            "dataset_fingerprint",
            "history",
            "metrics",
            "error",
            "cancel_requested",
            "version",
        ]
        read_only_fields = fields


class RunMixin(generics.GenericAPIView[TrainingRun]):
    permission_classes = [IsAdminUser]
    serializer_class = RunSerializer
    pagination_class = Pages
    lookup_url_kwarg = "run_id"

    def get_queryset(self) -> QuerySet[TrainingRun]:
        # A reader is shown the truth: a run whose process is gone is settled first.
        runs.sweep()
        return TrainingRun.objects.select_related("version", "requested_by")


class RunListView(RunMixin, generics.ListAPIView[TrainingRun]):
    """All runs, newest first."""


class RunDetailView(RunMixin, generics.RetrieveAPIView[TrainingRun]):
    """One run: its state, epoch, progress and metrics so far."""


class RunCancelView(APIView):
    """Cancel a run that is waiting or running."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses=RunSerializer)
    def post(self, request: Request, run_id: int) -> Response:
        run = get_object_or_404(TrainingRun, pk=run_id)
        if not run.is_active:
            raise Problem(status=409, code="not_active", detail=f"Training run {run.pk} is over ({run.status}).")
        return Response(RunSerializer(runs.request_cancel(run, by=signed_in(request))).data)


class TrainingStateSerializer(serializers.Serializer[Any]):
    run_id = serializers.IntegerField()
    status = serializers.ChoiceField(TrainingRun.Status.choices)
    progress = serializers.FloatField()


class CountsSerializer(serializers.Serializer[Any]):
    users = serializers.IntegerField()
    movies = serializers.IntegerField()
    ratings = serializers.IntegerField()


class StatusSerializer(serializers.Serializer[Any]):
    live_version = serializers.CharField(allow_null=True)
    latest_version = serializers.CharField(allow_null=True)
    generation = serializers.IntegerField()
    training = TrainingStateSerializer(allow_null=True)
    counts = CountsSerializer()
    ratings_since_live = serializers.IntegerField()


class StatusView(APIView):
    """What is live, what is training, and how much has been rated since."""

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        runs.sweep()
        state = registry.live()
        latest = ModelVersion.objects.latest_ready()
        run = TrainingRun.objects.active().first()
        n_ratings = Rating.objects.count()
        since = Rating.objects.changed_after(state.version.data_until).count() if state.version else n_ratings
        return Response(
            {
                "live_version": state.version.label if state.version else None,
                "latest_version": latest.label if latest else None,
                "generation": state.generation,
                "training": {"run_id": run.pk, "status": run.status, "progress": run.progress} if run else None,
                "counts": {
                    "users": User.objects.count(),
                    "movies": Movie.objects.count(),
                    "ratings": n_ratings,
                },
                "ratings_since_live": since,
            }
        )
