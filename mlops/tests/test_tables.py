from __future__ import annotations

import json
from datetime import UTC, datetime

from django.http import Http404
from django.test import RequestFactory, SimpleTestCase

from mlops.tables import Column, Table, download

TABLE = Table(
    key="days",
    title="Days",
    columns=[Column("day", "Day"), Column("ratings", "Ratings", number=True), Column("note", "Note")],
    rows=[[datetime(2026, 5, 3, 14, tzinfo=UTC), 1200, "=1+1"], [datetime(2026, 5, 4, tzinfo=UTC), None, "calm"]],
)


class TablesTestCase(SimpleTestCase):
    def get(self, query: str):
        return download(RequestFactory().get(f"/somewhere?{query}"), [TABLE])

    def test_it_leaves_a_page_to_the_page(self) -> None:
        self.assertIsNone(self.get(""))

    def test_it_writes_csv_that_computes_nothing(self) -> None:
        response = self.get("table=days&as=csv")
        assert response is not None
        lines = response.content.decode("utf-8-sig").splitlines()
        self.assertEqual(
            lines, ["day,ratings,note", "2026-05-03T14:00:00+00:00,1200,'=1+1", "2026-05-04T00:00:00+00:00,,calm"]
        )
        self.assertIn("cinema-days.csv", response["Content-Disposition"])

    def test_it_writes_json(self) -> None:
        response = self.get("table=days&as=json")
        assert response is not None
        self.assertEqual(
            json.loads(response.content)["rows"][1], {"day": "2026-05-04T00:00:00Z", "ratings": None, "note": "calm"}
        )

    def test_it_knows_no_other_table_and_no_other_kind(self) -> None:
        for query in ("table=nights", "table=days&as=xlsx"):
            with self.subTest(query), self.assertRaises(Http404):
                self.get(query)

    def test_its_cells_can_be_read(self) -> None:
        self.assertEqual(
            list(TABLE.cells), [["3 May 2026, 14:00", "1,200", "=1+1"], ["4 May 2026, 00:00", "–", "calm"]]
        )
