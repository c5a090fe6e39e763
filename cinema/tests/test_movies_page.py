from __future__ import annotations

from django.test import TestCase
from django.utils import timezone

from cinema.library import hide_movie
from cinema.models import Movie, Rating, User
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, make_catalogue, rate


class MoviesPageTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_catalogue()

    def titles(self, query: str) -> list[str]:
        return [card.title for card in self.client.get(f"/movies?{query}").context["cards"]]

    def test_it_works(self) -> None:
        response = self.client.get("/movies")
        self.assertContains(response, "60 films")
        self.assertEqual(len(response.context["cards"]), 36)

    def test_it_shows_the_most_rated_first(self) -> None:
        person = User.objects.create_user("alice")
        now = timezone.now()
        Rating.objects.create(user=person, movie_id=420, value=1.0, rated_at=now, changed_at=now)
        self.assertEqual(self.titles("")[0], "Film 41")
        self.assertContains(self.client.get("/movies"), "1 rating")

    def test_it_orders_otherwise_when_asked(self) -> None:
        self.assertEqual(self.titles("sort=newest")[0], "Film 59")
        self.assertEqual(self.titles("sort=title")[:3], ["Film 0", "Film 1", "Film 10"])

    def test_it_finds_words_in_any_order(self) -> None:
        self.assertEqual(self.titles("search=42+film"), ["Film 42"])

    def test_it_filters_by_genre_and_years(self) -> None:
        self.assertEqual(self.titles("genre=comedy&year_min=1995&year_max=1996"), ["Film 35", "Film 36"])
        self.assertEqual(self.titles("genre=Drama&year_min=1995"), [])

    def test_it_has_pages(self) -> None:
        response = self.client.get("/movies?genre=&page=2")
        self.assertEqual(len(response.context["cards"]), 24)
        self.assertContains(response, "Page 2 of 2")
        self.assertContains(response, 'href="?genre=&amp;page=1"')
        self.assertEqual(self.client.get("/movies?page=99999999999999999999").status_code, 200)
        self.assertEqual(self.client.get("/movies?page=x").status_code, 200)

    def test_it_says_when_nothing_is_found(self) -> None:
        self.assertContains(self.client.get("/movies?search=zzz"), "No film like that")

    def test_it_says_what_is_wrong_with_a_filter(self) -> None:
        for query in ("year_min=x", "year_min=99999999999999999999", "search=%00", f"search={'x' * 300}", "sort=cost"):
            response = self.client.get(f"/movies?{query}")
            self.assertEqual(response.status_code, 200, query)
            self.assertContains(response, "notice bad")
            self.assertEqual(response.context["cards"], [])

    def test_it_passes_no_query_on_to_the_database(self) -> None:
        self.assertEqual(len(self.titles("ratings__user__password__startswith=p&_connector=OR")), 36)

    def test_it_answers_htmx_with_the_results_alone(self) -> None:
        page = self.client.get("/movies?search=42", headers={"HX-Request": "true"}).content.decode().strip()
        self.assertTrue(page.startswith('<section class="stack" id="results"'), page[:80])
        self.assertIn('hx-swap-oob="innerHTML:#announcement">1 film found', page)

    def test_it_shows_what_you_gave(self) -> None:
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        now = timezone.now()
        Rating.objects.create(user=alice, movie_id=10, value=3.5, rated_at=now, changed_at=now)
        Rating.objects.create(user=bob, movie_id=20, value=1.5, rated_at=now, changed_at=now)
        self.client.force_login(alice)
        response = self.client.get("/movies")
        self.assertContains(response, "★ 3.5")
        self.assertNotContains(response, "★ 1.5")

    def test_it_is_quick(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))
        with self.assertNumQueries(8):
            self.client.get("/movies")

    def test_it_keeps_a_film_of_two_genres_once(self) -> None:
        movie = Movie.objects.get(pk=10)
        movie.genres.set(movie.genres.model.objects.all())
        self.assertEqual(self.titles("search=Film+0").count("Film 0"), 1)


class UnseenTestCase(CatalogueTestCase):
    def test_it_can_leave_out_what_one_has_rated_or_hidden(self) -> None:
        rate(self.alice, DRAMA_FAN)
        hide_movie(user=self.alice, movie=Movie.objects.get(pk=60))
        self.client.force_login(self.alice)
        found = self.client.get("/movies?unseen=on").context["page"].paginator.count
        self.assertEqual(found, Movie.objects.count() - len(DRAMA_FAN) - 1)
        self.client.logout()
        self.assertEqual(self.client.get("/movies?unseen=on").context["page"].paginator.count, Movie.objects.count())
