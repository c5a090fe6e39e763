from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from cinema.models import Rating
from recommender.models import LivePointer
from recommender.recommend import recommend_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate

HTMX = {"HX-Request": "true"}
MOVES = {**HTMX, "HX-Target": "what-if-moves"}
FILMS = {**HTMX, "HX-Target": "what-if-films"}
# Away from dramas: one of them is disliked, one taken back, two comedies are loved.
CHANGES = {"film-10": "0.5", "film-20": "none", "film-430": "5.0", "film-510": "5.0", "film-520": "4.5"}


class WhatIfPageTestCase(CatalogueTestCase):
    url = "/my/what-if"

    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        Rating.objects.filter(user=self.alice).update(rated_at=datetime(2026, 1, 1, tzinfo=UTC))
        self.client.force_login(self.alice)

    def ratings(self) -> dict[int, float]:
        return dict(Rating.objects.filter(user=self.alice).values_list("movie_id", "value"))

    def places(self, response: Any) -> list[int]:
        return [move.card.movie_id for move in response.context["moves"]]

    def test_without_a_change_it_is_the_list_as_it_is(self) -> None:
        response = self.client.get(self.url)
        self.assertEqual(self.places(response), [item.movie_id for item in recommend_for(self.alice).items])
        self.assertContains(response, "This is your list as it is.")
        self.assertEqual({move.kind for move in response.context["moves"]}, {"same"})
        self.assertNotContains(response, "Apply")

    def test_what_it_shows_is_what_applying_gives(self) -> None:
        before = {item.movie_id: item for item in recommend_for(self.alice).items}
        shown = self.client.get(self.url, CHANGES)
        places = self.places(shown)
        self.client.post(self.url, CHANGES)
        after = recommend_for(self.alice).items
        self.assertEqual(places, [item.movie_id for item in after])
        self.assertNotEqual(places, list(before))
        for move, item in zip(shown.context["moves"], after, strict=True):
            self.assertEqual((move.after, move.stars_after), (item.rank, item.predicted_rating))
            known = before.get(item.movie_id)
            self.assertEqual(move.before, known.rank if known else None)
            if known:
                self.assertEqual(move.stars_before, known.predicted_rating)
        gone = {move.card.movie_id for move in shown.context["gone"]}
        self.assertEqual(gone, set(before) - set(places))

    def test_it_tells_each_move_in_words(self) -> None:
        response = self.client.get(self.url, CHANGES)
        kinds = {move.kind for move in [*response.context["moves"], *response.context["gone"]]}
        self.assertLessEqual({"new", "gone"}, kinds)
        for move in response.context["moves"]:
            if move.kind == "up":
                self.assertContains(response, f"up from {move.before}")
            if move.kind == "down":
                self.assertContains(response, f"down from {move.before}")
        self.assertContains(response, f"gone, was {response.context['gone'][0].before}")
        self.assertContains(response, "new</span>")

    def test_looking_writes_nothing(self) -> None:
        before = list(Rating.objects.values())
        for headers in ({}, MOVES, FILMS):
            with CaptureQueriesContext(connection) as queries:
                self.client.get(self.url, {**CHANGES, "search": "film"}, headers=headers)
            writes = [one["sql"] for one in queries if not one["sql"].startswith("SELECT")]
            self.assertEqual(writes, [])
        self.assertEqual(list(Rating.objects.values()), before)

    def test_applying_writes_and_answers_with_a_receipt_and_an_undo(self) -> None:
        before = self.ratings()
        response = self.client.post(self.url, CHANGES, follow=True)
        self.assertRedirects(response, self.url)
        expected = {**before, 10: 0.5, 430: 5.0, 510: 5.0, 520: 4.5}
        del expected[20]
        self.assertEqual(self.ratings(), expected)
        self.assertContains(response, "5 ratings changed and learned in")
        self.assertContains(response, "Now in your list:")
        undo = {f"film-{pk}": value for pk, value in response.context["receipt"]["undo"].items()}
        self.client.post(self.url, undo)
        self.assertEqual(self.ratings(), before)

    def test_what_changes_nothing_is_not_applied(self) -> None:
        before = list(Rating.objects.order_by("pk").values())
        self.client.post(self.url, {"film-10": "5.0", "film-500": "none", "film-999": "4.0", "film-20": ""})
        self.assertEqual(list(Rating.objects.order_by("pk").values()), before)

    def test_a_film_that_does_not_exist_changes_no_list(self) -> None:
        response = self.client.get(self.url, {"film-999": "5.0"})
        self.assertEqual(self.places(response), [item.movie_id for item in recommend_for(self.alice).items])

    def test_it_pages_through_ones_ratings_the_changed_ones_first(self) -> None:
        rate(self.bob, dict.fromkeys(range(45), 3.0))
        self.client.force_login(self.bob)
        first = self.client.get(self.url, {"film-10": "5.0"})
        self.assertEqual([choice.movie.pk for choice in first.context["changed"]], [10])
        self.assertEqual(len(first.context["rated"]), 20)
        self.assertContains(first, "Page 1 of 3")
        seen = {choice.movie.pk for choice in first.context["rated"]}
        for number in ("2", "3"):
            page = self.client.get(self.url, {"film-10": "5.0", "page": number})
            self.assertEqual([choice.movie.pk for choice in page.context["changed"]], [10])
            seen |= {choice.movie.pk for choice in page.context["rated"]}
        self.assertEqual(seen, {10 * (row + 1) for row in range(1, 45)})

    def test_it_searches_ones_ratings_and_all_films(self) -> None:
        response = self.client.get(self.url, {"search": "film 40"})
        self.assertEqual([choice.movie.pk for choice in response.context["rated"]], [410])
        self.assertEqual(response.context["found"], [])
        rate(self.bob, {44: 3.0})
        response = self.client.get(self.url, {"search": "4 film"})
        self.assertEqual({choice.movie.pk for choice in response.context["rated"]}, {410, 420, 430})
        found = [choice.movie.pk for choice in response.context["found"]]
        self.assertEqual(found, [450, 50, 150, 250, 350, 440, 460, 470])  # the most rated first
        page = self.client.get(self.url, {"search": "film 4"}, headers=FILMS)
        self.assertTrue(page.content.decode().strip().startswith('<div class="stack" id="what-if-films"'))
        self.assertContains(page, "Not rated yet")

    def test_htmx_gets_the_moves_alone_and_a_clean_address(self) -> None:
        response = self.client.get(self.url, {**CHANGES, "film-30": "", "search": ""}, headers=MOVES)
        self.assertTrue(response.content.decode().strip().startswith('<section class="panel stack what-if-moves"'))
        self.assertContains(response, 'hx-swap-oob="innerHTML:#announcement"')
        self.assertNotIn("film-30", response["HX-Replace-Url"])
        self.assertIn("film-20=none", response["HX-Replace-Url"])

    def test_an_address_holds_only_what_is_changed(self) -> None:
        response = self.client.get(self.url, {"film-10": "0.5", "film-30": "", "search": "film", "page": "2"})
        self.assertRedirects(response, f"{self.url}?film-10=0.5&search=film&page=2")
        self.assertRedirects(self.client.get(self.url, {"film-30": ""}), self.url)

    def test_it_leaves_out_what_is_no_rating_and_says_so(self) -> None:
        names = ("film-", "film-0", "film-x", "film-1.5", "film-" + "9" * 30, "film--1", "film-10 ")
        values = ("5.5", "0", "nan", "4", "true", "٤", "4.50", "x" * 5000, "\x00")
        wrong = [*((name, "5.0") for name in names), *(("film-10", value) for value in values)]
        for name, value in wrong:
            with self.subTest(name[:12], value=value[:8]):
                response = self.client.get(self.url, {name: value})
                self.assertContains(response, "it was left out")
                self.assertEqual(response.context["changes"], {})
                self.client.post(self.url, {name: value})
        self.assertEqual(self.ratings(), {10 * (row + 1): stars for row, stars in DRAMA_FAN.items()})

    def test_it_takes_twenty_changes_at_a_time(self) -> None:
        many = {f"film-{10 * (row + 1)}": "3.0" for row in range(25)}
        response = self.client.get(self.url, many)
        self.assertContains(response, "At most 20 changes at a time")
        self.assertEqual(len(response.context["changes"]), 20)
        before = self.ratings()
        self.client.post(self.url, many)
        self.assertEqual(self.ratings(), before)

    @override_settings(THROTTLE_RATES={"rating": 2})
    def test_it_slows_down_a_flood(self) -> None:
        for value in ("1.0", "2.0"):
            self.assertEqual(self.client.post(self.url, {"film-10": value}).status_code, 302)
        response = self.client.post(self.url, {"film-10": "3.0"})
        self.assertContains(response, "many ratings", status_code=429)
        self.assertEqual(self.ratings()[10], 2.0)

    def test_somebody_without_ratings_can_try_some(self) -> None:
        self.client.force_login(self.bob)
        self.assertContains(self.client.get(self.url), "You have rated nothing else yet.")
        response = self.client.get(self.url, {"film-10": "5.0"})
        self.assertEqual(response.status_code, 200)
        self.client.post(self.url, {"film-10": "5.0"})
        self.assertEqual(self.places(response), [item.movie_id for item in recommend_for(self.bob).items])

    def test_it_works_without_a_model(self) -> None:
        LivePointer.objects.update(activation=None, generation=5)
        for headers in ({}, MOVES, FILMS):
            self.assertContains(self.client.get(self.url, CHANGES, headers=headers), "There is no model yet")

    def test_it_is_for_those_who_are_signed_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get(self.url), "/sign-in?next=%2Fmy%2Fwhat-if")
        self.assertEqual(self.client.post(self.url, CHANGES).status_code, 302)
        self.assertNotIn(430, [pk for pk, value in self.ratings().items() if value == 5.0])

    def test_it_is_safe_from_other_sites(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        self.assertEqual(client.post(self.url, CHANGES).status_code, 403)
        page = client.get(self.url, CHANGES).content.decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[-1].split('"')[0]
        self.assertEqual(client.post(self.url, {**CHANGES, "csrfmiddlewaretoken": token}).status_code, 302)
        self.assertEqual(self.ratings()[10], 0.5)

    def test_it_is_quick_and_has_no_inline_script_or_style(self) -> None:
        self.client.get(self.url)  # loads the model
        for headers in ({}, MOVES, FILMS):
            with CaptureQueriesContext(connection) as queries:
                page = self.client.get(self.url, {**CHANGES, "search": "film"}, headers=headers).content.decode()
            self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])
            self.assertNotIn(" style=", page)
            self.assertEqual(page.count("<script"), page.count("<script src="))
