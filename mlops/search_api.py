"""The API of searches."""

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

from cinema.api_fields import Pages, WholeNumberField, signed_in, throttle
from cinema.problems import Problem
from mlops import runs, searches
from mlops.api_problems import in_progress
from mlops.models import Search, TrainingRun, Trial
from mlops.searches import DEFAULT_TRIALS, MAX_MINUTES, MAX_TRIALS
from recommender.algorithms.presets import DEFAULT_PRESET, PRESETS


class SearchInput(serializers.Serializer[Any]):
    preset = serializers.ChoiceField(list(PRESETS), required=False, default=DEFAULT_PRESET)
    objective = serializers.ChoiceField(
        Search.Objective.choices,
        required=False,
        default=Search.Objective.RMSE.value,
        help_text="On validation ratings.",
    )
    trials = WholeNumberField(
        required=False, allow_null=True, min_value=1, max_value=MAX_TRIALS, help_text=f"{DEFAULT_TRIALS} by default."
    )
    minutes = WholeNumberField(required=False, allow_null=True, default=None, min_value=1, max_value=MAX_MINUTES)
    seed = WholeNumberField(required=False, default=0, min_value=0, max_value=2**31 - 1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "trials" not in attrs and attrs["minutes"] is None:
            attrs["trials"] = DEFAULT_TRIALS
        if attrs.get("trials") is None and attrs["minutes"] is None:
            raise ValidationError({"trials": "Give trials, minutes or both."})
        return attrs


class SearchStartedSerializer(serializers.Serializer[Any]):
    search_id = serializers.IntegerField()
    run_id = serializers.IntegerField()
    status = serializers.ChoiceField(TrainingRun.Status.choices)
    status_url = serializers.URLField()


class TrialSerializer(serializers.ModelSerializer[Trial]):
    class Meta:
        model = Trial
        fields = ["number", "state", "parameters", "value", "rmse", "ndcg", "curve", "seconds", "started_at", "error"]
        read_only_fields = fields


class SearchSerializer(serializers.ModelSerializer[Search]):
    search_id = serializers.IntegerField(source="pk", read_only=True)
    run_id = serializers.IntegerField(source="last_run.pk", read_only=True, allow_null=True, default=None)
    status = serializers.ChoiceField(TrainingRun.Status.choices, read_only=True)
    progress = serializers.FloatField(read_only=True)
    trials_done = serializers.SerializerMethodField()
    best = TrialSerializer(read_only=True, allow_null=True)
    of_preset = TrialSerializer(read_only=True, allow_null=True)
    requested_by = serializers.SlugRelatedField(slug_field="username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    can_resume = serializers.BooleanField(read_only=True)

    class Meta:
        model = Search
        fields = [
            "search_id",
            "run_id",
            "status",
            "preset",
            "objective",
            "max_trials",
            "max_minutes",
            "seed",
            "requested_by",
            "created_at",
            "progress",
            "trials_done",
            "seconds",
            "best",
            "of_preset",
            "importances",
            "notes",
            "judgement",
            "dataset_fingerprint",
            "data_until",
            "n_ratings",
            "split",
            "code_version",
            "libraries",
            "can_resume",
        ]
        read_only_fields = fields

    def get_trials_done(self, search: Search) -> int:
        return len(search.done)


class SearchDetailSerializer(SearchSerializer):
    trials = TrialSerializer(source="all_trials", many=True, read_only=True)

    class Meta(SearchSerializer.Meta):
        fields = [*SearchSerializer.Meta.fields, "trials"]
        read_only_fields = fields


class SearchMixin(generics.GenericAPIView[Search]):
    permission_classes = [IsAdminUser]
    serializer_class: type[SearchSerializer] = SearchSerializer
    pagination_class = Pages
    lookup_url_kwarg = "search_id"

    def get_queryset(self) -> QuerySet[Search]:
        # A reader is shown the truth: a search whose process is gone is settled first.
        searches.sweep()
        return Search.objects.select_related("requested_by").prefetch_related("trials", "runs")


def _started(request: Request, search: Search, run: TrainingRun) -> Response:
    url = request.build_absolute_uri(reverse("api:search", args=[search.pk]))
    return Response(
        {"search_id": search.pk, "run_id": run.pk, "status": run.status, "status_url": url},
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": url},
    )


def _only_one(user_key: str = "all") -> None:
    """409 while something runs, before the throttle: asking again is no new work."""
    searches.sweep()
    active = TrainingRun.objects.active().first()
    if active is not None:
        raise in_progress(active.pk)
    throttle("training", user_key)


class SearchListView(SearchMixin, generics.ListAPIView[Search]):
    """All searches, newest first."""

    @extend_schema(request=SearchInput, responses={202: SearchStartedSerializer})
    def post(self, request: Request) -> Response:
        """Search for hyper-parameters that are better than a preset's."""
        user = signed_in(request)
        data = SearchInput(data=request.data)
        data.is_valid(raise_exception=True)
        _only_one()
        wanted = data.validated_data
        try:
            search = searches.request_search(
                preset=wanted["preset"],
                objective=wanted["objective"],
                max_trials=wanted.get("trials"),
                max_minutes=wanted["minutes"],
                seed=wanted["seed"],
                requested_by=user,
            )
        except runs.TrainingInProgress as error:
            raise in_progress(error.run_id) from error
        run = search.last_run
        assert run is not None
        return _started(request, search, run)


class SearchDetailView(SearchMixin, generics.RetrieveAPIView[Search]):
    """One search: its trials, its best, and what matters."""

    serializer_class = SearchDetailSerializer


class SearchCancelView(SearchMixin):
    """Stop a search. What it has found stays, and it can be resumed."""

    @extend_schema(request=None, responses=SearchSerializer)
    def post(self, request: Request, search_id: int) -> Response:
        search = get_object_or_404(self.get_queryset(), pk=search_id)
        if not searches.cancel_search(search, by=signed_in(request)):
            raise Problem(status=409, code="not_active", detail=f"Search {search.pk} is over ({search.status}).")
        return Response(SearchSerializer(get_object_or_404(self.get_queryset(), pk=search_id)).data)


class SearchResumeView(SearchMixin):
    """Go on with a search that was cancelled, interrupted or failed."""

    @extend_schema(request=None, responses={202: SearchStartedSerializer})
    def post(self, request: Request, search_id: int) -> Response:
        user = signed_in(request)
        search = get_object_or_404(self.get_queryset(), pk=search_id)
        _only_one()
        try:
            run = searches.resume_search(search, requested_by=user)
        except searches.SearchError as error:
            raise Problem(status=409, code="not_resumable", detail=str(error)) from error
        except runs.TrainingInProgress as error:
            raise in_progress(error.run_id) from error
        return _started(request, search, run)
