from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from cinema.models import HiddenMovie, Movie, ShelfEntry
from recommender.recommend import recommend_for
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_crowd, rate

HTMX = {"HX-Request": "true"}


class ShelvesTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)

    def test_a_film_is_put_on_a_shelf_and_taken_off_again(self) -> None:
        for shelf in ("watchlist", "favourites"):
            with self.subTest(shelf):
                response = self.client.post(f"/movies/60/{shelf}", {"next": "/movies/60"}, follow=True)
                self.assertRedirects(response, "/movies/60")
                self.assertContains(response, 'aria-pressed="true"')
                self.assertEqual(self.on(shelf), [60])
                self.client.post(f"/movies/60/{shelf}", {"off": "1"})
                self.assertEqual(self.on(shelf), [])

    def on(self, shelf: str, sort: str = "added") -> list[int]:
        return [card.movie_id for card in self.client.get(f"/my/{shelf}?sort={sort}").context["cards"]]

    def test_twice_is_once(self) -> None:
        for _ in range(2):
            self.client.post("/movies/60/watchlist")
        self.assertEqual(ShelfEntry.objects.filter(user=self.alice).count(), 1)

    def test_htmx_gets_the_buttons_back(self) -> None:
        page = self.client.post("/movies/60/favourites", headers=HTMX).content.decode()
        self.assertTrue(page.startswith('<div class="shelves row" id="shelves">'), page[:80])
        self.assertIn("Film 5 is one of your favourites.", page)

    def test_a_shelf_is_ordered_by_time_or_by_what_one_would_like(self) -> None:
        for movie_id in (560, 60):  # a comedy, then a drama that suits
            self.client.post(f"/movies/{movie_id}/watchlist")
        self.assertEqual(self.on("watchlist"), [60, 560])
        best = self.client.get("/my/watchlist?sort=best").context["cards"]
        self.assertEqual([card.movie_id for card in best], [60, 560])
        self.assertGreater(best[0].predicted_rating or 0, best[1].predicted_rating or 5)

    def test_an_empty_shelf_says_what_to_do(self) -> None:
        for path in ("/my/watchlist", "/my/favourites", "/my/hidden", "/my/reviews"):
            self.assertContains(self.client.get(path), 'class="nothing"')

    def test_it_is_nobody_elses(self) -> None:
        self.client.post("/movies/60/watchlist")
        self.client.force_login(self.bob)
        self.assertEqual(self.on("watchlist"), [])
        self.client.logout()
        for path in ("/my/watchlist", "/my/favourites", "/my/hidden", "/surprise"):
            self.assertEqual(self.client.get(path).status_code, 302, path)
        for path in ("/movies/60/watchlist", "/movies/60/hide", "/movies/60/unhide"):
            self.assertIn("/sign-in", self.client.post(path)["Location"], path)

    def test_a_film_that_is_none_is_not_found(self) -> None:
        for path in ("watchlist", "favourites", "hide", "unhide"):
            self.assertEqual(self.client.post(f"/movies/999/{path}").status_code, 404, path)

    def test_it_takes_no_get(self) -> None:
        for path in ("watchlist", "hide", "unhide"):
            self.assertEqual(self.client.get(f"/movies/60/{path}").status_code, 405, path)

    def test_it_is_quick(self) -> None:
        make_crowd()
        for movie_id in range(100, 400, 10):
            self.client.post(f"/movies/{movie_id}/watchlist")
            self.client.post(f"/movies/{movie_id}/hide")
        for path in ("/my/watchlist", "/my/hidden"):
            with CaptureQueriesContext(connection) as queries:
                self.client.get(path)
            self.assertLessEqual(len(queries), 15, path)


class HidingTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        self.client.force_login(self.alice)
        self.first = Movie.objects.get(pk=recommend_for(self.alice).items[0].movie_id)

    def first_of_the_list(self) -> int:
        return recommend_for(self.alice).items[0].movie_id

    def test_a_hidden_film_leaves_the_list_and_comes_back(self) -> None:
        self.client.post(f"/movies/{self.first.pk}/hide", {"reason": "kind"})
        self.assertNotEqual(self.first_of_the_list(), self.first.pk)
        page = self.client.get("/my/hidden")
        self.assertContains(page, self.first.title)
        self.assertContains(page, "Not my kind of film")
        self.client.post(f"/movies/{self.first.pk}/unhide", {"next": "/my/hidden"})
        self.assertEqual(self.first_of_the_list(), self.first.pk)

    def test_a_card_gets_a_notice_with_an_undo(self) -> None:
        response = self.client.post(f"/movies/{self.first.pk}/hide", headers={**HTMX, "HX-Target": "undo"})
        self.assertContains(response, f'action="/movies/{self.first.pk}/unhide"')
        self.assertEqual(response["HX-Trigger-After-Settle"], '{"hidden-changed": {}}')

    def test_the_films_page_gets_its_buttons_back(self) -> None:
        response = self.client.post(f"/movies/{self.first.pk}/hide", headers={**HTMX, "HX-Target": "shelves"})
        self.assertContains(response, "Not shown in your lists.")
        self.assertContains(response, 'id="unhide-button"')

    def test_a_reason_that_is_none_counts_as_this_film(self) -> None:
        self.client.post(f"/movies/{self.first.pk}/hide", {"reason": "whatever"})
        self.assertEqual(HiddenMovie.objects.get().reason, "film")

    def test_home_has_a_button_on_every_card_of_a_list(self) -> None:
        page = self.client.get("/").content.decode()
        self.assertIn(f'hx-post="/movies/{recommend_for(self.alice).items[1].movie_id}/hide"', page)

    def test_a_surprise_is_a_film_of_the_list(self) -> None:
        listed = {item.movie_id for item in recommend_for(self.alice, n=100).items}
        found = {int(self.client.get("/surprise")["Location"].rsplit("/", 1)[1]) for _ in range(12)}
        self.assertLessEqual(found, listed)
        self.assertGreater(len(found), 1)

    def test_there_may_be_nothing_left_to_surprise_with(self) -> None:
        Movie.objects.all().delete()
        self.assertRedirects(self.client.get("/surprise"), "/")
