"""What only a browser shows: fragments that find their place, keys, and a policy that nothing violates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinema.models import ListControls, Rating
from cinema.tests.browsers import InABrowser, sticking_out
from mlops.tests.control_room import control_room_pages
from mlops.tests.small_searches import a_search, a_trial
from recommender import registry

if TYPE_CHECKING:
    from playwright.sync_api import Route


class BrowserTestCase(InABrowser):
    def values(self, movie_id: int) -> list[float]:
        return list(Rating.objects.filter(user=self.alice, movie_id=movie_id).values_list("value", flat=True))

    def test_a_click_on_a_star_is_learned_and_the_list_follows(self) -> None:
        # So few ratings that the page asks for more.
        Rating.objects.filter(user=self.alice).exclude(movie_id__in=[10, 20]).delete()
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            first = page.locator("#rail h3").inner_text()
            form = page.locator(".rate-card form").first
            form_id = form.get_attribute("id")
            with page.expect_response(f"{self.live_server_url}/"):  # the list asks for itself anew
                form.locator("input[value='0.5']").click()
            page.locator(f"#{form_id} .receipt", has_text="Learned in").wait_for()
            self.assertIn("0.5 stars. Learned in", page.locator("#announcement").inner_text())
            # By the keys, one step at a time, and the place is not lost.
            page.locator(f"#{form_id} input[value='0.5']").focus()
            for _ in range(3):
                page.keyboard.press("ArrowRight")
            page.locator(f"#{form_id} legend", has_text="You gave it 2.0").wait_for()
            self.assertEqual(page.evaluate("document.activeElement.value"), "2.0")
            page.locator(f"#{form_id} button[name=unrate]").click()
            page.locator(f"#{form_id} legend", has_text="Rate it").wait_for()
            self.assertEqual(page.locator(f"[id={form_id}]").count(), 1)
            page.locator("#rail h3", has_text=first).wait_for()
        self.assertEqual(self.values(int(str(form_id).removeprefix("rating-"))), [])

    def test_a_list_on_its_way_gives_way_to_the_one_after_a_newer_rating(self) -> None:
        # So few ratings that the page asks for more.
        Rating.objects.filter(user=self.alice).exclude(movie_id__in=[10, 20]).delete()
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            held: list[Route] = []

            def hold_the_first(route: Route) -> None:
                """Keeps the first list that the page asks for back, as a slow line would."""
                if held or route.request.headers.get("hx-request") != "true":
                    route.continue_()
                else:
                    held.append(route)

            page.route(f"{self.live_server_url}/", hold_the_first)
            first = page.locator("#rail h3").inner_text()
            page.locator(".spotlight input[value='4.0']").click()
            page.locator("#announcement", has_text="Learned in").wait_for(state="attached")
            page.locator(".rate-card form").first.locator("input[value='4.5']").click()
            page.wait_for_function("first => document.querySelector('#rail h3').innerText !== first", arg=first)
            self.assertEqual(len(held), 1)
        self.assertEqual(Rating.objects.filter(user=self.alice, movie__title=first, value=4.0).count(), 1)

    def test_the_first_film_of_the_list_is_rated_and_makes_room_for_the_next(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            first = page.locator("#rail h3").inner_text()
            page.locator(".spotlight input[value='4.0']").click()
            page.wait_for_function("first => document.querySelector('#rail h3').innerText !== first", arg=first)
            page.locator("#announcement", has_text="Learned in").wait_for(state="attached")
        self.assertEqual(Rating.objects.filter(user=self.alice, movie__title=first, value=4.0).count(), 1)

    def test_everything_works_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/movies?search=Film+10")
            page.locator(".card a", has_text="Film 10").click()
            page.locator("#rating-110-9").check()
            page.get_by_role("button", name="Save").click()
            page.locator(".messages", has_text="You gave Film 10 4.5 stars").wait_for()
        self.assertEqual(self.values(110), [4.5])

    def test_the_list_follows_the_chosen_number_of_discoveries(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/")
            with page.expect_response(f"{self.live_server_url}/"):  # the list asks for itself anew
                page.locator("#discovery label", has_text="None").click()
            page.locator("#announcement", has_text="Discoveries in your lists: none.").wait_for(state="attached")
            # By the keys, and the place is not lost.
            with page.expect_response(f"{self.live_server_url}/"):
                page.keyboard.press("ArrowRight")
            page.locator("#announcement", has_text="Discoveries in your lists: 1.").wait_for(state="attached")
            self.assertEqual(page.evaluate("document.activeElement.value"), "1")
        self.alice.refresh_from_db()
        self.assertEqual(self.alice.discovery, 1)

    def test_discoveries_are_chosen_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/my/ratings")
            page.locator("#discovery label", has_text="3").click()
            page.locator("#discovery").get_by_role("button", name="Save").click()
            page.locator(".messages", has_text="Discoveries in your lists: 3.").wait_for()
        self.alice.refresh_from_db()
        self.assertEqual(self.alice.discovery, 3)

    def test_the_first_questions_are_answered_by_single_keys(self) -> None:
        Rating.objects.all().delete()
        with self.page() as page:
            page.goto(f"{self.live_server_url}/start")
            page.locator(".film-group").first.click()
            page.get_by_role("button", name="Show me films").click()
            page.wait_for_url("**/start/rate")
            title = page.locator("#question-title")

            def press(key: str) -> str:
                """Answers by that key and waits for another film."""
                asked = title.inner_text()
                page.keyboard.press(key)
                page.wait_for_function(
                    "asked => document.getElementById('question-title').innerText !== asked", arg=asked
                )
                return asked

            first = press("4")
            page.locator("#announcement", has_text=f"{first}: 4 stars. Next:").wait_for(state="attached")
            self.assertEqual(page.evaluate("document.activeElement.id"), "question-title")
            second = press("n")
            press("u")
            self.assertEqual(title.inner_text(), second)
            # Nobody's typing is taken for an answer, and the keys can be turned off.
            page.locator("#find").press("5")
            page.locator("[data-keys-toggle]").click()
            page.keyboard.press("5")
            self.assertEqual(page.locator("[data-keys-toggle]").inner_text(), "Turn the keys on")
            page.reload()
            self.assertEqual(page.locator("[data-keys-toggle]").inner_text(), "Turn the keys on")
            self.assertEqual(page.locator(".question .eyebrow").inner_text().lower(), "1 of 5 rated")
            page.locator("[data-keys-toggle]").click()
            for key in "532":
                press(key)
            page.keyboard.press("1")
            page.wait_for_url("**/start/list")
            self.assertEqual(page.locator(".first-list .card").count(), 10)
        self.assertEqual(sorted(Rating.objects.values_list("value", flat=True)), [1.0, 2.0, 3.0, 4.0, 5.0])

    def test_a_slider_shows_its_price_while_it_moves_and_is_kept_on_request_alone(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_diversity").focus()
            for _ in range(9):
                page.keyboard.press("ArrowRight")
            self.assertEqual(page.locator("#diversity-words").inner_text(), "as mixed as can be")
            page.locator("#diversity-price", has_text="By itself: Costs").wait_for()
            page.locator(".short-list .badge", has_text="new here").first.wait_for()
            self.assertEqual(page.evaluate("document.activeElement.id"), "id_diversity")
            self.assertIn("Costs", page.locator("#announcement").inner_text())
        self.assertFalse(ListControls.objects.exists())

    def test_controls_are_kept_reset_and_taken_back(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_diversity").fill("0.9")
            page.get_by_role("button", name="Save").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            page.get_by_role("button", name="Reset").click()
            page.locator(".notice", has_text="as they are by themselves").wait_for()
            self.assertEqual(page.locator("#id_diversity").input_value(), "0")
            page.get_by_role("button", name="Undo").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            self.assertEqual(page.locator("#id_diversity").input_value(), "0.9")
        self.assertEqual(ListControls.objects.get().diversity, 0.9)

    def test_controls_and_what_if_work_without_javascript(self) -> None:
        with self.page(javascript=False) as page:
            page.goto(f"{self.live_server_url}/my/controls")
            page.locator("#id_recency").fill("1")
            page.get_by_role("button", name="Show").click()
            page.locator("#recency-words", has_text="as new as can be").wait_for()
            self.assertNotIn("token", page.url)
            page.get_by_role("button", name="Save").click()
            page.locator(".notice", has_text="follow these controls").wait_for()
            page.goto(f"{self.live_server_url}/my/what-if")
            page.locator("#film-10").select_option("0.5")
            page.get_by_role("button", name="Show").click()
            page.get_by_role("button", name="Apply this change").wait_for()
            self.assertTrue(page.url.endswith("/my/what-if?film-10=0.5"), page.url)
            page.get_by_role("button", name="Apply this change").click()
            page.locator(".notice", has_text="One rating changed").wait_for()
        self.assertEqual(self.values(10), [0.5])
        self.assertEqual(ListControls.objects.get().recency, 1.0)

    def test_the_list_moves_with_each_rating_that_is_tried(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/my/what-if")
            page.locator("#film-10").select_option("0.5")
            page.locator("#what-if-moves", has_text="Apply this change").wait_for()
            page.locator("#what-if-search").press_sequentially("film 50")
            page.locator("#film-510").select_option("5.0")
            page.locator("#what-if-moves", has_text="Apply these 2 changes").wait_for()
            address = page.url  # holds what was tried
        self.assertEqual((self.values(10), self.values(510)), ([5.0], []))
        with self.page() as page:
            page.goto(address)
            page.get_by_role("button", name="Apply these 2 changes").click()
            page.locator(".notice", has_text="2 ratings changed").wait_for()
        self.assertEqual((self.values(10), self.values(510)), ([0.5], [5.0]))

    def test_the_search_finds_while_one_types(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/movies")
            page.locator("#id_search").fill("42")
            page.locator("#results", has_text="1 film").wait_for()
            self.assertIn("search=42", page.url)
            page.locator("#id_genre").select_option("Drama")
            page.locator("#results", has_text="No film like that").wait_for()

    def test_the_chosen_theme_stays(self) -> None:
        with self.page() as page:
            page.goto(f"{self.live_server_url}/movies")
            page.locator("[data-theme-toggle]").click()
            self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
            page.goto(f"{self.live_server_url}/")
            self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")

    def test_no_page_violates_the_policy_or_is_wider_than_a_phone(self) -> None:
        label = registry.live().version
        search = a_search(importances={"n_factors": 0.7, "learning_rate": 0.3})
        for number, state in enumerate(("complete", "complete", "pruned", "failed")):
            a_trial(search, 0.9 - number / 50, state, n_factors=50 + number)
        paths = [
            "/",
            "/movies",
            "/movies/110",
            "/my/ratings",
            "/training/",
            *("/training/runs", "/training/runs/new", "/training/compare", "/training/gate", "/training/timeline"),
            *("/training/retention", "/training/schedules", "/training/health", "/training/health/thresholds"),
            *control_room_pages(),
            "/training/searches",
            f"/training/searches/{search.pk}",
            f"/models/{label}",
            "/start?groups",
            "/start/rate",
            "/start/list",
            *("/my/controls", "/my/what-if", "/my/taste", "/my/year", "/my/watchlist", "/my/favourites", "/my/hidden"),
            *("/my/reviews", "/my/data", "/my/data/import", "/my/account/delete", "/movies/110/reviews"),
            *("/rails/for-you", "/rails/genre-Drama", "/night", "/statistics", "/account-deleted"),
        ]
        admin = [
            "/admin/",
            "/admin/cinema/movie/",
            "/admin/cinema/movie/10/change/",
            "/admin/recommender/modelversion/",
        ]
        with self.page() as page:
            page.set_viewport_size({"width": 360, "height": 800})
            for path in paths:
                page.goto(self.live_server_url + path)
                self.assertEqual(sticking_out(page, 360), [], path)
            for path in admin:
                page.goto(self.live_server_url + path)
