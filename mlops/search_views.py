"""Staff's pages of searches: start one, watch it, train what it found."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cinema import throttling
from cinema.guards import MemberRequest, staff_required, too_many, wants_fragment
from mlops import judgement_words, runs, search_figures, searches
from mlops.charts import training_chart
from mlops.models import Search, TrainingRun, Trial
from mlops.search_figures import MEANINGFUL_TRIALS
from mlops.search_forms import SearchForm, TrainBestForm
from mlops.tables import download
from recommender.algorithms.presets import PRESETS

SEARCHES_A_PAGE = 20


def _searches() -> QuerySet[Search]:
    # What is long is read where it is drawn.
    return Search.objects.select_related("requested_by").prefetch_related(
        Prefetch("trials", Trial.objects.defer("curve")),
        Prefetch("runs", TrainingRun.objects.defer("history")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def search_list(request: MemberRequest) -> HttpResponse:
    """All searches, newest first. A POST starts one."""
    form = SearchForm(request.POST) if request.method == "POST" else SearchForm()
    if request.method == "POST" and form.is_valid():
        return _start(request, form)
    searches.sweep()
    context = {
        "form": form,
        "presets": PRESETS.values(),
        "page": Paginator(_searches(), SEARCHES_A_PAGE).get_page(request.GET.get("page")),
        "active": TrainingRun.objects.active().first(),
        "worker_alive": runs.worker_alive(),
    }
    return render(request, "mlops/searches.html", context, status=422 if form.is_bound else 200)


def _start(request: MemberRequest, form: SearchForm) -> HttpResponse:
    # Whoever clicks while something runs learns just that, whatever the throttle says.
    idle = not TrainingRun.objects.active().exists()
    if idle and not (verdict := throttling.allow("training", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail="Too many runs were started.")
    try:
        search = searches.request_search(requested_by=request.user, **form.cleaned_data)
    except runs.TrainingInProgress as error:
        messages.info(request, _busy(error))
        return redirect("mlops:searches")
    messages.success(request, f"Search {search.pk} is on its way.")
    return redirect("mlops:search", search.pk)


def _busy(error: runs.TrainingInProgress) -> str:
    return f"Run {error.run_id} is still going on. One runs at a time, be it a training or a search."


@require_safe
@staff_required
def search_detail(request: MemberRequest, search_id: int) -> HttpResponse:
    """The page of a search; for htmx all of it that changes, which asks again for as long as the search goes on."""
    searches.sweep()
    search = get_object_or_404(Search.objects.select_related("requested_by"), pk=search_id)
    tables = {
        "trials": search_figures.trials_table(search),
        "parameters": search_figures.parameters_table(search),
        "importances": search_figures.importances_table(search),
    }
    if file := download(request, list(tables.values())):
        return file
    run = search.last_run
    complete = [trial for trial in search.done if trial.value is not None]
    context: dict[str, Any] = {
        "search": search,
        "run": run,
        "worker_alive": runs.worker_alive(),
        "chart": training_chart(run.history) if run is not None and run.is_active else None,
        "trying": next((trial for trial in search.all_trials if trial.state == Trial.State.RUNNING), None),
        "plot": search_figures.history_plot(search),
        "n_complete": len(complete),
        "n_pruned": sum(trial.state == Trial.State.PRUNED for trial in search.done),
        "n_failed": sum(trial.state == Trial.State.FAILED for trial in search.done),
        "bars": search_figures.importance_bars(search),
        "meaningful_trials": MEANINGFUL_TRIALS,
        "judgement": judgement_words.shown(search),
        "can_train": search.best is not None and search.preset_exists and not search.is_active,
        **tables,
    }
    template = "mlops/search.html#search" if wants_fragment(request) else "mlops/search.html"
    return render(request, template, context)


@require_POST
@staff_required
def cancel(request: MemberRequest, search_id: int) -> HttpResponse:
    search = get_object_or_404(Search, pk=search_id)
    if searches.cancel_search(search, by=request.user):
        messages.info(request, f"Search {search.pk} is asked to stop. What it has found stays.")
    else:
        messages.info(request, f"Search {search.pk} had already ended.")
    return redirect("mlops:search", search.pk)


@require_POST
@staff_required
def resume(request: MemberRequest, search_id: int) -> HttpResponse:
    search = get_object_or_404(Search, pk=search_id)
    try:
        searches.resume_search(search, requested_by=request.user)
    except searches.SearchError as error:
        messages.error(request, str(error))
    except runs.TrainingInProgress as error:
        messages.info(request, _busy(error))
    else:
        messages.success(request, f"Search {search.pk} goes on.")
    return redirect("mlops:search", search.pk)


@require_POST
@staff_required
def train(request: MemberRequest, search_id: int) -> HttpResponse:
    """Trains a version with the best trial's parameters."""
    search = get_object_or_404(Search, pk=search_id)
    form = TrainBestForm(request.POST)
    best = search.best
    if best is None or not search.preset_exists or not form.is_valid():
        messages.error(request, "There is nothing to train yet.")
        return redirect("mlops:search", search.pk)
    idle = not TrainingRun.objects.active().exists()
    if idle and not (verdict := throttling.allow("training", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail="Too many runs were started.")
    try:
        run = runs.request_training(
            preset=search.preset,
            hyperparameters=best.parameters,
            activate=form.cleaned_data["activate"],
            requested_by=request.user,
        )
    except runs.TrainingInProgress as error:
        messages.info(request, _busy(error))
        return redirect("mlops:search", search.pk)
    messages.success(request, f"Training run {run.pk} is on its way with the parameters of trial {best.number}.")
    return redirect(reverse("mlops:run-detail", args=[run.pk]))
