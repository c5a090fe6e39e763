from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_crowd, rate

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "fr" / "LC_MESSAGES"
FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9"}


def entries() -> list[dict[str, str]]:
    """What stands in the French django.po, without its head."""
    found = []
    for block in (CATALOGUE / "django.po").read_text().split("\n\n")[1:]:
        entry: dict[str, str] = {}
        for name, text in re.findall(r'^(msg[a-z_]+(?:\[\d\])?) (".*")$', block, re.MULTILINE):
            entry[name] = ast.literal_eval(text)
        found.append(entry)
    return found


class CatalogueOfFrenchTestCase(SimpleTestCase):
    def test_nothing_is_left_untranslated(self) -> None:
        empty = [entry for entry in entries() if not all(text for name, text in entry.items() if "msgstr" in name)]
        self.assertEqual(empty, [])
        self.assertGreater(len(entries()), 100)

    def test_the_compiled_catalogue_is_that_of_the_source(self) -> None:
        """Else: manage.py compilemessages -l fr"""
        with (CATALOGUE / "django.mo").open("rb") as file:
            compiled = gettext.GNUTranslations(file)
        for entry in entries():
            if "msgid_plural" in entry:
                self.assertEqual(compiled.ngettext(entry["msgid"], entry["msgid_plural"], 5), entry["msgstr[1]"])
            elif "msgctxt" in entry:
                self.assertEqual(compiled.pgettext(entry["msgctxt"], entry["msgid"]), entry["msgstr"])
            else:
                self.assertEqual(compiled.gettext(entry["msgid"]), entry["msgstr"])

    def test_what_is_put_in_is_named_alike(self) -> None:
        for entry in entries():
            wanted = set(re.findall(r"%\(\w+\)s", entry["msgid"] + entry.get("msgid_plural", "")))
            for name, text in entry.items():
                if name.startswith("msgstr"):
                    self.assertLessEqual(set(re.findall(r"%\(\w+\)s", text)), wanted, text)
                    if name != "msgstr[0]":
                        self.assertEqual(set(re.findall(r"%\(\w+\)s", text)), wanted, text)


class LanguagesTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_crowd()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def test_a_page_speaks_the_browsers_language(self) -> None:
        response = self.client.get("/", headers=FRENCH)
        self.assertContains(response, '<html lang="fr">')
        self.assertContains(response, "Pour vous")
        self.assertContains(response, "Parce que vous avez noté Film")
        self.assertIn("Accept-Language", response["Vary"])

    def test_the_choice_goes_before_the_browser(self) -> None:
        self.assertRedirects(self.client.post("/language", {"language": "fr", "next": "/movies"}), "/movies")
        self.assertContains(self.client.get("/"), "Pour vous")
        self.client.post("/language", {"language": "en"})
        self.assertContains(self.client.get("/", headers=FRENCH), "For you")

    def test_a_language_that_we_do_not_speak_changes_nothing(self) -> None:
        self.client.post("/language", {"language": "tlh"})
        self.assertContains(self.client.get("/"), '<html lang="en">')

    def test_numbers_have_their_comma_and_drawings_their_point(self) -> None:
        page = self.client.get("/movies/60", headers=FRENCH).content.decode()
        self.assertRegex(page, r"\d,\d\d?\b")
        for drawn in re.findall(r'(?:x|y|width|height|x1|cx|points|d|viewBox)="([^"]*)"', page):
            self.assertNotRegex(drawn, r"\d,\d+ |^\d+,\d+$")

    def test_the_api_speaks_english_to_everybody(self) -> None:
        response = self.client.put("/api/ratings/60", {"value": 9}, content_type="application/json", headers=FRENCH)
        self.assertEqual(response.status_code, 400)
        explanation = self.client.get(f"/api/ml/explain/{self.alice.pk}/60", headers=FRENCH).json()
        self.assertIn("Because you rated these movies highly", [one["description"] for one in explanation["reasons"]])

    def test_trouble_speaks_it_too(self) -> None:
        self.assertContains(self.client.get("/nothing", headers=FRENCH), "Parcourir les films", status_code=404)
