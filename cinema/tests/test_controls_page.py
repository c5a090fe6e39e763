from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cinema.controls import controls_of, neutral, save_controls
from cinema.models import ListControls, Rating
from recommender import registry
from recommender.algorithms.controls import Controls
from recommender.algorithms.discovery import Discovery
from recommender.models import LivePointer
from recommender.recommend import recommend_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version, trained

HTMX = {"HX-Request": "true"}
PREVIEW = {**HTMX, "HX-Target": "controls-preview"}
SETTING = {"popularity": "-0.5", "novelty": "0", "recency": "1", "diversity": "0.4"}


class ControlsPageTestCase(CatalogueTestCase):
    url = "/my/controls"

    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        # Two of them of long ago, so that there are years to choose from.
        Rating.objects.filter(user=self.alice, movie_id__in=(410, 420)).update(
            rated_at=datetime(2019, 5, 1, tzinfo=UTC)
        )
        self.client.force_login(self.alice)

    def shown(self, response: Any) -> list[int]:
        return [card.movie_id for card, _ in response.context["rows"]]

    def test_it_shows_the_list_of_the_setting_without_keeping_it(self) -> None:
        response = self.client.get(self.url, SETTING)
        controls = Controls(popularity=-0.5, recency=1.0, diversity=0.4)
        expected = [item.movie_id for item in recommend_for(self.alice, controls=controls).items]
        self.assertEqual(self.shown(response), expected)
        unchanged = {item.movie_id for item in recommend_for(self.alice).items}
        self.assertEqual([is_new for _, is_new in response.context["rows"]], [pk not in unchanged for pk in expected])
        self.assertContains(response, "new here")
        self.assertFalse(ListControls.objects.exists())

    def test_it_shows_the_price(self) -> None:
        response = self.client.get(self.url, {"diversity": "1"})
        before, after = (
            recommend_for(self.alice, controls=Controls(diversity=diversity)).items for diversity in (0.0, 1.0)
        )
        stars = [[item.predicted_rating or 0.0 for item in items] for items in (before, after)]
        cost = float(np.mean(stars[0]) - np.mean(stars[1]))
        self.assertGreater(cost, 0.01)
        self.assertContains(response, f"Costs {cost:.2f} stars on average.")
        n_new = len({item.movie_id for item in after} - {item.movie_id for item in before})
        self.assertContains(response, f"{n_new} of the 10 films are new against the unchanged list.")
        self.assertContains(response, "more varied.")
        self.assertContains(response, "Less-known films")

    def test_unmoved_controls_cost_nothing(self) -> None:
        response = self.client.get(self.url)
        self.assertContains(response, "Costs no stars on average.")
        self.assertContains(response, "The same films as in the unchanged list.")
        self.assertContains(response, "As varied as before.")
        self.assertNotContains(response, "new here")

    def test_it_says_in_words_where_each_slider_stands(self) -> None:
        page = self.client.get(self.url, {**SETTING, "since": "2022"}).content.decode()
        for words in ("much more obscure", "as new as can be", "much more mixed", "since 2022", "as it is"):
            self.assertIn(f">{words}</output>", page)
            self.assertIn(f'aria-valuetext="{words}"', page)

    def test_what_is_saved_is_followed_by_the_home_page(self) -> None:
        before = self.client.get("/").context["recommendations"]
        response = self.client.post(self.url, {**SETTING, "since": "2022"}, follow=True)
        self.assertRedirects(response, self.url)
        self.assertContains(response, "Your lists follow these controls now.")
        self.assertEqual(
            controls_of(self.alice),
            {"popularity": -0.5, "novelty": 0.0, "recency": 1.0, "diversity": 0.4, "since": 2022},
        )
        after = self.client.get("/").context["recommendations"]
        self.assertNotEqual(before.items, after.items)
        self.assertEqual(after.items, recommend_for(self.alice, n=20).items)
        self.assertIn('value="-0.5"', self.client.get(self.url).content.decode())

    def test_one_click_resets_and_another_takes_that_back(self) -> None:
        save_controls(user=self.alice, recency=0.5, since=2020)
        saved = controls_of(self.alice)
        response = self.client.post(f"{self.url}/reset", follow=True)
        self.assertContains(response, "Your lists are as they are by themselves.")
        self.assertFalse(ListControls.objects.exists())
        undo = {name: str(value) for name, value in response.context["undo"]["before"].items() if value is not None}
        for name, value in undo.items():
            self.assertContains(response, f'<input type="hidden" name="{name}" value="{value}">', html=True)
        self.client.post(self.url, undo)
        self.assertEqual(controls_of(self.alice), saved)
        self.client.get(self.url)
        self.assertIsNone(self.client.get(self.url).context["undo"])  # offered once

    def test_a_save_is_taken_back_by_the_setting_before(self) -> None:
        response = self.client.post(self.url, SETTING, follow=True)
        before = {name: value for name, value in response.context["undo"]["before"].items() if value is not None}
        self.client.post(self.url, before)
        self.assertFalse(ListControls.objects.exists())

    def test_what_an_address_leaves_out_is_neutral(self) -> None:
        save_controls(user=self.alice, recency=1.0)
        response = self.client.get(self.url, {"diversity": "0.5", "novelty": ""})
        self.assertEqual(
            self.shown(response),
            [item.movie_id for item in recommend_for(self.alice, controls=Controls(diversity=0.5)).items],
        )
        values = [slider.field.value() for slider in response.context["sliders"]]
        self.assertEqual(values, ["0", "0", "0", "0.5", "2019"])

    def test_the_first_year_of_all_means_all_ratings(self) -> None:
        self.client.post(self.url, {"since": "2019"})
        self.assertIsNone(controls_of(self.alice)["since"])

    def test_it_says_so_where_a_year_leaves_nothing(self) -> None:
        Rating.objects.filter(user=self.alice).update(rated_at=datetime(2019, 5, 1, tzinfo=UTC))
        response = self.client.get(self.url, {"since": "2021"})
        self.assertContains(response, "You have rated nothing that counts since 2021, so all of your ratings count.")
        self.assertContains(response, "The same films as in the unchanged list.")

    def test_it_offers_no_year_where_all_ratings_are_of_this_one(self) -> None:
        rate(self.bob, {0: 5.0})
        self.client.force_login(self.bob)
        response = self.client.get(self.url)
        self.assertContains(response, "there is no earlier taste to leave out")
        self.assertNotContains(response, 'name="since"')

    def test_a_newcomer_is_told_that_nothing_moves(self) -> None:
        self.client.force_login(self.bob)
        response = self.client.get(self.url, SETTING)
        self.assertContains(response, "Rate a few films first.")
        self.assertEqual(self.shown(response), [item.movie_id for item in recommend_for(self.bob).items])

    def test_it_works_without_a_model(self) -> None:
        LivePointer.objects.update(activation=None, generation=5)
        self.assertContains(self.client.get(self.url, SETTING), "There is no model yet.")
        self.client.post(self.url, SETTING)
        self.assertEqual(controls_of(self.alice)["recency"], 1.0)

    def test_htmx_gets_the_preview_alone_with_the_price_of_what_was_moved(self) -> None:
        page = self.client.get(self.url, {**SETTING, "moved": "recency"}, headers=PREVIEW).content.decode()
        self.assertTrue(page.strip().startswith('<div class="stack controls-preview" id="controls-preview"'), page[:90])
        self.assertIn('id="recency-price" hx-swap-oob="true">By itself: ', page)
        self.assertIn('hx-swap-oob="innerHTML:#announcement"', page)
        response = self.client.get(self.url, {**SETTING, "novelty": "0", "moved": "novelty"}, headers=PREVIEW)
        self.assertContains(response, '<p class="soft small" id="novelty-price" hx-swap-oob="true"></p>', html=True)
        response = self.client.get(self.url, {**SETTING, "moved": '"><b>'}, headers=PREVIEW)
        self.assertNotContains(response, "<b>")

    def test_htmx_gets_the_whole_control_after_saving_and_the_lists_hear_of_it(self) -> None:
        for url in (self.url, f"{self.url}/reset"):
            response = self.client.post(url, SETTING, headers={**HTMX, "HX-Target": "controls"})
            self.assertTrue(response.content.decode().strip().startswith('<section class="controls" id="controls"'))
            self.assertIn("controls-saved", response["HX-Trigger"])
            self.assertContains(response, "Undo")
        self.assertEqual(controls_of(self.alice), neutral())

    def test_a_page_may_fetch_the_controls_when_they_are_unfolded(self) -> None:
        response = self.client.get(self.url, headers={**HTMX, "HX-Target": "controls"})
        self.assertTrue(response.content.decode().strip().startswith('<section class="controls" id="controls"'))

    def test_it_takes_its_own_values_only(self) -> None:
        wrong = ["nan", "inf", "-1.1", "1.1", "1e400", "true", "x" * 10_000, "\x00", "0;1"]
        for name in ("popularity", "novelty", "recency", "diversity"):
            for value in wrong:
                with self.subTest(name, value=value[:10]):
                    self.assertEqual(self.client.post(self.url, {name: value}).status_code, 422)
                    self.assertEqual(self.client.post(self.url, {name: value}, headers=HTMX).status_code, 422)
                    self.assertEqual(self.client.get(self.url, {name: value}).status_code, 200)
                    self.assertEqual(self.client.get(self.url, {name: value}, headers=PREVIEW).status_code, 200)
        for value in ("1899", "2201", "2000.5", "nan", "9" * 400):
            with self.subTest("since", value=value[:10]):
                self.assertEqual(self.client.post(self.url, {"since": value}).status_code, 422)
                self.assertEqual(self.client.get(self.url, {"since": value}).status_code, 200)
        self.assertFalse(ListControls.objects.exists())

    def test_it_is_for_those_who_are_signed_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get(self.url), "/sign-in?next=%2Fmy%2Fcontrols")
        for url in (self.url, f"{self.url}/reset"):
            self.assertEqual(self.client.post(url, SETTING).status_code, 302)
        self.assertFalse(ListControls.objects.exists())

    def test_it_is_safe_from_other_sites_and_from_get(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        for url in (self.url, f"{self.url}/reset"):
            self.assertEqual(client.post(url, SETTING).status_code, 403)
        self.assertEqual(client.get(f"{self.url}/reset").status_code, 405)
        page = client.get(self.url).content.decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        self.assertEqual(client.post(self.url, {**SETTING, "csrfmiddlewaretoken": token}).status_code, 302)
        self.assertEqual(controls_of(self.alice)["recency"], 1.0)

    def test_nobody_moves_anothers_controls(self) -> None:
        save_controls(user=self.bob, recency=-1.0)
        self.client.post(self.url, {**SETTING, "user": str(self.bob.pk)})
        self.client.post(f"{self.url}/reset", {"user": str(self.bob.pk)})
        self.assertEqual(controls_of(self.bob)["recency"], -1.0)

    def test_it_is_quick_and_has_no_inline_script_or_style(self) -> None:
        model = trained()
        flat = np.ones(model.n_items, np.float32)
        discovery = Discovery(2, np.ones(model.n_items, np.uint8), np.zeros_like(flat), flat, np.zeros_like(flat))
        registry.activate(store_version(replace(model, discovery=discovery)))
        save_controls(user=self.alice, novelty=0.5, diversity=0.5)
        query = {**SETTING, "novelty": "1", "since": "2022", "moved": "diversity"}
        for headers in ({}, PREVIEW, HTMX):
            self.client.get(self.url, query, headers=headers)  # loads the model and the years
            with CaptureQueriesContext(connection) as queries:
                page = self.client.get(self.url, query, headers=headers).content.decode()
            self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])
            self.assertNotIn(" style=", page)
            self.assertEqual(page.count("<script"), page.count("<script src="))
