"""The health page's tables and charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlops.charts import Chart, Series, line_chart
from mlops.data_health import Burst, GenreShare
from mlops.engagement import Day as EngagementOfDay
from mlops.models import ShuffleTestResult
from mlops.serving_health import Step, Stretch
from mlops.tables import Column, Table

DAYS_SHOWN = 30
Days = Sequence[tuple[str, int, int, int]]


def _number(name: str, title: str) -> Column:
    return Column(name, title, number=True)


def serving(found: Sequence[Step], stretch: Stretch) -> Table:
    columns = [
        Column("from", "From"), _number("requests", "Requests"), _number("lists", "Lists"),
        _number("fallback_share", "Impersonal"), _number("error_share", "Errors"),
        _number("popular_share", "Most rated films"), _number("p50_ms", "List p50, ms"),
        _number("p95_ms", "List p95, ms"), _number("learned", "Learned"),
        _number("learned_p50_ms", "Learned p50, ms"), _number("learned_p95_ms", "Learned p95, ms"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [
            step.begin, step.handled, step.lists, step.fallback_share, step.error_share, step.popular_share,
            step.latency_ms(0.5), step.latency_ms(0.95), step.learnings, step.learning_ms(0.5), step.learning_ms(0.95),
        ]
        for step in reversed(found)
        if step.handled
    ]  # fmt: skip
    cells = [
        [f"{row[0]:%-d %b, %H:%M}", f"{row[1]:,}", f"{row[2]:,}", _percent(row[3]), _percent(row[4]), _percent(row[5]),
         _ms(row[6]), _ms(row[7]), f"{row[8]:,}", _ms(row[9]), _ms(row[10])]
        for row in rows
    ]  # fmt: skip
    return Table("serving", f"Served, {stretch.title.lower()}", columns, rows, cells, empty="Nothing was served.")


def _percent(value: Any) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _ms(value: Any) -> str:
    return "–" if value is None else f"{value:.0f}"


def versions(served: Step) -> Table:
    columns = [Column("version", "Version"), _number("lists", "Lists"), _number("share", "Share")]
    ordered = sorted(served.by_version.items(), key=lambda one: -one[1])
    rows: list[list[Any]] = [
        [label or "no version", n, n / served.lists if served.lists else 0.0] for label, n in ordered if n
    ]
    cells = [[str(row[0]), f"{row[1]:,}", _percent(row[2])] for row in rows]
    return Table("by-version", "Lists by version", columns, rows, cells, empty="No list was made.")


def days(found: Days) -> Table:
    columns = [Column("day", "Day"), _number("ratings", "New ratings"), _number("accounts", "New accounts"),
               _number("films", "New films")]  # fmt: skip
    return Table("days", "Day by day", columns, [list(day) for day in reversed(found)])


def distribution(found: Sequence[tuple[float, float, float]]) -> Table:
    columns = [_number("stars", "Stars"), _number("before", "Until the training"), _number("since", "Since")]
    cells = [[f"{stars:g}", _percent(before), _percent(since)] for stars, before, since in found]
    return Table("distribution", "Which ratings are given", columns, [list(row) for row in found], cells)


def genres(found: Sequence[GenreShare]) -> Table:
    columns = [Column("genre", "Genre"), _number("before", "In the training"), _number("since", "Since"),
               _number("moved", "Moved")]  # fmt: skip
    rows = [[one.name, one.was, one.now, one.now - one.was] for one in found]
    cells = [
        [one.name, _percent(one.was), _percent(one.now), f"{100 * (one.now - one.was):+.1f}".replace("-", "−")]
        for one in found
    ]
    return Table("genres", "Shares of genres", columns, rows, cells, empty="Nothing was rated since the training.")


def bursts(key: str, title: str, found: Sequence[Burst]) -> Table:
    columns = [Column("what", "What"), Column("id", "Number", number=True), _number("ratings", "Ratings in 24 hours"),
               _number("expected", "Expected")]  # fmt: skip
    rows = [[one.what, one.id, one.n, one.expected] for one in found]
    cells = [[one.what, str(one.id), f"{one.n:,}", f"{one.expected:.1f}"] for one in found]
    return Table(key, title, columns, rows, cells, empty="None.")


def engagement_days(found: Sequence[EngagementOfDay]) -> Table:
    columns = [
        Column("day", "Day"), _number("lists", "Lists"), _number("films", "Different films"),
        _number("coverage", "Coverage"), _number("click_through", "Click-through"), _number("opened", "Opened"),
        _number("watchlisted", "Watchlisted"), _number("rated", "Rated"), _number("liked", "Liked"),
        _number("hidden", "Hidden"), _number("rated_after_view", "Rated after a view"),
    ]  # fmt: skip
    rows: list[list[Any]] = [
        [one.day.isoformat(), one.lists, one.films, one.coverage, one.click_through, one.opened, one.watchlisted,
         one.rated, one.liked, one.hidden, one.rated_after_view]
        for one in reversed(found)
    ]  # fmt: skip
    cells = [
        [f"{one.day:%-d %b}", f"{one.lists:,}", f"{one.films:,}", _percent(one.coverage), _percent(one.click_through),
         f"{one.opened:,}", f"{one.watchlisted:,}", f"{one.rated:,}", f"{one.liked:,}", f"{one.hidden:,}",
         _percent(one.rated_after_view)]
        for one in reversed(found)
    ]  # fmt: skip
    return Table(
        "engagement", "What the lists led to, day by day", columns, rows, cells, empty="No list was noted yet."
    )


def engagement_chart(found: Sequence[EngagementOfDay]) -> Chart | None:
    def percents(values: Iterable[float | None]) -> list[float | None]:
        return [None if value is None else 100 * value for value in values]

    if not found:
        return None
    latest = found[-1]
    return line_chart(
        key="engagement", title="What the lists led to, %", width=520, height=200, headings=[], rows=[],
        description=f"The last {DAYS_SHOWN} days. Latest: coverage {_percent(latest.coverage)}, click-through "
        f"{_percent(latest.click_through)}, rated after a view {_percent(latest.rated_after_view)}.",
        x=[one.day.toordinal() for one in found], x_labels=[f"{one.day:%-d %b}" for one in found],
        series=[
            Series("Coverage", percents(one.coverage for one in found)),
            Series("Click-through", percents(one.click_through for one in found)),
            Series("Rated after a view", percents(one.rated_after_view for one in found)),
        ],
    )  # fmt: skip


def shuffle_tests(found: Iterable[ShuffleTestResult]) -> Table:
    columns = [
        Column("at", "When"), Column("version", "Version"), _number("n", "Newly liked films"),
        _number("people", "People"), _number("by_model", "By the lists"), _number("by_popularity", "By popularity"),
        Column("verdict", "Verdict"),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    cells: list[list[str]] = []
    for one in found:
        result = one.result or {}
        verdict = _verdict(one.result)
        label, model, popularity = one.version.label, result.get("model"), result.get("popularity")
        rows.append([one.at, label, one.n, one.people, model, popularity, verdict])
        when = f"{one.at:%-d %b %Y, %H:%M}"
        cells.append([when, label, str(one.n), str(one.people), _percent(model), _percent(popularity), verdict])
    return Table("tests", "Lists tested on what people liked since", columns, rows, cells, empty="Not tested yet.")


def _verdict(result: dict[str, object] | None) -> str:
    if result is None:
        return "too few to say anything"
    if result["beats_popularity"]:
        return "better than popularity and chance"
    if result["beats_chance"]:
        return "better than chance; against popularity not clear"
    return "not better than chance" if result["beats_chance"] is False else "not clear"


def charts(found: Sequence[Step], stretch: Stretch, of_days: Days) -> list[Chart]:
    """Those that have anything to show."""
    x = [step.begin.timestamp() for step in found]
    labels = [f"{step.begin:{stretch.form}}" for step in found]

    def chart(key: str, title: str, unit: str, series: list[Series]) -> Chart | None:
        last = [
            f"{one.label} {next((value for value in reversed(one.values) if value is not None), 0):.1f} {unit}"
            for one in series
        ]
        return line_chart(
            key=key, title=title, description=f"{stretch.title}. Latest: {', '.join(last)}.", x=x, x_labels=labels,
            series=series, headings=[], rows=[], width=520, height=200,
        )  # fmt: skip

    def percents(values: Iterable[float | None]) -> list[float | None]:
        return [None if value is None else 100 * value for value in values]

    top = sorted({label for step in found for label, n in step.by_version.items() if n})[-3:]
    made = [
        chart("lists", "Lists by version", "lists",
              [Series(label or "no version", [step.by_version.get(label) for step in found]) for label in top]),
        chart("fallback", "Impersonal lists and most rated films, %", "%",
              [Series("Impersonal", percents(step.fallback_share for step in found)),
               Series("Most rated films", percents(step.popular_share for step in found))]),
        chart("latency", "A list, ms", "ms",
              [Series("95 %", [step.latency_ms(0.95) for step in found]),
               Series("Median", [step.latency_ms(0.5) for step in found])]),
        chart("learning", "From a rating to the new list, ms", "ms",
              [Series("95 %", [step.learning_ms(0.95) for step in found]),
               Series("Median", [step.learning_ms(0.5) for step in found])]),
        line_chart(
            key="ratings", title="New ratings by day", width=520, height=200, headings=[], rows=[],
            description=f"The last {len(of_days)} days, {sum(day[1] for day in of_days):,} ratings.",
            x=list(range(len(of_days))), x_labels=[day[0][5:] for day in of_days],
            series=[Series("New ratings", [float(day[1]) for day in of_days])],
        ),
    ]  # fmt: skip
    return [one for one in made if one is not None]
