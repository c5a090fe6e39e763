"""How the site is: what it serves, what comes in, and whether both are as they were."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from cinema.guards import MemberRequest, staff_required
from mlops import data_health, engagement, health_tables, health_tiles, runs, watch
from mlops.forms import HealthForm, WatchForm
from mlops.models import HealthPolicy, ShuffleTestResult, WatchPolicy
from mlops.schedules import newer_than_live
from mlops.serving_health import STRETCHES, altogether, steps
from mlops.tables import download
from recommender import registry
from recommender.serving import live_model

DAYS = health_tables.DAYS_SHOWN


@require_safe
@staff_required
def health(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    stretch = STRETCHES.get(request.GET.get("stretch", ""), STRETCHES["day"])
    policy = HealthPolicy.current()
    state = registry.live()
    version, live = state.version, live_model()
    found = steps(stretch, now)
    served = altogether(found)
    since = version.data_until if version is not None else now
    mean = data_health.mean_drift(since, policy.mean_drift)
    genres, shares = data_health.genre_drift(live, policy.genre_drift) if live is not None else (mean, [])
    films, accounts = data_health.bursts(now)
    days = data_health.by_day(now, DAYS)
    led_to = engagement.by_day(now, DAYS)
    tested = ShuffleTestResult.objects.filter(version=version).first() if version is not None else None
    watched = watch.over_live()
    tables = {
        "serving": health_tables.serving(found, stretch),
        "versions": health_tables.versions(served),
        "days": health_tables.days(days),
        "distribution": health_tables.distribution(data_health.distribution(since)),
        "genres": health_tables.genres(shares),
        "films": health_tables.bursts("film-bursts", "Films with unusually many ratings today", films),
        "accounts": health_tables.bursts("account-bursts", "Accounts with unusually many ratings today", accounts),
        "engagement": health_tables.engagement_days(led_to),
        "tests": health_tables.shuffle_tests(ShuffleTestResult.objects.select_related("version")[:20]),
    }
    if file := download(request, list(tables.values())):
        return file
    tiles = [
        *health_tiles.serving_tiles(policy, served),
        *health_tiles.drift_tiles(policy, mean, genres),
        health_tiles.burst_tile(films, accounts),
        health_tiles.lists_tile(tested),
        health_tiles.agreement_tile(version.diagnostics.get("agreement") if version is not None else None),
        health_tiles.watch_tile(watched),
    ]
    context: dict[str, Any] = {
        "stretch": stretch,
        "stretches": STRETCHES.values(),
        "live": state,
        "newer": newer_than_live(state),
        "tiles": tiles,
        "worst": health_tiles.worst(tiles),
        "charts": health_tables.charts(found, stretch, days),
        "engagement_chart": health_tables.engagement_chart(led_to),
        "tables": tables,
        "watch": watched,
        "worker_alive": runs.worker_alive(),
        "next": request.get_full_path(),
    }
    return render(request, "mlops/health.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required
def thresholds(request: MemberRequest) -> HttpResponse:
    """Where a figure becomes worth a word, and how the watch after an activation judges and acts."""
    data = request.POST if request.method == "POST" else None
    forms = [HealthForm(data, instance=HealthPolicy.current()), WatchForm(data, instance=WatchPolicy.current())]
    if request.method == "POST" and not any(form.errors for form in forms):
        for form in forms:
            form.save()
        messages.success(request, "Saved.")
        return redirect("mlops:thresholds")
    status = 422 if any(form.errors for form in forms) else 200
    return render(request, "mlops/thresholds.html", {"health_form": forms[0], "watch_form": forms[1]}, status=status)
