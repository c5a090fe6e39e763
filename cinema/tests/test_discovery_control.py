from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import Client

from recommender import registry
from recommender.algorithms.discovery import Discovery
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained

HTMX = {"HX-Request": "true"}


class DiscoveryControlTestCase(CatalogueTestCase):
    """A version that gives two of ten places away, and Alice, who may want another number."""

    url = "/my/discovery"

    def setUp(self) -> None:
        super().setUp()
        model = trained()
        flat = np.ones(model.n_items, np.float32)
        discovery = Discovery(2, np.ones(model.n_items, np.uint8), np.zeros_like(flat), flat, np.zeros_like(flat))
        registry.activate(store_version(replace(model, discovery=discovery)))
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def chosen(self) -> int | None:
        self.alice.refresh_from_db()
        return self.alice.discovery

    def marked(self) -> int:
        """How many films on the home page are marked as discoveries."""
        return self.client.get("/").content.decode().count("A discovery")

    def test_it_works(self) -> None:
        for value, chosen in (("3", 3), ("0", 0), ("auto", None)):
            response = self.client.post(self.url, {"discovery": value}, follow=True)
            self.assertRedirects(response, "/")
            self.assertEqual(self.chosen(), chosen)
        self.assertContains(response, "Discoveries in your lists: auto.")

    def test_the_list_of_the_home_page_follows_it(self) -> None:
        self.assertEqual(self.marked(), 4)  # two of ten, in a list of twenty
        self.client.post(self.url, {"discovery": "0"})
        self.assertEqual(self.marked(), 0)
        self.client.post(self.url, {"discovery": "3"})
        self.assertEqual(self.marked(), 6)

    def test_it_shows_what_was_chosen(self) -> None:
        for value in ("auto", "0", "3"):
            self.client.post(self.url, {"discovery": value})
            for path in ("/", "/my/ratings"):
                form = self.client.get(path).context["discovery_form"]
                checked = [radio.data["value"] for radio in form["discovery"] if radio.data["selected"]]
                self.assertEqual(checked, [value], path)

    def test_it_answers_htmx_with_itself_and_tells_the_list(self) -> None:
        response = self.client.post(self.url, {"discovery": "1", "next": "/my/ratings"}, headers=HTMX)
        page = response.content.decode().strip()
        self.assertTrue(page.startswith('<form class="discovery"'), page[:80])
        self.assertIn('name="next" value="/my/ratings"', page)
        self.assertIn("Discoveries in your lists: 1.", page)
        self.assertIn("discovery-saved", response["HX-Trigger"])

    def test_it_goes_back_to_where_one_was_on_this_site_only(self) -> None:
        response = self.client.post(self.url, {"discovery": "1", "next": "/my/ratings?sort=value"})
        self.assertRedirects(response, "/my/ratings?sort=value")
        response = self.client.post(self.url, {"discovery": "1", "next": "https://elsewhere.example/"})
        self.assertRedirects(response, "/")

    def test_it_takes_its_own_values_only(self) -> None:
        for value in ("4", "-1", "1.0", "true", "", "null", "٢", "x" * 10_000, "\x00"):
            with self.subTest(value[:10]):
                response = self.client.post(self.url, {"discovery": value}, headers=HTMX)
                self.assertContains(response, "Choose one of the numbers.", status_code=422)
                self.assertNotIn("HX-Trigger", response)
                self.assertRedirects(self.client.post(self.url, {"discovery": value}), "/")
        self.assertEqual(self.client.post(self.url, headers=HTMX).status_code, 422)
        self.assertIsNone(self.chosen())

    def test_it_is_for_those_who_are_signed_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.post(self.url, {"discovery": "1"}), "/sign-in?next=%2F")
        self.assertIsNone(self.chosen())

    def test_it_is_safe_from_other_sites_and_from_get(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        self.assertEqual(client.post(self.url, {"discovery": "1"}).status_code, 403)
        self.assertEqual(client.get(self.url).status_code, 405)
        self.assertIsNone(self.chosen())

    def test_it_is_not_shown_beside_a_list_that_is_nobodys_own(self) -> None:
        self.assertContains(self.client.get("/"), 'id="discovery"')
        self.client.force_login(self.bob)
        self.assertNotContains(self.client.get("/"), 'id="discovery"')
