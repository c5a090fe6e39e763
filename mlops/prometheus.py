"""The site's figures in Prometheus' text format: what any process has counted, read from the database.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4). Rows of minutes are summed over all
time that is kept, so a counter falls only where old hours are forgotten, which Prometheus takes for a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from cinema.models import Movie, Rating, User
from mlops import runs
from mlops.histograms import BOUNDS_MS, total
from mlops.models import ServingMinute, TrainingRun
from recommender import registry
from recommender.models import ModelVersion

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = dict[str, str]
Sample = tuple[str, Labels, float]


def exposition() -> str:
    """All metrics. A handful of queries, however many people ask."""
    live = registry.live()
    newer = Rating.objects.changed_after(live.version.data_until).count() if live.version is not None else 0
    by_version: dict[str, list[ServingMinute]] = {}
    for row in ServingMinute.objects.iterator():
        by_version.setdefault(row.version, []).append(row)
    active = TrainingRun.objects.active().exists()
    gauges: list[tuple[str, str, float]] = [
        ("cinema_users", "Accounts and imported people.", User.objects.count()),
        ("cinema_movies", "Films of the catalogue.", Movie.objects.count()),
        ("cinema_ratings", "Ratings there are.", Rating.objects.count()),
        ("cinema_ratings_since_training", "Ratings newer than the live version's data.", newer),
        ("cinema_versions", "Versions that could serve.", ModelVersion.objects.ready().count()),
        ("cinema_live_generation", "Changes of the live version.", live.generation),
        ("cinema_activation_hold", "1 while nothing is activated by itself.", live.hold),
        ("cinema_training_run_active", "1 while a training or a search waits or runs.", active),
        ("cinema_worker_alive", "1 while a worker gives signs of life.", runs.worker_alive()),
    ]
    parts = [*_serving(by_version), *(_metric(name, "gauge", text, [("", {}, value)]) for name, text, value in gauges)]
    if live.version is not None:
        label = {"version": live.version.label, "preset": live.version.preset}
        made = live.version.created_at.timestamp()
        name = "cinema_live_version_created_timestamp_seconds"
        parts.append(_metric("cinema_live_version_info", "gauge", "1 for the version that is live.", [("", label, 1)]))
        parts.append(_metric(name, "gauge", "When the live version was made.", [("", {}, made)]))
    return "".join(parts)


def _serving(by_version: dict[str, list[ServingMinute]]) -> Iterable[str]:
    def sums(name: str) -> list[Sample]:
        return [("", {"version": label}, sum(getattr(row, name) for row in rows)) for label, rows in by_version.items()]

    yield _metric("cinema_requests_total", "counter", "Requests answered.", sums("handled"))
    yield _metric("cinema_request_errors_total", "counter", "Answers of 500 and above.", sums("errors"))
    yield _metric("cinema_lists_total", "counter", "Requests that a list was made for.", sums("lists"))
    yield _metric("cinema_fallback_lists_total", "counter", "Lists that were not personal.", sums("fallbacks"))
    yield _metric("cinema_list_places_total", "counter", "Places of the lists.", sums("places"))
    yield _metric(
        "cinema_popular_places_total",
        "counter",
        "Places that hold one of the most rated films.",
        sums("popular_places"),
    )
    yield _metric(
        "cinema_list_request_seconds",
        "histogram",
        "Time to answer a request that a list was made for.",
        _histograms(by_version, "latency", "seconds"),
    )
    yield _metric(
        "cinema_learning_seconds",
        "histogram",
        "From a rating until the new list was there.",
        _histograms(by_version, "learning", "learning_seconds"),
    )


def _histograms(by_version: dict[str, list[ServingMinute]], counts: str, seconds: str) -> list[Sample]:
    samples: list[Sample] = []
    for label, rows in by_version.items():
        found = total(histogram for row in rows if (histogram := getattr(row, counts)))
        cumulative = list(accumulate(found))
        bounds = [*(f"{bound / 1000:g}" for bound in BOUNDS_MS), "+Inf"]
        samples += [
            ("_bucket", {"version": label, "le": bound}, n) for bound, n in zip(bounds, cumulative, strict=True)
        ]
        samples.append(("_sum", {"version": label}, sum(getattr(row, seconds) for row in rows)))
        samples.append(("_count", {"version": label}, cumulative[-1]))
    return samples


def _metric(name: str, kind: str, text: str, samples: Sequence[Sample]) -> str:
    lines = [f"# HELP {name} {text}\n", f"# TYPE {name} {kind}\n"]
    for suffix, labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
        lines.append(f"{name}{suffix}{{{inside}}} {value:.17g}\n" if inside else f"{name}{suffix} {value:.17g}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
