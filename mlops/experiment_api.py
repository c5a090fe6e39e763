"""The API of experiments."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cinema.api_fields import Pages, signed_in
from cinema.problems import Problem
from mlops import experiment_lines, experiments
from mlops.experiment_reading import reading
from recommender.models import Arm, Experiment


class ArmSerializer(serializers.ModelSerializer[Arm]):
    version = serializers.SlugRelatedField(  # type: ignore[var-annotated]
        slug_field="label", read_only=True, allow_null=True, help_text="Null: whatever is live."
    )

    class Meta:
        model = Arm
        fields = ["name", "version", "settings"]
        read_only_fields = fields


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    experiment_id = serializers.IntegerField(source="pk", read_only=True)
    arms = ArmSerializer(many=True, read_only=True)

    class Meta:
        model = Experiment
        fields = [
            "experiment_id", "name", "kind", "surface", "status", "share", "interest", "harm", "arms", "created_at",
            "started_at", "ended_at", "end_reason", "verdict",
        ]  # fmt: skip
        read_only_fields = fields


class ArmFoundSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    what = serializers.CharField()
    people = serializers.IntegerField()
    lists = serializers.IntegerField()
    engaged = serializers.IntegerField(help_text="Lists; where they are mixed, those that gave the arm a point.")


class ContrastFoundSerializer(serializers.Serializer[Any]):
    arm = serializers.CharField()
    estimate = serializers.FloatField(help_text="Against A, of one list.")
    interval = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="95 %, at whatever moment one looks."
    )
    decision = serializers.ChoiceField(["better", "worse", "open"])
    more_lists = serializers.IntegerField(allow_null=True, help_text="Until it is decided, if it stays as it is.")


class FoundSerializer(serializers.Serializer[Any]):
    finding = serializers.CharField()
    people = serializers.IntegerField()
    lists = serializers.IntegerField()
    winner = serializers.CharField(allow_null=True)
    arms = ArmFoundSerializer(many=True)
    contrasts = ContrastFoundSerializer(many=True)
    sample_ratio_warns = serializers.BooleanField()
    harm = serializers.CharField(allow_blank=True)


class ExperimentDetailSerializer(ExperimentSerializer):
    found = serializers.SerializerMethodField()

    class Meta(ExperimentSerializer.Meta):
        fields = [*ExperimentSerializer.Meta.fields, "found"]
        read_only_fields = fields

    @extend_schema(responses=FoundSerializer)
    def get_found(self, experiment: Experiment) -> dict[str, Any]:
        found = reading(experiment)
        return {"finding": experiment_lines.finding(experiment, found), **found.as_dict()}


class ExperimentMixin(generics.GenericAPIView[Experiment]):
    permission_classes = [IsAdminUser]
    serializer_class: type[ExperimentSerializer] = ExperimentSerializer
    pagination_class = Pages
    lookup_url_kwarg = "experiment_id"

    def get_queryset(self) -> QuerySet[Experiment]:
        return Experiment.objects.prefetch_related("arms__version")


class ExperimentListView(ExperimentMixin, generics.ListAPIView[Experiment]):
    """All experiments, newest first."""


class ExperimentDetailView(ExperimentMixin, generics.RetrieveAPIView[Experiment]):
    """One experiment and what it has found so far."""

    serializer_class = ExperimentDetailSerializer


class StartView(APIView):
    """Start what was planned."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=None, responses=ExperimentSerializer)
    def post(self, request: Request, experiment_id: int) -> Response:
        experiment = get_object_or_404(Experiment, pk=experiment_id)
        try:
            experiments.start(experiment, by=signed_in(request))
        except experiments.ExperimentRefused as error:
            raise Problem(status=409, code=error.code, detail=str(error)) from error
        return Response(ExperimentSerializer(experiment).data)


class StopInput(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


class StopView(APIView):
    """End what is running; everybody is served by what is live again."""

    permission_classes = [IsAdminUser]

    @extend_schema(request=StopInput, responses=ExperimentSerializer)
    def post(self, request: Request, experiment_id: int) -> Response:
        experiment = get_object_or_404(Experiment, pk=experiment_id)
        data = StopInput(data=request.data)
        data.is_valid(raise_exception=True)
        if not experiments.stop(experiment, by=signed_in(request), reason=data.validated_data["reason"]):
            raise Problem(status=409, code="experiment_not_running", detail="The experiment is not running.")
        return Response(ExperimentSerializer(experiment).data)
