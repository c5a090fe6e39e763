from __future__ import annotations

from datetime import UTC, datetime

from django.test import TestCase
from django.utils import timezone

from cinema.models import User
from cinema.tests.small_crowds import ColdCacheMixin, give, make_film, make_people


class YearPageTestCase(ColdCacheMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice = User.objects.create_user("alice")
        self.heat, self.alien = make_film("Heat", "Thriller", year=1995), make_film("Alien", "Horror", year=1979)
        give(self.alice, self.heat, 5.0, at=datetime(2016, 8, 1, tzinfo=UTC))
        give(self.alice, self.alien, 2.0, at=datetime(2014, 8, 1, tzinfo=UTC))
        self.client.force_login(self.alice)

    def test_it_works(self) -> None:
        page = self.client.get("/my/year/2016")
        self.assertContains(page, "One film, 5.00 stars.")
        self.assertContains(page, "Heat")
        self.assertNotContains(page, "Alien")
        self.assertContains(page, "Most of them in August: 1.")

    def test_it_opens_the_latest_year_and_links_the_others(self) -> None:
        page = self.client.get("/my/year")
        self.assertEqual(page.context["year"], 2016)
        self.assertContains(page, 'href="/my/year/2016" aria-current="page"')
        self.assertContains(page, 'href="/my/year/2014"')

    def test_it_compares_with_the_year_before(self) -> None:
        give(self.alice, make_film("Big"), 3.0, at=datetime(2015, 8, 1, tzinfo=UTC))
        self.assertContains(self.client.get("/my/year/2016"), "In 2015 it was one, with 3.00 stars.")

    def test_it_tells_what_was_against_the_crowd_from_five_others_on(self) -> None:
        people = make_people(5)
        for person in people[:4]:
            give(person, self.heat, 1.0)
        self.assertNotContains(self.client.get("/my/year/2016"), "Most against the crowd")
        give(people[4], self.heat, 1.0)
        self.client.logout()
        bob = User.objects.create_user("bob")
        give(bob, self.heat, 5.0, at=timezone.now())
        self.client.force_login(bob)
        self.assertContains(self.client.get("/my/year"), "Most against the crowd")

    def test_an_empty_year_leads_to_one_that_is_not(self) -> None:
        page = self.client.get("/my/year/2015")
        self.assertContains(page, "Nothing rated in 2015")
        self.assertContains(page, 'href="/my/year/2016"')

    def test_whoever_has_rated_nothing_is_invited(self) -> None:
        self.client.force_login(User.objects.create_user("bob"))
        page = self.client.get("/my/year")
        self.assertContains(page, f"Nothing rated in {timezone.localdate().year}")
        self.assertContains(page, 'href="/#rate"')

    def test_years_that_no_calendar_has_are_not_found(self) -> None:
        for year in ("0", "10000", "99999999999999999999", "-1", "2016.5", "x"):
            self.assertEqual(self.client.get(f"/my/year/{year}").status_code, 404, year)
        for year in ("1", "9999"):
            self.assertEqual(self.client.get(f"/my/year/{year}").status_code, 200, year)

    def test_it_sends_strangers_to_sign_in(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get("/my/year/2016"), "/sign-in?next=%2Fmy%2Fyear%2F2016")

    def test_it_is_quick(self) -> None:
        for i in range(30):
            give(self.alice, make_film(f"Film {i}", "Drama"), 4.0, at=datetime(2016, 3, 1 + i % 28, tzinfo=UTC))
        self.client.get("/my/year/2016")
        with self.assertNumQueries(5):
            self.client.get("/my/year/2016")
