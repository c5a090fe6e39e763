"""Bringing ratings from elsewhere: a file, a look at what was found, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from cinema import throttling
from cinema.guards import MemberRequest, sign_in_required, too_many
from cinema.importing import review as reviews
from cinema.importing.people import MAX_BYTES, UnreadableFile, read_upload
from cinema.importing.review import Kind, ReviewRow
from cinema.models import Movie, PendingImport
from cinema.mydata_forms import ReviewForm, UploadForm
from recommender.catalogue import genre_names

# Few enough that a page's fields stay below what a form may send.
ROWS_PER_PAGE = 100


def _kind_names() -> dict[Kind, str]:
    return {
        Kind.AMBIGUOUS: _("Several films fit"),
        Kind.DIFFERS: _("You rated it differently"),
        Kind.PROBABLE: _("Probably this film"),
        Kind.MATCHED: _("Matched"),
        Kind.SAME: _("You rated it the same"),
        Kind.REPEATED: _("More than once in the file"),
        Kind.MISSING: _("Not found here"),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def bring(request: MemberRequest) -> HttpResponse:
    """The form for a file, and what became of the last one."""
    if request.method != "POST":
        return _upload_page(request, UploadForm())
    if not (verdict := throttling.allow("import", str(request.user.pk))).allowed:
        return too_many(request, verdict, detail=_("You handed in many files."))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form, status=422)
    try:
        # One byte more than allowed is enough to know that it is too large.
        upload = read_upload(form.cleaned_data["file"].read(MAX_BYTES + 1))
        reviews.begin_import(user=request.user, upload=upload)
    except UnreadableFile as error:
        where = "" if error.line is None else _("Line %(n)d:") % {"n": error.line}
        form.add_error("file", f"{where} {error.message}".strip())
        return _upload_page(request, form, status=422)
    return redirect("cinema:import-review")


def _upload_page(request: MemberRequest, form: UploadForm, *, status: int = 200) -> HttpResponse:
    pending = reviews.waiting_import(request.user)
    context = {
        "form": form,
        "pending": pending,
        "n_rows": len(pending.rows) if pending else 0,
        "n_written": len(pending.overwritten) if pending else 0,
        "until": pending.created_at + reviews.LIFETIME if pending else None,
    }
    return render(request, "cinema/import.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def review(request: MemberRequest) -> HttpResponse:
    """A page of what was found. Its one form keeps the page's choices, whichever button is pressed."""
    pending = reviews.waiting_import(request.user)
    if request.method == "POST":
        return _reviewed(request, pending)
    if pending is None or pending.applied_at is not None:
        return redirect("cinema:import")
    return _review_page(request, pending)


def _review_page(request: MemberRequest, pending: PendingImport) -> HttpResponse:
    rows = reviews.rows_of(pending)
    counts = reviews.counts_of(rows)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    names, sections, place = _kind_names(), [], 0
    for kind, n in counts.items():
        sections.append((names[kind], n, place // ROWS_PER_PAGE + 1))
        place += n
    shown: list[ReviewRow] = list(page.object_list)
    movies = Movie.objects.prefetch_related("genres").in_bulk({movie_id for row in shown for movie_id in row.movie_ids})
    context = {
        "pending": pending,
        "page": page,
        "sections": sections,
        "n_chosen": sum(row.choice is not None for row in rows),
        "rows": [
            _shown(place, row, names[Kind(row.kind)], movies)
            for place, row in enumerate(shown, start=(page.number - 1) * ROWS_PER_PAGE)
        ],
    }
    return render(request, "cinema/import_review.html", context)


def _shown(place: int, row: ReviewRow, kind_name: str, movies: dict[int, Movie]) -> dict[str, Any]:
    # Genres tell films of one title and year apart.
    films = [
        (movies[movie_id], row.mine.get(str(movie_id)), ", ".join(genre_names(movies[movie_id])))
        for movie_id in row.movie_ids
        if movie_id in movies
    ]
    return {"place": place, "field": f"row-{place}", "row": row, "kind_name": kind_name, "films": films}


def _reviewed(request: MemberRequest, pending: PendingImport | None) -> HttpResponse:
    form = ReviewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The form could not be read. Nothing was imported."))
        return redirect("cinema:import-review")
    import_id = form.cleaned_data["import_id"]
    if pending is None or pending.pk != import_id or pending.applied_at is not None:
        messages.info(request, _("This import is not waiting any more. Nothing was changed."))
        return redirect("cinema:import")
    first = ((form.cleaned_data["page"] or 1) - 1) * ROWS_PER_PAGE
    places = range(first, min(first + ROWS_PER_PAGE, len(pending.rows)))
    reviews.choose(
        user=request.user,
        import_id=import_id,
        choices={place: request.POST.get(f"row-{place}", "") for place in places},
    )
    then = form.cleaned_data["then"]
    if then != "apply":
        page = then if then.isascii() and then.isdigit() else "1"
        return redirect(f"{reverse('cinema:import-review')}?page={page}")
    return _applied(request, import_id)


def _applied(request: MemberRequest, import_id: int) -> HttpResponse:
    applied = reviews.apply_import(user=request.user, import_id=import_id)
    if applied is None:
        messages.info(request, _("This import is not waiting any more. Nothing was changed."))
        return redirect("cinema:import")
    n = applied.n_written
    messages.success(request, ngettext("%(n)d rating imported.", "%(n)d ratings imported.", n) % {"n": n})
    if n := applied.n_changed_meanwhile:
        messages.info(
            request,
            ngettext(
                "%(n)d film was left alone: you rated it since you handed in the file.",
                "%(n)d films were left alone: you rated them since you handed in the file.",
                n,
            )
            % {"n": n},
        )
    return redirect("cinema:import")


def _import_id(request: MemberRequest) -> int:
    form = ReviewForm(request.POST)
    return form.cleaned_data["import_id"] if form.is_valid() else 0  # there is no import 0


@require_POST
@sign_in_required
def undo(request: MemberRequest) -> HttpResponse:
    undone = reviews.undo_import(user=request.user, import_id=_import_id(request))
    if undone is None:
        messages.info(request, _("There is nothing to undo any more."))
        return redirect("cinema:import")
    n = undone.n_restored
    messages.success(request, ngettext("%(n)d film is as before.", "%(n)d films are as before.", n) % {"n": n})
    if n := undone.n_left:
        messages.info(
            request,
            ngettext(
                "%(n)d film was left alone: you changed its rating since.",
                "%(n)d films were left alone: you changed their ratings since.",
                n,
            )
            % {"n": n},
        )
    return redirect("cinema:import")


@require_POST
@sign_in_required
def discard(request: MemberRequest) -> HttpResponse:
    if reviews.discard_import(user=request.user, import_id=_import_id(request)):
        messages.info(request, _("The file is forgotten. Nothing was imported."))
    return redirect("cinema:import")
