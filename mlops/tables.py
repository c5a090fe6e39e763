"""Tables of figures that a page shows and anybody on staff can take along, as CSV or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from cinema.spreadsheets import csv_file


@dataclass(frozen=True, slots=True)
class Column:
    name: str  # in a file
    title: str  # on the page
    unit: str = ""  # of the file's numbers
    number: bool = False  # aligned like one


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` hold values as they are, for files; ``cells`` the same as texts, for the page."""

    key: str  # its id on the page, and its name in an address
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    cells: Sequence[Sequence[str]] = field(default_factory=list)
    empty: str = "Nothing yet."

    def __post_init__(self) -> None:
        if not self.cells and self.rows:
            object.__setattr__(self, "cells", [[_text(value) for value in row] for row in self.rows])

    def records(self) -> list[dict[str, Any]]:
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    @property
    def lines(self) -> list[list[tuple[Column, str]]]:
        return [list(zip(self.columns, row, strict=True)) for row in self.cells]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%-d %b %Y, %H:%M}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def download(request: HttpRequest, tables: Sequence[Table]) -> HttpResponse | None:
    """The file that ``?table=KEY&as=csv`` or ``as=json`` asks for; None where a page is asked for. Raises Http404."""
    wanted = request.GET.get("table")
    if wanted is None:
        return None
    table = next((one for one in tables if one.key == wanted), None)
    kind = request.GET.get("as", "json")
    if table is None or kind not in {"csv", "json"}:
        raise Http404
    response: HttpResponse
    if kind == "csv":
        names = [column.name for column in table.columns]
        response = HttpResponse(csv_file(names, table.records()), content_type="text/csv; charset=utf-8")
    else:
        response = JsonResponse({"table": table.key, "title": table.title, "rows": table.records()})
    response["Content-Disposition"] = f'attachment; filename="cinema-{table.key}.{kind}"'
    return response
