"""After a version became live: does it behave as what was live before?

Every minute a job looks at what was served (``ServingMinute``) since the activation and in the time before it, as long
on both sides. A look at a page never acts. On an alarm the watch offers a rollback, or performs it if it is set so:
once, and only while the version that it watches is still live.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from mlops.histograms import quantile, total
from mlops.models import ServingMinute, Watch, WatchPolicy
from recommender import registry
from recommender.models import Activation, LivePointer

logger = logging.getLogger(__name__)

# Where too few lists are served to judge by, the watch goes on for so many times as long.
PATIENCE = 4

State = Watch.State


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What was served in some time."""

    handled: int
    lists: int
    fallback_share: float
    error_share: float
    popular_share: float
    p95_ms: float | None

    @classmethod
    def of(cls, rows: Sequence[ServingMinute]) -> Behaviour:
        handled, lists = sum(row.handled for row in rows), sum(row.lists for row in rows)
        places = sum(row.places for row in rows)
        return cls(
            handled=handled,
            lists=lists,
            fallback_share=sum(row.fallbacks for row in rows) / lists if lists else 0.0,
            error_share=sum(row.errors for row in rows) / handled if handled else 0.0,
            popular_share=sum(row.popular_places for row in rows) / places if places else 0.0,
            p95_ms=quantile(total(row.latency for row in rows if row.latency), 0.95),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    passed: bool
    text: str


def over_live() -> Watch | None:
    """The watch over what is live now, going on or ended; changes nothing."""
    pointer = LivePointer.objects.filter(pk=1, activation__isnull=False).values("activation")
    return Watch.objects.filter(activation__in=pointer).select_related("activation__version").first()


def findings(policy: WatchPolicy, before: Behaviour, after: Behaviour) -> list[Finding]:
    """Everything that is compared, in the order in which it is shown."""

    def share(name: str, title: str, was: float, now: float, margin: float) -> Finding:
        text = f"{title}: {100 * now:.1f} % against {100 * was:.1f} % before"
        return Finding(name, now - was <= margin, f"{text}; {100 * margin:g} points more are allowed.")

    found = [
        share("fallback", "Impersonal lists", before.fallback_share, after.fallback_share, policy.fallback_margin),
        share("errors", "Errors", before.error_share, after.error_share, policy.error_margin),
        share("popularity", "Most rated films in lists", before.popular_share, after.popular_share,
              policy.popularity_margin),
    ]  # fmt: skip
    if before.p95_ms is not None and after.p95_ms is not None:
        text = f"95 % of the lists within {after.p95_ms:.0f} ms against {before.p95_ms:.0f} ms before"
        passed = after.p95_ms <= policy.latency_factor * before.p95_ms
        found.append(Finding("latency", passed, f"{text}; {policy.latency_factor:g} times as long is allowed."))
    return found


def look(now: datetime | None = None) -> Watch | None:
    """What the job does every minute: begins a watch over what has become live, or goes on with it. The watch."""
    now = now or timezone.now()
    pointer = LivePointer.objects.select_related("activation__version").filter(pk=1).first()
    if pointer is None or pointer.activation is None:
        return None
    activation = pointer.activation
    others = Watch.objects.filter(state=State.WATCHING).exclude(activation=activation)
    others.update(state=State.REPLACED, ended_at=now)
    watch = Watch.objects.filter(activation=activation).first()
    if watch is None:
        # There is nothing to be worse than, or a watch or somebody has just taken things back.
        if activation.returns_to_id is None or activation.kind == Activation.Kind.ROLLBACK:
            return None
        watch, _ = Watch.objects.get_or_create(activation=activation, defaults={"began_at": now})
    if watch.state == State.WATCHING:
        _go_on(watch, activation, WatchPolicy.current(), now)
    return watch


def _go_on(watch: Watch, activation: Activation, policy: WatchPolicy, now: datetime) -> None:
    length = timedelta(minutes=policy.minutes)
    after = Behaviour.of(_served(activation.version.label, activation.at, now))
    previous = activation.returns_to
    if previous is None:
        return
    since = activation.at - max(length, min(now - activation.at, PATIENCE * length))
    before = Behaviour.of(_served(previous.version.label, since, activation.at))
    over = now >= activation.at + length
    enough = after.lists >= policy.min_lists and before.lists >= policy.min_lists
    if not enough:
        if now >= activation.at + PATIENCE * length:
            text = f"{after.lists} lists since and {before.lists} before: {policy.min_lists} of each are needed."
            _end(watch, State.TOO_FEW, [Finding("lists", True, text)], now)
        return
    found = findings(policy, before, after)
    if all(one.passed for one in found):
        if over:
            _end(watch, State.PASSED, found, now)
        else:
            Watch.objects.filter(pk=watch.pk, state=State.WATCHING).update(findings=[asdict(one) for one in found])
        return
    if _end(watch, State.ALARM, found, now) and policy.action == WatchPolicy.Action.ROLL_BACK:
        _roll_back(watch, activation, found)


def _served(label: str, since: datetime, until: datetime) -> list[ServingMinute]:
    """Whole minutes: the one in which it changed belongs to both, under two labels."""
    first = since.replace(second=0, microsecond=0)
    return list(ServingMinute.objects.filter(version=label, minute__gte=first, minute__lte=until))


def _end(watch: Watch, state: str, found: Sequence[Finding], now: datetime) -> bool:
    """Whether this caller was the one to end it."""
    watch.state, watch.findings, watch.ended_at = state, [asdict(one) for one in found], now
    fields = {"state": state, "findings": watch.findings, "ended_at": now}
    return Watch.objects.filter(pk=watch.pk, state=State.WATCHING).update(**fields) == 1


def _roll_back(watch: Watch, activation: Activation, found: Sequence[Finding]) -> None:
    reason = "The watch: " + " ".join(one.text for one in found if not one.passed)
    try:
        # Only from the generation that was watched: what staff has changed since is none of ours.
        registry.roll_back(actor=None, reason=reason[:500], generation=activation.generation)
    except registry.RegistryError as error:
        logger.warning("The watch could not roll back: %s", error)
    else:
        watch.rolled_back = True
        watch.save(update_fields=["rolled_back"])
