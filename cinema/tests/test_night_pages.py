from __future__ import annotations

from typing import Any
from unittest import mock

from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from cinema import nights
from cinema.models import Night, NightParticipant, NightPick, NightRating, NightVeto, User
from recommender.models import LivePointer
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/night"}
COMEDY_FAN = {30: 5.0, 31: 4.5, 32: 5.0, 10: 2.0, 11: 1.5}


class NightTestCase(CatalogueTestCase):
    """Alice's room with Bob in it, and Gus, a guest with a browser of his own. Charlie is signed in, but not in it."""

    def setUp(self) -> None:
        super().setUp()
        rate(self.alice, DRAMA_FAN)
        rate(self.bob, COMEDY_FAN)
        self.night = nights.open_night(host=self.alice, name="Ana")
        self.ben = nights.join_night(night=self.night, name="Ben", user=self.bob)
        self.url = f"/night/{self.night.pk}"
        self.link = f"/night/join/{self.night.token}"
        self.client.force_login(self.alice)
        self.bobs = Client()
        self.bobs.force_login(self.bob)

    def guest(self, name: str = "Gus") -> Client:
        client = Client()
        client.post(self.link, {"name": name})
        return client

    def participant(self, name: str) -> NightParticipant:
        return NightParticipant.objects.get(night=self.night, name=name)

    def listed(self, client: Client | None = None) -> list[int]:
        response = (client or self.client).get(self.url)
        return [item.film.pk for item in response.context["room"].choice.items]


class RoomTestCase(NightTestCase):
    def test_it_works(self) -> None:
        response = self.client.get(self.url)
        self.assertContains(response, "For all of you")
        self.assertContains(response, "Ana")
        self.assertContains(response, "Ben")
        self.assertContains(response, "because of <cite>")
        self.assertContains(response, self.night.code)
        self.assertContains(response, f"http://testserver{self.link}")
        self.assertEqual(len(response.context["films"]), 10)

    def test_it_says_when_the_threshold_had_to_be_lowered(self) -> None:
        response = self.client.get(self.url)
        answer = response.context["room"].choice
        self.assertTrue(answer.is_relaxed)
        self.assertContains(response, f"nobody is expected to give less than {answer.threshold:.1f}")
        nights.leave_night(participant=self.ben)
        response = self.client.get(self.url)
        self.assertFalse(response.context["room"].choice.is_relaxed)
        self.assertContains(response, "Nobody is expected to give one of them less than 3.0 stars")

    def test_only_the_host_sees_how_to_invite(self) -> None:
        page = self.bobs.get(self.url).content.decode()
        self.assertNotIn(self.night.code, page)
        self.assertNotIn(self.night.token, page)

    def test_nobody_sees_the_ratings_of_others(self) -> None:
        guest = self.guest()
        nights.rate_as_guest(participant=self.participant("Gus"), stars={550: 0.5, 560: 1.0})
        for client in (self.client, self.bobs, guest):
            page = client.get(self.url).content.decode()
            for row, value in (DRAMA_FAN | COMEDY_FAN).items():
                if value < 4:  # what somebody liked may be named as a reason
                    self.assertNotIn(f">Film {row}<", page)
            self.assertNotIn(">Film 54<", page)

    def test_it_stays_as_it_is_until_something_changes(self) -> None:
        stamp = self.client.get(self.url).context["stamp"]
        response = self.client.get(f"{self.url}?stamp={stamp}", headers=HTMX)
        self.assertEqual((response.status_code, response.content), (204, b""))
        nights.veto_movie(participant=self.ben, movie=self.night.host.ratings.first().movie)  # type: ignore[union-attr]
        response = self.client.get(f"{self.url}?stamp={stamp}", headers=HTMX)
        page = response.content.decode().strip()
        self.assertTrue(page.startswith('<div class="night-room" id="night-room"'), page[:80])
        self.assertIn('hx-swap-oob="innerHTML:#announcement">The room has changed.', page)
        self.assertNotEqual(response.context["stamp"], stamp)
        self.assertNotIn("<html", page)

    def test_it_asks_whoever_has_rated_little_for_more(self) -> None:
        self.assertNotContains(self.client.get(self.url), "knows little of you")
        self.assertContains(self.guest().get(self.url), f'href="{self.url}/ratings"')
        nights.join_night(night=self.night, name="Charlie", user=self.charlie)
        client = Client()
        client.force_login(self.charlie)
        self.assertContains(client.get(self.url), 'href="/#rate"')

    def test_it_works_without_a_live_version(self) -> None:
        LivePointer.objects.update(activation=None, generation=5)
        response = self.client.get(self.url)
        self.assertContains(response, "No model has been trained yet")
        self.assertEqual(len(response.context["films"]), 10)

    def test_it_is_quick_with_eight_people(self) -> None:
        guests = [self.guest(f"Guest {number}") for number in range(3)]
        for number in range(3):
            user = User.objects.create_user(f"person{number}")
            rate(user, {number: 4.0, number + 30: 2.0})
            nights.join_night(night=self.night, name=f"Person {number}", user=user)
        for number in range(3):
            guest = self.participant(f"Guest {number}")
            nights.rate_as_guest(participant=guest, stars={10 * (row + 1): 4.0 for row in range(5)})
        nights.veto_movie(participant=self.ben, movie=self.listed_movie())
        nights.pick_movie(night=self.night, movie=self.listed_movie())
        for client in (self.client, guests[0]):
            client.get(self.url)
            with CaptureQueriesContext(connection) as queries:
                response = client.get(self.url)
            self.assertEqual(len(response.context["participants"]), 8)
            self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])
        stamp = response.context["stamp"]
        with CaptureQueriesContext(connection) as queries:
            self.client.get(f"{self.url}?stamp={stamp}", headers=HTMX)
        self.assertLessEqual(len(queries), 5, [query["sql"][:120] for query in queries])

    def listed_movie(self) -> Any:
        from cinema.models import Movie

        return Movie.objects.get(pk=self.listed()[0])

    def test_names_are_escaped(self) -> None:
        nights.join_night(night=self.night, name="<script>alert(1)</script>", user=None)
        page = self.client.get(self.url).content.decode()
        self.assertNotIn("<script>alert", page)
        self.assertIn("&lt;script&gt;alert(1)", page)

    def test_it_has_no_inline_script_or_style(self) -> None:
        page = self.client.get(self.url).content.decode()
        self.assertNotIn(" style=", page)
        self.assertNotIn("<style", page)
        self.assertEqual(page.count("<script"), page.count("<script src="))


class ChangesTestCase(NightTestCase):
    def test_a_veto_takes_the_film_out_of_everybodys_list(self) -> None:
        first = self.listed()[0]
        response = self.bobs.post(f"{self.url}/veto", {"movie": first}, headers=HTMX)
        self.assertContains(response, "You vetoed")
        self.assertContains(response, "You have 1 veto left.")
        self.assertContains(response, "Undo")
        self.assertNotIn(first, self.listed())
        self.assertContains(self.client.get(self.url), "Ben</bdi>")
        self.bobs.post(f"{self.url}/veto", {"movie": first, "undo": "1"}, headers=HTMX)
        self.assertEqual(self.listed()[0], first)

    def test_a_veto_works_without_javascript(self) -> None:
        first = self.listed()[0]
        response = self.bobs.post(f"{self.url}/veto", {"movie": first}, follow=True)
        self.assertRedirects(response, self.url)
        self.assertContains(response, "You have 1 veto left.")
        self.assertContains(response, "Take back")

    def test_nobody_has_a_third_veto_and_nobody_takes_back_anothers(self) -> None:
        films = self.listed()[:3]
        for film in films[:2]:
            self.bobs.post(f"{self.url}/veto", {"movie": film})
        response = self.bobs.post(f"{self.url}/veto", {"movie": films[2]}, headers=HTMX)
        self.assertContains(response, "You have no veto left", status_code=422)
        self.assertNotContains(response, f'id="veto-{films[2]}"', status_code=422)
        self.client.post(f"{self.url}/veto", {"movie": films[0], "undo": "1"})
        self.assertEqual(NightVeto.objects.filter(participant=self.ben).count(), 2)

    def test_a_watched_film_is_remembered_and_can_be_taken_back(self) -> None:
        first = self.listed()[0]
        response = self.guest().post(f"{self.url}/watched", {"movie": first}, headers=HTMX)
        self.assertContains(response, "Watched together")
        self.assertEqual(list(NightPick.objects.values_list("movie_id", flat=True)), [first])
        self.assertNotIn(first, self.listed())
        self.client.post(f"{self.url}/watched", {"movie": first, "undo": "1"})
        self.assertIn(first, self.listed())

    def test_it_answers_404_for_what_is_no_film(self) -> None:
        for value in ("999", "", "x", "0", "-1", "9" * 20, "1.5", "\x00"):
            for path in ("veto", "watched"):
                response = self.client.post(f"{self.url}/{path}", {"movie": value})
                self.assertEqual(response.status_code, 404, (path, value))

    def test_the_host_allows_films_that_some_have_seen(self) -> None:
        response = self.client.post(f"{self.url}/seen", {"allow": "1"}, headers=HTMX)
        self.assertContains(response, "has seen it")
        self.assertTrue(Night.objects.get().allow_seen)
        self.client.post(f"{self.url}/seen", {})
        self.assertFalse(Night.objects.get().allow_seen)

    def test_the_host_removes_somebody_who_is_out_at_once(self) -> None:
        guest = self.guest()
        gus = self.participant("Gus")
        response = self.client.post(f"{self.url}/remove", {"participant": gus.pk}, headers=HTMX)
        self.assertContains(response, "The link and the code are new.")
        self.assertNotContains(response, self.night.token)
        self.assertEqual(guest.get(self.url).status_code, 404)
        self.assertEqual(guest.get(self.link).status_code, 404)

    def test_the_host_can_neither_remove_themselves_nor_anybody_of_another_room(self) -> None:
        other = nights.open_night(host=self.charlie, name="Charlie").participants.get()
        for pk in (self.participant("Ana").pk, other.pk, 999, "x", "", "9" * 20):
            self.assertEqual(self.client.post(f"{self.url}/remove", {"participant": pk}).status_code, 404)
        self.assertEqual(NightParticipant.objects.count(), 3)

    def test_a_guest_leaves_nothing_behind(self) -> None:
        guest = self.guest()
        nights.rate_as_guest(participant=self.participant("Gus"), stars={10: 4.0})
        response = guest.post(f"{self.url}/leave", follow=True)
        self.assertRedirects(response, "/night")
        self.assertFalse(NightRating.objects.exists())
        self.assertFalse(NightParticipant.objects.filter(name="Gus").exists())
        self.assertNotIn(f"night-{self.night.pk}", {name for name, one in guest.cookies.items() if one.value})

    def test_the_host_cannot_leave_but_close(self) -> None:
        self.client.post(f"{self.url}/leave")
        self.assertTrue(NightParticipant.objects.filter(name="Ana").exists())
        response = self.client.post(f"{self.url}/close", follow=True)
        self.assertContains(response, "everything in it is deleted")
        self.assertFalse(Night.objects.exists())

    def test_a_page_of_a_closed_room_is_sent_away(self) -> None:
        self.client.post(f"{self.url}/close")
        response = self.bobs.get(f"{self.url}?stamp=x", headers=HTMX)
        self.assertEqual((response.status_code, response["HX-Redirect"]), (404, "/night"))
        self.assertContains(self.bobs.get("/night"), "That room is closed, or you are not in it.")

    def test_a_room_that_is_closed_in_this_very_moment_is_gone_too(self) -> None:
        """Between the look at who asks and the answer."""

        def closing(night: Night) -> str:
            Night.objects.filter(pk=night.pk).delete()
            return "stamp"

        for number, headers in enumerate(({}, HTMX)):
            night = nights.open_night(host=self.alice, name="Ana")
            with mock.patch("cinema.night_views.stamp_of", closing):
                self.assertEqual(self.client.get(f"/night/{night.pk}", headers=headers).status_code, 404, number)

    @override_settings(THROTTLE_RATES={"night": 2})
    def test_it_slows_down_a_flood(self) -> None:
        films = self.listed()
        for film in films[:2]:
            self.client.post(f"{self.url}/watched", {"movie": film})
        response = self.client.post(f"{self.url}/watched", {"movie": films[2]})
        self.assertContains(response, "Slow down", status_code=429)
        response = self.client.post(f"{self.url}/watched", {"movie": films[2]}, headers=HTMX)
        self.assertContains(response, "Those were many changes", status_code=429)
        self.assertGreater(int(response["Retry-After"]), 0)
        self.assertEqual(NightPick.objects.count(), 2)


class GuestRatingsTestCase(NightTestCase):
    def test_it_works(self) -> None:
        guest = self.guest()
        page = guest.get(f"{self.url}/ratings")
        self.assertContains(page, 'type="radio"', count=10 * 11)
        self.assertContains(page, "Not seen", count=10)
        films = [field for _, field, _ in page.context["films"]]
        response = guest.post(f"{self.url}/ratings", {films[0]: "4.5", films[1]: "1.0", films[2]: ""}, follow=True)
        self.assertRedirects(response, self.url)
        self.assertContains(response, "The room knows 2 ratings of yours.")
        self.assertEqual(sorted(NightRating.objects.values_list("value", flat=True)), [1.0, 4.5])
        # And shows them again, to be changed.
        self.assertContains(guest.get(f"{self.url}/ratings"), " checked", count=10)

    def test_it_shows_others_when_asked(self) -> None:
        guest = self.guest()
        first = {field for _, field, _ in guest.get(f"{self.url}/ratings").context["films"]}
        response = guest.post(f"{self.url}/ratings", {"then": "more"})
        self.assertRedirects(response, f"{self.url}/ratings?page=2")
        second = {field for _, field, _ in guest.get(f"{self.url}/ratings?page=2").context["films"]}
        self.assertFalse(first & second)
        for page in ("0", "-1", "x", "99999", "٣", "²", ""):
            self.assertEqual(guest.get(f"{self.url}/ratings", {"page": page}).status_code, 200, page)

    def test_it_refuses_what_is_no_rating_and_films_that_it_did_not_ask_about(self) -> None:
        guest = self.guest()
        field = guest.get(f"{self.url}/ratings").context["films"][0][1]
        for value in ("0", "0.7", "5.5", "NaN", "x"):
            response = guest.post(f"{self.url}/ratings", {field: value})
            self.assertContains(response, "Choose half a star to five stars", status_code=422)
        guest.post(f"{self.url}/ratings", {"film-600000": "4.0"})
        self.assertFalse(NightRating.objects.exists())

    def test_accounts_rate_where_they_always_do(self) -> None:
        self.assertRedirects(self.client.get(f"{self.url}/ratings"), "/#rate")
