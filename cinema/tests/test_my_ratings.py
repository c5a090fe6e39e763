from __future__ import annotations

from cinema.models import Movie, Rating
from recommender.tests.stored_versions import CatalogueTestCase, rate


class MyRatingsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, {0: 2.0, 1: 5.0, 10: 3.5})
        rate(self.bob, {2: 1.0})
        self.client.force_login(self.alice)

    def order(self, sort: str) -> list[int]:
        return [rating.movie_id for rating, _ in self.client.get(f"/my/ratings?sort={sort}").context["rows"]]

    def test_it_works(self) -> None:
        response = self.client.get("/my/ratings")
        self.assertContains(response, "3 films")
        self.assertContains(response, "You gave it 3.5")
        self.assertContains(response, 'action="/movies/110/rating"')

    def test_it_shows_only_ones_own(self) -> None:
        self.assertNotContains(self.client.get("/my/ratings"), "Film 2<")

    def test_it_sorts(self) -> None:
        self.assertEqual(self.order("value"), [20, 110, 10])
        self.assertEqual(self.order("title"), [10, 20, 110])
        first = Rating.objects.get(user=self.alice, movie_id=20)
        Rating.objects.filter(user=self.alice).exclude(pk=first.pk).update(rated_at=first.rated_at.replace(year=2001))
        self.assertEqual(self.order("time")[0], 20)
        self.assertEqual(self.client.get("/my/ratings?sort=user__password").status_code, 404)

    def test_it_has_pages(self) -> None:
        rate(self.alice, dict.fromkeys(range(20, 50), 3.0))
        self.assertContains(self.client.get("/my/ratings?sort=value&page=2"), 'href="?sort=value&amp;page=1"')

    def test_it_invites_whoever_has_rated_nothing(self) -> None:
        self.client.force_login(self.charlie)
        self.assertContains(self.client.get("/my/ratings"), "Nothing rated yet")

    def test_it_shows_how_many_discoveries_one_chose(self) -> None:
        self.assertContains(self.client.get("/my/ratings"), "Discoveries in your lists")
        self.assertContains(self.client.get("/my/ratings?sort=value"), 'name="next" value="/my/ratings?sort=value"')

    def test_it_sends_strangers_to_sign_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get("/my/ratings?sort=value"), "/sign-in?next=%2Fmy%2Fratings%3Fsort%3Dvalue")

    def test_it_is_quick(self) -> None:
        rate(self.alice, dict.fromkeys(range(20, 50), 3.0))
        with self.assertNumQueries(7):
            self.client.get("/my/ratings")


class FilteredRatingsTestCase(CatalogueTestCase):
    def shown(self, query: str) -> set[int]:
        response = self.client.get(f"/my/ratings?{query}")
        return {rating.movie_id for rating, _ in response.context["rows"]}

    def test_they_can_be_narrowed(self) -> None:
        rate(self.alice, {0: 5.0, 1: 4.0, 40: 1.5, 41: 4.0})
        Movie.objects.filter(pk__in=[10, 410]).update(year=1994)
        Movie.objects.exclude(pk__in=[10, 410]).update(year=2004)
        self.client.force_login(self.alice)
        self.assertEqual(self.shown(""), {10, 20, 410, 420})
        self.assertEqual(self.shown("genre=Comedy"), {410, 420})
        self.assertEqual(self.shown("decade=1990"), {10, 410})
        self.assertEqual(self.shown("stars=4.0"), {20, 420})
        self.assertEqual(self.shown("search=film+41"), {420})
        self.assertEqual(self.shown("genre=Comedy&stars=4.0&sort=title"), {420})
        self.assertEqual(self.shown("genre=Opera&decade=x&stars=9"), {10, 20, 410, 420})
        self.assertContains(self.client.get("/my/ratings?stars=0.5"), "No film like that")

    def test_sorting_keeps_what_was_narrowed(self) -> None:
        rate(self.alice, {0: 5.0})
        self.client.force_login(self.alice)
        self.assertContains(self.client.get("/my/ratings?genre=Drama"), "?sort=title&amp;genre=Drama")
