"""The controls of one's lists, with what they cost and gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from cinema.cards import Card
from cinema.controls import Settings, controls_of, reset_controls, save_controls
from cinema.controls_forms import ControlsForm
from cinema.forms import MomentForm
from cinema.guards import MemberRequest, sign_in_required, wants_fragment
from cinema.models import CONTROL_RANGES, User
from cinema.moment_words import moment_in_words
from cinema.price import PriceTag, price_in_short
from recommender.algorithms.controls import UNCHANGED, Controls
from recommender.list_price import list_price
from recommender.new_films import new_films
from recommender.recommend import Recommendation, RecommendationList, recommend_to
from recommender.viewers import Viewer

_NAMES = (*CONTROL_RANGES, "since")
_UNDO = "controls_undo"


@dataclass(frozen=True, eq=False)
class _Desk:
    """Somebody's controls as they are being moved. ``viewer``: None while no version is live."""

    viewer: Viewer | None
    form: ControlsForm

    @classmethod
    def of(cls, user: User, data: Mapping[str, Any] | None = None) -> Self:
        viewer = Viewer.of(user)
        if viewer is None:
            return cls(None, ControlsForm.of(controls_of(user), None, data))
        first = int(viewer.rated.year.min()) if len(viewer.rated.year) else None
        return cls(viewer, ControlsForm.of(asdict(viewer.controls), first, data))

    def context(self, moved: str = "") -> dict[str, Any]:
        """The form, and the list that its setting makes beside the unchanged one; with what the control that was
        ``moved`` does by itself."""
        context: dict[str, Any] = {"form": self.form, "sliders": self.form.sliders}
        if self.viewer is None:
            return context | {"no_model": True}
        viewer, new = self.viewer.with_controls(UNCHANGED), new_films(self.viewer.live)

        def listed(controls: Controls) -> RecommendationList:
            return recommend_to(viewer.with_controls(controls), new=new)

        unchanged = recommend_to(viewer, new=new)
        setting = Controls(**self.form.setting())
        chosen = unchanged if setting == UNCHANGED else listed(setting)
        if moved in _NAMES:
            alone = Controls(**{moved: getattr(setting, moved)})
            context |= {"moved": moved, "moved_price": ""}
            if alone != UNCHANGED and viewer.is_known:
                by_itself = chosen if alone == setting else listed(alone)
                context["moved_price"] = price_in_short(list_price(viewer, unchanged.items, by_itself.items))
        return context | {
            "note": chosen.controls.note if viewer.is_known else "not_personal",
            "price": PriceTag.of(list_price(viewer, unchanged.items, chosen.items)),
            "rows": _rows(unchanged.items, chosen.items),
        }


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def controls(request: MemberRequest) -> HttpResponse:
    """GET shows what a setting would do and keeps nothing; POST keeps it."""
    if request.method == "POST":
        return _save(request)
    asked = any(name in request.GET for name in _NAMES)
    desk = _Desk.of(request.user, request.GET if asked else None)
    if not wants_fragment(request):
        undo = request.session.pop(_UNDO, None)
        return render(request, "cinema/controls.html", desk.context() | {"undo": undo} | _moment(request.user, desk))
    if request.htmx.target != "controls-preview":
        return render(request, "cinema/_controls_form.html", desk.context())
    context = desk.context(request.GET.get("moved", "")) | {"is_reply": True}
    return render(request, "cinema/_controls_form.html#preview", context)


def _moment(user: User, desk: _Desk) -> dict[str, Any]:
    """What stands beneath the controls."""
    words = moment_in_words(desk.viewer) if desk.viewer is not None else ""
    return {"moment_form": MomentForm.of(user), "moment": words}


def _save(request: MemberRequest) -> HttpResponse:
    desk = _Desk.of(request.user, request.POST)
    if not desk.form.is_valid():
        template = "cinema/_controls_form.html" if wants_fragment(request) else "cinema/controls.html"
        return render(request, template, desk.context() | _moment(request.user, desk), status=422)
    before = save_controls(user=request.user, **desk.form.setting())
    return _kept(request, before, _("Your lists follow these controls now."))


@require_POST
@sign_in_required
def reset(request: MemberRequest) -> HttpResponse:
    """All at zero again."""
    return _kept(request, reset_controls(user=request.user), _("Your lists are as they are by themselves."))


def _kept(request: MemberRequest, before: Settings, done: str) -> HttpResponse:
    """Says what was done, and offers to take it back."""
    undo = {"done": done, "before": before}
    if not wants_fragment(request):
        request.session[_UNDO] = undo
        return redirect("cinema:controls")
    context = _Desk.of(request.user).context() | {"undo": undo, "is_reply": True}
    return trigger_client_event(render(request, "cinema/_controls_form.html", context), "controls-saved")


def _rows(unchanged: Sequence[Recommendation], chosen: Sequence[Recommendation]) -> list[tuple[Card, bool]]:
    """The films of the chosen list, and whether each is new against the unchanged one."""
    before = {item.movie_id for item in unchanged}
    return [
        (
            Card(item.movie_id, item.title, item.year, item.genres, item.predicted_rating, item.slot),
            item.movie_id not in before,
        )
        for item in chosen
    ]
