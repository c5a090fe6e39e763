"""The API's paths, all in one place. They carry no trailing slash."""

from __future__ import annotations

from csp.decorators import csp_update
from django.urls import path, register_converter
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cinema import api as cinema_api
from cinema import mydata_api
from cinema.api_fields import IdConverter
from cinema.api_format import INLINE_STYLES
from cinema.night_api import NightView
from mlops import api as mlops_api
from mlops import experiment_api, search_api
from recommender import api as recommender_api
from recommender import version_api

register_converter(IdConverter, "id")

app_name = "api"

urlpatterns = [
    # A path is looked for from the top: what is asked for most comes first.
    path("ml/recommendations/<id:user_id>", recommender_api.RecommendationsView.as_view(), name="recommendations"),
    path("ml/explain/<id:user_id>/<id:movie_id>", recommender_api.ExplainView.as_view(), name="explain"),
    path("ratings/<id:movie_id>", cinema_api.RatingView.as_view(), name="rating"),
    path("me", mydata_api.AccountView.as_view(), name="me"),
    path("me/export", mydata_api.ExportView.as_view(), name="me-export"),
    path("movies", cinema_api.MovieListView.as_view(), name="movies"),
    path("movies/<id:movie_id>", cinema_api.MovieDetailView.as_view(), name="movie"),
    path("ratings", cinema_api.RatingListView.as_view(), name="ratings"),
    path("ml/train", mlops_api.TrainView.as_view(), name="train"),
    path("ml/runs", mlops_api.RunListView.as_view(), name="runs"),
    path("ml/runs/<id:run_id>", mlops_api.RunDetailView.as_view(), name="run"),
    path("ml/runs/<id:run_id>/cancel", mlops_api.RunCancelView.as_view(), name="run-cancel"),
    path("ml/searches", search_api.SearchListView.as_view(), name="searches"),
    path("ml/searches/<id:search_id>", search_api.SearchDetailView.as_view(), name="search"),
    path("ml/searches/<id:search_id>/cancel", search_api.SearchCancelView.as_view(), name="search-cancel"),
    path("ml/searches/<id:search_id>/resume", search_api.SearchResumeView.as_view(), name="search-resume"),
    path("ml/experiments", experiment_api.ExperimentListView.as_view(), name="experiments"),
    path("ml/experiments/<id:experiment_id>", experiment_api.ExperimentDetailView.as_view(), name="experiment"),
    path("ml/experiments/<id:experiment_id>/start", experiment_api.StartView.as_view(), name="experiment-start"),
    path("ml/experiments/<id:experiment_id>/stop", experiment_api.StopView.as_view(), name="experiment-stop"),
    path("ml/status", mlops_api.StatusView.as_view(), name="status"),
    path("ml/versions", version_api.VersionListView.as_view(), name="versions"),
    path("ml/versions/<slug:label>", version_api.VersionDetailView.as_view(), name="version"),
    path("ml/versions/<slug:label>/activate", version_api.ActivateView.as_view(), name="version-activate"),
    path("ml/rollback", version_api.RollbackView.as_view(), name="rollback"),
    path("ml/activations", version_api.ActivationListView.as_view(), name="activations"),
    path("ml/live", version_api.LiveAtView.as_view(), name="live-at"),
    path("ml/metrics", version_api.MetricsView.as_view(), name="metrics"),
    path("ml/metrics/history", version_api.MetricsHistoryView.as_view(), name="metrics-history"),
    path("ml/similar/<id:movie_id>", recommender_api.SimilarView.as_view(), name="similar"),
    path("nights/<id:night_id>", NightView.as_view(), name="night"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", csp_update(INLINE_STYLES)(SpectacularSwaggerSplitView.as_view(url_name="api:schema")), name="docs"),
]
