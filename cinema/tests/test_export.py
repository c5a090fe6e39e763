"""What people take along."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey

from cinema.library import hide_movie
from cinema.models import Movie, Rating, User
from cinema.mydata.own_rows import NOT_EXPORTED, OWN_TABLES
from cinema.onboarding import pick_films, say_unseen
from cinema.spreadsheets import csv_cell
from cinema.tests.api_clients import ApiTestCase
from recommender.tests.stored_versions import rate


class OwnRowsTestCase(ApiTestCase):
    def test_every_table_of_people_is_exported_or_says_why_not(self) -> None:
        """A new model with a foreign key to the user: give it a line in cinema/mydata/own_rows.py."""
        found = {
            f"{model._meta.label}.{field.name}"
            for model in apps.get_models(include_auto_created=True)
            for field in model._meta.get_fields()
            if isinstance(field, ForeignKey) and field.related_model is User
        }
        exported = {f"{table.model}.{table.owner}" for table in OWN_TABLES}
        self.assertEqual(exported & set(NOT_EXPORTED), set())
        self.assertEqual(found, exported | set(NOT_EXPORTED))
        self.assertTrue(all(NOT_EXPORTED.values()))


class ExportTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        Movie.objects.filter(pk=10).update(title='=HYPERLINK("x")', year=None)
        rate(self.alice, {0: 4.5, 1: 2.0})
        rate(self.bob, {2: 1.0})
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=40), reason="seen")
        say_unseen(user=self.alice, movie=Movie.objects.get(pk=50))
        pick_films(user=self.alice, movie_ids=[60])
        self.client.force_login(self.alice)

    def tables(self) -> dict[str, list[dict[str, str]]]:
        archive = zipfile.ZipFile(io.BytesIO(self.client.get("/my/data/export.zip").content))
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in archive.namelist()
        }

    def test_json_holds_all_of_ones_own(self) -> None:
        response = self.client.get("/my/data/export.json")
        self.assertRegex(response["Content-Disposition"], r'^attachment; filename="cinema-[0-9-]+\.json"$')
        self.assertIn("no-store", response["Cache-Control"])
        document = response.json()
        self.assertEqual((document["format"], document["version"]), ("cinema-export", 1))
        self.assertEqual(document["account"]["username"], "alice")
        self.assertEqual([(row["movie_id"], row["value"]) for row in document["ratings"]], [(10, 4.5), (20, 2.0)])
        self.assertEqual(document["ratings"][1]["title"], "Film 1")
        self.assertEqual(document["ratings"][1]["rated_at"], Rating.objects.get(movie_id=20).rated_at.isoformat())
        self.assertEqual([(row["movie_id"], row["reason"]) for row in document["hidden"]], [(40, "seen")])
        self.assertEqual([row["movie_id"] for row in document["unseen"]], [50])
        self.assertEqual(document["first_minutes"][0]["liked_films"], [60])

    def test_it_holds_no_password_and_nothing_of_others(self) -> None:
        text = self.client.get("/my/data/export.json").content.decode()
        self.assertNotIn("argon2", text)
        self.assertNotIn(self.alice.password, text)
        self.assertNotIn("bob", text)
        self.assertNotIn("Film 2", text)

    def test_csv_holds_the_same(self) -> None:
        tables = self.tables()
        document = self.client.get("/my/data/export.json").json()
        self.assertEqual(set(tables), {"account.csv", *(f"{table.name}.csv" for table in OWN_TABLES)})
        for table in OWN_TABLES:
            later = table.name == "acts"  # the first export is in the second
            self.assertEqual(len(tables[f"{table.name}.csv"]) + later, len(document[table.name]), table.name)
        self.assertEqual([float(row["value"]) for row in tables["ratings.csv"]], [4.5, 2.0])

    def test_no_cell_is_a_formula(self) -> None:
        self.assertEqual(self.tables()["ratings.csv"][0]["title"], '\'=HYPERLINK("x")')
        for text in ("=1", "+1", "-1", "@a", "\t=1", "\r=1"):
            self.assertEqual(csv_cell(text), f"'{text}")
        for value in ("a=1", 4.5, -3, ""):
            self.assertEqual(csv_cell(value), value)

    def test_the_api_gives_the_same_document(self) -> None:
        document = self.api("GET", "/api/me/export", by=self.alice)
        self.assertIn("no-store", document["Cache-Control"])
        page = self.client.get("/my/data/export.json").json()
        self.assertEqual([*document.json()["acts"], page["acts"][-1]], page["acts"])
        later = {"exported_at": "", "acts": []}
        self.assertEqual({**document.json(), **later}, {**page, **later})

    def test_it_is_for_oneself_alone(self) -> None:
        self.client.logout()
        for path in ("/my/data", "/my/data/export.json", "/my/data/export.zip"):
            self.assertEqual(self.client.get(path).status_code, 302)
        self.assert_problem(self.api("GET", "/api/me/export"), 401)

    def test_it_is_not_asked_for_without_end(self) -> None:
        with self.settings(THROTTLE_RATES={"export": 1}):
            codes = [self.client.get(f"/my/data/export.{kind}").status_code for kind in ("json", "zip")]
            self.assertEqual(codes, [200, 429])
            self.assert_problem(self.api("GET", "/api/me/export", by=self.alice), 429)

    def test_the_page_leads_to_all_of_it(self) -> None:
        with self.assertNumQueries(6):
            page = self.client.get("/my/data")
        self.assertContains(page, "You rated 2 films.")
        self.assertContains(page, "1 film is hidden.")
        for path in ("/my/data/export.json", "/my/data/export.zip", "/my/account/delete"):
            self.assertContains(page, f'href="{path}"')

    def test_an_account_of_nothing_has_an_export_too(self) -> None:
        self.client.force_login(self.charlie)
        document: dict[str, Any] = json.loads(self.client.get("/my/data/export.json").content)
        self.assertEqual([act["action"] for act in document.pop("acts")], ["sign-in", "export"])
        self.assertTrue(all(document[table.name] == [] for table in OWN_TABLES if table.name != "acts"))
        self.assertEqual(self.tables()["ratings.csv"], [])
